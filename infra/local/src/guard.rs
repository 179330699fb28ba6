//! The guard of every port that this machine listens on.
//!
//! A browser sends what any page asks it to, to any port of this machine. The
//! engines behind these ports take any credentials, so each request that a page
//! can cause is refused before it reaches one.

use std::net::Ipv4Addr;

use anyhow::{Context, bail};
use hyper::header::{self, HeaderMap};
use tokio::net::TcpListener;

/// A listener on loopback.
///
/// # Errors
/// A sentence about the port: another program has it, or the system refuses it.
pub async fn listen(port: u16, what: &str, setting: &str) -> anyhow::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "Port {port}, for {what}, is taken by another program, perhaps another workshop. \
             Stop that one, or choose another port with {setting}."
        ),
        Err(error) => Err(error).with_context(|| format!("Port {port}, for {what}, can't be listened on")),
    }
}

/// Whether a page in a browser sent a request, or its `Host` is a name that was
/// made to point here (DNS rebinding). Tools send neither header, and use a
/// loopback name.
pub fn from_a_page(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    from_a_browser(headers) || !is_loopback(host)
}

/// Whether a page in a browser sent a request.
pub fn from_a_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site")
}

/// Whether a `Host` is a loopback name of this machine.
pub fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    matches!(name.map_or(host, |(name, _)| name), "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tools_on_this_machine_reach_the_engines() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect::<HeaderMap>()
        };
        assert!(!from_a_page(&headers(&[("host", "127.0.0.1:9091")])));
        assert!(!from_a_page(&headers(&[("host", "localhost")])));
        assert!(from_a_page(&headers(&[("host", "127.0.0.1:9091"), ("origin", "http://a.example")])));
        assert!(from_a_page(&headers(&[("host", "127.0.0.1:9091"), ("sec-fetch-site", "cross-site")])));
        assert!(from_a_page(&headers(&[("host", "rebound.example:9091")])));
        assert!(from_a_page(&headers(&[])));
    }
}
