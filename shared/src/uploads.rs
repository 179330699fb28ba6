//! Files on their way in: the part of a bucket that `WORKSHOP_UPLOADS_URL` names.
//!
//! Whoever sends a file is given an address that is signed for it alone
//! (Signature Version 4 in the query string; "Authenticating Requests: Using
//! Query Parameters" in S3's API reference), for one verb, one object, so many
//! bytes and an hour. The worker reads and removes it by such addresses too, so
//! that nothing else of S3's interface is needed.

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode,
};
use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use reqwest::{Method, StatusCode, redirect};
use url::Url;

use crate::domain::large_import::UPLOAD_MS;
use crate::domain::time::Timestamp;
use crate::signing::Signer;

/// How long an address holds that is used at once.
const AT_ONCE: Duration = Duration::from_secs(300);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one call may take, its body included.
const CALL: Duration = Duration::from_secs(30);

/// Uploaded files.
#[derive(Debug)]
pub struct Uploads {
    url: String,
    signer: Signer,
    http: OnceLock<reqwest::Client>,
}

/// Where to send a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address, which is the bucket's own: on AWS another origin than the
    /// page's, whose CORS rule lets the page send there.
    pub url: Url,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

/// A part of a file.
#[derive(Clone, Debug)]
pub struct Part {
    /// It.
    pub bytes: Bytes,
    /// How long the file is as a whole.
    pub total: u64,
}

/// A file could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The deployment has no place for uploads, or no right to it.
    #[error("uploads are not set up: {0}")]
    NotSetUp(String),
    /// There is no such file.
    #[error("there is no such file")]
    Absent,
    /// The bucket can't be reached, or answered something else.
    #[error("the bucket failed: {0}")]
    Failed(String),
}

impl Uploads {
    /// Those below `url`.
    pub fn new(sdk: &SdkConfig, url: String) -> Self {
        Self { url, signer: Signer::new(sdk), http: OnceLock::new() }
    }

    /// Where the file `key` of exactly so many `bytes` can be sent by PUT, for
    /// an hour from `now`.
    pub async fn target(&self, key: &str, bytes: u64, now: Timestamp) -> Result<Target, UploadError> {
        let lifetime = Duration::from_millis(UPLOAD_MS.unsigned_abs());
        let url = self.signed(Method::PUT, key, Some(bytes), lifetime, now).await?;
        Ok(Target { url, expires_at: now.plus_millis(UPLOAD_MS) })
    }

    /// How many bytes the file `key` has, if it is there.
    pub async fn size(&self, key: &str, now: Timestamp) -> Result<Option<u64>, UploadError> {
        let url = self.signed(Method::HEAD, key, None, AT_ONCE, now).await?;
        let response = self.http()?.head(url).send().await.map_err(failed)?;
        match response.status() {
            StatusCode::OK => {
                // Of an answer without a body the client tells no length of its own.
                let told = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
                let size = told.and_then(|length| length.parse().ok());
                let unsaid = || UploadError::Failed("it did not say how long a file is".to_owned());
                size.ok_or_else(unsaid).map(Some)
            }
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(UploadError::Failed(format!("it answered a question with {status}"))),
        }
    }

    /// At most `length` bytes of the file `key` from `offset` on, which is before its end.
    pub async fn read(
        &self,
        key: &str,
        offset: u64,
        length: u64,
        now: Timestamp,
    ) -> Result<Part, UploadError> {
        let url = self.signed(Method::GET, key, None, AT_ONCE, now).await?;
        let range = format!("bytes={offset}-{}", offset + length.saturating_sub(1));
        let response = self.http()?.get(url).header(RANGE, range).send().await.map_err(failed)?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::NOT_FOUND => return Err(UploadError::Absent),
            status => return Err(UploadError::Failed(format!("it answered a read with {status}"))),
        }
        // "bytes 0-999/5000" (RFC 9110, section 14.4).
        let told = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let total = told.and_then(|range| range.rsplit('/').next()?.parse().ok());
        let total =
            total.ok_or_else(|| UploadError::Failed("it did not say how long a file is".to_owned()))?;
        if response.content_length().is_none_or(|answered| answered > length) {
            return Err(UploadError::Failed("it answered with more than was asked for".to_owned()));
        }
        Ok(Part { bytes: response.bytes().await.map_err(failed)?, total })
    }

    /// Removes the file `key`, if it is there.
    pub async fn remove(&self, key: &str, now: Timestamp) -> Result<(), UploadError> {
        let url = self.signed(Method::DELETE, key, None, AT_ONCE, now).await?;
        let response = self.http()?.delete(url).send().await.map_err(failed)?;
        match response.status() {
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            status => Err(UploadError::Failed(format!("it answered a removal with {status}"))),
        }
    }

    /// The signed address of the file `key`. With `bytes`, only a request of
    /// that length is let in.
    async fn signed(
        &self,
        method: Method,
        key: &str,
        bytes: Option<u64>,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<Url, UploadError> {
        let not_set_up = |why: &dyn std::fmt::Display| UploadError::NotSetUp(why.to_string());
        let mut url = Url::parse(&format!("{}/{key}", self.url)).map_err(|error| not_set_up(&error))?;
        let mut settings = SigningSettings::default();
        // As S3 signs, other than the rest of AWS.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(lifetime);
        let length = bytes.map(|bytes| bytes.to_string());
        let headers = length.iter().map(|length| ("content-length", length.as_str()));
        let request =
            SignableRequest::new(method.as_str(), url.as_str(), headers, SignableBody::UnsignedPayload)
                .map_err(|error| not_set_up(&error))?;
        let signing = self.signer.sign("s3", request, settings, now).await;
        let signing = signing.map_err(|error| not_set_up(&error))?;
        url.query_pairs_mut().extend_pairs(signing.params());
        Ok(url)
    }

    fn http(&self) -> Result<&reqwest::Client, UploadError> {
        if let Some(client) = self.http.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(CALL)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(failed)?;
        Ok(self.http.get_or_init(|| client))
    }
}

/// Without the address, which is as good as a key.
fn failed(error: reqwest::Error) -> UploadError {
    UploadError::Failed(error.without_url().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::Region;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;

    fn uploads(token: Option<&str>) -> Uploads {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", token.map(str::to_owned), None, "test");
        let sdk = SdkConfig::builder()
            .region(Region::new("eu-north-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        Uploads::new(&sdk, "https://files.s3.eu-north-1.amazonaws.com/uploads".to_owned())
    }

    fn now() -> Timestamp {
        "2026-11-21T09:30:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn an_upload_is_signed_for_its_length_and_an_hour() {
        let target = uploads(None).target("one", 5_000, now()).await.unwrap();
        let url = target.url.as_str();
        assert!(url.starts_with("https://files.s3.eu-north-1.amazonaws.com/uploads/one?"), "{url}");
        for part in [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=AKIDEXAMPLE%2F20261121%2Feu-north-1%2Fs3%2Faws4_request",
            "X-Amz-Date=20261121T093000Z",
            "X-Amz-Expires=3600",
            "X-Amz-SignedHeaders=content-length%3Bhost",
        ] {
            assert!(url.contains(part), "{part} is not in {url}");
        }
        assert_eq!(target.expires_at, now().plus_millis(3_600_000));
        let signature = |url: &Url| url.as_str().split("X-Amz-Signature=").nth(1).unwrap().to_owned();
        for (key, bytes, at) in
            [("two", 5_000, now()), ("one", 5_001, now()), ("one", 5_000, now().plus_millis(1_000))]
        {
            let other = uploads(None).target(key, bytes, at).await.unwrap();
            assert_ne!(signature(&other.url), signature(&target.url), "{key} {bytes} {at}");
        }
    }

    #[tokio::test]
    async fn the_token_of_temporary_credentials_goes_along() {
        let target = uploads(Some("a/token=")).target("one", 1, now()).await.unwrap();
        assert!(target.url.as_str().contains("X-Amz-Security-Token=a%2Ftoken%3D"), "{}", target.url);
    }

    /// The example of S3's API reference ("Authenticating Requests: Using
    /// Query Parameters").
    #[tokio::test]
    async fn a_read_is_signed_as_in_the_reference() {
        let credentials = Credentials::new(
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            None,
            None,
            "test",
        );
        let sdk = SdkConfig::builder()
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let uploads = Uploads::new(&sdk, "https://examplebucket.s3.amazonaws.com".to_owned());
        let at = "2013-05-24T00:00:00Z".parse().unwrap();
        let url =
            uploads.signed(Method::GET, "test.txt", None, Duration::from_secs(86_400), at).await.unwrap();
        let signature = url.query_pairs().find(|(name, _)| name == "X-Amz-Signature").unwrap().1;
        assert_eq!(signature, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    }

    #[tokio::test]
    async fn without_a_bucket_it_says_that_uploads_are_not_set_up() {
        let none = Uploads { url: String::new(), ..uploads(None) };
        assert!(matches!(none.target("one", 1, now()).await, Err(UploadError::NotSetUp(_))));
    }
}
