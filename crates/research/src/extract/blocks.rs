//! Writes clean text block by block.

/// What stands on a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Heading(u8),
    Paragraph,
    Item,
    Quote,
    Row,
    Code,
}

/// Clean text in the making.
#[derive(Default)]
pub(super) struct Blocks {
    text: String,
    last: Option<Block>,
    first_heading: Option<String>,
}

impl Blocks {
    /// Adds a block; one without anything but white space is left out.
    pub(super) fn push(&mut self, block: Block, content: &str) {
        let content = one_line(content);
        if content.is_empty() {
            return;
        }
        let mark = match block {
            Block::Heading(level) => {
                self.first_heading.get_or_insert_with(|| content.clone());
                ["# ", "## ", "### ", "#### ", "##### ", "###### "][usize::from(level.clamp(1, 6)) - 1]
            }
            Block::Item => "- ",
            Block::Quote => "> ",
            Block::Row => "| ",
            Block::Paragraph | Block::Code => "",
        };
        self.begin(block);
        self.text.push_str(mark);
        self.text.push_str(&content);
    }

    /// Adds a table's row.
    pub(super) fn push_row(&mut self, cells: &[String]) {
        let cells: Vec<String> = cells.iter().map(|c| one_line(c)).collect();
        if cells.iter().any(|c| !c.is_empty()) {
            self.push(Block::Row, &format!("{} |", cells.join(" | ")));
        }
    }

    /// Adds a code block, its lines as they are.
    pub(super) fn push_code(&mut self, code: &str) {
        let lines: Vec<String> =
            code.lines().map(|l| l.chars().filter(|c| *c == '\t' || keeps(*c)).collect()).collect();
        let code = lines.join("\n").replace("```", "'''");
        if !code.trim().is_empty() {
            self.begin(Block::Code);
            self.text.push_str("```\n");
            self.text.push_str(code.trim_end());
            self.text.push_str("\n```");
        }
    }

    fn begin(&mut self, block: Block) {
        if let Some(last) = self.last.replace(block) {
            let together = last == block && matches!(block, Block::Item | Block::Row);
            self.text.push_str(if together { "\n" } else { "\n\n" });
        }
    }

    /// The first heading, of any level.
    pub(super) fn first_heading(&self) -> Option<String> {
        self.first_heading.clone()
    }

    /// The text, without a line break at its end.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// The text on one line: white space collapsed, and without characters that cannot be seen.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || c == '\u{2028}' {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
        } else if keeps(c) {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Whether a character is kept: not the control characters, and not what is invisible or turns the
/// direction of writing, with which a text can show a reader something else than it holds.
fn keeps(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
