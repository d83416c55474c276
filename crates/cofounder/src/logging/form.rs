//! How a line looks. What stands in it may come from anybody.

use serde_json::{Map, Value};
use std::borrow::Cow;

/// What is known of a line: its time, its level, its fields in their order, `message` among them.
pub(super) struct Line<'a> {
    pub(super) time: String,
    pub(super) level: &'a str,
    pub(super) module: &'a str,
    pub(super) fields: Map<String, Value>,
}

/// The field that is shown below its line, because it has many.
const BACKTRACE: &str = "backtrace";

impl Line<'_> {
    /// One JSON object on one line.
    pub(super) fn json(mut self) -> String {
        let mut all = Map::new();
        all.insert("time".into(), self.time.into());
        all.insert("level".into(), self.level.to_lowercase().into());
        let message = self.fields.remove("message").unwrap_or_else(|| Value::from(""));
        all.insert("message".into(), scrubbed_value(message));
        if !self.module.is_empty() {
            all.insert("module".into(), self.module.into());
        }
        for (name, value) in self.fields {
            let name = if all.contains_key(&name) { format!("field_{name}") } else { name };
            all.insert(name, scrubbed_value(value));
        }
        escaped(&Value::Object(all).to_string())
    }

    /// Time, level, message, fields; a backtrace below.
    pub(super) fn human(mut self, colour: bool) -> String {
        let message = self.fields.remove("message").map(|value| text(&value)).unwrap_or_default();
        let backtrace = self.fields.remove(BACKTRACE).map(|value| text(&value));
        let level = match (colour, self.level) {
            (true, "ERROR") => "\u{1b}[31mERROR\u{1b}[0m",
            (true, "WARN") => "\u{1b}[33m WARN\u{1b}[0m",
            (_, level) => &format!("{level:>5}"),
        };
        let mut line = format!("{} {level} {}", self.time, harmless(&scrubbed(&message)));
        for (name, value) in self.fields {
            let text = text(&value);
            let shown = scrubbed(&text);
            line.push_str(&format!(" {name}={}", quoted(&shown)));
        }
        for row in backtrace.iter().flat_map(|text| text.lines()) {
            line.push_str(&format!("\n    {}", harmless(row)));
        }
        line
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// As it is, if nobody can take it for more than one word.
fn quoted(text: &str) -> Cow<'_, str> {
    let plain =
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_./:#@+%,;()[]…*".contains(c));
    if plain { Cow::Borrowed(text) } else { Cow::Owned(format!("{text:?}")) }
}

/// The same text with what would begin a line, command a terminal or turn the direction of writing told in letters.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(harms) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| if harms(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escaped).collect())
}

fn harms(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON with what JSON does not escape by itself and terminals heed. Outside of strings it holds nothing such.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match harms(c) {
            true => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => out.push(c),
        }
    }
    out
}

fn scrubbed_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(scrubbed(&text).into_owned()),
        other => other,
    }
}

/// The same text with every address in it bare of user, password and query, in which secrets travel.
pub(super) fn scrubbed(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at + 3);
        out.push_str(before);
        let end =
            address.find(|c: char| c.is_whitespace() || "\"'<>`|\\".contains(c)).unwrap_or(address.len());
        let (address, after) = address.split_at(end);
        let path = address.find(['/', '?', '#']).unwrap_or(address.len());
        let host = address[..path].rfind('@').map_or(0, |at| at + 1);
        if host > 0 {
            out.push_str("…@");
        }
        let query = address.find('?').unwrap_or(address.len());
        out.push_str(&address[host..query.max(host)]);
        if query < address.len() {
            out.push_str("?…");
        }
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str, field: &str) -> Line<'static> {
        let mut fields = Map::new();
        fields.insert("message".into(), message.into());
        fields.insert("topic".into(), field.into());
        fields.insert("level".into(), "mine".into());
        Line { time: "2026-11-28T00:00:00Z".into(), level: "WARN", module: "cofounder", fields }
    }

    const HOSTILE: &str = "a\nb\r\u{1b}[31mc\u{9b}2Jd\u{2028}e\u{202e}f\u{7f}\0\"} {\"level\":\"error\"";

    #[test]
    fn nothing_in_a_line_begins_another_or_commands_a_terminal() {
        for text in [line(HOSTILE, HOSTILE).json(), line(HOSTILE, HOSTILE).human(false)] {
            assert!(!text.chars().any(harms), "{text:?}");
        }
        let read: Value = serde_json::from_str(&line(HOSTILE, HOSTILE).json()).unwrap();
        assert_eq!((&read["message"], &read["topic"]), (&HOSTILE.into(), &HOSTILE.into()), "nothing is lost");
        assert_eq!((&read["level"], &read["field_level"]), (&"warn".into(), &"mine".into()));
    }

    #[test]
    fn addresses_are_told_without_what_is_secret_in_them() {
        for (told, shown) in [
            ("asking https://a.example/p?key=SECRET once", "asking https://a.example/p?… once"),
            ("postgres://me:SECRET@db.example/x?sslkey=SECRET", "postgres://…@db.example/x?…"),
            (
                "(http://a.example?x=SECRET) and http://u@b.example/y",
                "(http://a.example?… and http://…@b.example/y",
            ),
            ("http://a.example/@b?c", "http://a.example/@b?…"),
            ("no address at all?", "no address at all?"),
            ("http://", "http://"),
        ] {
            assert_eq!(scrubbed(told), shown);
        }
    }
}
