//! ETags (RFC 9110, section 8.8.3): which state of a thing an answer shows, and whether it is still that one.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use cofounder_domain::FaultKind;
use std::convert::Infallible;

use crate::{Problem, Service};

/// The state of a thing, as a number that grows with each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag(pub(crate) i64);

impl Tag {
    fn header(self) -> HeaderValue {
        let text = format!("\"{}\"", self.0);
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    }

    pub(crate) fn is_in(self, list: &str) -> bool {
        list.split(',').any(|tag| {
            let tag = tag.trim();
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag == "*" || tag.trim_matches('"').parse() == Ok(self.0)
        })
    }
}

/// What the asker has already, from `If-None-Match`.
pub(crate) struct Has(Option<String>);

impl FromRequestParts<Service> for Has {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, Infallible> {
        let header = parts.headers.get(header::IF_NONE_MATCH);
        Ok(Self(header.and_then(|value| value.to_str().ok()).map(str::to_owned)))
    }
}

impl Has {
    /// Of somebody who has nothing yet.
    pub(crate) const fn nothing() -> Self {
        Self(None)
    }

    /// The answer with its tag; without its body if the asker has it already.
    pub(crate) fn answer(&self, tag: Tag, body: impl IntoResponse) -> Response {
        let known = self.0.as_deref().is_some_and(|list| tag.is_in(list));
        let mut response =
            if known { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
        response.headers_mut().insert(header::ETAG, tag.header());
        response
    }
}

/// The states of a thing that the asker decided about, from `If-Match`: absent without it, and with `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen(pub(crate) Option<Vec<u64>>);

impl Seen {
    /// A tag that is no state, or a weak one, fits none (RFC 9110, section 13.1.1).
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut lists = headers.get_all(header::IF_MATCH).iter().peekable();
        if lists.peek().is_none() {
            return Self(None);
        }
        let texts: Vec<&str> =
            lists.flat_map(|value| value.to_str().unwrap_or_default().split(',')).map(str::trim).collect();
        if texts.contains(&"*") {
            return Self(None);
        }
        let state = |tag: &str| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
        Self(Some(texts.into_iter().filter_map(state).collect()))
    }

    /// Nobody changes what they have not seen.
    pub(crate) fn missing() -> Problem {
        let words = "send `If-Match` with the `ETag` of what you have read, so that nobody's change is lost unseen. Nothing was changed";
        Problem::new(FaultKind::InvalidInput, words).with_status(428)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_among_others_however_it_is_written() {
        for (list, found) in [
            ("\"7\"", true),
            ("W/\"7\"", true),
            ("\"1\", \"7\"", true),
            ("*", true),
            ("\"70\"", false),
            ("\"\"", false),
            ("", false),
        ] {
            assert_eq!(Tag(7).is_in(list), found, "{list}");
        }
        assert_eq!(Tag(7).header(), "\"7\"");
    }

    /// Tried by taking weak tags too: the test failed.
    #[test]
    fn what_somebody_decided_about_is_read_to_the_letter() {
        let seen = |lists: &[&'static str]| {
            let pairs = lists.iter().map(|list| (header::IF_MATCH, HeaderValue::from_static(list)));
            Seen::of(&pairs.fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            }))
        };
        for (lists, told) in [
            (&[][..], None),
            (&["*"], None),
            (&["\"7\""], Some(vec![7])),
            (&["\"7\", \"9\""], Some(vec![7, 9])),
            (&["\"7\"", "\"9\""], Some(vec![7, 9])),
            (&["W/\"7\""], Some(vec![])),
            (&["7"], Some(vec![])),
            (&["\"x\""], Some(vec![])),
            (&[""], Some(vec![])),
        ] {
            assert_eq!(seen(lists), Seen(told), "{lists:?}");
        }
    }
}
