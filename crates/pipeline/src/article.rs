//! An article while it is written: sections of paragraphs of sentences, each with its citations.
//!
//! Its Markdown form carries `[S3]` markers; [`crate::render`] turns them into links and footnotes.

use cofounder_qa as qa;
use serde::{Deserialize, Serialize};

use crate::{patterns::TAG, render::escape};

/// How a sentence came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// In words of the writer's own.
    Prose,
    /// An attributed quotation, word for word.
    Quotation,
}

/// One sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    /// Markdown, without citations.
    pub text: String,
    /// Numbers of the passages it cites.
    pub cites: Vec<u32>,
    /// How it came to be.
    pub form: Form,
}

/// What kind of block a paragraph is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// Running text.
    #[default]
    Prose,
    /// One item of a bullet list.
    Item,
    /// A block quotation with its source named.
    Quote,
}

/// Sentences that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paragraph {
    /// Running text or a list item.
    pub block: Block,
    /// In order.
    pub sentences: Vec<Sentence>,
}

/// A part of the article below one heading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Absent for the opening.
    pub heading: Option<String>,
    /// In order.
    pub paragraphs: Vec<Paragraph>,
}

/// The whole draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// Its title, plain text.
    pub title: String,
    /// In order.
    pub sections: Vec<Section>,
}

impl Sentence {
    /// The sentence followed by its markers, as in `SQLite is small. [S1][S4]`.
    #[must_use]
    pub fn marked(&self) -> String {
        if self.cites.is_empty() {
            return self.text.clone();
        }
        let markers: String = self.cites.iter().map(|n| format!("[S{n}]")).collect();
        format!("{} {markers}", self.text)
    }
}

impl Section {
    /// Every sentence, in order.
    pub fn sentences(&self) -> impl Iterator<Item = &Sentence> {
        self.paragraphs.iter().flat_map(|p| &p.sentences)
    }

    /// How many words its sentences have.
    #[must_use]
    pub fn words(&self) -> usize {
        self.sentences().map(|s| cofounder_domain::word_count(&s.text)).sum()
    }

    /// Takes out paragraphs without a sentence.
    pub fn drop_empty(&mut self) {
        self.paragraphs.retain(|p| !p.sentences.is_empty());
    }

    /// The section as Markdown, each sentence turned into text by `render`.
    #[must_use]
    pub fn to_markdown(&self, render: &dyn Fn(&Sentence) -> String) -> String {
        let mut out = String::new();
        if let Some(heading) = &self.heading {
            out.push_str(&format!("## {heading}\n\n"));
        }
        let mut before = Block::Prose;
        for (index, paragraph) in self.paragraphs.iter().enumerate() {
            if index > 0 {
                out.push_str(if before == Block::Item && paragraph.block == Block::Item {
                    "\n"
                } else {
                    "\n\n"
                });
            }
            out.push_str(match paragraph.block {
                Block::Prose => "",
                Block::Item => "- ",
                Block::Quote => "> ",
            });
            out.push_str(&paragraph.sentences.iter().map(render).collect::<Vec<_>>().join(" "));
            before = paragraph.block;
        }
        out
    }

    /// Reads a section's body as a model wrote it: as plain text, so that no link, picture or tag of a model's gets into
    /// an article. Headings, code and tables in it are left out; the heading is the outline's.
    #[must_use]
    pub fn from_answer(heading: Option<String>, markdown: &str) -> Self {
        let markdown = TAG.replace_all(markdown, "");
        let parsed = qa::parse(&markdown);
        let mut paragraphs: Vec<(usize, Paragraph)> = Vec::new();
        for sentence in &parsed.sentences {
            let block = match sentence.kind {
                qa::Kind::Prose => Block::Prose,
                qa::Kind::Quotation => Block::Quote,
                qa::Kind::ListItem => Block::Item,
                _ => continue,
            };
            let text = escape(sentence.text.trim());
            if !text.chars().any(char::is_alphanumeric) {
                continue;
            }
            let form = if sentence.kind == qa::Kind::Quotation { Form::Quotation } else { Form::Prose };
            let written = Sentence { text, cites: sentence.citations.clone(), form };
            match paragraphs.last_mut() {
                Some((index, last)) if *index == sentence.paragraph => last.sentences.push(written),
                _ => paragraphs.push((sentence.paragraph, Paragraph { block, sentences: vec![written] })),
            }
        }
        Self { heading, paragraphs: paragraphs.into_iter().map(|(_, p)| p).collect() }
    }
}

impl Article {
    /// Every sentence, in order.
    pub fn sentences(&self) -> impl Iterator<Item = &Sentence> {
        self.sections.iter().flat_map(Section::sentences)
    }

    /// How many words its sentences have.
    #[must_use]
    pub fn words(&self) -> usize {
        self.sections.iter().map(Section::words).sum()
    }

    /// The draft as the rails read it: headings, paragraphs, `[S<n>]` after each sentence.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        self.to_markdown_with(&Sentence::marked)
    }

    /// The article as Markdown, each sentence turned into text by `render`.
    #[must_use]
    pub fn to_markdown_with(&self, render: &dyn Fn(&Sentence) -> String) -> String {
        let sections: Vec<_> = self.sections.iter().map(|s| s.to_markdown(render)).collect();
        sections.join("\n\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_becomes_sentences_with_their_citations_and_goes_back_to_markdown() {
        let answer =
            "SQLite is small. [S1] It is [fast](http://evil.example/x) [S2][S3].\n\nIt has one file. [S4]";
        let section = Section::from_answer(Some("Size".into()), answer);
        let sentences: Vec<_> = section.sentences().map(|s| (s.text.as_str(), s.cites.clone())).collect();
        assert_eq!(
            sentences,
            [("SQLite is small.", vec![1]), ("It is fast.", vec![2, 3]), ("It has one file.", vec![4])]
        );
        let markdown = section.to_markdown(&Sentence::marked);
        assert_eq!(
            markdown,
            "## Size\n\nSQLite is small. [S1] It is fast. [S2][S3]\n\nIt has one file. [S4]"
        );
        assert_eq!(Section::from_answer(Some("Size".into()), &markdown), section);
    }
}
