//! People who sign in: what each is known by, and what each is here.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a person is here, and with that what they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May everything. There is always one who can sign in.
    Owner,
    /// Approves and publishes, and may what a writer may.
    Editor,
    /// Asks for tasks and changes drafts, and may what a viewer may.
    Writer,
    /// Looks.
    Viewer,
}

/// The text names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role. Known are {known}", known = Role::ALL.map(Role::as_str).join(", "))]
pub struct RoleError(String);

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Editor, Self::Writer, Self::Viewer];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Writer => "writer",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let known = Self::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| RoleError(text.chars().take(40).collect()))
    }
}

/// The longest address that a mail server takes, in bytes (RFC 5321, section 4.5.3.1.3, less its two brackets).
const MAX_EMAIL_BYTES: usize = 254;

/// An e-mail address as a person is known by it: trimmed, and in lower case as far as it is ASCII. Other letters stay as
/// they are, so that no two addresses that a mail server tells apart become one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Email(String);

/// The text is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no e-mail address. Write one such as ada@example.org")]
pub struct EmailError;

impl Email {
    /// The address's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        let (name, place) = text.split_once('@').ok_or(EmailError)?;
        let shaped = !name.is_empty() && !place.is_empty() && text.len() <= MAX_EMAIL_BYTES;
        // What would end an address in a header or a list, or shows otherwise than it is.
        let odd = |c: char| {
            c.is_control()
                || c.is_whitespace()
                || "<>()[]\\,;:\"".contains(c)
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        };
        if !shaped || place.contains('@') || text.contains(odd) {
            return Err(EmailError);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_roles_are_read_back_and_others_are_told_what_is_known() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        for wrong in ["", "Owner", "owner ", "admin"] {
            let told = wrong.parse::<Role>().unwrap_err().to_string();
            assert!(told.contains("owner, editor, writer, viewer"), "{told}");
        }
    }

    /// Tried by lowering every letter that Unicode can: the Kelvin sign became a `k`, and the test failed.
    #[test]
    fn one_address_is_one_text_and_no_two_become_one() {
        let read = |text: &str| text.parse::<Email>().unwrap().to_string();
        assert_eq!(read(" Ada@Example.ORG\n"), "ada@example.org");
        assert_eq!(read("ada+news@localhost"), "ada+news@localhost");
        assert_ne!(read("mi\u{212a}e@example.org"), read("mike@example.org"));
        assert_eq!(read("Ü@example.org"), "Ü@example.org");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(243));
        let wrong = [
            "",
            "@",
            "ada",
            "ada@",
            "@example.org",
            "a@b@c",
            "a b@c",
            "a@b\r\nBcc: c@d",
            "<a@b>",
            "a@b,c@d",
            "a@b\0",
            "a@b\u{202e}c",
            "a@\u{200b}b",
            &long,
        ];
        for text in wrong {
            assert_eq!(text.parse::<Email>(), Err(EmailError), "{text:?}");
        }
        assert!(long[1..].parse::<Email>().is_ok());
    }
}
