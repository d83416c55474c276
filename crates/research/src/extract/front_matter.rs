//! The front matter of a text: `---` with YAML or `+++` with TOML.

/// How many lines a front matter may have.
const MAX_LINES: usize = 200;

/// The title that the front matter gives, and the text behind it.
pub(super) fn split(text: &str) -> (Option<String>, &str) {
    let body = text.trim_start_matches('\u{feff}');
    let Some(first) = body.lines().next() else { return (None, body) };
    let sign = match first.trim_end() {
        "---" => ':',
        "+++" => '=',
        _ => return (None, body),
    };
    let mut title = None;
    let mut offset = 0;
    for (number, line) in body.split_inclusive('\n').take(MAX_LINES).enumerate() {
        offset += line.len();
        let line = line.trim_end();
        if number == 0 {
            continue;
        }
        if line == first.trim_end() || (sign == ':' && line == "...") {
            return if number > 1 { (title, &body[offset..]) } else { (None, body) };
        }
        match entry(line, sign) {
            Entry::Title(value) => title = title.or(Some(value)),
            Entry::Other => {}
            Entry::None => return (None, body),
        }
    }
    (None, body)
}

enum Entry {
    Title(String),
    Other,
    None,
}

fn entry(line: &str, sign: char) -> Entry {
    if line.is_empty() || line.starts_with([' ', '\t', '#', '-', '[', ']', '}']) {
        return Entry::Other;
    }
    let Some((key, value)) = line.split_once(sign) else { return Entry::None };
    let key = key.trim();
    if key.is_empty() || !key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"')) {
        return Entry::None;
    }
    let value = value.trim().trim_matches(['"', '\'']).trim();
    if key.eq_ignore_ascii_case("title") && !value.is_empty() {
        Entry::Title(value.to_owned())
    } else {
        Entry::Other
    }
}
