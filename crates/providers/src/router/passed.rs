//! Which targets of its route a call went past, and why: of each the last reason, but that a request of this call failed
//! says more than that its target rests since. Nothing is kept of a call that its first target answers.

use super::{Route, Witness};
use crate::{ProviderError, breaker::Gate, error::seconds};
use std::collections::BTreeMap;

/// The reasons, by the target's place in the route.
#[derive(Debug, Default)]
pub(super) struct Passed(BTreeMap<usize, String>);

impl Passed {
    /// Its breaker let nobody through.
    pub(super) fn shut(&mut self, index: usize, gate: Gate) {
        self.0.entry(index).or_insert_with(|| match gate {
            Gate::Cooling(left) => format!("asked for a pause of {} s", seconds(left)),
            Gate::Open(left) => format!("rests for {} s after failures", seconds(left)),
            Gate::Free | Gate::Probe => "was not asked".to_owned(),
        });
    }

    /// It was not to be asked, or was asked and did not answer.
    pub(super) fn failed(&mut self, index: usize, error: &ProviderError, asked: bool) {
        let why = match error {
            ProviderError::Limited { why, .. } if !asked => format!("no place was free: {why}"),
            error => error.to_string(),
        };
        self.0.insert(index, why);
    }

    /// The others, for an answer of the target at this place.
    pub(super) fn beside(self, index: usize, route: &Route) -> Vec<(String, String)> {
        let others = self.0.into_iter().filter(|(passed, _)| *passed != index);
        others.map(|(passed, why)| (route.targets[passed].id(), why)).collect()
    }

    /// Nobody answered.
    pub(super) fn tell(&self, route: &Route, witness: &mut dyn Witness) {
        for (index, why) in &self.0 {
            witness.passed(&route.targets[*index], why);
        }
    }
}
