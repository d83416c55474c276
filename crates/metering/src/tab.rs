//! The tab of one call: the money that is set aside for it, and what its requests have come to.

use async_trait::async_trait;
use cofounder_domain::NanoUsd;
use cofounder_providers::{Attempt, Outcome, ProviderError, Target, Usage, Witness};
use std::sync::Arc;

use crate::{
    CallError, Metrics, Whose,
    budgets::Accounts,
    charge::Charge,
    purse::{Hold, Purse},
    worst::Size,
};

/// What is known of one call's money.
#[derive(Debug)]
pub(crate) struct Tab {
    hold: Option<Hold>,
    size: Size,
    targets: Vec<Arc<Target>>,
    /// The most that the whole call may cost.
    cap: Option<NanoUsd>,
    /// The longest answer that is paid for, where the question names none.
    pub(crate) bound: Option<u32>,
    /// What requests that failed may have cost.
    pub(crate) lost: NanoUsd,
    pub(crate) attempts: Vec<Attempt>,
    /// Targets that the call went past on its way, and why.
    pub(crate) passed: Vec<(String, String)>,
    metrics: Metrics,
}

impl Tab {
    /// Sets money aside for one request to the dearest of the targets. A question that names no longest answer gets the
    /// longest that the money pays for.
    pub(crate) async fn open(
        purse: &Arc<Purse>,
        accounts: &Accounts,
        cap: Option<NanoUsd>,
        size: Size,
        targets: &[Arc<Target>],
        metrics: Metrics,
    ) -> Result<Self, CallError> {
        let mut tab = Self {
            hold: None,
            size,
            targets: targets.to_vec(),
            cap,
            bound: None,
            lost: NanoUsd::ZERO,
            attempts: Vec::new(),
            passed: Vec::new(),
            metrics,
        };
        let worst = size.worst(targets);
        if worst == NanoUsd::ZERO || (accounts.capped.is_empty() && cap.is_none()) {
            return Ok(tab);
        }
        let least = if size.answer.is_some() { worst } else { size.least(targets) };
        if let Some(cap) = cap.filter(|cap| least > *cap) {
            return Err(CallError::Budget { whose: Whose::Call, cap, used: NanoUsd::ZERO, needed: least });
        }
        let wanted = cap.map_or(worst, |cap| worst.min(cap));
        let hold = purse.reserve(&accounts.capped, wanted, least).await??;
        if size.answer.is_none() {
            tab.bound = Some(size.afforded(targets, hold.amount));
        }
        tab.hold = Some(hold);
        Ok(tab)
    }

    /// What the answer of a target is charged. It is to be asked before the call is settled.
    pub(crate) fn charge(&self, target: &Target, usage: &Usage) -> Charge {
        match &self.hold {
            Some(_) => {
                let longest = self.longest(target).saturating_mul(self.size.answers);
                Charge::safe(target, usage, self.size, longest)
            }
            None => Charge::likely(target, usage),
        }
    }

    /// The call took this much, and no request of it runs any more.
    pub(crate) fn settle(&mut self, spent: NanoUsd) {
        if let Some(hold) = self.hold.take() {
            hold.settle(spent);
        }
    }

    /// The answer that had begun did not come to its end.
    pub(crate) fn broke_off(&mut self, error: &CallError) {
        if let Some(attempt) = self.attempts.last_mut() {
            let (fault, message) = (error.kind(), error.to_string());
            // What came of it is counted as the call's own cost.
            attempt.outcome = Outcome::Failed { fault, message, may_have_cost: false };
        }
    }

    /// What one request to a target costs at the most.
    fn worst(&self, target: &Target) -> NanoUsd {
        self.size.cost(target, self.longest(target))
    }

    /// The longest answer of a target that is paid for, in tokens.
    fn longest(&self, target: &Target) -> u64 {
        let longest = || self.bound.unwrap_or_else(|| self.size.longest(target));
        self.size.answer.unwrap_or_else(|| u64::from(longest()))
    }
}

#[async_trait]
impl Witness for Tab {
    /// What an earlier request may have cost is not there for this one: more is set aside, or it is not made.
    async fn before(&mut self, target: &Target) -> Result<(), ProviderError> {
        let needed = self.lost + self.worst(target);
        if let Some(cap) = self.cap.filter(|cap| needed > *cap) {
            return Err(ProviderError::Budget { why: format!("{} of {cap}", Whose::Call) });
        }
        let Some(hold) = &mut self.hold else { return Ok(()) };
        let more = needed.saturating_sub(hold.amount);
        if more == NanoUsd::ZERO {
            return Ok(());
        }
        match hold.grow(more, more).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(short)) => Err(ProviderError::Budget { why: CallError::from(short).to_string() }),
            Err(error) => Err(ProviderError::Budget { why: error.to_string() }),
        }
    }

    fn passed(&mut self, target: &Target, why: &str) {
        self.passed.push((target.id(), why.to_owned()));
    }

    fn after(&mut self, attempt: &Attempt) {
        if let Outcome::Failed { may_have_cost: true, .. } = attempt.outcome {
            let target = self.targets.iter().find(|t| t.id() == attempt.target);
            self.lost = self.lost + target.map_or(NanoUsd::ZERO, |t| self.worst(t));
        }
        self.metrics.attempt(attempt);
        self.attempts.push(attempt.clone());
    }
}
