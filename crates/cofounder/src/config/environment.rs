//! `COFOUNDER_SECTION__KEY` variables.

use std::collections::BTreeMap;

const PREFIX: &str = "COFOUNDER_";
const LEVEL: &str = "__";

/// Puts each variable at its place in the table. A part of a name fits a key of the file if they are equal once
/// every character but letters and digits is an underscore. Returns which variable set which path,
/// and adds what none could set.
pub(super) fn overlay(
    table: &mut toml::Table,
    variables: impl Iterator<Item = (String, String)>,
    problems: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut named = BTreeMap::new();
    for (variable, value) in variables {
        let Some(path) = variable.strip_prefix(PREFIX).filter(|p| p.contains(LEVEL)) else { continue };
        let parts: Vec<String> = path.split(LEVEL).map(str::to_lowercase).collect();
        if parts.iter().any(String::is_empty) {
            problems.push(format!("the variable {variable} names no setting: between `__` stand names"));
            continue;
        }
        match set(table, &parts, parsed(&value)) {
            Some(path) => drop(named.insert(path, variable)),
            None => problems
                .push(format!("the variable {variable} goes below a setting that has a value of its own")),
        }
    }
    named
}

fn set(table: &mut toml::Table, parts: &[String], value: toml::Value) -> Option<String> {
    let (first, rest) = parts.split_first()?;
    let key = table.keys().find(|k| plain(k) == plain(first)).cloned().unwrap_or_else(|| first.clone());
    if rest.is_empty() {
        table.insert(key.clone(), value);
        return Some(key);
    }
    let below = table.entry(key.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    let path = set(below.as_table_mut()?, rest, value)?;
    Some(format!("{key}.{path}"))
}

fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

/// A number, a truth value, a list or a table as TOML writes it; anything else is text.
fn parsed(value: &str) -> toml::Value {
    let document = format!("value = {value}").parse::<toml::Table>();
    document.ok().and_then(|mut t| t.remove("value")).unwrap_or_else(|| toml::Value::String(value.to_owned()))
}
