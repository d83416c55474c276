//! Which rails run, and which of them block.

use serde::{Deserialize, Serialize};

/// How one rail is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RailSetting {
    /// Whether it runs.
    pub on: bool,
    /// Whether its failure, or a skip, stops approval.
    pub blocking: bool,
}

impl RailSetting {
    /// It runs, and its failure stops approval.
    pub const BLOCKING: Self = Self { on: true, blocking: true };
    /// It runs, and a person reads what it found.
    pub const ADVISORY: Self = Self { on: true, blocking: false };
    /// It does not run.
    pub const OFF: Self = Self { on: false, blocking: false };
}

/// How each rail is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RailSettings {
    /// Every claim is supported by what it cites.
    pub grounding: RailSetting,
    /// Every factual sentence cites, and every mark names a passage.
    pub citations: RailSetting,
    /// Quotations are verbatim.
    pub quotes: RailSetting,
    /// There is a text.
    pub not_empty: RailSetting,
    /// Nothing is said twice.
    pub repetition: RailSetting,
    /// No prompt, role label, error, placeholder or talk got into the text.
    pub leaks: RailSetting,
    /// No instruction to a model got into the text.
    pub instructions: RailSetting,
    /// It is in English.
    pub language: RailSetting,
    /// It ends where a text ends.
    pub truncation: RailSetting,
    /// Headings, sections and paragraphs are in order.
    pub structure: RailSetting,
    /// It is about as long as was asked for.
    pub length: RailSetting,
}

impl Default for RailSettings {
    fn default() -> Self {
        let (blocking, advisory) = (RailSetting::BLOCKING, RailSetting::ADVISORY);
        Self {
            grounding: blocking,
            citations: blocking,
            quotes: blocking,
            not_empty: blocking,
            repetition: blocking,
            leaks: blocking,
            instructions: blocking,
            language: blocking,
            truncation: blocking,
            structure: advisory,
            length: advisory,
        }
    }
}

impl RailSettings {
    /// The setting of a rail by its name; a name that no rail has is off.
    #[must_use]
    pub fn of(&self, rail: &str) -> RailSetting {
        match rail {
            "grounding" => self.grounding,
            "citations" => self.citations,
            "quotes" => self.quotes,
            "not_empty" => self.not_empty,
            "repetition" => self.repetition,
            "leaks" => self.leaks,
            "instructions" => self.instructions,
            "language" => self.language,
            "truncation" => self.truncation,
            "structure" => self.structure,
            "length" => self.length,
            _ => RailSetting::OFF,
        }
    }
}
