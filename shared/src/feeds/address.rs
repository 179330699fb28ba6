//! Which addresses the workshop fetches from.
//!
//! A feed's address is typed by a person and its redirects are written by a
//! server, so both could point into the network that this runs in. Only what is
//! on the public internet is reached: a host is resolved once, every address it
//! has must be public, and the connection goes to the very addresses that were
//! checked ([`PublicResolver`]), so that no second answer of a name server can
//! lead elsewhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why an address is not fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Something other than http and https.
    #[error("the address is neither http nor https")]
    Scheme,
    /// A user name or password within the address, which would end up in lists.
    #[error("the address has a user name or password in it")]
    Credentials,
    /// A port below 1024 that is not the web's: those belong to mail, logins
    /// and the like, which must not be spoken to by way of this fetcher.
    #[error("the address has a port that is not the web's")]
    Port,
    /// A host that is, or resolves to, an address that is not public.
    #[error("the address is not on the public internet")]
    NotPublic,
    /// A host name that does not resolve.
    #[error("the host name does not resolve")]
    UnknownHost,
}

/// Checks all of `url` that can be checked before its host is resolved:
/// [`PublicResolver`] does the rest. An address in `also_allowed` is let pass
/// when the URL has it written out, port included.
///
/// The URL standard's parser has already turned other spellings of an IP
/// address (`0x7f.1`, `2130706433`, full-width digits) into the usual one.
pub fn check(url: &Url, also_allowed: &[SocketAddr]) -> Result<(), AddressError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(AddressError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::Credentials);
    }
    let port = url.port_or_known_default().unwrap_or_default();
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
        Some(Host::Domain(_)) => None,
        None => return Err(AddressError::UnknownHost),
    };
    if ip.is_some_and(|ip| also_allowed.contains(&SocketAddr::new(ip, port))) {
        return Ok(());
    }
    if !matches!(port, 80 | 443 | 1024..) {
        return Err(AddressError::Port);
    }
    if ip.is_some_and(|ip| !is_public(ip)) {
        return Err(AddressError::NotPublic);
    }
    Ok(())
}

/// Resolves a name by the system's resolver and lets it pass only when all of
/// its addresses are public: one that is not makes the name suspect as a whole.
pub struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found: Vec<_> = found.map_err(|_| AddressError::UnknownHost)?.collect();
            all_public(&found)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn all_public(found: &[SocketAddr]) -> Result<(), AddressError> {
    if found.is_empty() {
        return Err(AddressError::UnknownHost);
    }
    if found.iter().all(|address| is_public(address.ip())) { Ok(()) } else { Err(AddressError::NotPublic) }
}

/// Whether `ip` is an address of the public internet, by IANA's registries of
/// special-purpose addresses (RFC 6890 and its successors).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let special = matches!(
        ip.octets(),
        [0 | 10 | 127, ..]              // this network, private, loopback
            | [100, 64..=127, ..]       // carrier-grade NAT
            | [169, 254, ..]            // link-local: the metadata of most clouds
            | [172, 16..=31, ..]        // private
            | [192, 0, 0 | 2, _]        // protocol assignments, documentation
            | [192, 88, 99, _]          // 6to4 relays
            | [192, 168, ..]            // private
            | [198, 18 | 19, ..]        // benchmarking
            | [198, 51, 100, _]         // documentation
            | [203, 0, 113, _]          // documentation
            | [224..=255, ..]           // multicast, reserved, broadcast
            | [168, 63, 129, 16] // Azure's metadata, at an address like any other
    );
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(embedded) = ip.to_ipv4_mapped() {
        return is_public_v4(embedded);
    }
    match ip.segments() {
        // NAT64 (RFC 6052): how a host without IPv4 reaches the rest.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [[a, b], [c, d]] = [high, low].map(u16::to_be_bytes);
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Protocol assignments (Teredo, benchmarking, ORCHID), documentation,
        // 6to4: nothing on the web is there, and some have an IPv4 inside.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // All that is given out so far. Loopback, unspecified, IPv4-compatible,
        // unique local, link-local and multicast are outside.
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(url: &str) -> Result<(), AddressError> {
        check(&Url::parse(url).unwrap(), &[])
    }

    #[test]
    fn public_addresses_and_names_pass() {
        for url in [
            "http://example.com/feed",
            "https://example.com:8443/feed.xml?x=1#part",
            "http://8.8.8.8/",
            "http://[2606:4700::1111]/",
            "http://[64:ff9b::808:808]/",
            "http://[::ffff:8.8.8.8]/",
        ] {
            assert_eq!(checked(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn only_the_web_is_fetched_from() {
        for url in
            ["file:///etc/passwd", "ftp://example.com/f", "gopher://example.com/", "data:text/xml,<rss/>"]
        {
            assert_eq!(checked(url), Err(AddressError::Scheme), "{url}");
        }
        for url in ["http://me@example.com/", "http://:word@example.com/"] {
            assert_eq!(checked(url), Err(AddressError::Credentials), "{url}");
        }
        for port in [1, 22, 25, 81, 389, 445, 1023] {
            assert_eq!(checked(&format!("http://example.com:{port}/")), Err(AddressError::Port), "{port}");
        }
    }

    #[test]
    fn every_special_address_is_refused_however_it_is_spelt() {
        let v4 = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
        ];
        for ip in v4 {
            assert_eq!(checked(&format!("http://{ip}/")), Err(AddressError::NotPublic), "{ip}");
            let mapped = format!("http://[::ffff:{ip}]/");
            assert_eq!(checked(&mapped), Err(AddressError::NotPublic), "{mapped}");
            let nat64 = format!("http://[64:ff9b::{ip}]/");
            assert_eq!(checked(&nat64), Err(AddressError::NotPublic), "{nat64}");
        }
        for ip in [
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "64:ff9b:1::7f00:1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert_eq!(checked(&format!("http://[{ip}]/")), Err(AddressError::NotPublic), "{ip}");
        }
        for odd in [
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://127.0.0.1./",
            "http://１２７.0.0.1/",
            "http://0xa9.0xfe.0xa9.0xfe/",
            "http://[0:0:0:0:0:ffff:7f00:1]/",
        ] {
            assert_eq!(checked(odd), Err(AddressError::NotPublic), "{odd}");
        }
    }

    #[test]
    fn the_neighbours_of_special_addresses_are_public() {
        for ip in ["9.255.255.255", "100.63.0.1", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["198.17.0.1", "198.20.0.1", "223.255.255.255", "2001:200::1", "2003::1", "2a00::1"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn one_address_that_is_not_public_makes_a_name_suspect() {
        let public: SocketAddr = "8.8.8.8:0".parse().unwrap();
        let inside: SocketAddr = "10.0.0.1:0".parse().unwrap();
        assert_eq!(all_public(&[public]), Ok(()));
        assert_eq!(all_public(&[public, inside]), Err(AddressError::NotPublic));
        assert_eq!(all_public(&[]), Err(AddressError::UnknownHost));
    }

    #[test]
    fn an_exception_is_one_address_with_its_port_and_no_name() {
        let allowed = ["127.0.0.1:4000".parse().unwrap()];
        let with = |url: &str| check(&Url::parse(url).unwrap(), &allowed);
        assert_eq!(with("http://127.0.0.1:4000/feed"), Ok(()));
        assert_eq!(with("http://127.0.0.1:4001/feed"), Err(AddressError::NotPublic));
        assert_eq!(with("http://127.0.0.2:4000/feed"), Err(AddressError::NotPublic));
        assert_eq!(with("ftp://127.0.0.1:4000/feed"), Err(AddressError::Scheme));
    }
}
