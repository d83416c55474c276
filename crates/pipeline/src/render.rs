//! From a draft with `[S3]` markers to the files a person reads: Markdown with front matter, and one
//! self-contained HTML page. Addresses come from the stored sources, never from a model.

use cofounder_domain::{Gate, Passage, Source, SourceId, Timestamp, format_timestamp};
use std::collections::BTreeSet;

use crate::article::{Article, Sentence};

/// What is to be rendered.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    /// The text.
    pub article: &'a Article,
    /// Every passage that the article may cite.
    pub passages: &'a [Passage],
    /// The sources of those passages.
    pub sources: &'a [Source],
}

/// What stands in the front matter.
#[derive(Clone, Copy, Debug)]
pub struct FrontMatter<'a> {
    /// The article's title.
    pub title: &'a str,
    /// Its address.
    pub slug: &'a str,
    /// One or two sentences.
    pub description: &'a str,
    /// Words for tags.
    pub tags: &'a [String],
    /// When its task was made; when it went live, once it has.
    pub date: Timestamp,
    /// Whether it is live.
    pub published: bool,
    /// Whether it may be approved as it is.
    pub gate: Gate,
    /// Why it fell short, if it did.
    pub degraded: &'a [String],
}

impl Sheet<'_> {
    /// The body in CommonMark: each marker is a link to its source, or, for a local file, a footnote with
    /// title, file name and hash.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = self.article.to_markdown_with(&|sentence| self.sentence(sentence));
        let notes = self.footnotes();
        if !notes.is_empty() {
            out.push('\n');
            out.push_str(&notes.join("\n"));
            out.push('\n');
        }
        out
    }

    fn sentence(&self, sentence: &Sentence) -> String {
        let mut marks = String::new();
        for (number, source) in self.cited_by(sentence) {
            if is_file(source) {
                marks.push_str(&format!("[^{number}]"));
            } else {
                marks.push_str(&format!(" ([{}]({}))", escape(&source.title), destination(&source.uri)));
            }
        }
        format!("{}{marks}", sentence.text)
    }

    /// The sources that a sentence cites, each once, with its footnote number.
    fn cited_by(&self, sentence: &Sentence) -> Vec<(usize, &Source)> {
        let mut seen = BTreeSet::new();
        let sources = sentence.cites.iter().filter_map(|n| self.passages.iter().find(|p| p.number == *n));
        sources
            .filter(|p| seen.insert(&p.source))
            .filter_map(|p| self.source(&p.source).map(|(index, source)| (index + 1, source)))
            .collect()
    }

    fn source(&self, id: &SourceId) -> Option<(usize, &Source)> {
        self.sources.iter().enumerate().find(|(_, s)| s.id == *id)
    }

    fn footnotes(&self) -> Vec<String> {
        let cited: BTreeSet<usize> =
            self.article.sentences().flat_map(|s| self.cited_by(s)).map(|(number, _)| number).collect();
        let sources = self.sources.iter().enumerate().filter(|(i, s)| cited.contains(&(i + 1)) && is_file(s));
        sources
            .map(|(index, s)| {
                let file = s.uri.rsplit('/').next().unwrap_or(&s.uri);
                format!(
                    "[^{}]: {}, `{}`, SHA-256 `{}`",
                    index + 1,
                    escape(&s.title),
                    file.replace('`', ""),
                    s.sha256
                )
            })
            .collect()
    }
}

impl FrontMatter<'_> {
    /// YAML between `---` lines. Text stands in double quotes with JSON's escapes, which YAML 1.2 shares.
    #[must_use]
    pub fn yaml(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let tags = self.tags.iter().map(|t| quoted(t)).collect::<Vec<_>>().join(", ");
        let degraded = self.degraded.iter().map(|t| quoted(t)).collect::<Vec<_>>().join(", ");
        format!(
            "---\ntitle: {}\nslug: {}\ndescription: {}\ndate: {}\ndraft: {}\ntags: [{tags}]\ngate: {}\ndegraded: [{degraded}]\n---\n",
            quoted(self.title),
            quoted(self.slug),
            quoted(self.description),
            format_timestamp(self.date),
            !self.published,
            self.gate.as_str(),
        )
    }
}

/// A self-contained page: no script, no request to anywhere.
///
/// # Errors
/// If the template does not render, which is a defect of this crate.
pub fn html(front: &FrontMatter<'_>, markdown: &str) -> Result<String, minijinja::Error> {
    let mut templates = minijinja::Environment::new();
    templates.add_template("article.html", include_str!("../templates/article.html"))?;
    templates.get_template("article.html")?.render(minijinja::context! {
        title => front.title,
        description => front.description,
        date => format_timestamp(front.date),
        published => front.published,
        blocked => front.gate == Gate::Blocked,
        degraded => front.degraded.to_vec(),
        body => minijinja::Value::from_safe_string(body(markdown)),
    })
}

/// CommonMark with footnotes to sanitised HTML. Raw HTML in the text is dropped, not passed on.
fn body(markdown: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.footnotes = true;
    options.extension.table = true;
    let html = comrak::markdown_to_html(markdown, &options);
    ammonia::Builder::default()
        .add_tags(["section"])
        .add_generic_attributes(["id", "class"])
        .link_rel(Some("noopener noreferrer"))
        .clean(&html)
        .to_string()
}

/// Plain text as Markdown that reads the same: what could begin markup is escaped.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let marks = match c {
            '\\' | '`' | '*' | '<' | '[' | ']' => true,
            // Inside a word an underscore is a letter.
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            '&' => after.is_ascii_alphabetic() || after == '#',
            '#' | '>' | '-' | '+' | '=' | '~' => out.is_empty(),
            '.' | ')' => !out.is_empty() && out.chars().all(|c| c.is_ascii_digit()) && after == ' ',
            _ => false,
        };
        if marks {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

/// A link's target in CommonMark: characters that would end it are percent-encoded.
fn destination(uri: &str) -> String {
    uri.chars()
        .map(|c| match c {
            '(' => "%28".to_owned(),
            ')' => "%29".to_owned(),
            '<' => "%3C".to_owned(),
            '>' => "%3E".to_owned(),
            c if c.is_whitespace() || c.is_control() => "%20".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

fn is_file(source: &Source) -> bool {
    !(source.uri.starts_with("http://") || source.uri.starts_with("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::article::{Block, Form, Paragraph, Section};

    fn source(id: &str, uri: &str, title: &str) -> Source {
        Source {
            id: SourceId::from_text(id),
            uri: uri.into(),
            title: title.into(),
            sha256: "ab".repeat(32),
            bytes: 10,
            text: "SQLite is small.".into(),
        }
    }

    fn passage(number: u32, source: &str) -> Passage {
        Passage {
            number,
            source: SourceId::from_text(source),
            start: 0,
            end: 16,
            text: "SQLite is small.".into(),
            headings: vec![],
        }
    }

    fn article(text: &str, cites: Vec<u32>) -> Article {
        let sentences = vec![Sentence { text: text.into(), cites, form: Form::Prose }];
        let section = Section {
            heading: Some("Size".into()),
            paragraphs: vec![Paragraph { block: Block::Prose, sentences }],
        };
        Article { title: "T".into(), sections: vec![section] }
    }

    #[test]
    fn a_file_becomes_a_footnote_and_an_address_a_link() {
        let sources = [
            source("a", "file:///x/size.md", "On size"),
            source("b", "https://example.org/a (b)", "Web [1]"),
        ];
        let passages = [passage(1, "a"), passage(2, "a"), passage(3, "b")];
        let article = article("SQLite is small.", vec![1, 2, 3]);
        let markdown = Sheet { article: &article, passages: &passages, sources: &sources }.markdown();
        assert!(
            markdown.contains("SQLite is small.[^1] ([Web \\[1\\]](https://example.org/a%20%28b%29))"),
            "{markdown}"
        );
        let note = format!("[^1]: On size, `size.md`, SHA-256 `{}`", "ab".repeat(32));
        assert!(markdown.ends_with(&format!("{note}\n")), "{markdown}");
        assert!(!markdown.contains("[S"), "{markdown}");
    }

    #[test]
    fn escaped_text_reads_the_same_and_holds_no_markup() {
        for text in [
            "[click](http://evil.example/a_(b))",
            "<img src=x onerror=y> &lt; _so_ user_version",
            "# not a heading",
            "1. not a list",
            "- nor this",
            "> nor a quotation",
        ] {
            let html = comrak::markdown_to_html(&escape(text), &comrak::Options::default());
            let plain = html.trim().strip_prefix("<p>").and_then(|t| t.strip_suffix("</p>"));
            let plain = plain.unwrap_or_else(|| panic!("{html}"));
            let back =
                plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
            assert_eq!(back, text);
        }
    }

    #[test]
    fn front_matter_survives_quotes_and_line_breaks() {
        let front = FrontMatter {
            title: "A \"good\"\ndefault: yes",
            slug: "a",
            description: "d",
            tags: &["x".into()],
            date: Timestamp::from_timestamp_millis(0).unwrap(),
            published: false,
            gate: Gate::Open,
            degraded: &[],
        };
        let yaml = front.yaml();
        assert!(yaml.contains("title: \"A \\\"good\\\"\\ndefault: yes\"\n"), "{yaml}");
        assert!(
            yaml.contains("draft: true\n") && yaml.contains("date: 1970-01-01T00:00:00.000Z\n"),
            "{yaml}"
        );
    }

    #[test]
    fn the_page_carries_no_script_and_no_raw_html() {
        let front = FrontMatter {
            title: "<script>alert(1)</script>",
            slug: "a",
            description: "\"><img src=x onerror=alert(1)>",
            tags: &[],
            date: Timestamp::from_timestamp_millis(0).unwrap(),
            published: true,
            gate: Gate::Blocked,
            degraded: &["short".into()],
        };
        let page = html(
            &front,
            "Hi <script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=y>[^1]\n\n[^1]: note",
        )
        .unwrap();
        assert!(
            !page.contains("<script") && !page.contains("javascript:") && !page.contains("<img"),
            "{page}"
        );
        assert!(
            page.contains("id=\"fn-1\"") && page.contains("href=\"#fn-1\""),
            "footnotes keep their anchors: {page}"
        );
    }
}
