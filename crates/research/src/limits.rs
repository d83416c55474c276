//! The section `[research]` of the configuration.

use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// How sources are found and fetched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether any address that is not public may be fetched from: for tests. Off, because a source's URL may
    /// come from somebody else, or redirect.
    pub allow_private_addresses: bool,
    /// Hosts (names or addresses, without port) that may be fetched from although they are not public, such
    /// as a wiki on one's own network.
    pub allow_private_hosts: Vec<String>,
    /// What this program calls itself towards web servers.
    pub user_agent: String,
    /// How much is read.
    pub limits: Limits,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// Where sources come from if the brief names none.
    pub wikipedia: WikipediaSettings,
}

/// How much is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest file or page, in bytes.
    pub file_bytes: u64,
    /// The most that one directory may hold, in bytes.
    pub total_bytes: u64,
    /// The most files that are taken from one directory.
    pub files: usize,
    /// How many levels of a directory are entered.
    pub depth: usize,
    /// How many redirects are followed.
    pub redirects: usize,
}

/// How long is waited, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// For a connection.
    pub connect_ms: u64,
    /// For the head of an answer, the connection included.
    pub first_byte_ms: u64,
    /// Between two pieces of a body.
    pub idle_ms: u64,
    /// For one page, with its redirects and second try.
    pub total_ms: u64,
}

/// Where sources come from if the brief names none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WikipediaSettings {
    /// A MediaWiki with the TextExtracts extension: the address above `/w/api.php`.
    pub base_url: Url,
    /// How many articles are taken.
    pub pages: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_private_addresses: false,
            allow_private_hosts: Vec::new(),
            user_agent: concat!(
                "cofounder/",
                env!("CARGO_PKG_VERSION"),
                " (",
                env!("CARGO_PKG_REPOSITORY"),
                ")"
            )
            .to_owned(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            wikipedia: WikipediaSettings::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 20 << 20, total_bytes: 100 << 20, files: 500, depth: 16, redirects: 5 }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5_000, first_byte_ms: 15_000, idle_ms: 10_000, total_ms: 60_000 }
    }
}

impl Default for WikipediaSettings {
    #[expect(clippy::expect_used, reason = "a constant, parsed by every test of this crate")]
    fn default() -> Self {
        Self { base_url: Url::parse("https://en.wikipedia.org").expect("a valid URL"), pages: 3 }
    }
}

impl Timeouts {
    pub(crate) const fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }
    pub(crate) const fn first_byte(&self) -> Duration {
        Duration::from_millis(self.first_byte_ms)
    }
    pub(crate) const fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }
    pub(crate) const fn total(&self) -> Duration {
        Duration::from_millis(self.total_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_can_be_left_out_and_an_unknown_one_is_refused() {
        assert_eq!(toml::from_str::<Settings>("").unwrap(), Settings::default());
        let changed: Settings = toml::from_str(
            "allow_private_addresses = true\nlimits = { files = 3 }\ntimeouts = { total_ms = 9 }\nwikipedia = { base_url = 'http://127.0.0.1:1' }",
        )
        .unwrap();
        assert!(changed.allow_private_addresses);
        assert_eq!((changed.limits.files, changed.limits.depth), (3, Limits::default().depth));
        assert_eq!(changed.timeouts.total(), Duration::from_millis(9));
        assert!(toml::from_str::<Settings>("allow_privat_addresses = true").is_err());
        assert!(toml::from_str::<Settings>("limits = { size = 1 }").is_err());
    }
}
