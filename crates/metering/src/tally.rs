//! What each step's calls took in this process, for whoever watches.

use cofounder_domain::{NanoUsd, StepPath};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// What calls took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// Calls that were made.
    pub calls: u64,
    /// Calls that were answered from the journal.
    pub replayed: u64,
    /// Prompt tokens of those made.
    pub tokens_in: u64,
    /// Answer tokens of those made.
    pub tokens_out: u64,
    /// What those made cost.
    pub cost: NanoUsd,
    /// Those made of which nobody says what they cost.
    pub unpriced: u64,
}

/// Counts calls by step.
#[derive(Debug, Default)]
pub struct Tally(Mutex<HashMap<StepPath, Took>>);

impl Tally {
    /// What a step's calls took.
    #[must_use]
    pub fn of(&self, step: &StepPath) -> Took {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(step).copied().unwrap_or_default()
    }

    pub(crate) fn add(&self, step: &StepPath, new: Took) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = steps.entry(step.clone()).or_default();
        *sum = Took {
            calls: sum.calls + new.calls,
            replayed: sum.replayed + new.replayed,
            tokens_in: sum.tokens_in + new.tokens_in,
            tokens_out: sum.tokens_out + new.tokens_out,
            cost: sum.cost + new.cost,
            unpriced: sum.unpriced + new.unpriced,
        };
    }
}
