//! The bucket of uploaded files, embedded: S3's protocol over a folder.
//!
//! On AWS, files go straight to a bucket, whose objects have keys that begin
//! with `uploads/`; here they go through the gateway, to a bucket of that name.
//! Either way the signature in the address is the authority, and no token is
//! asked for.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http_body_util::BodyExt;
use lambda_http::http::{HeaderValue, Method, header};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use shared::http::{Code, Problem};
use tower::ServiceExt;

use crate::guard::from_a_browser;
use crate::machine::CREDENTIALS;

/// What the paths of uploaded files begin with.
pub const PATH: &str = "/uploads/";
/// The bucket's name.
const NAME: &str = "uploads";
/// What is left here that long, nobody reads any more. On AWS a rule of the
/// bucket removes it.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The bucket.
pub struct Bucket {
    service: S3Service,
    host: HeaderValue,
}

impl Bucket {
    /// Opens the one in `folder`, to be reached at `host`: the address that
    /// the functions sign for.
    pub fn open(folder: &Path, host: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder.join(NAME))
            .with_context(|| format!("The folder {} can't be made", folder.display()))?;
        remove_old(folder).context("old uploads can't be removed")?;
        let files = FileSystem::new(folder).map_err(|error| anyhow!("{error:?}"))?;
        let mut service = S3ServiceBuilder::new(files);
        let (id, secret) = CREDENTIALS;
        service.set_auth(SimpleAuth::from_single(id, secret));
        Ok(Self { service: service.build(), host: HeaderValue::from_str(host)? })
    }

    /// Answers a request for one object.
    pub async fn serve(&self, request: Request) -> Result<Response, Problem> {
        let object = request.uri().path().strip_prefix(PATH).unwrap_or_default();
        if object.is_empty() || object.contains('/') {
            return Err(Problem::new(Code::NotFound, "Nothing is at this address."));
        }
        // A page only sends; the functions ask, read and remove.
        let allowed: &[_] = if from_a_browser(request.headers()) {
            &[Method::PUT]
        } else {
            &[Method::PUT, Method::HEAD, Method::GET, Method::DELETE]
        };
        if !allowed.contains(request.method()) {
            return Err(Problem::new(Code::MethodNotAllowed, "Files are only sent here."));
        }
        let (mut parts, body) = request.into_parts();
        // Its signature is for one name of this machine, whichever was used.
        parts.headers.insert(header::HOST, self.host.clone());
        let request = Request::from_parts(parts, Body::new(body));
        let response = self.service.clone().oneshot(request).await;
        let response = response.map_err(|error| Problem::internal(format!("{error:?}")))?;
        Ok(response.map(|body| Body::new(body.map_err(std::io::Error::other))))
    }
}

/// Removes the objects that are left, and what the engine keeps beside each.
fn remove_old(folder: &Path) -> std::io::Result<()> {
    let mut files: Vec<PathBuf> = Vec::new();
    for place in [folder.to_owned(), folder.join(NAME)] {
        for entry in std::fs::read_dir(place)? {
            let entry = entry?;
            if entry.file_type()?.is_file() && is_old(entry.metadata()?.modified()?) {
                files.push(entry.path());
            }
        }
    }
    files.iter().try_for_each(std::fs::remove_file)
}

fn is_old(modified: SystemTime) -> bool {
    modified.elapsed().is_ok_and(|age| age > KEPT)
}
