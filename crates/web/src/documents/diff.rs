//! What changed between two revisions of a post.

use cofounder_storage::RevisionText;
use serde::{Deserialize, Serialize};
use similar::{ChangeTag, DiffOp, TextDiff};
use std::time::Duration;
use utoipa::ToSchema;

use super::{Sample, sample::TOPIC};

/// Lines around a change.
const AROUND: usize = 3;
/// How long the shortest difference is looked for; a longer one is as right.
const PATIENCE: Duration = Duration::from_millis(500);

/// What changed between two revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct DiffDocument {
    /// The earlier revision's number.
    pub from: u32,
    /// The later one's.
    pub to: u32,
    /// What else is another: `title`, `description`, `tags`.
    pub changed: Vec<FieldChange>,
    /// The texts' difference as unified diff; empty if there is none.
    pub unified: String,
    /// The same in parts.
    pub hunks: Vec<Hunk>,
}

/// A field that is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// Which.
    pub field: String,
    /// What it was.
    pub old: String,
    /// What it is.
    pub new: String,
}

/// Changed lines with those around them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hunk {
    /// The number of its first line in the earlier text, from 1.
    pub old_start: usize,
    /// How many lines of that it covers.
    pub old_lines: usize,
    /// The number of its first line in the later text.
    pub new_start: usize,
    /// How many lines of that it covers.
    pub new_lines: usize,
    /// Its lines.
    pub lines: Vec<DiffLine>,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffLine {
    /// `same`, `removed` or `added`.
    pub kind: String,
    /// The line, without its end.
    pub text: String,
}

impl DiffDocument {
    /// Compares line by line.
    #[must_use]
    pub fn between(from: &RevisionText, to: &RevisionText) -> Self {
        let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(&from.markdown, &to.markdown);
        let (old, new) = (from.revision.number, to.revision.number);
        let names = (format!("revision {old}"), format!("revision {new}"));
        let unified = diff.unified_diff().context_radius(AROUND).header(&names.0, &names.1).to_string();
        let hunks = diff.grouped_ops(AROUND).iter().map(|ops| hunk(&diff, ops)).collect();
        Self { from: old, to: new, changed: fields(from, to), unified, hunks }
    }
}

fn fields(from: &RevisionText, to: &RevisionText) -> Vec<FieldChange> {
    let pairs = [
        ("title", from.revision.title.clone(), to.revision.title.clone()),
        ("description", from.description.clone(), to.description.clone()),
        ("tags", from.tags.join(", "), to.tags.join(", ")),
    ];
    let changed = pairs.into_iter().filter(|(_, old, new)| old != new);
    changed.map(|(field, old, new)| FieldChange { field: field.to_owned(), old, new }).collect()
}

fn hunk<'a>(diff: &TextDiff<'a, 'a, 'a, str>, ops: &[DiffOp]) -> Hunk {
    let (old, new) = (ops.first().map(DiffOp::old_range), ops.first().map(DiffOp::new_range));
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    let lines = ops.iter().flat_map(|op| diff.iter_changes(op)).map(|change| DiffLine {
        kind: match change.tag() {
            ChangeTag::Equal => "same",
            ChangeTag::Delete => "removed",
            ChangeTag::Insert => "added",
        }
        .to_owned(),
        text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
    });
    Hunk {
        old_start: old.start + 1,
        old_lines: ops.iter().map(|op| op.old_range().len()).sum(),
        new_start: new.start + 1,
        new_lines: ops.iter().map(|op| op.new_range().len()).sum(),
        lines: lines.collect(),
    }
}

impl Sample for DiffDocument {
    fn sample() -> Self {
        let line = |kind: &str, text: &str| DiffLine { kind: kind.to_owned(), text: text.to_owned() };
        Self {
            from: 1,
            to: 2,
            changed: vec![FieldChange {
                field: "title".to_owned(),
                old: TOPIC.to_owned(),
                new: "SQLite is enough for most".to_owned(),
            }],
            unified:
                "--- revision 1\n+++ revision 2\n@@ -1 +1,2 @@\n It needs no server.\n+It is one file.\n"
                    .to_owned(),
            hunks: vec![Hunk {
                old_start: 1,
                old_lines: 1,
                new_start: 1,
                new_lines: 2,
                lines: vec![line("same", "It needs no server."), line("added", "It is one file.")],
            }],
        }
    }
}
