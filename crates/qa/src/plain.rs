//! Markdown as a reader sees it: text without markup.

use comrak::{Arena, Options, nodes::NodeValue};

use crate::{
    marks::strip_citations,
    patterns::{Pattern, pattern},
};

/// A footnote's mark.
static FOOTNOTE: Pattern = Pattern::new(|| pattern(r"\[\^[^\]\s]+\]"));
/// A source as the finished article names it: ` ([Title](address))`.
static SOURCE_LINK: Pattern = Pattern::new(|| pattern(r"[ \t]?\(\[(?:[^\[\]\\\n]|\\.)*\]\([^()\s]*\)\)"));
/// A picture, also one that is a link.
static PICTURE: Pattern = Pattern::new(|| {
    pattern(
        r"\[!\[(?:[^\[\]\\]|\\.)*\](?:\([^()]*\)|\[[^\[\]]*\])\](?:\([^()]*\)|\[[^\[\]]*\])|!\[(?:[^\[\]\\]|\\.)*\](?:\([^()]*\)|\[[^\[\]]*\])",
    )
});
/// What marks a block at the beginning of a line.
static BLOCK_MARK: Pattern = Pattern::new(|| pattern(r"^(?:\s{0,3}(?:#{1,6}|>|[-*+•])\s+)+"));

/// Where footnote marks, links to sources and pictures stand: none of them is text.
pub(crate) fn references(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<_> = FOOTNOTE.find_iter(text).map(|m| m.range()).collect();
    found.extend(PICTURE.find_iter(text).map(|m| m.range()));
    found.extend(SOURCE_LINK.find_iter(text).map(|m| m.range()));
    found
}

/// The text without inline Markdown, citations, pictures and links to sources, with escapes undone.
#[must_use]
pub fn plain(markdown: &str) -> String {
    let text = strip_citations(markdown);
    let text = SOURCE_LINK.replace_all(&text, "");
    let text = FOOTNOTE.replace_all(&text, "");
    let text = PICTURE.replace_all(&text, "");
    let text = BLOCK_MARK.replace(&text, "");
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    inline(&line)
}

/// Reads one line as the inside of a paragraph.
fn inline(line: &str) -> String {
    if !line.contains(['\\', '`', '*', '_', '[', ']', '<', '&', '~', '!', '\0']) {
        return line.to_owned();
    }
    // A letter in front keeps a number or a hyphen at the beginning from opening a list.
    let source = format!("x {}", line.replace('\0', " "));
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, &source, &Options::default());
    let mut out = String::new();
    for node in root.descendants() {
        match &node.data().value {
            NodeValue::Text(text) => out.push_str(text),
            NodeValue::Code(code) => out.push_str(&code.literal),
            NodeValue::SoftBreak | NodeValue::LineBreak => out.push(' '),
            _ => {}
        }
    }
    let text = out.strip_prefix("x ").unwrap_or(&out);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_the_words_stay() {
        for (markdown, want) in [
            ("It is **very** *small* and `fast`. [S1]", "It is very small and fast."),
            ("See [the docs](https://e.example/a \"t\") and ![a cat](c.png).", "See the docs and ."),
            (r"Use \[x\] and \*y\*.", "Use [x] and *y*."),
            ("A snake_case_name and 2 * 3 * 4.", "A snake_case_name and 2 * 3 * 4."),
            ("## A heading", "A heading"),
            ("2000. A year &amp; more", "2000. A year & more"),
            ("It is small.[^1] ([Web \\[1\\]](https://e.example/a%28b%29))", "It is small."),
            ("wrapped\nline", "wrapped line"),
            ("", ""),
        ] {
            assert_eq!(plain(markdown), want);
        }
    }
}
