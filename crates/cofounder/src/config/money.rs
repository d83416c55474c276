//! `[budget]`, `[ledger]` and `[catalogue]`: what may be spent, what is kept of calls, and what models cost.

use cofounder_domain::NanoUsd;
use cofounder_metering::{Budgets, Texts};
use cofounder_providers::Catalogue;
use regex::Regex;
use serde::Deserialize;
use std::{fs, path::PathBuf, time::Duration};

use crate::failure::Failure;

/// `[budget]`: the most that may be spent, in US dollars. Days and months are those of UTC.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BudgetSection {
    /// By one call.
    call_usd: Option<f64>,
    /// For one task.
    task_usd: Option<f64>,
    /// On a day.
    day_usd: Option<f64>,
    /// In a month.
    month_usd: Option<f64>,
}

impl BudgetSection {
    pub(crate) fn budgets(&self) -> Budgets {
        let amount = |usd: Option<f64>| usd.map(NanoUsd::from_usd);
        Budgets {
            call: amount(self.call_usd),
            task: amount(self.task_usd),
            day: amount(self.day_usd),
            month: amount(self.month_usd),
        }
    }

    /// What in it is no amount.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        let named = [
            ("call_usd", self.call_usd),
            ("task_usd", self.task_usd),
            ("day_usd", self.day_usd),
            ("month_usd", self.month_usd),
        ];
        named.into_iter().filter_map(|(name, usd)| {
            let usd = usd.filter(|usd| !usd.is_finite() || *usd < 0.0)?;
            Some(format!("budget.{name} is {usd}; it must be 0 or more US dollars"))
        })
    }
}

/// `[ledger]`: what is kept of clients' calls. What a task's steps asked is kept with the task.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LedgerSection {
    /// How many days questions and answers are kept; 0 for not at all. What calls took is kept for good.
    keep_texts_days: u32,
    /// KiB of each, at the most.
    text_kib: usize,
    /// Regular expressions of what is blanked out, beside what looks like a key, an e-mail address or a picture.
    redact: Vec<String>,
}

impl Default for LedgerSection {
    fn default() -> Self {
        let texts = Texts::default();
        let days = u32::try_from(texts.keep.as_secs() / 86_400).unwrap_or(u32::MAX);
        Self { keep_texts_days: days, text_kib: texts.longest >> 10, redact: Vec::new() }
    }
}

impl LedgerSection {
    /// What in it is no regular expression.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        self.redact.iter().filter_map(|text| form(text).err())
    }

    pub(crate) fn texts(&self) -> Result<Texts, Failure> {
        let form = |text: &String| form(text).map_err(Failure::usage);
        Ok(Texts {
            keep: Duration::from_hours(24 * u64::from(self.keep_texts_days)),
            longest: self.text_kib.clamp(1, 1 << 20) << 10,
            redact: self.redact.iter().map(form).collect::<Result<_, _>>()?,
        })
    }
}

fn form(text: &str) -> Result<Regex, String> {
    let told = |error: regex::Error| {
        let words = error.to_string();
        let last = words.lines().last().unwrap_or_default().to_owned();
        format!("ledger.redact holds {text:?}, which is no regular expression: {last}")
    };
    Regex::new(text).map_err(told)
}

/// `[catalogue]`: what is known of models.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CatalogueSection {
    /// A file in the form of the shipped catalogue, which goes over it.
    file: Option<PathBuf>,
}

impl CatalogueSection {
    pub(crate) fn read(&self) -> Result<Catalogue, Failure> {
        let shipped =
            Catalogue::shipped().map_err(|why| Failure::failed(format!("the shipped catalogue: {why}")))?;
        let Some(file) = &self.file else { return Ok(shipped) };
        let told = |why: String| Failure::usage(format!("the catalogue {}: {why}", file.display()));
        let text = fs::read_to_string(file).map_err(|error| told(error.to_string()))?;
        Ok(Catalogue::parse(&text).map_err(told)?.over(shipped))
    }
}
