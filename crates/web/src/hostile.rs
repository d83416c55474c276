//! Whatever a request's headers and bodies say, they are read or refused; and what was written by the rules is read as it was
//! meant.

use axum::http::{HeaderMap, HeaderValue, header};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use crate::{
    Place,
    api::{Seen, Tag},
    shown::Shown,
};

fn headers(name: header::HeaderName, bytes: &[u8]) -> HeaderMap {
    HeaderValue::from_bytes(bytes).into_iter().map(|value| (name.clone(), value)).collect()
}

proptest! {
    /// `If-None-Match`. Tried by looking for the number's digits in the list: the test failed.
    #[test]
    fn a_state_is_in_a_list_if_and_only_if_it_stands_there(
        state in any::<i64>(), others in prop::collection::vec((any::<i64>(), any::<bool>()), 0..6), at in any::<prop::sample::Index>(), put in any::<bool>(),
    ) {
        let mut tags: Vec<String> = others.iter().map(|(n, weak)| format!("{}\"{n}\"", if *weak { "W/" } else { "" })).collect();
        if put {
            tags.insert(at.index(tags.len() + 1), format!("\"{state}\""));
        }
        let expected = put || others.iter().any(|(n, _)| *n == state);
        prop_assert_eq!(Tag(state).is_in(&tags.join(", ")), expected);
    }

    #[test]
    fn any_list_of_states_is_read(list in "\\PC{0,60}") {
        Tag(7).is_in(&list);
    }

    /// `If-Match`.
    #[test]
    fn what_was_seen_is_read_as_it_was_written(states in prop::collection::vec(any::<u64>(), 1..6), junk in prop::collection::vec(any::<u8>(), 0..60)) {
        let list = states.iter().map(|state| format!("\"{state}\"")).collect::<Vec<_>>().join(", ");
        prop_assert_eq!(Seen::of(&headers(header::IF_MATCH, list.as_bytes())), Seen(Some(states)));
        Seen::of(&headers(header::IF_MATCH, &junk));
    }

    /// `Authorization` and `Cookie`. Tried by printing what was shown: the test failed.
    #[test]
    fn a_secret_is_read_whole_and_never_printed(secret in "[A-Za-z0-9_-]{20,60}", scheme in "[Bb][Ee][Aa][Rr][Ee][Rr]") {
        let place = Place::new(None, ([127, 0, 0, 1], 8000).into());
        for shown in [
            Shown::of(&headers(header::AUTHORIZATION, format!("{scheme}  {secret} ").as_bytes()), &place),
            Shown::of(&headers(header::COOKIE, format!("a=b; cofounder={secret}; c").as_bytes()), &place),
        ] {
            let printed = format!("{shown:?}");
            prop_assert!(!printed.contains(&secret));
            let (Shown::Token(read) | Shown::Session(read)) = shown else { panic!("{shown:?}") };
            prop_assert_eq!(read.expose_secret(), secret.as_str());
        }
    }

    #[test]
    fn whatever_is_shown_is_read(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        for name in [header::AUTHORIZATION, header::COOKIE] {
            Shown::of(&headers(name, &bytes), &Place::new(None, ([127, 0, 0, 1], 8000).into()));
        }
    }
}
