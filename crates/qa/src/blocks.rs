//! The blocks of a Markdown text (CommonMark, with tables and footnotes) as byte ranges.

use comrak::{Arena, Node, Options, nodes::NodeValue};
use std::ops::Range;

use crate::{front_matter::body_start, place};

/// What a sentence stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A heading.
    Heading,
    /// Running text.
    Prose,
    /// A block quotation: the whole of it is one unit.
    Quotation,
    /// An item of a list.
    ListItem,
    /// A block of code or of raw HTML.
    Code,
    /// A row of a table.
    Table,
}

/// One block that holds text.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    /// A heading's level, from 1; 0 for anything else.
    pub(crate) level: u8,
    /// For a fenced code block: whether its fence is closed. True for anything else.
    pub(crate) closed: bool,
    /// Byte ranges of its lines, without what marks it as a quotation, an item or a heading.
    pub(crate) lines: Vec<Range<usize>>,
}

impl Block {
    /// From the first byte of its text to one past the last.
    pub(crate) fn range(&self) -> Range<usize> {
        let start = self.lines.first().map_or(0, |l| l.start);
        start..self.lines.last().map_or(start, |l| l.end)
    }
}

/// The blocks in order. Front matter, footnotes and link definitions are not text.
pub(crate) fn blocks(markdown: &str) -> Vec<Block> {
    let base = body_start(markdown);
    // A NUL would become a longer character in the parser and shift its columns.
    let body = markdown[base..].replace('\0', " ");
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.footnotes = true;
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, &body, &options);
    let mut reader = Reader { markdown, base, lines: line_starts(&body), blocks: Vec::new() };
    reader.walk(root);
    reader.blocks
}

struct Reader<'a> {
    markdown: &'a str,
    base: usize,
    /// Where each line of the body begins and ends, without its line break.
    lines: Vec<Range<usize>>,
    blocks: Vec<Block>,
}

impl Reader<'_> {
    fn walk<'n>(&mut self, root: Node<'n>) {
        let mut todo: Vec<(Node<'n>, Kind)> = vec![(root, Kind::Prose)];
        while let Some((node, kind)) = todo.pop() {
            let inside = match &node.data().value {
                NodeValue::BlockQuote => {
                    self.quotation(node);
                    continue;
                }
                NodeValue::Item(_) | NodeValue::TaskItem(_) => Kind::ListItem,
                NodeValue::FootnoteDefinition(_) => continue,
                _ => kind,
            };
            if !self.leaf(node, inside) {
                let children: Vec<Node<'n>> = node.children().collect();
                todo.extend(children.into_iter().rev().map(|child| (child, inside)));
            }
        }
    }

    /// Takes a block that holds text itself; false for a container.
    fn leaf(&mut self, node: Node<'_>, kind: Kind) -> bool {
        let data = node.data();
        let (kind, level, closed) = match &data.value {
            NodeValue::Paragraph => (kind, 0, true),
            NodeValue::Heading(heading) => (Kind::Heading, heading.level, true),
            NodeValue::CodeBlock(code) => (Kind::Code, 0, !code.fenced || code.closed),
            NodeValue::HtmlBlock(_) => (Kind::Code, 0, true),
            NodeValue::TableRow(_) => (Kind::Table, 0, true),
            _ => return false,
        };
        let lines = self.text_lines(node, kind);
        if !lines.is_empty() {
            self.blocks.push(Block { kind, level, closed, lines });
        }
        true
    }

    fn quotation(&mut self, node: Node<'_>) {
        let lines = self.text_lines(node, Kind::Quotation);
        if !lines.is_empty() {
            self.blocks.push(Block { kind: Kind::Quotation, level: 0, closed: true, lines });
        }
    }

    fn text_lines(&self, node: Node<'_>, kind: Kind) -> Vec<Range<usize>> {
        let place = node.data().sourcepos;
        let (first, last) = (place.start.line.max(1), place.end.line.min(self.lines.len()));
        let mut lines = Vec::new();
        for number in first..=last {
            let Some(line) = self.lines.get(number - 1) else { continue };
            let lead = if number == first { place.start.column.saturating_sub(1) } else { 0 };
            let start = place::floor(self.markdown, self.base + (line.start + lead).min(line.end));
            let end = place::floor(self.markdown, self.base + line.end);
            if let Some(range) = self.trim(start..end.max(start), kind) {
                lines.push(range);
            }
        }
        lines
    }

    /// A line without the marks of its containers and without the white space around it.
    fn trim(&self, range: Range<usize>, kind: Kind) -> Option<Range<usize>> {
        let line = &self.markdown[range.clone()];
        let mut text = line.trim_end();
        text = match kind {
            Kind::Code => return (!text.is_empty()).then(|| range.start..range.start + text.len()),
            Kind::Heading => text.trim_start().trim_start_matches('#'),
            Kind::Quotation => text.trim_start_matches(['>', ' ', '\t']),
            Kind::Prose | Kind::ListItem | Kind::Table => text.trim_start_matches(['>', ' ', '\t']),
        };
        text = text.trim_start();
        let start = range.start + line.trim_end().len() - text.len();
        if kind == Kind::Heading {
            let bare = text.trim_end_matches('#');
            if bare.ends_with([' ', '\t']) || bare.is_empty() {
                text = bare.trim_end();
            }
            let underline =
                !text.is_empty() && (text.chars().all(|c| c == '=') || text.chars().all(|c| c == '-'));
            text = if underline { "" } else { text };
        }
        (!text.is_empty()).then(|| start..start + text.len())
    }
}

/// Lines as CommonMark has them: ended by `\n`, `\r\n` or `\r`.
fn line_starts(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        if matches!(bytes[at], b'\n' | b'\r') {
            lines.push(start..at);
            at += if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') { 2 } else { 1 };
            start = at;
        } else {
            at += 1;
        }
    }
    lines.push(start..bytes.len());
    lines
}
