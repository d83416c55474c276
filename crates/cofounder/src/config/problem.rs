//! What is wrong with a configuration, in words.

use std::{collections::BTreeMap, path::Path};

/// The keys that lead to what is wrong.
pub(super) fn place(error: &serde_path_to_error::Error<toml::de::Error>) -> Vec<String> {
    use serde_path_to_error::Segment as S;
    let name = |segment: &S| match segment {
        S::Map { key } => Some(key.clone()),
        S::Enum { variant } => Some(variant.clone()),
        S::Seq { .. } | S::Unknown => None,
    };
    let mut keys: Vec<String> = error.path().iter().map_while(name).collect();
    let message = error.inner().message();
    keys.extend(between(message, "unknown field `", "`").filter(|unknown| keys.last() != Some(unknown)));
    keys
}

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
    let place = shown(&path, unknown.as_deref(), file, named);
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

fn shown(path: &str, unknown: Option<&str>, file: Option<&Path>, named: &BTreeMap<String, String>) -> String {
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
