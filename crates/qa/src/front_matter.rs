//! The settings block that many Markdown files open with.

/// Where the text begins: behind a `---` or `+++` block of settings, if the file opens with one.
pub(crate) fn body_start(text: &str) -> usize {
    let bom = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut lines = text[bom..].split_inclusive('\n');
    let Some(fence) = lines.next() else { return bom };
    let mark = fence.trim_end();
    if !matches!(mark, "---" | "+++") {
        return bom;
    }
    let mut at = bom + fence.len();
    let mut settings = 0;
    for line in lines {
        at += line.len();
        let trimmed = line.trim_end();
        if trimmed == mark || (mark == "---" && trimmed == "...") {
            return if settings > 0 { at } else { bom };
        }
        if setting(trimmed) {
            settings += 1;
        } else if !continuation(trimmed) {
            return bom;
        }
    }
    bom
}

/// The value of `title:` in the front matter.
pub(crate) fn title(text: &str) -> Option<String> {
    let head = &text[..body_start(text)];
    let line = head.lines().find(|l| l.starts_with("title:") || l.starts_with("title ="))?;
    let value = line.split_once([':', '='])?.1.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

fn setting(line: &str) -> bool {
    let end = line.find([':', '=']).unwrap_or(0);
    let key = line[..end].trim_end().trim_matches('"');
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn continuation(line: &str) -> bool {
    line.is_empty() || line.starts_with([' ', '\t', '-', '#', '[', ']', '}', '"'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_from_a_thematic_break() {
        for (text, want) in [
            ("---\ntitle: \"A: b\"\ntags:\n  - x\n---\nText", "Text"),
            ("+++\ntitle = \"x\"\n+++\nText", "Text"),
            ("---\n\nText.\n\n---\n", "---\n\nText.\n\n---\n"),
            ("---\ntitle: x\nno end", "---\ntitle: x\nno end"),
            ("\u{feff}Text", "Text"),
            ("", ""),
        ] {
            assert_eq!(&text[body_start(text)..], want);
        }
        assert_eq!(title("---\ntitle: \"A: b\"\n---\n").as_deref(), Some("A: b"));
    }
}
