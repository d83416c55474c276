//! The rails: checks of a whole draft, one file each. They have names and versions, each can be switched off,
//! and each blocks or only advises.

mod citations;
pub(crate) mod draft;
mod grounding;
mod instructions;
mod language;
mod leaks;
mod length;
mod not_empty;
mod quotes;
mod repetition;
mod settings;
mod structure;
mod truncation;

use cofounder_domain::{Claim, Gate, Passage, RailResult, Span, Verdict};

pub(crate) use draft::Draft;
pub use settings::{RailSetting, RailSettings};

/// What the rails look at.
#[derive(Clone, Copy, Debug)]
pub struct RailInput<'a> {
    /// The draft, with `[S<n>]` marks. Spans are byte ranges of it.
    pub markdown: &'a str,
    /// Its title.
    pub title: &'a str,
    /// What it is about; its words need no evidence as names.
    pub topic: &'a str,
    /// How many words were asked for.
    pub words_wanted: Option<usize>,
    /// Every passage that it may cite.
    pub passages: &'a [Passage],
    /// What was found of its factual sentences; absent if nobody looked.
    pub claims: Option<&'a [Claim]>,
    /// What the model was told, to know an echo.
    pub prompts: &'a [&'a str],
}

/// What a rail found, before its name and its settings are added.
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    pub(crate) spans: Vec<Span>,
}

impl Finding {
    pub(crate) fn pass() -> Self {
        Self { verdict: Verdict::Pass, reason: String::new(), spans: Vec::new() }
    }

    pub(crate) fn skipped(reason: &str) -> Self {
        Self { verdict: Verdict::Skipped, reason: reason.to_owned(), spans: Vec::new() }
    }

    pub(crate) fn warn(reason: String, spans: Vec<Span>) -> Self {
        Self { verdict: Verdict::Warn, reason, spans }
    }

    pub(crate) fn fail(reason: String, spans: Vec<Span>) -> Self {
        Self { verdict: Verdict::Fail, reason, spans }
    }

    /// A failure if anything was found; the reason tells the first thing and how many more there are.
    pub(crate) fn of_faults(faults: Vec<(String, Span)>) -> Self {
        Self::told(Verdict::Fail, faults)
    }

    /// [`Finding::of_faults`] with another verdict.
    pub(crate) fn told(verdict: Verdict, faults: Vec<(String, Span)>) -> Self {
        let Some((first, _)) = faults.first() else { return Self::pass() };
        let more = match faults.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        Self {
            verdict,
            reason: format!("{first}{more}"),
            spans: faults.into_iter().map(|(_, span)| span).collect(),
        }
    }
}

/// A rail's name, its version, and how it looks at a draft. The version changes when the findings can.
struct Rail {
    name: &'static str,
    version: u32,
    look: fn(&Draft<'_>) -> Finding,
}

const RAILS: [Rail; 11] = [
    Rail { name: "grounding", version: 1, look: grounding::look },
    Rail { name: "citations", version: 1, look: citations::look },
    Rail { name: "quotes", version: 1, look: quotes::look },
    Rail { name: "not_empty", version: 1, look: not_empty::look },
    Rail { name: "repetition", version: 1, look: repetition::look },
    Rail { name: "leaks", version: 1, look: leaks::look },
    Rail { name: "instructions", version: 1, look: instructions::look },
    Rail { name: "language", version: 1, look: language::look },
    Rail { name: "truncation", version: 1, look: truncation::look },
    Rail { name: "structure", version: 1, look: structure::look },
    Rail { name: "length", version: 1, look: length::look },
];

/// What every rail finds, in a fixed order. A rail that is switched off, or that cannot measure, is there too
/// and says so.
#[must_use]
pub fn run_rails(input: &RailInput<'_>, settings: &RailSettings) -> Vec<RailResult> {
    look(&Draft::of(*input), settings)
}

pub(crate) fn look(draft: &Draft<'_>, settings: &RailSettings) -> Vec<RailResult> {
    let result = |rail: &Rail| {
        let setting = settings.of(rail.name);
        let found = if setting.on {
            (rail.look)(draft)
        } else {
            Finding::skipped("it is switched off in the settings")
        };
        let length = draft.input.markdown.len();
        RailResult {
            rail: rail.name.to_owned(),
            version: rail.version,
            blocking: setting.on && setting.blocking,
            verdict: found.verdict,
            reason: found.reason,
            spans: found.spans.into_iter().filter(|s| s.start <= s.end && s.end <= length).collect(),
        }
    };
    RAILS.iter().map(result).collect()
}

/// Open if every blocking rail passed or only warned. One that was skipped or broke down blocks, and so does
/// a draft that no rail looked at.
#[must_use]
pub fn gate(results: &[RailResult]) -> Gate {
    let open =
        results.iter().filter(|r| r.blocking).all(|r| matches!(r.verdict, Verdict::Pass | Verdict::Warn));
    if open && !results.is_empty() { Gate::Open } else { Gate::Blocked }
}
