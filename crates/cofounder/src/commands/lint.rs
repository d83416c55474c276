//! `cofounder lint`: the rails over files, for people, editors and CI. Exit code 1 on a blocking verdict.

use cofounder_domain::{Passage, RailResult, Verdict};
use cofounder_qa as qa;
use cofounder_research::{Limits, read_path, segment};
use serde::Serialize;
use serde_json::json;
use std::path::Path;

use crate::{
    cli::{LintArgs, LintFormat},
    failure::Failure,
    output,
};

/// Characters of a finding's own text that are shown.
const EXCERPT: usize = 120;

#[derive(Serialize)]
struct Finding<'a> {
    file: String,
    line: usize,
    column: usize,
    rail: &'a str,
    version: u32,
    verdict: Verdict,
    blocking: bool,
    reason: String,
}

pub(crate) async fn run(args: &LintArgs, as_json: bool) -> Result<(), Failure> {
    let passages = match &args.sources {
        Some(folder) => Some(passages(folder).await?),
        None => None,
    };
    let mut findings: Vec<(String, String, Vec<RailResult>)> = Vec::new();
    for file in &args.files {
        let bytes = std::fs::read(file)
            .map_err(|e| Failure::usage(format!("{} cannot be read: {e}", file.display())))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::usage(format!("{} is not UTF-8 text", file.display())))?;
        let results = qa::lint(&text, passages.as_deref());
        findings.push((file.display().to_string(), text, results));
    }
    let blocked = findings
        .iter()
        .flat_map(|(_, _, r)| r)
        .any(|r| r.blocking && matches!(r.verdict, Verdict::Fail | Verdict::Error));
    let listed: Vec<Finding<'_>> =
        findings.iter().flat_map(|(file, text, results)| flatten(file, text, results)).collect();
    match if as_json { LintFormat::Json } else { args.format } {
        LintFormat::Human => human(&listed, args.files.len())?,
        LintFormat::Json => output::json(&json!({"items": listed, "next_cursor": null}))?,
        LintFormat::Sarif => output::json(&sarif(&listed))?,
    }
    if blocked { Err(Failure::silent()) } else { Ok(()) }
}

async fn passages(folder: &Path) -> Result<Vec<Passage>, Failure> {
    let reading = read_path(folder, &Limits::default()).await.map_err(|e| Failure::of(e.kind(), e))?;
    let mut passages: Vec<Passage> = Vec::new();
    for document in &reading.documents {
        let next = u32::try_from(passages.len() + 1).unwrap_or(u32::MAX);
        passages.extend(segment(&document.source, next));
    }
    Ok(passages)
}

/// One finding a place; a rail without a place gets the file's first line.
fn flatten<'a>(file: &str, text: &str, results: &'a [RailResult]) -> Vec<Finding<'a>> {
    let told = results.iter().filter(|r| r.verdict != Verdict::Pass);
    told.flat_map(|r| {
        let places: Vec<usize> =
            if r.spans.is_empty() { vec![0] } else { r.spans.iter().map(|s| s.start).collect() };
        places.into_iter().map(move |at| (r, at))
    })
    .map(|(r, at)| {
        let (line, column) = qa::line_column(text, at);
        Finding {
            file: file.to_owned(),
            line,
            column,
            rail: &r.rail,
            version: r.version,
            verdict: r.verdict,
            blocking: r.blocking,
            reason: reason(r, text, at),
        }
    })
    .collect()
}

/// What a rail says of one place. Its reason speaks of all its places at once, so where there are several the place's own
/// words stand in it.
fn reason(result: &RailResult, text: &str, at: usize) -> String {
    let Some(span) = result.spans.iter().find(|s| s.start == at).filter(|_| result.spans.len() > 1) else {
        return result.reason.clone();
    };
    let said: String =
        text.get(span.start..span.end).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = said.chars().take(EXCERPT).collect();
    let more = if shown.len() < said.len() { "…" } else { "" };
    format!("one of {} places that fail this check: “{shown}{more}”", result.spans.len())
}

fn human(findings: &[Finding<'_>], files: usize) -> Result<(), Failure> {
    for f in findings {
        let level = level(f);
        output::line(format!("{}:{}:{}: {level}: {} [{}]", f.file, f.line, f.column, f.reason, f.rail))?;
    }
    eprintln!("{files} file(s), {} finding(s)", findings.len());
    Ok(())
}

fn level(finding: &Finding<'_>) -> &'static str {
    match finding.verdict {
        Verdict::Fail | Verdict::Error if finding.blocking => "error",
        Verdict::Fail | Verdict::Error | Verdict::Warn => "warning",
        Verdict::Skipped | Verdict::Pass => "note",
    }
}

/// SARIF 2.1.0 (OASIS standard).
fn sarif(findings: &[Finding<'_>]) -> serde_json::Value {
    let results: Vec<_> = findings
        .iter()
        .map(|f| {
            json!({
                "ruleId": f.rail,
                "level": level(f),
                "message": {"text": f.reason},
                "locations": [{"physicalLocation": {
                    "artifactLocation": {"uri": f.file},
                    "region": {"startLine": f.line, "startColumn": f.column}
                }}]
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "cofounder", "version": env!("CARGO_PKG_VERSION")}}, "results": results}]
    })
}
