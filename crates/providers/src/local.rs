//! What is near: addresses of this machine and its network, and a running Ollama.

use crate::http;
use std::{net::IpAddr, time::Duration};
use url::{Host, Url};

/// Where Ollama listens unless it is told otherwise.
pub const OLLAMA_URL: &str = "http://127.0.0.1:11434/v1";
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
        let answer = client.get(http::endpoint(base, "models")).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        let body = http::bounded(answer, patience).await.ok()?;
        let list: serde_json::Value = serde_json::from_slice(&body).ok()?;
        let models = list.get("data")?.as_array()?;
        Some(models.iter().filter_map(|m| m.get("id")?.as_str().map(str::to_owned)).collect())
    };
    tokio::time::timeout(patience, ask).await.ok().flatten()
}

/// Models that turn text into vectors and cannot chat, told by their names as Ollama's library has them.
pub(crate) fn is_embedding_model(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["embed", "minilm", "bge-", "gte-", "e5-", "rerank"].iter().any(|part| name.contains(part))
}

/// Providers that speak the dialect `openai`, by the environment variable in which their users keep the key.
const BY_KEY: [(&str, &str, &str); 5] = [
    ("OPENAI_API_KEY", "openai", "https://api.openai.com/v1"),
    ("OPENROUTER_API_KEY", "openrouter", "https://openrouter.ai/api/v1"),
    ("MISTRAL_API_KEY", "mistral", "https://api.mistral.ai/v1"),
    ("GROQ_API_KEY", "groq", "https://api.groq.com/openai/v1"),
    ("GEMINI_API_KEY", "gemini", "https://generativelanguage.googleapis.com/v1beta/openai"),
];

/// The environment variables to look for: for [`crate::RouterConfig::env_keys`].
pub fn known_env_keys() -> impl Iterator<Item = &'static str> {
    BY_KEY.into_iter().map(|(key, ..)| key)
}

/// The provider to which a key of this name belongs, and its address.
pub(crate) fn provider_of_key(key: &str) -> Option<(&'static str, Url)> {
    let (_, name, url) = BY_KEY.into_iter().find(|(known, ..)| *known == key)?;
    Some((name, Url::parse(url).ok()?))
}

/// Whether a provider of this name comes with a key in the environment.
pub(crate) fn is_known_provider(name: &str) -> bool {
    BY_KEY.iter().any(|(_, known, _)| *known == name)
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

    #[test]
    fn every_known_key_has_an_address() {
        for key in known_env_keys() {
            assert!(provider_of_key(key).is_some(), "{key}");
        }
    }
}
