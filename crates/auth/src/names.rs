//! What others call a person.

use crate::MAX_NAME_CHARS;

/// What a name is, in the words of an error.
pub(crate) const RULE: &str = "a name has 1 to 100 characters, none of them a control character";

/// A name as it is kept: trimmed. Nothing if it is none.
pub(crate) fn checked(name: &str) -> Option<String> {
    let name = name.trim();
    let is_one =
        !name.is_empty() && name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(char::is_control);
    is_one.then(|| name.to_owned())
}
