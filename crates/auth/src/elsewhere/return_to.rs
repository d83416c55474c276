//! Where a browser goes after a sign-in: to a path on this site, and nowhere else.

/// The longest, in bytes.
const LONGEST: usize = 2000;

/// It is no path on this site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`return_to` must be a path on this site, such as /tasks. Nobody was signed in")]
pub struct ReturnToError;

/// A path on this site, with its query, as a browser can be sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Reads a path. What a browser would take for another site (`//x`, `/\x`, a scheme), or what could end a header, is
    /// none.
    ///
    /// # Errors
    /// [`ReturnToError`]
    pub fn parse(text: &str) -> Result<Self, ReturnToError> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let own = text.starts_with('/') && !text.starts_with("//");
        if own && plain && text.len() <= LONGEST { Ok(Self(text.to_owned())) } else { Err(ReturnToError) }
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ReturnTo {
    /// The site's first page.
    fn default() -> Self {
        Self("/".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::Url;

    #[test]
    fn paths_are_taken_and_other_places_are_not() {
        for text in ["/", "/tasks/1?x=1&y=%20#there", "/a//b", "/:x", "/@x", "/.."] {
            assert_eq!(ReturnTo::parse(text).unwrap().as_str(), text);
        }
        let long = format!("/{}", "a".repeat(LONGEST));
        for text in [
            "",
            "tasks",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=1",
            "/\t/evil.example",
            "/ ",
            "/\0",
            "/é",
            " /tasks",
            "?x",
            "#x",
            &long,
        ] {
            assert_eq!(ReturnTo::parse(text), Err(ReturnToError), "{text:?}");
        }
    }

    proptest! {
        /// Whatever is taken leads, as a browser reads addresses (WHATWG's URL standard), to the site itself. Tried by
        /// allowing `\`, then `//`: the test failed each time.
        #[test]
        fn whatever_is_taken_stays_on_the_site(text in r"[/\\a-z:@.?#\t\r\n %]{0,12}|/[/\\\t]{0,3}evil\.example|.{0,20}") {
            if let Ok(path) = ReturnTo::parse(&text) {
                let site = Url::parse("https://here.example/auth/acme/callback").unwrap();
                let there = site.join(path.as_str()).unwrap();
                prop_assert_eq!(there.origin(), site.origin());
                prop_assert_eq!(there.username(), "");
                prop_assert!(!path.as_str().bytes().any(|byte| byte.is_ascii_control()));
            }
        }
    }
}
