//! What can stand before the store: one that counts its calls, and one that
//! speaks TLS, with a certificate of an authority of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Where Debian and Amazon Linux have the certificates of the authorities that they trust.
const TRUSTED: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// Passes calls on and counts them. It ends with its value.
pub struct Counter {
    /// Where it is.
    pub url: String,
    calls: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Counter {
    /// Before the store at `store`.
    pub async fn before(store: &str) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (store, counted) = (store.to_owned(), Arc::clone(&calls));
        let router = Router::new().fallback(move |request: Request| {
            counted.fetch_add(1, Ordering::Relaxed);
            pass(client.clone(), store.clone(), request)
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, calls, serving }
    }

    /// The calls since this was asked last.
    pub fn take(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass(client: reqwest::Client, store: String, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    let call = client.request(parts.method, format!("{store}{}", parts.uri.path()));
    let answer = call.headers(parts.headers).body(body).send().await.expect("the store answers");
    axum::http::Response::from(answer).map(Body::new)
}

/// Speaks TLS for the store. It ends with its value.
pub struct Tls {
    /// Where it is.
    pub url: String,
    /// The certificates that a client has to trust: its authority's, among all
    /// that the system trusts, since a client reads those wherever it starts.
    pub trusted: PathBuf,
    serving: JoinHandle<()>,
}

impl Tls {
    /// Before the store at `store`, with the certificates in a file in `folder`.
    pub async fn before(store: &str, folder: &Path) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"))
            .expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        let certificate = certificate.signed_by(&key, &authority).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a configuration");

        let trusted = folder.join("trusted.pem");
        let systems = TRUSTED.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let own = STANDARD.encode(authority.der());
        let all = format!("-----BEGIN CERTIFICATE-----\n{own}\n-----END CERTIFICATE-----\n{systems}");
        std::fs::write(&trusted, all).expect("a file");

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        let store = store.trim_start_matches("http://").to_owned();
        let serving = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(tls)), store));
        Self { url, trusted, serving }
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, store: String) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let (tls, store) = (tls.clone(), store.clone());
        tokio::spawn(async move {
            let mut store = TcpStream::connect(store).await?;
            store.set_nodelay(true)?;
            stream.set_nodelay(true)?;
            let mut client = tls.accept(stream).await?;
            tokio::io::copy_bidirectional(&mut client, &mut store).await
        });
    }
}
