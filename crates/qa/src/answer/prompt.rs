//! The instructions of a prompt, so that their echo can be told from material that the prompt only carries.

use std::{collections::HashMap, ops::Range};

use crate::patterns::{Pattern, pattern};

static WORD: Pattern = Pattern::new(|| pattern(r"[\p{L}\p{N}]+"));
static IMPERATIVE: Pattern = Pattern::new(|| {
    pattern(concat!(
        r"(?i)^\W*(?:(?:rules?|task|instructions?|note|important)\s*:\s*)?(?:please |always |never |now |then |only |do not |don['’]t )?",
        r"(?:write|answer|rewrite|use|say|keep|give|plan|name|list|respond|reply|return|put|end|begin|start|avoid|include|make|cite|follow|explain|describe|",
        r"summari[sz]e|translate|output|produce|mention|focus|ensure|never|do not|don['’]t|remember|change|add|ask|repeat)\b"
    ))
});
static META: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)\b(?:you|your|yours|article|section|paragraph|sentences?|passages?|answers?|words|readers?|should|must|tone|style|english|prose|marks?|sources?|headings?|draft|editor|written|instructions?|json|prompt|rules?)\b",
    )
});

/// A run of so many words in common is no accident.
const RUN: usize = 12;

/// What prompts tell a model to do.
pub(crate) struct Instructions {
    lines: Vec<Vec<String>>,
}

impl Instructions {
    /// From lines that do not carry passages (`[S3] …`) or drafts (which end with a mark). Of those, the
    /// sentences that speak to the writer count; if none does, all of them.
    pub(crate) fn of(prompts: &[&str]) -> Self {
        let lines: Vec<&str> =
            prompts.iter().flat_map(|p| p.lines()).filter(|l| !carries_material(l)).collect();
        let told: Vec<Vec<String>> =
            lines.iter().map(|l| words(&instructing(l))).filter(|w| w.len() >= RUN).collect();
        let all = || lines.iter().map(|l| words(l)).filter(|w| w.len() >= RUN).collect();
        let any = lines.iter().any(|l| !instructing(l).is_empty());
        Self { lines: if any { told } else { all() } }
    }

    /// Where a text repeats twelve words of an instruction in a row.
    pub(crate) fn echo(&self, text: &str) -> Option<Range<usize>> {
        let said: Vec<(Range<usize>, String)> =
            WORD.find_iter(text).map(|m| (m.range(), m.as_str().to_lowercase())).collect();
        let mut runs: HashMap<Vec<&str>, ()> = HashMap::new();
        for line in &self.lines {
            for run in line.windows(RUN) {
                runs.insert(run.iter().map(String::as_str).collect(), ());
            }
        }
        said.windows(RUN).find_map(|run| {
            let key: Vec<&str> = run.iter().map(|(_, w)| w.as_str()).collect();
            runs.contains_key(&key).then(|| run[0].0.start..run[RUN - 1].0.end)
        })
    }
}

fn carries_material(line: &str) -> bool {
    let line = line.trim();
    let mark_at_end = crate::marks::marks(line).last().is_some_and(|m| m.range.end == line.len());
    line.starts_with("[S") || mark_at_end
}

/// The sentences of a line that speak to the writer.
fn instructing(line: &str) -> String {
    let spans = cofounder_domain::sentences(line);
    let told = spans
        .iter()
        .map(|s| &line[s.start..s.end])
        .filter(|s| IMPERATIVE.is_match(s) || META.find_iter(s).count() >= 2);
    told.collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> Vec<String> {
    WORD.find_iter(text).map(|m| m.as_str().to_lowercase()).collect()
}
