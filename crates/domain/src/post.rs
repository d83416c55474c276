//! Posts and their slugs.

use serde::{Deserialize, Serialize};

use crate::{PostId, Status, TaskId, Timestamp};

/// Whether a draft may be approved as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Every blocking rail passed.
    Open,
    /// A blocking rail failed or was skipped: only an override with a reason approves it.
    Blocked,
}

impl Gate {
    /// The name used on every wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Blocked => "blocked",
        }
    }
}

/// A post with its current revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Its id.
    pub id: PostId,
    /// The task that made it.
    pub task_id: TaskId,
    /// Its address, unique within the site.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// One or two sentences for search engines and feeds.
    pub description: String,
    /// Words for tags.
    pub tags: Vec<String>,
    /// The categories that it is in, by their addresses.
    pub categories: Vec<String>,
    /// CommonMark, without front matter.
    pub markdown: String,
    /// Number of the current revision, from 1.
    pub revision: u32,
    /// Grows with every change that others can see.
    pub version: u64,
    /// Where its task stands.
    pub status: Status,
    /// Whether the draft may be approved as it is.
    pub gate: Gate,
    /// Why the article fell short of what the pipeline aims at; empty if it did not.
    pub degraded: Vec<String>,
    /// The name of the person who wrote the current revision; absent if the program did.
    pub edited_by: Option<String>,
    /// Whether the checks have measured the current text.
    pub checked: bool,
    /// The revision whose text the checks have measured; absent if they have measured none.
    pub checked_revision: Option<u32>,
    /// When it went live; absent if it is not live.
    pub published_at: Option<Timestamp>,
    /// When it goes live, if it waits for a time.
    pub publish_at: Option<Timestamp>,
    /// When it was taken off the site, if it was.
    pub unpublished_at: Option<Timestamp>,
    /// When its first revision was stored.
    pub created_at: Timestamp,
    /// When its current revision was stored.
    pub updated_at: Timestamp,
}

/// A URL's last part from a title: lower-case ASCII letters, digits and single hyphens, at most 80
/// characters, cut at a word. Titles without any such letter give `post`.
#[must_use]
pub fn slugify(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            '\'' | '’' => {}
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    if slug.len() > 80 {
        let cut = slug[..=80].rfind('-').unwrap_or(80);
        slug.truncate(cut);
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "post".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain_and_bounded() {
        assert_eq!(slugify("Why SQLite's a good — default!"), "why-sqlites-a-good-default");
        assert_eq!(slugify("数据库"), "post");
        assert_eq!(slugify("../../etc/passwd"), "etc-passwd");
        let long = slugify(&"word ".repeat(100));
        assert!(long.len() <= 80 && !long.ends_with('-'));
        assert_eq!(slugify(&"x".repeat(200)).len(), 80);
    }
}
