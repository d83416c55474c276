//! A Markdown draft as sentences, each with the passages it cites.

use cofounder_domain::Span;

use crate::{
    blocks::{Block, Kind, blocks},
    marks::Mark,
    plain::plain,
    split::{Clean, pieces},
};

/// A draft as the checks read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Article {
    /// In the order of the text.
    pub sentences: Vec<Sentence>,
}

/// One sentence, heading, table row, code block or block quotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its bytes in the draft, with the marks that belong to it.
    pub span: Span,
    /// What a reader sees: without markup and without marks. Code stays as it is.
    pub text: String,
    /// Numbers of the passages it cites, each once.
    pub citations: Vec<u32>,
    /// What it stands in.
    pub kind: Kind,
    /// Number of its block, from 0.
    pub paragraph: usize,
}

/// Reads a draft. A mark belongs to the sentence before it; one that opens a block, to the sentence behind it;
/// a block of nothing but marks, to the block before. A quotation in double marks stays in one sentence, and
/// a block quotation is one unit.
#[must_use]
pub fn parse(md: &str) -> Article {
    read(md, &blocks(md))
}

/// [`parse`], when the blocks are known already.
pub(crate) fn read(markdown: &str, blocks: &[Block]) -> Article {
    let mut article = Article::default();
    for (paragraph, block) in blocks.iter().enumerate() {
        if block.kind == Kind::Code {
            article.sentences.push(code(markdown, block, paragraph));
            continue;
        }
        let clean = Clean::of(markdown, block);
        let found = pieces(&clean, block.kind);
        if found.is_empty() {
            let numbers = clean.marks.iter().flat_map(|m| m.numbers.iter().copied());
            if let Some(last) =
                article.sentences.last_mut().filter(|s| !matches!(s.kind, Kind::Heading | Kind::Code))
            {
                cite(&mut last.citations, numbers);
            }
        }
        for (index, piece) in found.iter().enumerate() {
            let until = found.get(index + 1).map_or(clean.text.len(), |next| next.start);
            let from = if index == 0 { 0 } else { piece.start };
            let own: Vec<&Mark> =
                clean.marks.iter().filter(|m| (from..until).contains(&m.range.start)).collect();
            let start = own.first().map_or(piece.start, |m| m.range.start.min(piece.start));
            let end = own.last().map_or(piece.end, |m| m.range.end.max(piece.end));
            let mut citations = Vec::new();
            cite(&mut citations, own.iter().flat_map(|m| m.numbers.iter().copied()));
            article.sentences.push(Sentence {
                span: Span { start: clean.base + start, end: clean.base + end },
                text: plain(&clean.text[start..end]),
                citations,
                kind: block.kind,
                paragraph,
            });
        }
    }
    article
}

fn cite(citations: &mut Vec<u32>, numbers: impl Iterator<Item = u32>) {
    for number in numbers {
        if !citations.contains(&number) {
            citations.push(number);
        }
    }
}

fn code(markdown: &str, block: &Block, paragraph: usize) -> Sentence {
    let range = block.range();
    let span = Span { start: range.start, end: range.end };
    Sentence { span, text: markdown[range].to_owned(), citations: Vec::new(), kind: Kind::Code, paragraph }
}
