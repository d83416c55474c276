//! What is wrong with a configuration, in words.

use std::{collections::BTreeMap, path::Path};

/// The place, what is wrong there, and, for an unknown key, the nearest known one.
pub(super) fn told(
    error: &serde_path_to_error::Error<toml::de::Error>,
    file: Option<&Path>,
    named: &BTreeMap<String, String>,
) -> String {
    let path = error.path().to_string();
    let message = error.inner().message().to_owned();
    let unknown =
        between(&message, "unknown field `", "`").or_else(|| between(&message, "unknown variant `", "`"));
    let place = place(&path, unknown.as_deref(), file, named);
    match unknown {
        Some(unknown) => {
            let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
            let near = known.iter().max_by(|a, b| {
                strsim::jaro_winkler(a, &unknown).total_cmp(&strsim::jaro_winkler(b, &unknown))
            });
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let what = if message.starts_with("unknown field") { "key" } else { "value" };
            format!("{place}: there is no {what} `{unknown}` here{hint} Known are: {}", known.join(", "))
        }
        None => format!("{place}: {message}"),
    }
}

fn place(path: &str, unknown: Option<&str>, file: Option<&Path>, named: &BTreeMap<String, String>) -> String {
    let whole = match unknown {
        Some(unknown) if path == "." => unknown.to_owned(),
        Some(unknown) if !path.ends_with(unknown) => format!("{path}.{unknown}"),
        _ => path.to_owned(),
    };
    if let Some((_, variable)) =
        named.iter().find(|(p, _)| **p == whole || p.starts_with(&format!("{whole}.")))
    {
        return format!("the variable {variable} (`{whole}`)");
    }
    let file =
        file.map_or_else(|| "the configuration".to_owned(), |f| format!("the configuration {}", f.display()));
    format!("{file}, `{whole}`")
}

fn between(text: &str, start: &str, end: &str) -> Option<String> {
    let rest = &text[text.find(start)? + start.len()..];
    Some(rest[..rest.find(end)?].to_owned())
}
