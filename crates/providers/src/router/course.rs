//! The course of one call along its route: rounds and waits.

use super::{
    Router, Target, Witness,
    breakers::Pass,
    call::{Call, Got, Manner},
    passed::Passed,
    verdict::{mends, resting},
};
use crate::{Attempt, ProviderError, Stage, breaker::Gate};
use backon::{BackoffBuilder, ExponentialBuilder};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How often the chain is gone through.
const ROUNDS: usize = 2;
/// The longest wait for a model that is being loaded, if its provider does not say.
const LOADING: Duration = Duration::from_secs(5);

pub(super) struct Course<'a> {
    router: &'a Router,
    call: &'a Call<'a>,
    streamed: bool,
    /// How long the call may still wait for a free target.
    patience: Duration,
    witness: &'a mut dyn Witness,
    attempts: Vec<Attempt>,
    /// By target.
    parts: Vec<Part>,
    passed: Passed,
    last: Option<ProviderError>,
}

/// A target's part in the call.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    /// It will not be asked again.
    out: bool,
    /// It was asked.
    asked: bool,
    /// It loads its model until then.
    loading: Option<Instant>,
}

/// Where a call got to.
pub(super) struct Reached {
    pub(super) got: Got,
    pub(super) target: Arc<Target>,
    pub(super) attempts: Vec<Attempt>,
    /// The other targets that it got to, and why they did not answer.
    pub(super) passed_over: Vec<(String, String)>,
}

impl<'a> Course<'a> {
    pub(super) fn new(
        router: &'a Router,
        call: &'a Call<'a>,
        streamed: bool,
        witness: &'a mut dyn Witness,
    ) -> Self {
        let parts = vec![Part::default(); call.route.targets.len()];
        let patience = call.patience;
        Self {
            router,
            call,
            streamed,
            patience,
            witness,
            attempts: Vec::new(),
            parts,
            passed: Passed::default(),
            last: None,
        }
    }

    pub(super) async fn run(mut self) -> Result<Reached, ProviderError> {
        let outcome = self.rounds().await;
        if outcome.is_err() {
            self.passed.tell(self.call.route, self.witness);
        }
        outcome
    }

    async fn rounds(&mut self) -> Result<Reached, ProviderError> {
        self.router.retries.call();
        let first = Duration::from_millis(200);
        let backoff =
            ExponentialBuilder::default().with_min_delay(first).with_max_delay(Duration::from_secs(5));
        let mut delays = backoff.with_jitter().with_max_times(ROUNDS).build();
        let mut rounds = 0;
        loop {
            if let Some(reached) = self.round(rounds).await? {
                return Ok(reached);
            }
            rounds += 1;
            // Waiting for a model to be loaded is no round: its provider said how long it takes.
            let again = if self.parts.iter().any(|part| part.loading.is_some() && !part.out) {
                self.wait_for_loading().await?
            } else if rounds < ROUNDS {
                self.pause(delays.next().unwrap_or(first)).await?
            } else {
                false
            };
            if !again {
                return Err(self.verdict());
            }
        }
    }

    /// Asks each target once that may be asked. An error ends the call.
    async fn round(&mut self, round: usize) -> Result<Option<Reached>, ProviderError> {
        for index in 0..self.parts.len() {
            let Part { out, loading, .. } = self.parts[index];
            if out || loading.is_some_and(|until| until > Instant::now()) {
                continue;
            }
            self.check_time()?;
            let Some(pass) = self.pass(index).await? else { continue };
            if let Some(got) = self.ask(round, index, pass).await? {
                let attempts = std::mem::take(&mut self.attempts);
                let passed_over = std::mem::take(&mut self.passed).beside(index, self.call.route);
                let target = Arc::clone(&self.call.route.targets[index]);
                return Ok(Some(Reached { got, target, attempts, passed_over }));
            }
        }
        Ok(None)
    }

    /// Leave to ask a target: from its breaker, from the budget of second tries, and from whoever pays.
    async fn pass(&mut self, index: usize) -> Result<Option<Pass>, ProviderError> {
        let target = &self.call.route.targets[index];
        let pass = match self.router.breakers.enter(target) {
            Ok(pass) => pass,
            Err(gate) => {
                self.passed.shut(index, gate);
                return Ok(None);
            }
        };
        let loaded = self.parts[index].loading.take().is_some();
        if self.parts[index].asked && !loaded && !self.router.retries.take() {
            return Ok(None);
        }
        if !self.attempts.is_empty()
            && let Err(error) = self.witness.before(target).await
        {
            self.passed.failed(index, &error, true);
            self.note(index, error)?;
            return Ok(None);
        }
        Ok(Some(pass))
    }

    async fn ask(&mut self, round: usize, index: usize, pass: Pass) -> Result<Option<Got>, ProviderError> {
        let target = &self.call.route.targets[index];
        let manner = Manner { streamed: self.streamed, until: self.may_wait(round, index) };
        let (attempt, waited, answer) = self.router.attempt(self.call, target, pass, manner).await;
        self.patience = self.patience.saturating_sub(waited);
        let asked = attempt.is_some();
        if let Some(attempt) = attempt {
            self.parts[index].asked = true;
            self.witness.after(&attempt);
            self.attempts.push(attempt);
        }
        match answer {
            Ok(got) => Ok(Some(got)),
            Err(error) => {
                self.passed.failed(index, &error, asked);
                self.note(index, error)?;
                Ok(None)
            }
        }
    }

    /// Until when a request may wait for a place with this target. A busy one is passed over for a later one, but a free
    /// one never for one that costs money.
    fn may_wait(&self, round: usize, index: usize) -> Option<Instant> {
        let targets = &self.call.route.targets;
        let later = targets.iter().zip(&self.parts).skip(index + 1).filter(|(_, part)| !part.out);
        let mut later = later.filter(|(target, _)| target.free || !targets[index].free);
        let instead = later.any(|(target, _)| matches!(self.router.breakers.gate(target), Gate::Free));
        let until = Instant::now() + self.patience;
        let until = self.call.deadline.map_or(until, |deadline| deadline.min(until));
        match self.call.deadline {
            _ if round == 0 && instead => None,
            Some(deadline) if targets.len() == 1 && self.call.waits_it_out => Some(deadline),
            _ => Some(until),
        }
    }

    /// Ends the call, or the target's part in it, or neither.
    fn note(&mut self, index: usize, error: ProviderError) -> Result<(), ProviderError> {
        use ProviderError as E;
        match &error {
            E::Cancelled
            | E::InvalidRequest { .. }
            | E::Refused { .. }
            | E::Bug { .. }
            | E::Timeout { stage: Stage::Deadline } => return Err(error),
            E::Loading { retry_after, .. } => {
                self.parts[index].loading = Some(Instant::now() + retry_after.unwrap_or(LOADING));
            }
            error if !error.may_pass() => self.parts[index].out = true,
            _ => {}
        }
        // What waiting can mend is the better news: whoever schedules the call goes by it.
        let kept = self.last.as_ref().is_some_and(|last| mends(last) && !mends(&error));
        if !kept {
            self.last = Some(error);
        }
        Ok(())
    }

    /// An error that was met on the way tells more than the deadline that cut the way short.
    fn check_time(&mut self) -> Result<(), ProviderError> {
        match self.call.deadline {
            _ if self.call.cancel.is_cancelled() => Err(ProviderError::Cancelled),
            Some(deadline) if Instant::now() >= deadline => {
                Err(self.last.take().unwrap_or(ProviderError::Timeout { stage: Stage::Deadline }))
            }
            _ => Ok(()),
        }
    }

    /// Waits until a target can be asked again. False if that is too long, or never.
    async fn pause(&mut self, backoff: Duration) -> Result<bool, ProviderError> {
        let Some(soonest) = self.soonest() else { return Ok(false) };
        let wait = soonest.max(backoff);
        if wait > self.patience {
            return Ok(false);
        }
        self.patience -= wait;
        self.sleep(Instant::now() + wait).await
    }

    /// Waits until the first model is loaded, within the call's patience, or its deadline if it waits that out.
    async fn wait_for_loading(&mut self) -> Result<bool, ProviderError> {
        let inside = self.parts.iter().filter(|part| !part.out);
        let Some(until) = inside.filter_map(|part| part.loading).min() else { return Ok(false) };
        let patient = self.call.deadline.is_some() && self.call.waits_it_out;
        if !patient && until > Instant::now() + self.patience {
            return Ok(false);
        }
        self.sleep(until).await
    }

    async fn sleep(&mut self, until: Instant) -> Result<bool, ProviderError> {
        if self.call.deadline.is_some_and(|deadline| until >= deadline) {
            return Ok(false);
        }
        tokio::select! {
            biased;
            () = self.call.cancel.cancelled() => Err(ProviderError::Cancelled),
            () = tokio::time::sleep_until(until.into()) => Ok(true),
        }
    }

    /// When the first target that is still in the course takes requests again; an open breaker is not waited for.
    fn soonest(&self) -> Option<Duration> {
        let inside = self.call.route.targets.iter().zip(&self.parts).filter(|(_, part)| !part.out);
        inside
            .filter_map(|(target, _)| match self.router.breakers.gate(target) {
                Gate::Free | Gate::Probe => Some(Duration::ZERO),
                Gate::Cooling(pause) => Some(pause),
                Gate::Open(_) => None,
            })
            .min()
    }

    /// What to tell when no target answered.
    fn verdict(&mut self) -> ProviderError {
        let soonest = self.soonest().filter(|wait| !wait.is_zero());
        match (self.last.take(), soonest) {
            (Some(ProviderError::Limited { why, retry_after }), wait) => {
                ProviderError::Limited { why, retry_after: wait.or(retry_after) }
            }
            (Some(error), _) => error,
            (None, Some(wait)) => {
                let why = "it asked for a pause, which is not over".to_owned();
                ProviderError::Limited { retry_after: Some(wait), why }
            }
            (None, None) => resting(self.router, self.call),
        }
    }
}
