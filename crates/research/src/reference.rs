//! What a person names as a source.

use std::path::PathBuf;
use url::Url;

use crate::ResearchError;

/// The longest URL that is taken, in bytes.
const MAX_URL: usize = 2_048;

/// What a person names as a source, told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A file or a directory on this machine.
    Path(PathBuf),
    /// A page on the web, without fragment.
    Url(Url),
}

impl Reference {
    /// Tells a path from an `http(s)` URL. Whether it exists is not looked at.
    ///
    /// # Errors
    /// [`ResearchError::BadReference`] for another scheme, a URL with a password, an empty text, or one
    /// that no path can hold.
    pub fn parse(text: &str) -> Result<Self, ResearchError> {
        let text = text.trim();
        let bad = |reason: String| ResearchError::BadReference { reference: shortened(text), reason };
        if text.is_empty() {
            return Err(bad("it is empty".to_owned()));
        }
        if text.contains('\0') {
            return Err(bad("it holds a zero byte".to_owned()));
        }
        match scheme(text) {
            None => Ok(Self::Path(PathBuf::from(text))),
            Some("http" | "https") if text.len() > MAX_URL => {
                Err(bad(format!("the URL has more than {MAX_URL} bytes")))
            }
            Some("http" | "https") => Self::address(text).map_err(bad),
            Some("file") => Err(bad("a file is named by its path alone, without file://".to_owned())),
            Some(other) => Err(bad(format!("`{other}` is not a scheme that can be fetched"))),
        }
    }

    fn address(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text).map_err(|e| format!("it is not a valid URL ({e})"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL holds a user name or password, which would stand in the report".to_owned());
        }
        url.set_fragment(None);
        Ok(Self::Url(url))
    }
}

/// The scheme, in lower case where it is one of the usual, of a text that looks like a URL.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let known = ["http", "https", "file"].into_iter().find(|k| k.eq_ignore_ascii_case(scheme));
    valid.then(|| known.unwrap_or(scheme))
}

fn shortened(text: &str) -> String {
    let mut kept: String = text.chars().filter(|c| !c.is_control()).take(120).collect();
    if let Some((head, rest)) = kept.split_once("://")
        && let Some(at) = rest.split('/').next().unwrap_or_default().rfind('@')
    {
        kept = format!("{head}://…{}", &rest[at..]);
    }
    if kept.len() < text.len() { format!("{kept}…") } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_web_addresses_are_told_apart() {
        for path in ["notes", "./a b.md", "/tmp/x", "C:/x.md", "a:b", "weird?#.txt", "-"] {
            assert_eq!(Reference::parse(path).unwrap(), Reference::Path(path.into()));
        }
        assert_eq!(
            Reference::parse(" HTTPS://Example.org/a?b#c ").unwrap(),
            Reference::Url(Url::parse("https://example.org/a?b").unwrap())
        );
    }

    #[test]
    fn other_schemes_passwords_and_nonsense_are_refused_with_a_reason() {
        let cases = [
            ("", "empty"),
            ("a\0b", "zero byte"),
            ("ftp://example.org/x", "`ftp`"),
            ("gopher://127.0.0.1", "`gopher`"),
            ("file:///etc/passwd", "without file://"),
            ("http://", "not a valid URL"),
            ("http://[::1", "not a valid URL"),
            ("http://user:secret@example.org/", "password"),
        ];
        for (text, reason) in cases {
            let error = Reference::parse(text).unwrap_err();
            assert!(error.to_string().contains(reason), "{text}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(Reference::parse(&format!("http://a/{}", "x".repeat(3_000))).is_err());
    }
}
