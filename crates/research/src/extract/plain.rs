//! Plain text, reStructuredText, and what MediaWiki calls an extract.

use super::{
    Found,
    blocks::{Block, Blocks},
    front_matter,
};

/// Reads plain text: wrapped lines become paragraphs, underlined lines, `# lines`, `== lines ==` and short
/// lines in capitals become headings.
pub(super) fn read(text: &str) -> Found {
    let (title, body) = front_matter::split(text);
    let lines: Vec<&str> = body.lines().collect();
    let mut reader = Reader::default();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let next = lines.get(at + 1).copied().unwrap_or_default();
        at += if reader.heading(line, next) { 1 } else { 0 };
        at += 1;
    }
    reader.flush();
    let title = title.or_else(|| reader.blocks.first_heading());
    Found { title, text: reader.blocks.into_text() }
}

#[derive(Default)]
struct Reader {
    blocks: Blocks,
    open: String,
    lines: usize,
    item: bool,
}

impl Reader {
    /// Takes one line, and says whether the next one, an underline, belongs to it.
    fn heading(&mut self, line: &str, next: &str) -> bool {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            self.flush();
        } else if let Some(level) = underline(trimmed, next).filter(|_| self.open.is_empty()) {
            self.blocks.push(Block::Heading(level), trimmed);
            return true;
        } else if let Some((level, heading)) = marked_heading(trimmed) {
            self.flush();
            self.blocks.push(Block::Heading(level), heading);
        } else if is_rule(trimmed) || trimmed.starts_with(".. ") || trimmed.starts_with("```") {
            self.flush();
        } else if let Some(row) = trimmed.strip_prefix('|') {
            self.flush();
            let cells: Vec<String> = row.trim_end_matches('|').split('|').map(str::to_owned).collect();
            self.blocks.push_row(&cells);
        } else if let Some(item) = bullet(trimmed) {
            self.flush();
            self.item = true;
            self.add(item);
        } else {
            self.add(trimmed);
        }
        false
    }

    fn add(&mut self, line: &str) {
        if !self.open.is_empty() {
            self.open.push(' ');
        }
        self.open.push_str(line);
        self.lines += 1;
    }

    fn flush(&mut self) {
        let block = if self.item {
            Block::Item
        } else if self.lines == 1 && in_capitals(&self.open) {
            Block::Heading(2)
        } else {
            Block::Paragraph
        };
        self.blocks.push(block, &std::mem::take(&mut self.open));
        self.lines = 0;
        self.item = false;
    }
}

/// The level of the heading that the next line underlines.
fn underline(line: &str, next: &str) -> Option<u8> {
    let next = next.trim();
    let mark = next.chars().next()?;
    let level = match mark {
        '=' => 1,
        '-' => 2,
        '~' | '^' => 3,
        _ => return None,
    };
    let long_enough = next.len() >= 3 && next.len() + 3 >= line.chars().count();
    (long_enough && next.chars().all(|c| c == mark) && line.chars().any(char::is_alphanumeric))
        .then_some(level)
}

/// `## Heading`, or `== Heading ==` as in a wiki.
fn marked_heading(line: &str) -> Option<(u8, &str)> {
    let marks = line.chars().take_while(|c| *c == '#').count();
    if (1..=6).contains(&marks) && line[marks..].starts_with(' ') {
        return Some((marks as u8, line[marks..].trim()));
    }
    let marks = line.chars().take_while(|c| *c == '=').count();
    if (2..=6).contains(&marks) && line.len() > 2 * marks && line.ends_with(&"=".repeat(marks)) {
        return Some((marks as u8, line[marks..line.len() - marks].trim()));
    }
    None
}

fn is_rule(line: &str) -> bool {
    line.len() >= 3 && line.chars().all(|c| matches!(c, '-' | '=' | '*' | '_' | '~' | '^' | '+' | ' '))
}

fn bullet(line: &str) -> Option<&str> {
    let marked = ["- ", "* ", "• ", "+ "].into_iter().find_map(|mark| line.strip_prefix(mark));
    marked.or_else(|| {
        let digits = line.chars().take_while(char::is_ascii_digit).count();
        let rest = &line[digits..];
        (1..=2)
            .contains(&digits)
            .then(|| rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")))
            .flatten()
    })
}

fn in_capitals(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 4
        && line.len() <= 60
        && !line.chars().any(char::is_lowercase)
        && !line.ends_with(['.', '!', '?', ':'])
}
