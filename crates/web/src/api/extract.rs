//! What a request says, read into a type, or a problem that says where it is wrong.

use axum::{
    extract::{FromRequest, FromRequestParts, Request, rejection::PathRejection},
    http::request::Parts,
};
use cofounder_domain::FaultKind;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::{str::FromStr, time::Duration};

use crate::{
    Problem, Service,
    body::{Unread, Unreadable, is_a},
};

/// The largest body of a request to the API, in bytes.
pub(crate) const LARGEST: usize = 1 << 20;
/// How long a body may take to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

/// The part of an address behind the question mark.
pub(crate) struct Query<T>(pub(crate) T);

/// The id, or the name, that stands in an address. One that cannot be an id names nothing.
pub(crate) struct Named<T>(pub(crate) T);

/// The same for what belongs to something else: the name of that, and then its own.
pub(crate) struct Within<T>(pub(crate) String, pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Service> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Service) -> Result<Self, Problem> {
        if !is_a(request.headers(), "application/json") {
            let words = "the body must be JSON: send `Content-Type: application/json`. Nothing was changed";
            return Err(Problem::new(FaultKind::InvalidInput, words).with_status(415));
        }
        let body = Unread::of(request).read(LARGEST, PATIENCE).await.map_err(unread)?;
        parse(&body).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequestParts<Service> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        let wrong = |error: axum::extract::rejection::QueryRejection| {
            invalid(format!("the address cannot be read: {}. Nothing was changed", error.body_text()))
        };
        read.map(|axum::extract::Query(read)| Self(read)).map_err(wrong)
    }
}

impl<T: FromStr + Send> FromRequestParts<Service> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let path =
            axum::extract::Path::<String>::from_request_parts(parts, service).await.map_err(nothing)?;
        read(&path.0).map(Self)
    }
}

impl<T: FromStr + Send> FromRequestParts<Service> for Within<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let path = axum::extract::Path::<(String, String)>::from_request_parts(parts, service).await;
        let axum::extract::Path((whole, part)) = path.map_err(nothing)?;
        read(&part).map(|part| Self(whole, part))
    }
}

fn nothing(_: PathRejection) -> Problem {
    Problem::new(FaultKind::NotFound, "the address names nothing that can be read")
}

fn read<T: FromStr>(name: &str) -> Result<T, Problem> {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    name.parse().map_err(|_| Problem::new(FaultKind::NotFound, format!("nothing here is called `{shown}`")))
}

fn unread(error: Unreadable) -> Problem {
    invalid(format!("{error}. Nothing was changed")).with_status(error.status())
}

/// A document, or where it is wrong: 400 if it is no JSON, 422 if it is another one than asked for.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // A list of a document's values in their order would be read as the document.
    if body.trim_ascii_start().starts_with(b"[") && serde_json::from_slice::<IgnoredAny>(body).is_ok() {
        return Err(invalid("the body is a list, and must be an object. Nothing was changed"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let place = error.path().to_string();
        let inner = error.into_inner();
        let status = if inner.is_data() { 422 } else { 400 };
        let place = if place == "." { String::new() } else { format!("`{place}`: ") };
        invalid(format!("the body cannot be read: {place}{inner}. Nothing was changed")).with_status(status)
    })?;
    reader.end().map_err(|error| {
        invalid(format!("the body goes on behind its end: {error}. Nothing was changed")).with_status(400)
    })?;
    Ok(read)
}

/// Refuses a text that is longer than it may be, in characters.
pub(crate) fn check_length(what: &str, text: &str, most: usize) -> Result<(), Problem> {
    match text.chars().count() {
        chars if chars > most => Err(invalid(format!(
            "{what} has {chars} characters, and at most {most} are allowed. Nothing was changed"
        ))),
        _ => Ok(()),
    }
}

pub(crate) fn invalid(words: impl Into<String>) -> Problem {
    Problem::new(FaultKind::InvalidInput, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Order {
        words: u32,
    }

    /// Tried by answering 422 to everything: what is no JSON at all was told as a wrong field.
    #[test]
    fn what_is_wrong_with_a_document_is_told_with_its_place() {
        assert_eq!(parse::<Order>(br#"{"words": 5}"#).unwrap(), Order { words: 5 });
        for (text, status, told) in [
            ("", 400, "EOF"),
            ("{", 400, "EOF"),
            (r#"{"words": 5} x"#, 400, "behind its end"),
            (r#"{"words": "5"}"#, 422, "`words`"),
            (r#"{"words": 5, "more": 1}"#, 422, "unknown field `more`"),
            ("[5]", 422, "must be an object"),
        ] {
            let problem = parse::<Order>(text.as_bytes()).unwrap_err();
            let (found, detail, _) = problem.clone().parts();
            assert_eq!(found, status, "{text}: {detail}");
            assert!(detail.contains(told), "{text}: {detail}");
            assert_eq!(problem.into_response().status().as_u16(), status);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_with_a_reason(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\",:0-9a-z\\\\ ]{0,60}") {
            for body in [bytes.as_slice(), text.as_bytes()] {
                if let Err(problem) = parse::<Order>(body) {
                    let (status, detail, _) = problem.parts();
                    prop_assert!([400, 422].contains(&status) && detail.ends_with("Nothing was changed"), "{} {}", status, detail);
                }
            }
        }

        #[test]
        fn what_is_written_by_the_rules_is_read(words in any::<u32>(), space in "[ \\t\\r\\n]{0,9}") {
            let text = format!("{space}{{{space}\"words\"{space}:{space}{words}{space}}}{space}");
            prop_assert_eq!(parse::<Order>(text.as_bytes()), Ok(Order { words }));
        }
    }

    /// Tried without the library's own limit: the stack overflowed.
    #[test]
    fn a_deeply_nested_document_is_refused() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(parse::<serde_json::Value>(deep.as_bytes()).unwrap_err().parts().0, 400);
    }
}
