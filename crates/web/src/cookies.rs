//! The program's cookies (RFC 6265): none that a script can read, none that another site's page sends along.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite, time::Duration};
use secrecy::{ExposeSecret, SecretString};

use crate::place::Place;

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jar {
    /// Whose person is signed in in this browser.
    Session,
    /// Which browser a form was given to.
    Form,
    /// Which browser was sent to a provider.
    Away,
}

impl Jar {
    const fn name(self) -> &'static str {
        match self {
            Self::Session => "__Host-cofounder",
            Self::Form => "__Host-cofounder-form",
            Self::Away => "__Host-cofounder-away",
        }
    }

    /// The same without the promise that only TLS carries it, for browsers that keep no such cookie of a machine's own
    /// address; it is neither given nor taken where browsers come by TLS.
    const fn plain_name(self) -> &'static str {
        match self {
            Self::Session => "cofounder",
            Self::Form => "cofounder-form",
            Self::Away => "cofounder-away",
        }
    }

    /// What the browser shows.
    pub(crate) fn shown(self, place: &Place, headers: &HeaderMap) -> Option<SecretString> {
        let find = |name: &str| {
            let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
            let mut all = all.flat_map(Cookie::split_parse).flatten();
            all.find(|cookie| cookie.name() == name).map(|cookie| SecretString::from(cookie.value()))
        };
        let plain = || if place.is_secure() { None } else { find(self.plain_name()) };
        find(self.name()).or_else(plain)
    }

    /// Gives it to the browser, for so many seconds.
    pub(crate) fn give(self, place: &Place, secret: &SecretString, seconds: i64) -> Vec<HeaderValue> {
        self.set(place, secret.expose_secret(), seconds)
    }

    /// Takes it from the browser.
    pub(crate) fn take(self, place: &Place) -> Vec<HeaderValue> {
        self.set(place, "", 0)
    }

    fn set(self, place: &Place, value: &str, seconds: i64) -> Vec<HeaderValue> {
        let cookie = |name: &'static str, secure: bool| {
            let cookie = Cookie::build((name, value.to_owned())).path("/").http_only(true).secure(secure);
            // Lax, since a link in a mail to one's own page is no attack: nothing is changed by a `GET`.
            let cookie = cookie.same_site(SameSite::Lax).max_age(Duration::seconds(seconds)).build();
            let mut value = HeaderValue::try_from(cookie.to_string()).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        let plain = if place.is_secure() { None } else { cookie(self.plain_name(), false) };
        cookie(self.name(), true).into_iter().chain(plain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tried by reading the plain name behind TLS too: the test failed.
    #[test]
    fn behind_tls_only_the_cookie_that_tls_carries_counts() {
        let bound = "127.0.0.1:8000".parse().unwrap();
        let here = Place::new(None, bound);
        let public = Place::new(Some("https://example.org".parse().unwrap()), bound);
        let given = Jar::Session.give(&public, &"secret".into(), 60);
        let text = given.iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(text, ["__Host-cofounder=secret; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60"]);
        assert_eq!(Jar::Session.give(&here, &"secret".into(), 60).len(), 2);
        let headers = |text: &'static str| HeaderMap::from_iter([(header::COOKIE, text.parse().unwrap())]);
        let shown = |place: &Place, text| {
            Jar::Session.shown(place, &headers(text)).map(|secret| secret.expose_secret().to_owned())
        };
        assert_eq!(shown(&here, "a=b; cofounder=one"), Some("one".to_owned()));
        assert_eq!(shown(&public, "a=b; cofounder=one"), None);
        assert_eq!(shown(&public, "cofounder=one; __Host-cofounder=two"), Some("two".to_owned()));
        assert_eq!(shown(&here, "cofounder=one; __Host-cofounder=two"), Some("two".to_owned()));
    }
}
