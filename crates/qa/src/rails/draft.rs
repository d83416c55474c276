//! A draft, read once for all rails.

use cofounder_domain::{Passage, Span};

use super::RailInput;
use crate::{
    blocks::{Block, Kind, blocks},
    claim::Rules,
    factual::is_factual,
    marks::code_spans,
    nearest::Nearest,
    parse::{Article, Sentence, read},
    patterns::{Pattern, pattern},
    place,
};

/// The address of a link.
static TARGET: Pattern = Pattern::new(|| pattern(r"\]\((?P<to>[^()\s]*)"));

/// How sentences find the passages that they are compared with.
pub(crate) enum Proof<'a> {
    /// By their marks.
    Marks,
    /// A text without marks: by the words they share.
    Words(Nearest<'a>),
    /// There are no passages; why, in words.
    None(&'static str),
}

/// A draft and what was read of it.
pub(crate) struct Draft<'a> {
    pub(crate) input: RailInput<'a>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) article: Article,
    pub(crate) proof: Proof<'a>,
    pub(crate) rules: Rules,
    /// The draft with code, front matter and the addresses of links as spaces, byte for byte.
    pub(crate) prose: String,
}

impl<'a> Draft<'a> {
    pub(crate) fn of(input: RailInput<'a>) -> Self {
        let proof = if input.passages.is_empty() {
            Proof::None("there are no passages to compare the text with")
        } else {
            Proof::Marks
        };
        let allowed_names = [input.title, input.topic]
            .into_iter()
            .filter(|n| !n.trim().is_empty())
            .map(str::to_owned)
            .collect();
        Self::with(input, proof, allowed_names)
    }

    pub(crate) fn with(input: RailInput<'a>, proof: Proof<'a>, allowed_names: Vec<String>) -> Self {
        let blocks = blocks(input.markdown);
        let article = read(input.markdown, &blocks);
        let prose = prose(input.markdown, &blocks);
        Self { rules: Rules { allowed_names, ..Rules::default() }, input, blocks, article, proof, prose }
    }

    /// The sentences that state something and stand in running text, lists, quotations or tables.
    pub(crate) fn factual(&self) -> impl Iterator<Item = &Sentence> {
        self.article.sentences.iter().filter(|s| match s.kind {
            Kind::Prose | Kind::ListItem => is_factual(&s.text),
            Kind::Quotation => true,
            Kind::Heading | Kind::Code | Kind::Table => false,
        })
    }

    /// Sentences of running text, lists and quotations.
    pub(crate) fn worded(&self) -> impl Iterator<Item = &Sentence> {
        self.article
            .sentences
            .iter()
            .filter(|s| matches!(s.kind, Kind::Prose | Kind::ListItem | Kind::Quotation))
    }

    /// The passages with these numbers.
    pub(crate) fn cited(&self, numbers: &[u32]) -> Vec<&'a Passage> {
        numbers.iter().filter_map(|n| self.input.passages.iter().find(|p| p.number == *n)).collect()
    }
}

/// The span of a match in [`Draft::prose`].
pub(crate) fn span(range: &std::ops::Range<usize>) -> Span {
    Span { start: range.start, end: range.end }
}

/// Where links lead, which no reader sees.
fn targets(text: &str) -> Vec<std::ops::Range<usize>> {
    TARGET.captures_iter(text).filter_map(|c| c.name("to").map(|m| m.range())).collect()
}

fn prose(markdown: &str, blocks: &[Block]) -> String {
    let mut bytes = markdown.as_bytes().to_vec();
    place::blank(&mut bytes, 0, crate::front_matter::body_start(markdown));
    for block in blocks {
        let range = block.range();
        if block.kind == Kind::Code {
            // Lines stay lines, so that what is looked for at the beginning of one is still found.
            for line in &block.lines {
                place::blank(&mut bytes, line.start, line.end);
            }
            continue;
        }
        let text = &markdown[range.clone()];
        for hidden in code_spans(text).into_iter().chain(targets(text)) {
            place::blank(&mut bytes, range.start + hidden.start, range.start + hidden.end);
        }
    }
    place::text(bytes)
}
