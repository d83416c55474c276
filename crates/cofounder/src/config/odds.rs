//! Reads a configuration of which parts may be wrong: each of them is told, and the rest is read without it.

use std::{collections::BTreeMap, path::Path};

use super::{Config, problem};

/// Problems that are told at a time.
const MOST: usize = 50;

/// What can be read, with defaults in place of what cannot; adds why.
pub(super) fn read(
    table: toml::Table,
    file: Option<&Path>,
    named: &BTreeMap<String, String>,
    problems: &mut Vec<String>,
) -> Config {
    let mut left = table.clone();
    for _ in 0..MOST {
        let read: Result<Config, _> = serde_path_to_error::deserialize(toml::Value::Table(left.clone()));
        let error = match read {
            Ok(config) => return Config { written: table, ..config },
            Err(error) => error,
        };
        problems.push(problem::told(&error, file, named));
        if !without(&mut left, &problem::place(&error)) {
            break;
        }
    }
    Config::default()
}

/// Takes away what stands at this place, or what it stands in; tells whether it was there.
fn without(table: &mut toml::Table, place: &[String]) -> bool {
    let Some((first, rest)) = place.split_first() else { return false };
    let found = match table.get_mut(first) {
        Some(toml::Value::Table(below)) => Some(without(below, rest)),
        found => found.map(|_| false),
    };
    match found {
        Some(true) => true,
        Some(false) => table.remove(first).is_some(),
        None => false,
    }
}
