//! `[server]` and `[gateway]`: where the program listens, and the limits of what clients ask.

use cofounder_web::{GatewaySettings, ListenSettings, RateSettings};
use ipnet::IpNet;
use serde::Deserialize;
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use url::Url;

/// `[server]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerSection {
    /// Where it listens.
    pub(crate) bind: SocketAddr,
    /// Its address as others see it.
    pub(crate) public_url: Option<Url>,
    /// How long the head of a request may take to come. A connection that is idle between two requests is closed after
    /// as long.
    head_ms: u64,
    /// Connections that may be open at the same time; further ones wait until one ends.
    connections: u32,
    /// How long requests may go on when the program is told to stop.
    grace_ms: u64,
    /// Requests a minute of each caller who is known; 0 is no limit. The gateway is left out: tokens have limits there.
    requests_per_minute: u32,
    /// Requests a minute of all at an address who are not; 0 is no limit.
    unknown_requests_per_minute: u32,
    /// Networks of proxies whose `X-Forwarded-For` says where a request comes from.
    trusted_proxies: Vec<Network>,
}

/// A network (`10.0.0.0/8`), or an address.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Network(IpNet);

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        let network = text.parse().or_else(|_| address());
        network
            .map(Self)
            .map_err(|_| format!("`{text}` is no network and no address, such as 10.0.0.0/8 or ::1"))
    }
}

impl Default for ServerSection {
    fn default() -> Self {
        let (settings, rates) = (ListenSettings::default(), RateSettings::default());
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 8000)),
            public_url: None,
            head_ms: millis(settings.head),
            connections: settings.connections,
            grace_ms: millis(settings.grace),
            requests_per_minute: rates.known,
            unknown_requests_per_minute: rates.unknown,
            trusted_proxies: Vec::new(),
        }
    }
}

impl ServerSection {
    /// What in it means nothing.
    pub(super) fn problems(&self) -> Option<String> {
        let url = self.public_url.as_ref()?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.path() == "/";
        let words = "server.public_url must be the address of the site alone, such as https://example.org: http or https, and nothing behind the host and its port";
        (!plain).then(|| words.to_owned())
    }

    pub(crate) fn settings(&self) -> ListenSettings {
        ListenSettings {
            head: Duration::from_millis(self.head_ms.max(1)),
            connections: self.connections.max(1),
            grace: Duration::from_millis(self.grace_ms),
        }
    }

    pub(crate) fn rates(&self) -> RateSettings {
        RateSettings {
            known: self.requests_per_minute,
            unknown: self.unknown_requests_per_minute,
            proxies: self.trusted_proxies.iter().map(|Network(network)| *network).collect(),
        }
    }
}

/// `[gateway]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GatewaySection {
    /// The largest request that is read, in MiB.
    body_mib: usize,
    /// How long a request's bytes may take to come.
    read_ms: u64,
    /// How long a call may wait for a target that is free.
    wait_ms: u64,
    /// When a call must have ended.
    deadline_ms: u64,
    /// How long a client may leave a piece of a streamed answer untaken.
    stall_ms: u64,
}

impl Default for GatewaySection {
    fn default() -> Self {
        let settings = GatewaySettings::default();
        Self {
            body_mib: settings.largest >> 20,
            read_ms: millis(settings.read),
            wait_ms: millis(settings.patience),
            deadline_ms: millis(settings.deadline),
            stall_ms: millis(settings.stall),
        }
    }
}

impl GatewaySection {
    pub(crate) fn settings(&self) -> GatewaySettings {
        GatewaySettings {
            largest: self.body_mib.clamp(1, 1 << 10) << 20,
            read: Duration::from_millis(self.read_ms.max(1)),
            patience: Duration::from_millis(self.wait_ms),
            deadline: Duration::from_millis(self.deadline_ms.max(1)),
            stall: Duration::from_millis(self.stall_ms.max(1)),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
