//! Where browsers see the program, and whether a request comes from one of its own pages.

use axum::http::{HeaderMap, header};
use std::net::SocketAddr;
use url::Url;

/// The program's address as browsers have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    public: Option<Url>,
    /// Where it listens.
    bound: String,
}

/// Whose page a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// One of the program's own.
    Own,
    /// Somebody else's.
    Foreign,
    /// It does not say: no browser of today sent it.
    Untold,
}

impl Place {
    /// The address that the configuration names, if it names one, and the one at which the program listens.
    #[must_use]
    pub fn new(public: Option<Url>, bound: SocketAddr) -> Self {
        Self { public, bound: format!("http://{bound}") }
    }

    /// Whether browsers come by TLS and by nothing else.
    pub(crate) fn is_secure(&self) -> bool {
        self.public.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// The address of one of the program's pages, as a browser opens it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let base = self.public.as_ref().map_or(self.bound.as_str(), Url::as_str);
        format!("{}{path}", base.trim_end_matches('/'))
    }

    /// Whose page sent this, after `Sec-Fetch-Site` (W3C, Fetch Metadata) and `Origin` (RFC 6454), which no page can set
    /// by itself.
    pub(crate) fn origin(&self, headers: &HeaderMap) -> Origin {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("null"));
        if let Some(origin) = text("origin") {
            return if self.is_own(origin, headers) { Origin::Own } else { Origin::Foreign };
        }
        match text("sec-fetch-site") {
            Some("same-origin" | "none") => Origin::Own,
            Some(_) => Origin::Foreign,
            None => Origin::Untold,
        }
    }

    /// Whether an origin is the configured one, or that of the host which the request names.
    fn is_own(&self, origin: &str, headers: &HeaderMap) -> bool {
        let Ok(origin) = Url::parse(origin) else { return false };
        if let Some(public) = &self.public
            && public.origin() == origin.origin()
        {
            return true;
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let named = Url::parse(&format!("{}://{host}", origin.scheme()));
        // Behind TLS nobody but the configured address is the program.
        let plain = !self.is_secure() && matches!(origin.scheme(), "http" | "https");
        plain && named.is_ok_and(|named| named.origin() == origin.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    /// Tried by leaving out the comparison of ports, and by taking the host's word behind TLS: the test failed each time.
    #[test]
    fn a_page_is_known_by_what_no_page_can_set() {
        let bound = "127.0.0.1:8000".parse().unwrap();
        let here = Place::new(None, bound);
        let public = Place::new(Some("https://example.org/".parse().unwrap()), bound);
        let host = ("host", "127.0.0.1:8000");
        for (place, sent, told) in [
            (&here, vec![host, ("origin", "http://127.0.0.1:8000")], Origin::Own),
            (&here, vec![host, ("origin", "http://127.0.0.1:8001")], Origin::Foreign),
            (&here, vec![host, ("origin", "http://127.0.0.1")], Origin::Foreign),
            (&here, vec![host, ("origin", "https://evil.example")], Origin::Foreign),
            (&here, vec![host, ("origin", "null")], Origin::Foreign),
            (&here, vec![host, ("origin", "")], Origin::Foreign),
            (&here, vec![host, ("origin", "null"), ("sec-fetch-site", "same-origin")], Origin::Foreign),
            (&here, vec![host, ("sec-fetch-site", "same-origin")], Origin::Own),
            (&here, vec![host, ("sec-fetch-site", "same-site")], Origin::Foreign),
            (&here, vec![host, ("sec-fetch-site", "cross-site")], Origin::Foreign),
            (&here, vec![host], Origin::Untold),
            (&public, vec![("host", "inner:8000"), ("origin", "https://example.org")], Origin::Own),
            (&public, vec![("host", "inner:8000"), ("origin", "http://example.org")], Origin::Foreign),
            (&public, vec![("host", "evil.example"), ("origin", "https://evil.example")], Origin::Foreign),
        ] {
            assert_eq!(place.origin(&headers(&sent)), told, "{sent:?}");
        }
    }
}
