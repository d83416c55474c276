//! The house's own rules: who may depend on whom, and that what the documents name exists.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is how a failure is told"
)]

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::{collections::BTreeSet, fs, path::PathBuf};

/// Which workspace crates each may depend on, from ARCHITECTURE.md. A crate that is not named here fails.
const MAY_DEPEND_ON: [(&str, &[&str]); 16] = [
    ("domain", &[]),
    ("qa", &["domain"]),
    ("storage", &["domain"]),
    ("auth", &["domain", "storage"]),
    ("fairness", &[]),
    ("executor", &["domain", "fairness", "storage"]),
    ("supervisor", &["domain"]),
    ("models", &["domain", "supervisor"]),
    ("providers", &["domain", "fairness"]),
    ("metering", &["domain", "providers", "storage"]),
    ("engine", &["domain"]),
    ("research", &["domain"]),
    ("pipeline", &["domain", "executor", "metering", "qa", "research", "storage"]),
    ("publish", &["domain", "executor", "storage"]),
    ("testkit", &["domain"]),
    ("web", &["auth", "domain", "metering", "publish", "storage"]),
];

/// Libraries that only the named crates may use directly.
const ONLY_IN: [(&str, &[&str]); 9] = [
    ("candle-core", &["engine"]),
    ("candle-nn", &["engine"]),
    ("llguidance", &["engine"]),
    ("toktrie", &["engine"]),
    ("tokenizers", &["engine"]),
    ("sea-orm", &["storage"]),
    ("sqlx", &["storage"]),
    ("axum", &["web", "cofounder"]),
    ("clap", &["cofounder"]),
];

/// What `domain` and `qa` must not know.
const NO_IO: [&str; 6] = ["tokio", "sea-orm", "sqlx", "axum", "reqwest", "hyper"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap()
}

/// Direct dependencies of each workspace crate, by its folder's name; dev-dependencies only if asked for.
fn dependencies(dev: bool) -> Vec<(String, BTreeSet<String>)> {
    let packages = metadata().packages;
    let direct = |package: &cargo_metadata::Package| {
        let counted = package.dependencies.iter().filter(|d| dev || d.kind != DependencyKind::Development);
        counted.map(|d| d.name.clone()).collect()
    };
    packages
        .iter()
        .map(|p| (p.manifest_path.parent().unwrap().file_name().unwrap().to_owned(), direct(p)))
        .collect()
}

/// Tried by adding `cofounder-storage` to `providers`: the test failed.
#[test]
fn crates_depend_only_on_those_they_may_know() {
    for (name, direct) in dependencies(false) {
        if name == "cofounder" {
            continue;
        }
        let (_, allowed) =
            MAY_DEPEND_ON.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("{name} has no rule"));
        for dependency in direct.iter().filter_map(|d| d.strip_prefix("cofounder-")) {
            assert!(allowed.contains(&dependency), "{name} must not depend on {dependency}");
        }
        assert!(!direct.contains("cofounder"), "{name} must not depend on the binary");
    }
}

#[test]
fn libraries_stay_where_they_belong() {
    for (name, direct) in dependencies(false) {
        for (library, homes) in ONLY_IN {
            assert!(
                !direct.contains(library) || homes.contains(&name.as_str()),
                "{name} must not use {library}"
            );
        }
        if name == "domain" || name == "qa" {
            let known: Vec<_> = NO_IO.iter().filter(|l| direct.contains(**l)).collect();
            assert!(known.is_empty(), "{name} does no input or output, and yet knows {known:?}");
        }
    }
}

#[test]
fn testkit_is_for_tests_only() {
    for (name, direct) in dependencies(false) {
        assert!(!direct.contains("cofounder-testkit"), "{name} uses testkit outside its tests");
    }
}

/// Every crate says at its top what it is for.
#[test]
fn crates_open_with_what_they_are_for() {
    for (name, _) in dependencies(true) {
        let file = if name == "cofounder" { "main.rs" } else { "lib.rs" };
        let text = fs::read_to_string(root().join("crates").join(&name).join("src").join(file)).unwrap();
        let opening = text.lines().take_while(|l| l.starts_with("//!")).count();
        assert!(opening >= 3, "crates/{name}/src/{file} opens with {opening} lines of what it is for");
    }
}

const DOCUMENTS: [&str; 6] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/attacks.md"];

/// Everything in backquotes that looks like a path of this repository.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|t| {
        let starts = ["crates/", "docs/", "examples/", "bench/", ".ci/", ".cargo/", "deploy/"];
        starts.iter().any(|s| t.starts_with(s)) && !t.contains([' ', '*', '<', '{', '…'])
    })
}

#[test]
fn paths_that_documents_name_exist() {
    let mut documents: Vec<PathBuf> = DOCUMENTS.iter().map(|d| root().join(d)).collect();
    let records = fs::read_dir(root().join("docs/adr")).unwrap();
    documents.extend(records.map(|entry| entry.unwrap().path()));
    let mut named = 0;
    for document in documents {
        let text = fs::read_to_string(&document).unwrap_or_else(|e| panic!("{}: {e}", document.display()));
        for path in paths(&text) {
            named += 1;
            assert!(root().join(path).exists(), "{} names {path}, which does not exist", document.display());
        }
    }
    assert!(named > 10, "the documents name only {named} paths: does this test still read them?");
}

/// Every test that the table of attacks names. Tried by renaming one: the test failed.
#[test]
fn tests_that_the_table_of_attacks_names_exist() {
    let metadata = metadata();
    let folders =
        metadata.packages.iter().map(|p| p.manifest_path.parent().unwrap().as_std_path().to_owned());
    let (mut waiting, mut code): (Vec<PathBuf>, _) = (folders.collect(), String::new());
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            code += &fs::read_to_string(path).unwrap();
        }
    }
    let table = fs::read_to_string(root().join("docs/attacks.md")).unwrap();
    let names = table.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 4);
    let names: Vec<&str> = names.filter(|name| !name.contains('.')).collect();
    assert!(names.len() > 20, "the table names only {names:?}");
    for name in names {
        assert!(
            code.contains(&format!("fn {name}()")) || code.contains(&format!("fn {name}(")),
            "there is no test {name}"
        );
    }
}

/// Every `cofounder …` command in the documents' code blocks is one that the program knows.
#[test]
fn commands_that_documents_name_exist() {
    let mut named = 0;
    for document in DOCUMENTS {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for line in text.lines().map(str::trim) {
            let Some(command) =
                line.strip_prefix("cofounder ").or_else(|| line.strip_prefix("cargo run --release -- "))
            else {
                continue;
            };
            let words = command.split_whitespace().take_while(|w| {
                w.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !w.starts_with("--")
            });
            let mut words: Vec<&str> = words.collect();
            words.truncate(2);
            if words.first().is_none_or(|w| {
                !["task", "post", "source", "model", "provider", "token", "budget", "ledger"].contains(w)
            }) {
                words.truncate(1);
            }
            named += 1;
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_cofounder"))
                .args(&words)
                .arg("--help")
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{document} names `cofounder {command}`, which the program does not know"
            );
        }
    }
    assert!(named > 3, "the documents name only {named} commands: does this test still read them?");
}

#[test]
fn the_first_two_commands_of_the_readme_are_those_that_ci_runs() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    let commands: Vec<&str> =
        readme.lines().map(str::trim).filter(|l| l.starts_with("cargo ")).take(2).collect();
    assert_eq!(commands.len(), 2, "the README opens with two commands");
    for command in commands {
        assert!(ci.contains(command), ".ci/run does not run `{command}`");
    }
}
