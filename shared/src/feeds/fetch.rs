//! Fetching a feed from a server that nobody vouches for.
//!
//! One fetch is one [`Fetcher::fetch`]: a conditional GET (RFC 9110, section
//! 13.1) that reaches public addresses only, follows three redirects at most,
//! each checked anew, and is over after 15 seconds or 5 MB, whatever the server
//! does. Compression is undone here and counted as it comes out, so a small
//! body that unpacks to a large one is stopped at the same size.

use std::error::Error as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use flate2::write::GzDecoder;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, DATE, ETAG, HeaderMap,
    HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RETRY_AFTER,
};
use reqwest::{Response, redirect};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use url::Url;

use super::address::{self, AddressError, PublicResolver};

/// The longest document, in bytes, unpacked.
pub const DOCUMENT_MAX: usize = 5 * 1024 * 1024;
/// How long a fetch may take, redirects and all.
pub const DEADLINE: Duration = Duration::from_secs(15);
/// How many redirects are followed.
pub const REDIRECTS_MAX: usize = 3;

/// A longer validator than any server needs is not kept.
const VALIDATOR_MAX: usize = 1_000;
const ACCEPTED: &str = "application/rss+xml, application/atom+xml, application/feed+json, \
    application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5";

/// What is kept of a document for asking later whether it has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// The `ETag`, as the server wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The `Last-Modified`, as the server wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// How long the feed itself asks to be left alone, in seconds: a server that
    /// says "unchanged" doesn't repeat it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
}

impl Validators {
    fn ask_whether_changed(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }
}

/// What a fetch brought.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Where the document came from, after all redirects.
    pub url: Url,
    /// The feed's new address, when the server says that it has moved for good.
    pub moved_to: Option<Url>,
    /// How long the server says its answer stays fresh (`Cache-Control: max-age`).
    pub max_age: Option<Duration>,
    /// None when nothing has changed since the validators were given.
    pub document: Option<Document>,
}

/// A document as it came, unpacked.
#[derive(Clone, Debug)]
pub struct Document {
    /// At most [`DOCUMENT_MAX`] of them.
    pub bytes: Vec<u8>,
    /// The `Content-Type`, as the server wrote it.
    pub content_type: Option<String>,
    /// For the next fetch.
    pub validators: Validators,
}

/// Why there is no document. `Display` is for logs and has nothing in it that a
/// user or a server wrote; [`Self::sentence`] is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address may not be fetched from.
    #[error("{error} (by redirect: {redirected})")]
    Address {
        /// Why not.
        error: AddressError,
        /// It is not the feed's address but one that the server sent on to.
        redirected: bool,
    },
    /// No connection.
    #[error("the feed's server cannot be reached: {0:?}")]
    Unreachable(io::ErrorKind),
    /// A connection, but no TLS: a wrong certificate, or none.
    #[error("the feed's server failed the TLS handshake")]
    Insecure,
    /// The [`DEADLINE`] passed.
    #[error("the feed's server was too slow")]
    TooSlow,
    /// More than [`DOCUMENT_MAX`].
    #[error("the document is too large")]
    TooLarge,
    /// The connection ended before the document did.
    #[error("the document was cut off")]
    CutOff,
    /// More than [`REDIRECTS_MAX`] redirects.
    #[error("too many redirects")]
    TooManyRedirects,
    /// A redirect to no address that can be read.
    #[error("a redirect leads nowhere")]
    BadRedirect,
    /// A redirect from https to http, where anyone on the way could write the
    /// articles.
    #[error("a redirect leads from https to http")]
    Downgrade,
    /// Compressed in a way that was not asked for, or brokenly.
    #[error("the document's content encoding cannot be undone")]
    Encoding,
    /// Gone for good (410).
    #[error("the feed is gone")]
    Gone,
    /// Not there (404).
    #[error("the feed is not found")]
    NotFound,
    /// Not for everyone (401, 402, 403, 407, 451).
    #[error("the feed is refused with status {status}")]
    Forbidden {
        /// The HTTP status.
        status: u16,
    },
    /// Asked too often, or out of service for now (429, 503).
    #[error("the feed's server is busy with status {status} (retry after {retry_after:?})")]
    Busy {
        /// The HTTP status.
        status: u16,
        /// When the server asks to be tried again, from now.
        retry_after: Option<Duration>,
    },
    /// The server is out of order (408 and other 5xx).
    #[error("the feed's server failed with status {status}")]
    Failed {
        /// The HTTP status.
        status: u16,
    },
    /// Any other status.
    #[error("the feed's server answered with status {status}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
    },
}

impl FetchError {
    /// What happened and what to do, for the person who follows the feed.
    pub fn sentence(&self) -> String {
        match self {
            Self::Address { error, redirected: false } => match error {
                AddressError::Scheme => "A feed's address must start with http:// or https://.",
                AddressError::Credentials => {
                    "A feed's address must not have a user name or password in it. Feeds that ask for \
                     one can't be followed."
                }
                AddressError::Port => {
                    "The feed's address names a port that is not used for web pages. Leave the port out, \
                     or use 80, 443 or one from 1024 up."
                }
                AddressError::NotPublic => {
                    "The feed's address is not on the public internet, so it is not fetched. Use an \
                     address that everyone can reach."
                }
                AddressError::UnknownHost => {
                    "The feed's server is not known by that name. Check the spelling of the address; \
                     if it is right, the feed is tried again later."
                }
            },
            Self::Address { error: AddressError::UnknownHost, redirected: true } => {
                "The feed's server sends on to a server that is not known. The feed is tried again later."
            }
            Self::Address { redirected: true, .. } => {
                "The feed's server sends on to an address that is not fetched: only http and https \
                 addresses on the public internet are. Look for the feed's current address on its site."
            }
            Self::Unreachable(_) => {
                "The feed's server can't be reached. The feed is tried again later; check its address \
                 if this lasts."
            }
            Self::Insecure => {
                "The feed's server could not prove who it is (its certificate is wrong or missing). The \
                 feed is tried again later."
            }
            Self::TooSlow => {
                "The feed's server did not send the feed within 15 seconds. The feed is tried again later."
            }
            Self::TooLarge => {
                "The feed is larger than 5 MB, so it was not read. Look for a shorter feed of the same site."
            }
            Self::CutOff => {
                "The connection to the feed's server broke before the feed was complete. The feed is \
                 tried again later."
            }
            Self::TooManyRedirects => {
                "The feed's server sends on from address to address, more than 3 times. Look for the \
                 feed's current address on its site."
            }
            Self::BadRedirect => {
                "The feed's server sends on to another address but does not say a valid one. Look for the \
                 feed's current address on its site."
            }
            Self::Downgrade => {
                "The feed's server sends on from a secure address (https) to one that is not (http), which \
                 is not followed. Look for the feed's current address on its site."
            }
            Self::Encoding => {
                "The feed's server packed the feed in a way that can't be unpacked. The feed is tried \
                 again later."
            }
            Self::Gone => {
                "The feed's server says that the feed is gone for good. The articles collected so far are \
                 kept. Look for a new address on its site, or unfollow the feed."
            }
            Self::NotFound => {
                "There is nothing at the feed's address (404). Check the address, or look for the current \
                 one on its site."
            }
            Self::Forbidden { .. } => {
                "The feed's server does not give the feed to everyone: it asks for a login or refuses \
                 programs. Such a feed can't be followed."
            }
            Self::Busy { .. } => {
                "The feed's server asks to be left alone for now. The feed is tried again later."
            }
            Self::Failed { .. } => "The feed's server is out of order. The feed is tried again later.",
            Self::Unexpected { status } => {
                return format!(
                    "The feed's server answered in an unexpected way (status {status}). Check that the \
                     address opens in a browser."
                );
            }
        }
        .into()
    }

    /// Whether the same address can work later, with nobody doing anything
    /// about it here.
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Address { error, .. } => *error == AddressError::UnknownHost,
            Self::Unreachable(_)
            | Self::Insecure
            | Self::TooSlow
            | Self::CutOff
            | Self::Encoding
            | Self::Busy { .. }
            | Self::Failed { .. } => true,
            Self::TooLarge
            | Self::TooManyRedirects
            | Self::BadRedirect
            | Self::Downgrade
            | Self::Gone
            | Self::NotFound
            | Self::Forbidden { .. }
            | Self::Unexpected { .. } => false,
        }
    }

    /// When the server asks to be tried again, from when it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Fetches feeds. One serves them all; it keeps nothing between two fetches.
#[derive(Clone, Debug)]
pub struct Fetcher {
    http: reqwest::Client,
    also_allowed: Vec<SocketAddr>,
    deadline: Duration,
}

impl Fetcher {
    /// A fetcher of public addresses, by no proxy. Fails when the machine's
    /// certificates can't be loaded.
    ///
    /// `also_allowed` is for tests with a server of their own: exact addresses
    /// that may be reached all the same, when a URL has them written out.
    pub fn new(also_allowed: Vec<SocketAddr>) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("prompt-workshop/", env!("CARGO_PKG_VERSION"), " (feed collector)"))
            .dns_resolver(PublicResolver)
            .redirect(redirect::Policy::none())
            .no_proxy()
            // A connection that is kept could outlive the check of its address.
            .pool_max_idle_per_host(0)
            // Whatever another crate switches on: unpacking is done here.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .build()?;
        Ok(Self { http, also_allowed, deadline: DEADLINE })
    }

    /// With another deadline than [`DEADLINE`].
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Checks what can be told of an address without asking anyone.
    ///
    /// # Errors
    /// [`FetchError::Address`].
    pub fn check(&self, url: &Url) -> Result<(), FetchError> {
        let unfetchable = |error| FetchError::Address { error, redirected: false };
        address::check(url, &self.also_allowed).map_err(unfetchable)
    }

    /// Fetches what is at `url`, unless it is the same as when `validators`
    /// were given.
    ///
    /// # Errors
    /// Whatever keeps the document from being had whole; see [`FetchError`].
    pub async fn fetch(&self, url: &Url, validators: &Validators) -> Result<Fetched, FetchError> {
        timeout(self.deadline, self.follow(url, validators)).await.unwrap_or(Err(FetchError::TooSlow))
    }

    async fn follow(&self, start: &Url, validators: &Validators) -> Result<Fetched, FetchError> {
        let mut url = start.clone();
        url.set_fragment(None);
        let mut moved_to = None;
        let mut moved_for_good = true;
        for redirects in 0..=REDIRECTS_MAX {
            let response = self.get(&url, validators, redirects > 0).await?;
            let status = response.status().as_u16();
            match status {
                301 | 302 | 303 | 307 | 308 => {
                    let next = redirect_target(&url, response.headers())?;
                    // What comes behind a redirect for now is for now.
                    moved_for_good &= matches!(status, 301 | 308);
                    if moved_for_good {
                        moved_to = Some(next.clone());
                    }
                    url = next;
                }
                206 => return Err(FetchError::Unexpected { status }),
                200..=299 => {
                    let max_age = max_age(response.headers());
                    let document = Some(read(response).await?);
                    return Ok(Fetched { url, moved_to, max_age, document });
                }
                304 if validators.ask_whether_changed() => {
                    let max_age = max_age(response.headers());
                    return Ok(Fetched { url, moved_to, max_age, document: None });
                }
                _ => return Err(refusal(&response)),
            }
        }
        Err(FetchError::TooManyRedirects)
    }

    async fn get(
        &self,
        url: &Url,
        validators: &Validators,
        redirected: bool,
    ) -> Result<Response, FetchError> {
        address::check(url, &self.also_allowed).map_err(|error| FetchError::Address { error, redirected })?;
        let mut request = self.http.get(url.clone()).header(ACCEPT, ACCEPTED).header(ACCEPT_ENCODING, "gzip");
        if let Some(etag) = &validators.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(last_modified) = &validators.last_modified {
            request = request.header(IF_MODIFIED_SINCE, last_modified);
        }
        request.send().await.map_err(|error| unanswered(&error, redirected))
    }
}

fn redirect_target(from: &Url, headers: &HeaderMap) -> Result<Url, FetchError> {
    let location = headers.get(LOCATION).ok_or(FetchError::BadRedirect)?;
    let location = str::from_utf8(location.as_bytes()).map_err(|_| FetchError::BadRedirect)?;
    let mut target = from.join(location).map_err(|_| FetchError::BadRedirect)?;
    target.set_fragment(None);
    if from.scheme() == "https" && target.scheme() == "http" {
        return Err(FetchError::Downgrade);
    }
    Ok(target)
}

/// Why a request got no response.
fn unanswered(error: &reqwest::Error, redirected: bool) -> FetchError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(error) = inner.downcast_ref::<AddressError>() {
            return FetchError::Address { error: *error, redirected };
        }
        if let Some(inner) = inner.downcast_ref::<io::Error>().filter(|_| error.is_connect()) {
            // What rustls finds wrong with the other side comes as invalid data.
            return match innermost(inner).kind() {
                io::ErrorKind::InvalidData => FetchError::Insecure,
                kind => FetchError::Unreachable(kind),
            };
        }
        cause = inner.source();
    }
    if error.is_connect() { FetchError::Unreachable(io::ErrorKind::Other) } else { FetchError::CutOff }
}

/// The I/O error that others are wrapped around.
fn innermost(error: &io::Error) -> &io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>());
    inner.map_or(error, innermost)
}

/// What a status that is no success says.
fn refusal(response: &Response) -> FetchError {
    match response.status().as_u16() {
        410 => FetchError::Gone,
        404 => FetchError::NotFound,
        status @ (401..=403 | 407 | 451) => FetchError::Forbidden { status },
        status @ (429 | 503) => FetchError::Busy { status, retry_after: retry_after(response.headers()) },
        status @ (408 | 500..) => FetchError::Failed { status },
        status => FetchError::Unexpected { status },
    }
}

/// Reads the body piece by piece, unpacking it, up to [`DOCUMENT_MAX`] on both sides.
async fn read(mut response: Response) -> Result<Document, FetchError> {
    let announced = response.content_length().unwrap_or_default();
    if announced > DOCUMENT_MAX as u64 {
        return Err(FetchError::TooLarge);
    }
    let mut unpacking = Unpacking::by(response.headers())?;
    let mut received = 0;
    while let Some(piece) = response.chunk().await.map_err(|_| FetchError::CutOff)? {
        received += piece.len();
        if received > DOCUMENT_MAX {
            return Err(FetchError::TooLarge);
        }
        unpacking.take(&piece)?;
    }
    let header = |name| header(response.headers(), name).map(str::to_owned);
    let validator = |name| header(name).filter(|value| value.len() <= VALIDATOR_MAX);
    Ok(Document {
        bytes: unpacking.finish()?,
        content_type: header(CONTENT_TYPE),
        validators: Validators {
            etag: validator(ETAG),
            last_modified: validator(LAST_MODIFIED),
            ttl_seconds: None,
        },
    })
}

/// A body on its way in, by its `Content-Encoding`.
enum Unpacking {
    Plain(Capped),
    Gzip(Box<GzDecoder<Capped>>),
}

impl Unpacking {
    fn by(headers: &HeaderMap) -> Result<Self, FetchError> {
        let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().trim_ascii());
        match encoding.map(<[u8]>::to_ascii_lowercase).as_deref() {
            None | Some(b"" | b"identity") => Ok(Self::Plain(Capped::default())),
            Some(b"gzip" | b"x-gzip") => Ok(Self::Gzip(Box::new(GzDecoder::new(Capped::default())))),
            Some(_) => Err(FetchError::Encoding),
        }
    }

    fn take(&mut self, mut piece: &[u8]) -> Result<(), FetchError> {
        match self {
            Self::Plain(document) => document.write_all(piece).map_err(|error| unpacked(&error)),
            Self::Gzip(decoder) => {
                while !piece.is_empty() {
                    match decoder.write(piece).map_err(|error| unpacked(&error))? {
                        // What follows the end of the packed data is nobody's.
                        0 => break,
                        taken => piece = piece.get(taken..).unwrap_or_default(),
                    }
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<Vec<u8>, FetchError> {
        match self {
            Self::Plain(document) => Ok(document.0),
            Self::Gzip(decoder) => {
                decoder.finish().map(|document| document.0).map_err(|error| unpacked(&error))
            }
        }
    }
}

fn unpacked(error: &io::Error) -> FetchError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => FetchError::TooLarge,
        io::ErrorKind::UnexpectedEof => FetchError::CutOff,
        _ => FetchError::Encoding,
    }
}

/// Bytes, up to [`DOCUMENT_MAX`].
#[derive(Default)]
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > DOCUMENT_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `max-age` of `Cache-Control` (RFC 9111, section 5.2.2.1).
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = header(headers, CACHE_CONTROL)?;
    directives.split(',').find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let seconds = value.trim().trim_matches('"').parse().ok()?;
        name.trim().eq_ignore_ascii_case("max-age").then_some(Duration::from_secs(seconds))
    })
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, which is
/// counted from the response's own `Date` so that the two clocks need not agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = header(headers, RETRY_AFTER)?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let dates = jiff::fmt::rfc2822::DateTimeParser::new();
    let until = dates.parse_timestamp(value).ok()?;
    let now = dates.parse_timestamp(header(headers, DATE)?).ok()?;
    let seconds = until.as_second().saturating_sub(now.as_second());
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn every_error() -> Vec<FetchError> {
        let address = |error, redirected| FetchError::Address { error, redirected };
        vec![
            address(AddressError::Scheme, false),
            address(AddressError::Credentials, false),
            address(AddressError::Port, false),
            address(AddressError::NotPublic, false),
            address(AddressError::UnknownHost, false),
            address(AddressError::NotPublic, true),
            address(AddressError::UnknownHost, true),
            FetchError::Unreachable(io::ErrorKind::ConnectionRefused),
            FetchError::Insecure,
            FetchError::TooSlow,
            FetchError::TooLarge,
            FetchError::CutOff,
            FetchError::TooManyRedirects,
            FetchError::BadRedirect,
            FetchError::Downgrade,
            FetchError::Encoding,
            FetchError::Gone,
            FetchError::NotFound,
            FetchError::Forbidden { status: 403 },
            FetchError::Busy { status: 429, retry_after: None },
            FetchError::Failed { status: 500 },
            FetchError::Unexpected { status: 418 },
        ]
    }

    #[test]
    fn every_sentence_is_whole_and_differs_from_the_others() {
        let mut sentences: Vec<_> = every_error().iter().map(FetchError::sentence).collect();
        for sentence in &sentences {
            assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
        }
        sentences.sort();
        let count = sentences.len();
        sentences.dedup();
        assert_eq!(sentences.len(), count);
    }

    #[test]
    fn a_feed_that_is_tried_again_says_so_and_no_other_does() {
        for error in every_error() {
            assert_eq!(error.sentence().contains("tried again"), error.may_retry(), "{error:?}");
        }
    }

    #[test]
    fn a_redirect_may_make_a_connection_secure_and_never_the_reverse() {
        let target = |from: &str, to: &str| {
            let target = redirect_target(&Url::parse(from).unwrap(), &headers(&[(LOCATION, to)]));
            target.map(String::from)
        };
        assert_eq!(target("http://a.example/x", "https://a.example/y").unwrap(), "https://a.example/y");
        assert_eq!(target("https://a.example/x/", "../y#z").unwrap(), "https://a.example/y");
        assert_eq!(target("https://a.example/x", "//b.example").unwrap(), "https://b.example/");
        assert_eq!(target("https://a.example/x", "http://a.example/y"), Err(FetchError::Downgrade));
    }

    #[test]
    fn freshness_is_read_from_max_age() {
        let age = |value| max_age(&headers(&[(CACHE_CONTROL, value)])).map(|age| age.as_secs());
        assert_eq!(age("public, Max-Age=3600, s-maxage=5"), Some(3600));
        assert_eq!(age("max-age=\"60\""), Some(60));
        assert_eq!(age("no-cache"), None);
        assert_eq!(age("max-age=soon"), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_counted_from_the_servers_own_clock() {
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "7")])), Some(Duration::from_secs(7)));
        let until = (RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT");
        let date = headers(&[until.clone(), (DATE, "Sun, 06 Nov 1994 08:49:37 GMT")]);
        assert_eq!(retry_after(&date), Some(Duration::from_secs(30)));
        for unreadable in [headers(&[until]), headers(&[(RETRY_AFTER, "soon")]), headers(&[])] {
            assert_eq!(retry_after(&unreadable), None);
        }
    }
}
