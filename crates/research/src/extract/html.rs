//! HTML: the article of a page where one can be told, else the page's body.

use dom_query::{Document, NodeRef};
use dom_smoothie::{Config, Readability};

use super::{
    Found, NotText,
    blocks::{Block, Blocks, one_line},
    html_guard,
};
use cofounder_domain::word_count;

/// Below so many words an article is doubted, and the whole body is taken if it holds much more.
const DOUBTFUL_WORDS: usize = 80;
/// Deeper elements are left out; the guard lets pass less than this.
const MAX_DEPTH: usize = 600;

pub(super) fn read(html: &str) -> Result<Found, NotText> {
    if !html_guard::is_simple(html) {
        return Err(NotText::TooComplex);
    }
    let page = Document::from(html);
    let body = page.body().map(|body| written(body, true)).unwrap_or_default();
    let first_heading = body.first_heading();
    let body = body.into_text();
    let own_title = one_line(&page.select_single("title").text());
    let heading =
        page.select("h1").iter().map(|h| one_line(&h.text())).find(|h| own_title.contains(h.as_str()));
    let (guessed_title, article) = article(html).unwrap_or_default();
    let words = word_count(&article);
    let text = if words < DOUBTFUL_WORDS && word_count(&body) > words * 2 {
        body
    } else {
        below_its_heading(heading.as_deref().filter(|h| !h.is_empty()), article)
    };
    let titles = [heading, Some(guessed_title), Some(own_title), first_heading];
    Ok(Found { title: titles.into_iter().flatten().find(|t| !t.trim().is_empty()), text })
}

/// The heuristics take a page's main heading for its title, and away from the text.
fn below_its_heading(heading: Option<&str>, article: String) -> String {
    match heading {
        Some(heading) if !article.is_empty() && !article.contains(&format!("# {heading}\n")) => {
            format!("# {heading}\n\n{article}")
        }
        _ => article,
    }
}

/// The blocks of a piece of HTML inside another document; nothing if it is too tangled.
pub(super) fn read_fragment(html: &str, blocks: &mut Blocks) {
    if html_guard::is_simple(html)
        && let Some(body) = Document::from(html).body()
    {
        Walk { blocks, line: String::new(), linked: 0, kind: Block::Paragraph, strict: true }.all(body);
    }
}

/// The title and the text that the readability heuristics find.
fn article(html: &str) -> Option<(String, String)> {
    let config = Config { disable_json_ld: true, ..Config::default() };
    let article = Readability::new(html, None, Some(config)).ok()?.parse().ok()?;
    let content = Document::from(article.content);
    let blocks = written(content.body()?, false);
    Some((article.title, blocks.into_text()))
}

fn written(body: NodeRef<'_>, strict: bool) -> Blocks {
    let mut blocks = Blocks::default();
    Walk { blocks: &mut blocks, line: String::new(), linked: 0, kind: Block::Paragraph, strict }.all(body);
    blocks
}

struct Walk<'a> {
    blocks: &'a mut Blocks,
    line: String,
    /// How many bytes of `line` are text of links.
    linked: usize,
    kind: Block,
    /// Leave out what is likely navigation: nobody else has.
    strict: bool,
}

impl Walk<'_> {
    fn all(&mut self, body: NodeRef<'_>) {
        self.children(body, 0);
        self.flush();
    }

    fn children(&mut self, node: NodeRef<'_>, depth: usize) {
        if depth < MAX_DEPTH {
            for child in node.children_it(false) {
                self.node(child, depth + 1);
            }
        }
    }

    fn node(&mut self, node: NodeRef<'_>, depth: usize) {
        if node.is_text() {
            self.line.push_str(&node.text());
            return;
        }
        let Some(name) = node.node_name() else { return };
        if left_out(&name, node, self.strict) {
            return;
        }
        match name.as_ref() {
            "br" | "wbr" => self.line.push(' '),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.as_bytes()[1] - b'0';
                self.block(node, depth, Block::Heading(level));
            }
            "li" | "dd" => self.block(node, depth, Block::Item),
            "blockquote" => self.block(node, depth, Block::Quote),
            "p" | "figcaption" | "caption" | "dt" | "summary" => self.block(node, depth, self.kind),
            "pre" => {
                self.flush();
                self.blocks.push_code(&node.text());
            }
            "table" => self.table(node, depth),
            "a" => {
                let before = self.line.len();
                self.children(node, depth);
                self.linked += self.line.len().saturating_sub(before);
            }
            name if is_block(name) => self.block(node, depth, self.kind),
            _ => self.children(node, depth),
        }
    }

    fn block(&mut self, node: NodeRef<'_>, depth: usize, kind: Block) {
        self.flush();
        let outer = std::mem::replace(&mut self.kind, kind);
        self.children(node, depth);
        self.flush();
        self.kind = outer;
    }

    /// A table of data becomes rows; one that only lays out a page is walked like any block.
    fn table(&mut self, node: NodeRef<'_>, depth: usize) {
        self.flush();
        let rows = rows(node);
        let cells = rows.iter().map(Vec::len).sum::<usize>();
        let long = rows.iter().flatten().filter(|c| c.len() > 300).count();
        if rows.len() < 2 || cells < rows.len() * 2 || long * 4 > cells {
            return self.block(node, depth, self.kind);
        }
        for row in rows {
            self.blocks.push_row(&row);
        }
    }

    fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
        let linked = std::mem::take(&mut self.linked);
        let trimmed = line.trim();
        let menu = self.strict && linked * 10 > trimmed.len() * 6 && !trimmed.ends_with(['.', '!', '?']);
        if !menu || matches!(self.kind, Block::Heading(_)) {
            self.blocks.push(self.kind, trimmed);
        }
    }
}

/// The text of each cell of each row; nothing for a table with a table inside.
fn rows(table: NodeRef<'_>) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for node in table.descendants_it() {
        match node.node_name().as_deref() {
            Some("table") => return Vec::new(),
            Some("tr") => rows.push(Vec::new()),
            Some("td" | "th") => {
                if let Some(row) = rows.last_mut() {
                    row.push(node.text().to_string());
                }
            }
            _ => {}
        }
    }
    rows.retain(|r| !r.is_empty());
    rows
}

fn left_out(name: &str, node: NodeRef<'_>, strict: bool) -> bool {
    let never = matches!(
        name,
        "script"
            | "style"
            | "noscript"
            | "template"
            | "iframe"
            | "object"
            | "svg"
            | "math"
            | "head"
            | "title"
            | "button"
            | "select"
            | "textarea"
            | "input"
            | "form"
            | "dialog"
            | "canvas"
            | "audio"
            | "video"
            | "img"
    );
    if never || node.has_attr("hidden") || node.attr("aria-hidden").is_some_and(|v| &*v == "true") {
        return true;
    }
    if name == "sup" && (node.has_class("reference") || node.has_class("footnote-ref")) {
        return true;
    }
    let frame = matches!(name, "nav" | "footer" | "aside" | "menu") || node.has_class("mw-editsection");
    frame
        || (strict
            && node.attr("role").is_some_and(|role| {
                matches!(
                    &*role,
                    "navigation" | "banner" | "contentinfo" | "search" | "complementary" | "dialog"
                )
            }))
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "center"
            | "details"
            | "div"
            | "dl"
            | "fieldset"
            | "figure"
            | "header"
            | "hgroup"
            | "hr"
            | "main"
            | "ol"
            | "section"
            | "ul"
            | "table"
            | "tbody"
            | "thead"
            | "tfoot"
            | "tr"
            | "td"
            | "th"
    )
}
