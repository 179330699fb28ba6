//! What a feed's server can do to whoever fetches from it: send on to where
//! nobody else gets, send too much, too slowly, in pieces, packed, in the wrong
//! letters, or something else altogether. A real server plays scripted
//! HTTP/1.1 bytes on a loopback port; each fault has its outcome in words.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

use std::collections::VecDeque;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use shared::domain::time::Timestamp;
use shared::feeds::address::AddressError;
use shared::feeds::fetch::DOCUMENT_MAX;
use shared::feeds::{CollectError, Collected, FetchError, Fetcher, ParseError, Validators, collect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use url::Url;

/// What the server does next on a connection.
enum Step {
    Send(Vec<u8>),
    /// Sends the same again and again until the client hangs up, with a pause each time.
    Repeat(Vec<u8>, Duration),
    /// Says no more and waits until the client hangs up.
    Hold,
}

/// A server that plays one reply a connection, in order, whatever is asked.
struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    sent: AtomicUsize,
}

impl Server {
    async fn playing(replies: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let mut replies: VecDeque<_> = replies.into_iter().collect();
        let task = tokio::spawn({
            let seen = seen.clone();
            async move {
                while let Ok((connection, _)) = listener.accept().await {
                    serve(connection, replies.pop_front().unwrap_or_default(), &seen).await;
                }
            }
        });
        Self { address, seen, task }
    }

    fn url(&self) -> Url {
        Url::parse(&format!("http://{}/news/feed.xml", self.address)).unwrap()
    }

    /// A fetcher that reaches this server, and nothing else that is not public.
    fn fetcher(&self) -> Fetcher {
        Fetcher::new(vec![self.address]).unwrap()
    }

    async fn collected(&self) -> Result<Collected, CollectError> {
        collect(&self.fetcher(), &self.url(), &Validators::default(), now()).await
    }

    fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// Bytes that the client's side has taken, its socket's buffers included.
    fn sent(&self) -> usize {
        self.seen.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut connection: TcpStream, reply: Vec<Step>, seen: &Seen) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if connection.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    seen.requests.lock().unwrap().push(String::from_utf8(head).unwrap().to_lowercase());
    for step in reply {
        match step {
            Step::Send(bytes) => {
                for piece in bytes.chunks(16_384) {
                    if connection.write_all(piece).await.is_err() {
                        return;
                    }
                    seen.sent.fetch_add(piece.len(), Ordering::Relaxed);
                }
            }
            Step::Repeat(bytes, pause) => {
                while connection.write_all(&bytes).await.is_ok() {
                    seen.sent.fetch_add(bytes.len(), Ordering::Relaxed);
                    sleep(pause).await;
                }
                return;
            }
            Step::Hold => {
                let _ = connection.read(&mut [0]).await;
                return;
            }
        }
    }
}

/// A response with a whole body.
fn response(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<Step> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    vec![Step::Send([head.as_bytes(), body].concat())]
}

fn redirect(status: u16, to: impl AsRef<str>) -> Vec<Step> {
    response(status, &format!("Location: {}\r\n", to.as_ref()), "")
}

fn feed() -> String {
    "<rss version='2.0'><channel><title>The Paper</title><ttl>60</ttl>\
        <item><title>Chips</title><link>/a</link><description>Text.</description></item></channel></rss>"
        .into()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn now() -> Timestamp {
    "2026-11-21T09:30:00Z".parse().unwrap()
}

/// The titles of the articles that one reply brings.
async fn titles(reply: Vec<Step>) -> Vec<String> {
    let feed = Server::playing([reply]).await.collected().await.unwrap().feed.unwrap();
    feed.entries.into_iter().map(|entry| entry.unwrap().title).collect()
}

/// Why one reply brings nothing, with the sentence for people in lower case.
async fn failure(reply: Vec<Step>) -> (CollectError, String) {
    let error = Server::playing([reply]).await.collected().await.unwrap_err();
    let sentence = error.sentence().to_lowercase();
    assert!(!sentence.contains("127.0.0.1"), "{sentence}");
    (error, sentence)
}

fn refused(error: AddressError, redirected: bool) -> CollectError {
    FetchError::Address { error, redirected }.into()
}

#[tokio::test]
async fn a_feed_is_collected_and_its_server_is_asked_as_feeds_are() {
    let headers = "Content-Type: application/rss+xml\r\nETag: W/\"abc\"\r\n\
        Last-Modified: Fri, 20 Nov 2026 08:00:00 GMT\r\nCache-Control: max-age=600\r\n";
    let server = Server::playing([response(200, headers, feed())]).await;
    let collected = server.collected().await.unwrap();
    let read = collected.feed.unwrap();
    let article = read.entries[0].as_ref().unwrap();
    assert_eq!(article.url, server.url().join("/a").unwrap().as_str());
    assert_eq!((article.source.as_deref(), article.published_at), (Some("The Paper"), now()));
    assert_eq!(collected.validators.etag.as_deref(), Some("W/\"abc\""));
    assert_eq!(collected.validators.last_modified.as_deref(), Some("Fri, 20 Nov 2026 08:00:00 GMT"));
    assert_eq!((collected.asked_pause, collected.moved_to), (Some(Duration::from_secs(3600)), None));
    assert_eq!(collected.validators.ttl_seconds, Some(3600));

    let request = server.requests().remove(0);
    assert!(request.starts_with("get /news/feed.xml http/1.1\r\n"), "{request}");
    assert!(request.contains("user-agent: prompt-workshop/"), "{request}");
    assert!(request.contains("accept: application/rss+xml, application/atom+xml"), "{request}");
    assert!(request.contains("accept-encoding: gzip\r\n"), "{request}");
    assert!(!request.contains("if-none-match") && !request.contains("if-modified-since"), "{request}");
}

#[tokio::test]
async fn an_unchanged_feed_is_not_sent_again() {
    let unchanged = |headers: &str| response(304, headers, "");
    let server = Server::playing([unchanged(""), unchanged("Cache-Control: max-age=7200\r\n")]).await;
    let validators = Validators {
        etag: Some("\"abc\"".into()),
        last_modified: Some("Fri, 20 Nov 2026 08:00:00 GMT".into()),
        ttl_seconds: Some(3600),
    };
    for asked_pause in [3600, 7200] {
        let collected = collect(&server.fetcher(), &server.url(), &validators, now()).await.unwrap();
        assert!(collected.feed.is_none());
        assert_eq!(collected.validators, validators);
        assert_eq!(collected.asked_pause, Some(Duration::from_secs(asked_pause)));
    }
    let request = server.requests().remove(0);
    assert!(request.contains("if-none-match: \"abc\"\r\n"), "{request}");
    assert!(request.contains("if-modified-since: fri, 20 nov 2026 08:00:00 gmt\r\n"), "{request}");
}

#[tokio::test]
async fn a_feed_that_is_unchanged_without_having_been_asked_so_is_an_error() {
    let (error, _) = failure(response(304, "", "")).await;
    assert_eq!(error, FetchError::Unexpected { status: 304 }.into());
}

#[tokio::test]
async fn statuses_say_what_becomes_of_the_feed() {
    for (status, expected, words, may_retry) in [
        (410, FetchError::Gone, "gone for good", false),
        (404, FetchError::NotFound, "nothing at the feed's address", false),
        (401, FetchError::Forbidden { status: 401 }, "asks for a login", false),
        (403, FetchError::Forbidden { status: 403 }, "refuses programs", false),
        (500, FetchError::Failed { status: 500 }, "out of order", true),
        (418, FetchError::Unexpected { status: 418 }, "status 418", false),
        (206, FetchError::Unexpected { status: 206 }, "status 206", false),
    ] {
        let (error, sentence) = failure(response(status, "", feed())).await;
        assert_eq!(error, expected.into());
        assert!(sentence.contains(words), "{sentence}");
        assert_eq!(error.may_retry(), may_retry, "{status}");
        assert_eq!(error.failure().gone, status == 410);
    }
}

#[tokio::test]
async fn a_server_that_is_busy_is_left_alone_as_long_as_it_asks() {
    let date = "Retry-After: Sat, 21 Nov 2026 10:30:00 GMT\r\nDate: Sat, 21 Nov 2026 09:30:00 GMT\r\n";
    for (status, headers, seconds) in [(429, "Retry-After: 120\r\n", 120), (503, date, 3600)] {
        let (error, sentence) = failure(response(status, headers, "")).await;
        let retry_after = Some(Duration::from_secs(seconds));
        assert_eq!(error, FetchError::Busy { status, retry_after }.into());
        assert_eq!(error.failure().retry_after, retry_after);
        assert!(sentence.contains("left alone"), "{sentence}");
    }
}

#[tokio::test]
async fn nothing_inside_is_reached_by_the_address_itself() {
    let server = Server::playing([response(200, "", feed())]).await;
    let port = server.address.port();
    let fetcher = Fetcher::new(vec![]).unwrap();
    for (url, expected) in [
        (format!("http://127.0.0.1:{port}/"), AddressError::NotPublic),
        (format!("http://2130706433:{port}/"), AddressError::NotPublic),
        (format!("http://[::1]:{port}/"), AddressError::NotPublic),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), AddressError::NotPublic),
        ("http://169.254.169.254/latest/meta-data/".into(), AddressError::NotPublic),
        ("http://[fd00:ec2::254]/latest/meta-data/".into(), AddressError::NotPublic),
        (format!("http://localhost:{port}/"), AddressError::NotPublic),
        ("file:///etc/passwd".into(), AddressError::Scheme),
        ("ftp://example.com/feed".into(), AddressError::Scheme),
        ("http://user:word@example.com/feed".into(), AddressError::Credentials),
        ("http://example.com:25/".into(), AddressError::Port),
        ("http://no-such-host.invalid/".into(), AddressError::UnknownHost),
    ] {
        let url = Url::parse(&url).unwrap();
        let error = collect(&fetcher, &url, &Validators::default(), now()).await.unwrap_err();
        assert_eq!(error, refused(expected, false), "{url}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn nothing_inside_is_reached_by_a_redirect() {
    let inside = Server::playing([response(200, "", feed())]).await;
    let port = inside.address.port();
    for (to, expected) in [
        (format!("http://127.0.0.1:{port}/"), AddressError::NotPublic),
        (format!("http://0x7f.1:{port}/"), AddressError::NotPublic),
        (format!("http://[::1]:{port}/"), AddressError::NotPublic),
        ("http://169.254.169.254/latest/meta-data/".into(), AddressError::NotPublic),
        (format!("http://localhost:{port}/"), AddressError::NotPublic),
        (format!("//localhost:{port}/"), AddressError::NotPublic),
        ("file:///etc/passwd".into(), AddressError::Scheme),
        ("ftp://example.com/feed".into(), AddressError::Scheme),
        ("http://user@example.com/".into(), AddressError::Credentials),
        ("http://example.com:22/".into(), AddressError::Port),
    ] {
        let (error, sentence) = failure(redirect(302, &to)).await;
        assert_eq!(error, refused(expected, true), "{to}");
        assert!(sentence.contains("sends on to an address that is not fetched"), "{sentence}");
        assert!(!error.may_retry());
    }
    assert!(inside.requests().is_empty());
}

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    let hops = |count| (0..count).map(|n| redirect(302, format!("/{n}"))).collect::<Vec<_>>();
    let server = Server::playing(hops(3).into_iter().chain([response(200, "", feed())])).await;
    let collected = server.collected().await.unwrap();
    assert_eq!((server.requests().len(), collected.moved_to), (4, None));

    let server = Server::playing(hops(10)).await;
    let error = server.collected().await.unwrap_err();
    assert_eq!((error.clone(), server.requests().len()), (FetchError::TooManyRedirects.into(), 4));
    assert!(error.sentence().contains("more than 3 times"));
}

#[tokio::test]
async fn a_move_for_good_is_told_as_far_as_it_is_for_good() {
    let server = Server::playing([
        redirect(301, "/moved"),
        redirect(308, "../again?x=1#part"),
        redirect(302, "/today"),
        response(200, "", feed()),
    ])
    .await;
    let moved_to = server.collected().await.unwrap().moved_to.unwrap();
    assert_eq!((moved_to.path(), moved_to.query(), moved_to.fragment()), ("/again", Some("x=1"), None));
    assert!(server.requests()[3].starts_with("get /today "));

    let server =
        Server::playing([redirect(307, "/today"), redirect(301, "/x"), response(200, "", feed())]).await;
    assert_eq!(server.collected().await.unwrap().moved_to, None);
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_told() {
    for reply in [response(302, "", ""), redirect(301, "http://[broken"), redirect(301, "http:// /")] {
        let (error, sentence) = failure(reply).await;
        assert_eq!(error, FetchError::BadRedirect.into());
        assert!(sentence.contains("does not say a valid one"), "{sentence}");
    }
}

#[tokio::test]
async fn fifty_megabytes_are_refused_before_they_are_read() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n";
    let reply = vec![Step::Send(head.into()), Step::Repeat(vec![b'x'; 16_384], Duration::from_millis(1))];
    let server = Server::playing([reply]).await;
    let error = server.collected().await.unwrap_err();
    assert_eq!(error, FetchError::TooLarge.into());
    assert!(error.sentence().contains("larger than 5 MB"));
    assert!(server.sent() < DOCUMENT_MAX, "{}", server.sent());
}

#[tokio::test]
async fn an_endless_body_is_read_to_the_limit_and_no_further() {
    let endless = |head: &str, piece: Vec<u8>| {
        vec![Step::Send(format!("HTTP/1.1 200 OK\r\n{head}\r\n").into()), Step::Repeat(piece, Duration::ZERO)]
    };
    let chunk = [b"4000\r\n".as_slice(), &[b'x'; 0x4000], b"\r\n"].concat();
    for reply in [
        endless("Transfer-Encoding: chunked\r\n", chunk),
        endless("Connection: close\r\n", vec![b' '; 0x4000]),
    ] {
        let server = Server::playing([reply]).await;
        assert_eq!(server.collected().await.unwrap_err(), FetchError::TooLarge.into());
        // The rest is what the two sockets hold.
        assert!(server.sent() < DOCUMENT_MAX * 4, "{}", server.sent());
    }
}

#[tokio::test]
async fn a_feed_may_be_packed_and_a_bomb_is_stopped_while_it_unpacks() {
    let packed = |bytes: &[u8]| response(200, "Content-Encoding: gzip\r\n", bytes);
    assert_eq!(titles(packed(&gzip(feed().as_bytes()))).await, ["Chips"]);
    let trailing = [&gzip(feed().as_bytes())[..], b"more"].concat();
    assert_eq!(titles(packed(&trailing)).await, ["Chips"]);

    let bomb = gzip(&vec![b' '; 30_000_000]);
    assert!(bomb.len() < 50_000);
    let (error, sentence) = failure(packed(&bomb)).await;
    assert_eq!(error, FetchError::TooLarge.into());
    assert!(sentence.contains("larger than 5 mb"), "{sentence}");

    let whole = gzip(feed().as_bytes());
    let cut = packed(whole.get(..whole.len() - 12).unwrap());
    assert_eq!(failure(cut).await.0, FetchError::CutOff.into());
    for unreadable in [packed(b"<rss version='2.0'>"), response(200, "Content-Encoding: br\r\n", "x")] {
        let (error, sentence) = failure(unreadable).await;
        assert_eq!(error, FetchError::Encoding.into());
        assert!(sentence.contains("can't be unpacked"), "{sentence}");
    }
}

#[tokio::test]
async fn a_server_has_so_long_for_everything_however_it_spends_it() {
    let drip = || {
        vec![
            Step::Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".into()),
            Step::Repeat(vec![b' '], Duration::from_millis(20)),
        ]
    };
    let slow_hops = vec![redirect(302, "/1"), redirect(302, "/2"), vec![Step::Hold]];
    let slow_head = vec![
        Step::Send("HTTP/1.1 200 OK\r\nX-Slow: ".into()),
        Step::Repeat(b"x".to_vec(), Duration::from_millis(20)),
    ];
    for replies in [vec![drip()], vec![vec![Step::Hold]], slow_hops, vec![slow_head]] {
        let server = Server::playing(replies).await;
        let fetcher = server.fetcher().within(Duration::from_millis(300));
        let start = Instant::now();
        let error = collect(&fetcher, &server.url(), &Validators::default(), now()).await.unwrap_err();
        assert_eq!(error, FetchError::TooSlow.into());
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        assert!(error.may_retry() && error.sentence().contains("within 15 seconds"));
    }
}

#[tokio::test]
async fn a_connection_that_breaks_costs_this_collection_only() {
    let cut = vec![Step::Send(format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{}", feed()).into())];
    let (error, sentence) = failure(cut).await;
    assert_eq!(error, FetchError::CutOff.into());
    assert!(sentence.contains("broke before the feed was complete"), "{sentence}");
    for babble in [vec![], vec![Step::Send("SSH-2.0-server\r\n".into())]] {
        let (error, _) = failure(babble).await;
        assert_eq!(error, FetchError::CutOff.into());
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_has_no_tls_is_told() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let fetcher = Fetcher::new(vec![gone]).unwrap();
    let url = Url::parse(&format!("http://{gone}/")).unwrap();
    let error = collect(&fetcher, &url, &Validators::default(), now()).await.unwrap_err();
    assert_eq!(error, FetchError::Unreachable(std::io::ErrorKind::ConnectionRefused).into());
    assert!(error.sentence().contains("can't be reached"));
    assert!(!error.to_string().contains(&gone.port().to_string()), "{error}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.write_all(b"HTTP/1.1 400 plain\r\n\r\n").await.unwrap();
        let _ = connection.read(&mut [0]).await;
    });
    let url = Url::parse(&format!("https://{address}/")).unwrap();
    let fetcher = Fetcher::new(vec![address]).unwrap();
    let error = collect(&fetcher, &url, &Validators::default(), now()).await.unwrap_err();
    assert_eq!(error, FetchError::Insecure.into());
    assert!(error.sentence().contains("certificate"));
    task.abort();
}

#[tokio::test]
async fn whatever_is_no_feed_is_called_what_it_is() {
    let page = "<!DOCTYPE html><html><head><title>News</title>\
        <link rel='alternate' type='application/rss+xml' href='/rss'>\
        <link rel='alternate' type='application/atom+xml' href='https://example.com/atom'></head></html>";
    let server = Server::playing([response(200, "Content-Type: text/html\r\n", page)]).await;
    let error = server.collected().await.unwrap_err();
    let rss = server.url().join("/rss").unwrap();
    assert!(error.sentence().contains(&format!("{rss} or https://example.com/atom")), "{}", error.sentence());
    assert!(!error.to_string().contains("example.com"), "{error}");

    let png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01";
    for (body, expected, words) in [
        (&b""[..], ParseError::Empty, "answered with nothing"),
        (b" \r\n ", ParseError::Empty, "answered with nothing"),
        (b"<html>No feeds</html>", ParseError::WebPage { feeds: vec![] }, "names no feed"),
        (b"<?xml version='1.0'?><sitemap/>", ParseError::OtherXml, "xml that is not a feed"),
        (b"{\"error\": 1}", ParseError::OtherJson, "json that is not a feed"),
        (b"Nothing here.", ParseError::OtherText, "text that is not a feed"),
        (b"<rss version='2.0'><channel><title>", ParseError::Broken, "broken before its first entry"),
        (png, ParseError::Binary, "not text"),
        (&gzip(feed().as_bytes()), ParseError::Binary, "not text"),
    ] {
        let (error, sentence) = failure(response(200, "", body)).await;
        assert_eq!(error, expected.into());
        assert!(sentence.contains(words) && !error.may_retry(), "{sentence}");
    }
}

#[tokio::test]
async fn a_feed_in_the_wrong_letters_is_not_lost() {
    let named = |title: &[u8]| {
        let parts: [&[u8]; 3] = [
            b"<?xml version='1.0' encoding='UTF-8'?><rss version='2.0'><channel><item><link>/a</link><title>",
            title,
            b"</title></item></channel></rss>",
        ];
        parts.concat()
    };
    let utf16: Vec<u8> = String::from_utf8(named("Dějiny".as_bytes()))
        .unwrap()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (headers, body, title) in [
        ("Content-Type: text/xml; charset=utf-8\r\n", named(b"Caf\xe9 d\xe9j\xe0"), "Café déjà"),
        ("Content-Type: text/xml; charset=iso-8859-2\r\n", named(b"D\xecjiny"), "Dějiny"),
        ("Content-Type: text/xml; charset=us-ascii\r\n", named("Dějiny".as_bytes()), "Dějiny"),
        ("", utf16, "Dějiny"),
    ] {
        assert_eq!(titles(response(200, headers, body)).await, [title]);
    }
}

#[tokio::test]
async fn one_feeds_faults_cost_the_others_nothing() {
    let bad = Server::playing([vec![Step::Hold]]).await;
    let good = Server::playing([response(200, "", feed())]).await;
    let fetcher = Fetcher::new(vec![bad.address, good.address]).unwrap().within(Duration::from_millis(500));
    let (bad_url, good_url, none) = (bad.url(), good.url(), Validators::default());
    let (bad, good) =
        tokio::join!(collect(&fetcher, &bad_url, &none, now()), collect(&fetcher, &good_url, &none, now()));
    assert_eq!(bad.unwrap_err(), FetchError::TooSlow.into());
    assert_eq!(good.unwrap().feed.unwrap().entries.len(), 1);
}
