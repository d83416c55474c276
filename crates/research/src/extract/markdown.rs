//! Markdown: CommonMark with GitHub's tables, task lists, footnotes and alerts.

use comrak::{Arena, Options, nodes::NodeValue, try_parse_document};
use std::cell::Cell;

use super::{
    Found, NotText,
    blocks::{Block, Blocks},
    front_matter, html,
};

/// How often the parser may ask whether to go on; it asks every 256 steps, and a line, an inline or a
/// node is a step. A book of 20 MiB takes about a tenth of it.
const STEPS: u32 = 40_000;

pub(super) fn read(text: &str) -> Result<Found, NotText> {
    let (title, body) = front_matter::split(text);
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.alerts = true;
    let steps = Cell::new(0u32);
    let too_many = || {
        steps.set(steps.get() + 1);
        steps.get() > STEPS
    };
    let arena = Arena::new();
    let root = try_parse_document(&arena, body, &options, &too_many).map_err(|_| NotText::TooComplex)?;
    let mut reader = Reader::default();
    // Walked by its edges: a tree of any depth takes no stack.
    for edge in root.traverse() {
        match edge {
            comrak::arena_tree::NodeEdge::Start(node) => reader.start(&node.data.borrow().value),
            comrak::arena_tree::NodeEdge::End(node) => reader.end(&node.data.borrow().value),
        }
    }
    let title = title.or_else(|| reader.blocks.first_heading());
    Ok(Found { title, text: reader.blocks.into_text() })
}

#[derive(Default)]
struct Reader {
    blocks: Blocks,
    line: String,
    cells: Vec<String>,
    images: usize,
    quotes: usize,
    /// An item's first paragraph is still to come.
    item: bool,
}

impl Reader {
    fn start(&mut self, value: &NodeValue) {
        match value {
            NodeValue::Text(text) if self.images == 0 => self.line.push_str(text),
            NodeValue::Code(code) if self.images == 0 => self.line.push_str(&code.literal),
            NodeValue::SoftBreak | NodeValue::LineBreak | NodeValue::HtmlInline(_) => self.space(value),
            NodeValue::Image(_) => self.images += 1,
            NodeValue::BlockQuote | NodeValue::Alert(_) => self.quotes += 1,
            NodeValue::Item(_) | NodeValue::TaskItem(_) => self.item = true,
            NodeValue::CodeBlock(code) => self.blocks.push_code(&code.literal),
            NodeValue::HtmlBlock(block) => html::read_fragment(&block.literal, &mut self.blocks),
            _ => {}
        }
    }

    fn space(&mut self, value: &NodeValue) {
        let breaks = match value {
            NodeValue::HtmlInline(tag) => tag.starts_with("<br"),
            _ => true,
        };
        if breaks {
            self.line.push(' ');
        }
    }

    fn end(&mut self, value: &NodeValue) {
        match value {
            NodeValue::Heading(heading) => self.emit(Block::Heading(heading.level)),
            NodeValue::Paragraph if std::mem::take(&mut self.item) => self.emit(Block::Item),
            NodeValue::Paragraph if self.quotes > 0 => self.emit(Block::Quote),
            NodeValue::Paragraph => self.emit(Block::Paragraph),
            NodeValue::Image(_) => self.images -= 1,
            NodeValue::BlockQuote | NodeValue::Alert(_) => self.quotes -= 1,
            NodeValue::Item(_) | NodeValue::TaskItem(_) => self.item = false,
            NodeValue::TableCell => self.cells.push(std::mem::take(&mut self.line)),
            NodeValue::TableRow(_) => self.blocks.push_row(&std::mem::take(&mut self.cells)),
            _ => {}
        }
    }

    fn emit(&mut self, block: Block) {
        self.blocks.push(block, &std::mem::take(&mut self.line));
    }
}
