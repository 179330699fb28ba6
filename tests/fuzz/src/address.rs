//! Addresses of articles and feeds.

use std::net::IpAddr;

use shared::domain::article::ArticleId;
use shared::domain::identity::{canonical_url, url_identity};
use shared::feeds::address;
use url::{Host, Url};

use crate::assert_address;

/// The canonical address is one, stays as it is, and is the same article's; what
/// may be fetched has no credentials and names no address inside a network.
pub fn take(data: &[u8]) {
    let Ok(url) = Url::parse(&String::from_utf8_lossy(data)) else {
        return;
    };
    if matches!(url.scheme(), "http" | "https") {
        let canonical = canonical_url(&url);
        assert_address(canonical.as_str());
        assert_eq!(canonical.scheme(), url.scheme());
        assert_eq!(url_identity(&canonical), url_identity(&url), "{url}");
        assert_eq!(ArticleId::of(canonical.as_str()), ArticleId::of(url.as_str()));
    }
    if address::check(&url, &[]).is_ok() {
        assert!(matches!(url.scheme(), "http" | "https"));
        assert!(url.username().is_empty() && url.password().is_none());
        let ip: Option<IpAddr> = match url.host().unwrap() {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
        };
        if let Some(ip) = ip {
            assert!(!ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast(), "{ip}");
            let inside = match ip.to_canonical() {
                IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
                IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
            };
            assert!(!inside, "{ip}");
        }
    }
}
