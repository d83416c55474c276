//! The rails over any Markdown file.

use cofounder_domain::{Passage, RailResult};

use crate::{
    front_matter,
    marks::marks,
    nearest::Nearest,
    plain::plain,
    rails::{Draft, RailInput, RailSettings, draft::Proof, look},
};

/// The rails that need passages.
const NEED_PASSAGES: [&str; 3] = ["grounding", "citations", "quotes"];

/// What the rails find in a Markdown file; front matter is not text. Without passages, `grounding`, `citations`
/// and `quotes` are skipped and do not block. With passages, a text with `[S<n>]` marks is held to its marks;
/// any other is compared, sentence by sentence, with the passages that share most of its words.
#[must_use]
pub fn lint(md: &str, passages: Option<&[Passage]>) -> Vec<RailResult> {
    let title = front_matter::title(md).or_else(|| first_heading(md)).unwrap_or_default();
    let given = passages.unwrap_or_default();
    let input = RailInput {
        markdown: md,
        title: &title,
        topic: "",
        words_wanted: None,
        passages: given,
        claims: None,
        prompts: &[],
    };
    let proof = match passages {
        None => Proof::None("no sources were given to compare the text with"),
        Some([]) => Proof::None("the sources have no passage to compare the text with"),
        Some(_) if !marks(md).is_empty() => Proof::Marks,
        Some(_) => Proof::Words(Nearest::new(given)),
    };
    let unmarked = !matches!(proof, Proof::Marks);
    let without = matches!(proof, Proof::None(_));
    let draft = Draft::with(input, proof, allowed(&title, given));
    let mut results = look(&draft, &RailSettings::default());
    for result in &mut results {
        let unmeasured = (without && NEED_PASSAGES.contains(&result.rail.as_str()))
            || (unmarked && result.rail == "citations");
        result.blocking &= !unmeasured && result.verdict != cofounder_domain::Verdict::Skipped;
    }
    results
}

/// The file's own title and the titles of the sources need no evidence as names.
fn allowed(title: &str, passages: &[Passage]) -> Vec<String> {
    let mut names: Vec<String> = passages.iter().filter_map(|p| p.headings.first().cloned()).collect();
    names.push(title.to_owned());
    names.sort();
    names.dedup();
    names.retain(|n| !n.trim().is_empty());
    names
}

fn first_heading(md: &str) -> Option<String> {
    let block =
        crate::blocks::blocks(md).into_iter().find(|b| b.kind == crate::Kind::Heading && b.level == 1)?;
    md.get(block.range()).map(plain)
}
