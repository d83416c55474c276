//! The only way to standard output.

use cofounder_domain::{Timestamp, format_timestamp};
use serde::Serialize;
use std::io::Write;

use crate::failure::Failure;

/// Prints one line of a result. A closed pipe ends the printing without an error.
pub(crate) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    raw(&format!("{}\n", text.as_ref()))
}

/// Prints text as it is.
pub(crate) fn raw(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("standard output could not be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Failure::failed(format!("the result could not be written as JSON: {e}")))?;
    line(text)
}

/// A page of a list: `{"items": […], "next_cursor": …}`, or a table with one line an item.
pub(crate) fn page<T: Serialize>(
    as_json: bool,
    items: &[T],
    next_cursor: Option<&str>,
    row: impl Fn(&T) -> Vec<String>,
) -> Result<(), Failure> {
    if as_json {
        return json(&serde_json::json!({"items": items, "next_cursor": next_cursor}));
    }
    if items.is_empty() {
        eprintln!("there is nothing to list");
    }
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
        line(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    if let Some(cursor) = next_cursor {
        eprintln!("more: --cursor {cursor}");
    }
    Ok(())
}

/// A time as lists show it: to the minute, UTC.
pub(crate) fn minute(at: Timestamp) -> String {
    format_timestamp(at).chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}
