//! What is near: addresses of this machine and its network, and a running Ollama.

use crate::{Dialect, dialect, http};
use std::{net::IpAddr, time::Duration};
use url::{Host, Url};

/// Where Ollama listens unless it is told otherwise.
pub const OLLAMA_URL: &str = "http://127.0.0.1:11434";
/// How long a search for Ollama takes at most.
pub const OLLAMA_PATIENCE: Duration = Duration::from_millis(300);

/// True for this machine and for private networks (RFC 1918, RFC 4193, link-local).
pub(crate) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => near(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => near(address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)),
        None => false,
    }
}

fn near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// The models of an Ollama that runs at this address, in its order; `None` if none answers in time.
pub async fn discover_ollama(base: &Url, patience: Duration) -> Option<Vec<String>> {
    let client = http::client(None, patience, true).ok()?;
    let ask = async {
        let words = dialect::words(Dialect::Ollama);
        let answer = client.get(words.list(base, None)).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        let body = http::bounded(answer, patience, http::MAX_REFUSAL).await.ok()?;
        Some(words.names(&body).ok()?.names)
    };
    tokio::time::timeout(patience, ask).await.ok().flatten()
}

/// Models that turn text into vectors and cannot chat, told by their names as Ollama's library has them.
#[must_use]
pub fn is_embedding_model(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["embed", "minilm", "bge-", "gte-", "e5-", "rerank"].iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_far_addresses_are_told_apart() {
        for near in [
            "http://127.0.0.1:9/v1",
            "http://localhost/v1",
            "http://10.1.2.3/",
            "http://[::1]:1/",
            "http://192.168.1.5/",
            "http://[fd00::1]/",
            "http://[::ffff:10.0.0.1]/",
        ] {
            assert!(is_local(&Url::parse(near).unwrap()), "{near}");
        }
        for far in [
            "https://example.org/v1",
            "http://8.8.8.8/",
            "http://localhost.example.org/",
            "http://[2001:db8::1]/",
            "http://172.32.0.1/",
        ] {
            assert!(!is_local(&Url::parse(far).unwrap()), "{far}");
        }
    }

    #[test]
    fn embedding_models_are_known_by_name() {
        for name in ["nomic-embed-text:latest", "all-minilm", "bge-m3", "mxbai-embed-large"] {
            assert!(is_embedding_model(name), "{name}");
        }
        for name in ["llama3.2:3b", "qwen3:8b", "gemma3"] {
            assert!(!is_embedding_model(name), "{name}");
        }
    }
}
