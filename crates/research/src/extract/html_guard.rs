//! Refuses markup that would take the HTML parser too much memory or time, before the parser sees it.
//!
//! The HTML standard's tree construction takes time in proportion to the depth for each tag, and opens
//! formatting elements (`<b>`, `<font>` …) again in each paragraph until they are closed, so that a page of
//! some 100 KB can take minutes and gigabytes. This scan follows the tags roughly as the parser will, in time
//! in proportion to the page, and adds up what they would cost.

/// The largest page, in bytes.
const MAX_BYTES: usize = 8 << 20;
/// The deepest nesting. Pages made for people stay below 100.
const MAX_DEPTH: usize = 400;
/// The most nodes, counting formatting elements that are opened again.
const MAX_NODES: usize = 400_000;
/// The most attributes of one tag: the parser compares each with each.
const MAX_ATTRIBUTES: usize = 1_000;
/// How far up an end tag is matched.
const LOOK_BACK: usize = 64;

const VOID: [&str; 16] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr", "keygen", "frame",
];
/// Their end tags may be left out, and the parser closes them by itself.
const SELF_CLOSING: [&str; 13] =
    ["p", "li", "td", "th", "tr", "dt", "dd", "option", "thead", "tbody", "tfoot", "body", "html"];
const FORMATTING: [&str; 14] =
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
/// An end tag does not reach beyond them.
const SCOPES: [&str; 10] =
    ["applet", "caption", "html", "marquee", "math", "object", "svg", "table", "template", "button"];
/// What stands inside is not markup.
const RAW: [&str; 6] = ["script", "style", "textarea", "title", "xmp", "noscript"];

/// Whether the parser can be trusted with the page.
pub(super) fn is_simple(html: &str) -> bool {
    html.len() <= MAX_BYTES
        && Scan { html, at: 0, open: Vec::new(), formatting: 0, nodes: 0, tangled: false }.run()
}

struct Scan<'a> {
    html: &'a str,
    at: usize,
    open: Vec<String>,
    formatting: usize,
    nodes: usize,
    /// A tag has too many attributes.
    tangled: bool,
}

impl Scan<'_> {
    fn run(mut self) -> bool {
        while let Some(found) = self.html[self.at..].find('<') {
            self.at += found + 1;
            let rest = &self.html.as_bytes()[self.at..];
            match rest.first() {
                Some(b'!') if rest.starts_with(b"!--") => self.skip_past("-->"),
                Some(b'!' | b'?') => self.skip_past(">"),
                Some(b'/') => self.end_tag(),
                Some(c) if c.is_ascii_alphabetic() => self.start_tag(),
                _ => {}
            }
            self.nodes += 2 + self.formatting;
            if self.tangled || self.nodes > MAX_NODES * 2 || self.open.len() > MAX_DEPTH {
                return false;
            }
        }
        true
    }

    fn skip_past(&mut self, mark: &str) {
        self.at =
            self.html[self.at..].find(mark).map_or(self.html.len(), |found| self.at + found + mark.len());
    }

    fn name(&self) -> String {
        let rest = &self.html[self.at..];
        let end =
            rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(rest.len());
        rest[..end].chars().take(24).collect::<String>().to_ascii_lowercase()
    }

    fn start_tag(&mut self) {
        let name = self.name();
        self.tangled |= !self.skip_attributes();
        let name = name.as_str();
        if RAW.contains(&name) {
            self.skip_raw(name);
        } else if !VOID.contains(&name) && !SELF_CLOSING.contains(&name) {
            self.formatting += usize::from(FORMATTING.contains(&name));
            self.open.push(name.to_owned());
        }
    }

    /// Goes behind the tag's `>`, and says whether its attributes are few enough.
    fn skip_attributes(&mut self) -> bool {
        let bytes = self.html.as_bytes();
        let (mut quote, mut attributes, mut value) = (None, 0, false);
        while let Some(&byte) = bytes.get(self.at) {
            self.at += 1;
            match (quote, byte) {
                (Some(q), b) if q == b => quote = None,
                (Some(_), _) => {}
                (None, b'>') => return true,
                (None, b'"' | b'\'') if value => quote = Some(byte),
                (None, b' ' | b'\n' | b'\t' | b'\r' | b'/') => attributes += 1,
                _ => {}
            }
            value = byte == b'=' || (value && byte.is_ascii_whitespace());
            if attributes > MAX_ATTRIBUTES {
                return false;
            }
        }
        true
    }

    fn skip_raw(&mut self, name: &str) {
        let bytes = self.html.as_bytes();
        while let Some(found) = self.html[self.at..].find("</") {
            self.at += found + 2;
            let end = self.at + name.len();
            if bytes.get(self.at..end).is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes())) {
                return self.skip_past(">");
            }
        }
        self.at = self.html.len();
    }

    fn end_tag(&mut self) {
        self.at += 1;
        let name = self.name();
        self.skip_past(">");
        let formatting = FORMATTING.contains(&name.as_str());
        let from = self.open.len().saturating_sub(LOOK_BACK);
        for index in (from..self.open.len()).rev() {
            if self.open[index] == name {
                if formatting {
                    self.open.remove(index);
                    self.formatting -= 1;
                } else {
                    self.close_from(index);
                }
                return;
            }
            if SCOPES.contains(&self.open[index].as_str()) && !SCOPES.contains(&name.as_str()) {
                return;
            }
        }
    }

    /// Closes a block. Formatting elements inside stay: the parser will open them again.
    fn close_from(&mut self, index: usize) {
        let inside = self.open.split_off(index);
        self.open.extend(inside.into_iter().skip(1).filter(|n| FORMATTING.contains(&n.as_str())));
    }
}

#[cfg(test)]
mod tests {
    use super::is_simple;

    #[test]
    fn usual_pages_pass() {
        let page = "<!doctype html><html><head><title>a > b</title><script>if (a<b) { '<div>' }</script></head>\
            <body><p>One<p>Two<ul><li>a<li>b</ul><table><tr><td>1<td>2</table><img src=a.png alt='x > y'><br/></body>";
        assert!(is_simple(page));
        assert!(is_simple(&format!("<body>{}", "<div><p>x <b>y</b></p></div>".repeat(20_000))));
        assert!(is_simple(&"<p>x".repeat(20_000)));
        assert!(is_simple("a < b <3 <"));
        assert!(is_simple("<p title=\"never closed"));
    }

    #[test]
    fn pages_that_would_take_minutes_or_gigabytes_do_not() {
        assert!(!is_simple(&"<div>".repeat(100_000)));
        assert!(!is_simple(&"<div></b>".repeat(10_000)));
        assert!(!is_simple(&"<div><object></div></object>".repeat(10_000)));
        assert!(!is_simple(&"<b><div></b>".repeat(10_000)));
        let formatting: String = (0..300).map(|n| format!("<font size={n}>")).collect();
        assert!(!is_simple(&format!("<p>{formatting}</p>{}", "<p>x".repeat(100_000))));
        assert!(!is_simple(&format!("<p {}>", "a ".repeat(100_000))));
        assert!(!is_simple(&"x".repeat(9 << 20)));
    }
}
