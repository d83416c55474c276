//! What people write, as it is kept: on one line where it is a title, within its bounds, and never empty.

use cofounder_domain::slugify;

use crate::StorageError;

/// The longest title, description and text, in characters.
const TITLE: usize = 300;
const DESCRIPTION: usize = 1_000;
const MARKDOWN: usize = 500_000;

/// A title.
pub(crate) fn title(typed: &str) -> Result<String, StorageError> {
    let title = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    if !title.chars().any(char::is_alphanumeric) || title.chars().any(char::is_control) {
        return Err(StorageError::Invalid("the title says nothing. Nothing was changed".to_owned()));
    }
    within(title, TITLE, "the title")
}

/// One or two sentences.
pub(crate) fn description(typed: &str) -> Result<String, StorageError> {
    within(typed.split_whitespace().collect::<Vec<_>>().join(" "), DESCRIPTION, "the description")
}

/// Line ends are kept as one kind, and NUL is kept by no database.
pub(crate) fn markdown(typed: &str) -> Result<String, StorageError> {
    let text = crate::sql::plain(typed).replace("\r\n", "\n");
    if text.trim().is_empty() {
        return Err(StorageError::Invalid("the text is empty. Nothing was changed".to_owned()));
    }
    within(text, MARKDOWN, "the text")
}

/// The last part of an address.
pub(crate) fn address(typed: &str) -> Result<String, StorageError> {
    match slugify(typed) {
        slug if slug == typed => Ok(slug),
        slug => Err(StorageError::Invalid(format!(
            "`{}` is no address: small letters, digits and single hyphens, such as `{slug}`. Nothing was changed",
            typed.chars().filter(|c| !c.is_control()).take(100).collect::<String>()
        ))),
    }
}

fn within(text: String, most: usize, what: &str) -> Result<String, StorageError> {
    match text.chars().count() {
        chars if chars <= most => Ok(text),
        chars => Err(StorageError::Invalid(format!(
            "{what} has {chars} characters, and at most {most} are allowed. Nothing was changed"
        ))),
    }
}
