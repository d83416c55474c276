//! What calls took in this process, as Prometheus counts it.

use cofounder_domain::NanoUsd;
use cofounder_providers::{Attempt, Outcome, Target, Verb};
use cofounder_storage::CallTokens;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// Counters of model calls. Cheap to clone: all clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    calls: Family<CallLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    cost: Family<ModelLabels, Counter>,
    seconds: Family<ModelLabels, Histogram>,
    first_token: Family<ModelLabels, Histogram>,
    attempts: Family<AttemptLabels, Counter>,
    /// The names that are counted apart.
    names: Arc<RwLock<HashSet<String>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    model: String,
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    model: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    model: String,
    outcome: &'static str,
}

/// Models that are counted apart, at the most.
const MOST_NAMES: usize = 1_000;
/// From ten milliseconds to ten minutes.
const SECONDS: [f64; 14] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0];

impl Default for Metrics {
    fn default() -> Self {
        let histogram = || Histogram::new(SECONDS);
        Self {
            calls: Family::default(),
            tokens: Family::default(),
            cost: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            first_token: Family::new_with_constructor(histogram),
            attempts: Family::default(),
            names: Arc::default(),
        }
    }
}

/// What is counted of a call that ended.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) model: &'a str,
    pub(crate) verb: Verb,
    /// `done`, `failed` or `abandoned`.
    pub(crate) outcome: &'static str,
    pub(crate) tokens: CallTokens,
    /// What it cost and what it may have lost.
    pub(crate) cost: NanoUsd,
    pub(crate) took: Duration,
    pub(crate) first_token: Option<Duration>,
}

impl Metrics {
    /// Puts the counters where they are read.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("model_calls", "Calls, by how they ended", self.calls.clone());
        registry.register(
            "model_tokens",
            "Tokens of calls, by what they are charged as",
            self.tokens.clone(),
        );
        registry.register(
            "model_cost_nanousd",
            "What calls cost, in billionths of a US dollar, with what failed attempts may have cost",
            self.cost.clone(),
        );
        registry.register_with_unit("model_call", "How long calls took", Unit::Seconds, self.seconds.clone());
        let help = "How long it took until a streamed answer began";
        registry.register_with_unit("model_first_token", help, Unit::Seconds, self.first_token.clone());
        registry.register("model_attempts", "Requests to models, by how they ended", self.attempts.clone());
    }

    pub(crate) fn ended(&self, call: &Ended<'_>) {
        let name = self.name(call.model);
        let model = || name.clone();
        let (kind, outcome) = (call.verb.as_str(), call.outcome);
        self.calls.get_or_create(&CallLabels { model: model(), kind, outcome }).inc();
        let CallTokens { input, cached, cache_write, output, .. } = call.tokens;
        let plain = input.saturating_sub(cached + cache_write);
        for (kind, count) in
            [("input", plain), ("cached", cached), ("cache_write", cache_write), ("output", output)]
        {
            if count > 0 {
                self.tokens.get_or_create(&TokenLabels { model: model(), kind }).inc_by(count);
            }
        }
        let labels = ModelLabels { model: model() };
        if call.cost > NanoUsd::ZERO {
            self.cost.get_or_create(&labels).inc_by(call.cost.nano());
        }
        self.seconds.get_or_create(&labels).observe(call.took.as_secs_f64());
        if let Some(first) = call.first_token {
            self.first_token.get_or_create(&labels).observe(first.as_secs_f64());
        }
    }

    /// The name under which a model is counted. Clients can make up names at a provider that takes any: those beyond the
    /// first many are counted together, by provider.
    fn name(&self, model: &str) -> String {
        let known = |names: &HashSet<String>| names.contains(model);
        if known(&self.names.read().unwrap_or_else(PoisonError::into_inner)) {
            return model.to_owned();
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if names.len() < MOST_NAMES {
            names.insert(model.to_owned());
        }
        match (known(&names), model.split_once('/')) {
            (true, _) => model.to_owned(),
            (false, Some((provider, _))) => format!("{provider}/*"),
            (false, None) => "*".to_owned(),
        }
    }

    pub(crate) fn attempt(&self, attempt: &Attempt) {
        let outcome = match &attempt.outcome {
            Outcome::Answered => "answered",
            Outcome::Failed { fault, .. } => fault.problem(),
        };
        self.attempts.get_or_create(&AttemptLabels { model: self.name(&attempt.target), outcome }).inc();
    }
}

/// The name under which a call that no model took is counted.
pub(crate) const NOBODY: &str = "none";

pub(crate) fn name(target: Option<&Target>) -> String {
    target.map_or_else(|| NOBODY.to_owned(), Target::id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tried without the limit: the test failed.
    #[test]
    fn names_that_are_made_up_are_counted_together_beyond_the_first_many() {
        let metrics = Metrics::default();
        for number in 0..MOST_NAMES {
            assert_eq!(metrics.name(&format!("a/{number}")), format!("a/{number}"));
        }
        assert_eq!(metrics.name("b/more"), "b/*");
        assert_eq!(metrics.name("a/7"), "a/7", "known before");
    }
}
