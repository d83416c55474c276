//! The course of one call along its route: rounds, waits, and which error is told in the end.

use super::{Answered, Router, call::Asked};
use crate::{Attempt, ProviderError, Stage, breaker::Gate};
use backon::{BackoffBuilder, ExponentialBuilder};
use cofounder_domain::FaultKind;
use std::time::{Duration, Instant};

/// How often the chain is gone through.
const ROUNDS: usize = 2;
/// The longest wait between two rounds; who needs more is told so.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

pub(super) struct Course<'a> {
    router: &'a Router,
    asked: Asked<'a>,
    observer: &'a mut (dyn FnMut(Attempt) + Send),
    attempts: Vec<Attempt>,
    /// By target: it will not be asked again in this call.
    out: Vec<bool>,
    last: Option<ProviderError>,
}

impl<'a> Course<'a> {
    pub(super) fn new(
        router: &'a Router,
        asked: Asked<'a>,
        observer: &'a mut (dyn FnMut(Attempt) + Send),
    ) -> Self {
        let out = vec![false; asked.route.targets.len()];
        Self { router, asked, observer, attempts: Vec::new(), out, last: None }
    }

    pub(super) async fn run(mut self) -> Result<Answered, ProviderError> {
        let first = Duration::from_millis(200);
        let backoff =
            ExponentialBuilder::default().with_min_delay(first).with_max_delay(LONGEST_WAIT).with_jitter();
        let mut delays = backoff.with_max_times(ROUNDS).build();
        for round in 0..ROUNDS {
            if round > 0 && !self.pause(delays.next().unwrap_or(first)).await? {
                break;
            }
            if let Some(answered) = self.round().await? {
                return Ok(answered);
            }
        }
        Err(self.verdict())
    }

    /// Asks each target once that may be asked. An error ends the call.
    async fn round(&mut self) -> Result<Option<Answered>, ProviderError> {
        let route = self.asked.route;
        for (index, target) in route.targets.iter().enumerate() {
            if self.out[index] {
                continue;
            }
            self.check_time()?;
            let Ok(pass) = self.router.enter(target) else { continue };
            let (attempt, answer) = self.router.attempt(self.asked, target, pass).await;
            if let Some(attempt) = attempt {
                self.attempts.push(attempt.clone());
                (self.observer)(attempt);
            }
            match answer {
                Ok(answer) => {
                    let attempts = std::mem::take(&mut self.attempts);
                    return Ok(Some(Answered { answer, target: target.clone(), attempts }));
                }
                Err(error) => self.note(index, error)?,
            }
        }
        Ok(None)
    }

    /// Ends the call, or the target's part in it, or neither.
    fn note(&mut self, index: usize, error: ProviderError) -> Result<(), ProviderError> {
        use ProviderError as E;
        match error {
            E::Cancelled
            | E::InvalidRequest { .. }
            | E::Bug { .. }
            | E::Timeout { stage: Stage::Deadline } => {
                return Err(error);
            }
            E::Unauthorised { .. }
            | E::NotThere { .. }
            | E::ContextTooLong { .. }
            | E::Launch { .. }
            | E::Unsupported { .. } => {
                self.out[index] = true;
            }
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
        match self.asked.deadline {
            _ if self.asked.cancel.is_cancelled() => Err(ProviderError::Cancelled),
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
        let late = self.asked.deadline.is_some_and(|deadline| Instant::now() + wait >= deadline);
        if late || wait > LONGEST_WAIT {
            return Ok(false);
        }
        tokio::select! {
            biased;
            () = self.asked.cancel.cancelled() => Err(ProviderError::Cancelled),
            () = tokio::time::sleep(wait) => Ok(true),
        }
    }

    /// When the first target that is still in the course takes requests again; an open breaker is not waited for.
    fn soonest(&self) -> Option<Duration> {
        let inside = self.asked.route.targets.iter().zip(&self.out).filter(|(_, out)| !**out);
        inside
            .filter_map(|(target, _)| match self.router.gate(target) {
                Gate::Free | Gate::Probe => Some(Duration::ZERO),
                Gate::Cooling(pause) => Some(pause),
                Gate::Open(_) => None,
            })
            .min()
    }

    /// What to tell when no target answered.
    fn verdict(self) -> ProviderError {
        let soonest = self.soonest().filter(|wait| !wait.is_zero());
        match (self.last, soonest) {
            (Some(ProviderError::Limited { why, retry_after }), wait) => {
                ProviderError::Limited { why, retry_after: wait.or(retry_after) }
            }
            (Some(error), _) => error,
            (None, Some(wait)) => {
                let why = "it asked for a pause, which is not over".to_owned();
                ProviderError::Limited { retry_after: Some(wait), why }
            }
            (None, None) => ProviderError::unavailable(resting(self.router, self.asked)),
        }
    }
}

fn mends(error: &ProviderError) -> bool {
    matches!(error.kind(), FaultKind::Unavailable | FaultKind::Limited)
}

/// Every target rests: which, for how long, and after what.
fn resting(router: &Router, asked: Asked<'_>) -> String {
    let rest = |target: &super::Target| {
        let Gate::Open(time) = router.gate(target) else { return format!("{target} was not asked") };
        let last = router.breakers().get(&target.id()).and_then(|b| b.last_error.clone()).unwrap_or_default();
        format!("{target} failed several times and rests for {} s (last: {last})", time.as_secs().max(1))
    };
    asked.route.targets.iter().map(rest).collect::<Vec<_>>().join("; ")
}
