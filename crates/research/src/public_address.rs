//! Which addresses are on the public Internet.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::Host;

use crate::Settings;

/// Whether an address is one that a stranger's URL may lead to: by the IANA special-purpose registries (RFC
/// 6890 and its successors), everything that is not globally reachable is not, nor is what carries such an
/// IPv4 address inside an IPv6 one.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // shared by carriers, RFC 6598
        || (a == 192 && b == 0 && c == 0) // protocol assignments, RFC 6890
        || (a == 192 && b == 88 && c == 99) // 6to4 relays, RFC 7526
        || (a == 198 && (b == 18 || b == 19)); // benchmarks, RFC 2544
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(v4) = ip.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let s = ip.segments();
    // Only 2000::/3 is global unicast. Inside it: 2001::/23 protocol assignments (Teredo, ORCHID …),
    // 2001:db8::/32 and 3fff::/20 documentation, 2002::/16 6to4, which carries an IPv4 address. NAT64
    // (64:ff9b::/96, 64:ff9b:1::/48), unique local, link-local, multicast and loopback lie outside.
    s[0] & 0xe000 == 0x2000
        && !(s[0] == 0x2001 && (s[1] < 0x200 || s[1] == 0xdb8))
        && s[0] != 0x2002
        && !(s[0] == 0x3fff && s[1] < 0x1000)
}

/// No address of a name is public.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} is not a public address")]
pub(crate) struct NotPublic(pub(crate) IpAddr);

/// Resolves names with the system's resolver and hands on public addresses only, so that the address that
/// was checked is the one that is connected to.
#[derive(Clone, Debug)]
pub(crate) struct PublicResolver {
    allow_all: bool,
    allowed: Vec<String>,
}

impl PublicResolver {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { allow_all: settings.allow_private_addresses, allowed: settings.allow_private_hosts.clone() }
    }

    fn may_be_private(&self, host: &str) -> bool {
        self.allow_all || self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }

    fn chosen(&self, host: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
        let first = found.first().map(SocketAddr::ip);
        let kept: Vec<_> = if self.may_be_private(host) {
            found
        } else {
            found.into_iter().filter(|a| is_public(a.ip())).collect()
        };
        match first {
            Some(first) if kept.is_empty() => Err(NotPublic(first)),
            _ => Ok(kept),
        }
    }

    /// Checks a host that is an address itself: the client resolves only names.
    pub(crate) fn check_literal(&self, host: &Host<&str>) -> Result<(), NotPublic> {
        let address = match host {
            Host::Domain(_) => return Ok(()),
            Host::Ipv4(v4) => IpAddr::V4(*v4),
            Host::Ipv6(v6) => IpAddr::V6(*v6),
        };
        if is_public(address) || self.may_be_private(&address.to_string()) {
            Ok(())
        } else {
            Err(NotPublic(address))
        }
    }
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let addresses: Addrs = Box::new(resolver.chosen(name.as_str(), found)?.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_on_the_public_internet_are_told() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn addresses_on_the_public_internet_pass() {
        for address in [
            "1.1.1.1",
            "9.9.9.9",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn of_a_names_addresses_only_public_ones_are_connected_to() {
        let both: Vec<SocketAddr> = vec!["127.0.0.1:0".parse().unwrap(), "1.1.1.1:0".parse().unwrap()];
        let resolver = PublicResolver::new(&Settings {
            allow_private_hosts: vec!["wiki.lan".to_owned()],
            ..Settings::default()
        });
        assert_eq!(resolver.chosen("example.org", both.clone()).unwrap(), [both[1]]);
        assert!(resolver.chosen("example.org", vec![both[0]]).is_err());
        assert_eq!(resolver.chosen("Wiki.LAN", both.clone()).unwrap(), both);
    }
}
