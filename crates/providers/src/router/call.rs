//! One request to one target: its place, its socket, its time, its health.

use super::{Route, Router, Target, course::Course, provider::Key};
use crate::{
    Attempt, ChatAnswer, ChatRequest, Outcome, ProviderError, Stage,
    breaker::{Breaker, Gate},
    openai::{self, wire::Shape},
};
use std::{
    collections::HashMap,
    sync::{MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// How long a target is left alone after HTTP 429 that does not say.
const PAUSE: Duration = Duration::from_secs(1);

/// An answer and how it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The answer.
    pub answer: ChatAnswer,
    /// Who gave it.
    pub target: Target,
    /// Every request that was made for it; the last one is the answered one.
    pub attempts: Vec<Attempt>,
}

/// What one call is made of, beside its target.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) route: &'a Route,
    pub(super) request: &'a ChatRequest,
    pub(super) key: &'a str,
    pub(super) deadline: Option<Instant>,
    pub(super) cancel: &'a CancellationToken,
}

impl Router {
    /// Takes a request along its route: another target before the same one twice, two rounds at most, all inside
    /// the deadline. `key` goes along as `Idempotency-Key` unless it is empty. `observer` is told of each attempt as
    /// it ends, also of one that a cancellation ended.
    ///
    /// # Errors
    /// The last error that waiting could mend, else the last one.
    pub async fn chat(
        &self,
        route: &Route,
        request: &ChatRequest,
        key: &str,
        deadline: Option<Instant>,
        cancel: &CancellationToken,
        observer: &mut (dyn FnMut(Attempt) + Send),
    ) -> Result<Answered, ProviderError> {
        let asked = Asked { route, request, key, deadline, cancel };
        Course::new(self, asked, observer).run().await
    }

    /// Asks one target. The outcome goes to its breaker.
    pub(super) async fn attempt(
        &self,
        asked: Asked<'_>,
        target: &Target,
        pass: Pass<'_>,
    ) -> (Option<Attempt>, Result<ChatAnswer, ProviderError>) {
        let begun = Instant::now();
        let mut sent = None;
        let answer = tokio::select! {
            biased;
            () = asked.cancel.cancelled() => Err(ProviderError::Cancelled),
            answer = self.ask(asked, target, &mut sent) => answer,
        };
        match sent {
            Some(_) => pass.settle(&answer),
            None => drop(pass),
        }
        let ms = u64::try_from(sent.unwrap_or(begun).elapsed().as_millis()).unwrap_or(u64::MAX);
        let outcome = match &answer {
            Ok(_) => Outcome::Answered,
            Err(error) => Outcome::Failed {
                fault: error.kind(),
                message: error.to_string(),
                may_have_cost: sent.is_some() && !target.free && error.may_have_cost(),
            },
        };
        tracing::debug!(target = %target, ms, ?outcome, "model request");
        (sent.map(|_| Attempt { target: target.id(), ms, outcome }), answer)
    }

    /// `sent` is set when the request leaves our hands.
    async fn ask(
        &self,
        asked: Asked<'_>,
        target: &Target,
        sent: &mut Option<Instant>,
    ) -> Result<ChatAnswer, ProviderError> {
        let gone = || ProviderError::Bug {
            why: format!("the route names {target}, which this router does not know"),
        };
        let provider = self.provider(&target.provider).ok_or_else(gone)?;
        let _place = provider.limiter.enter(asked.deadline.map(Into::into)).await?;
        let mut patience = provider.patience(&target.model);
        let socket = match provider.is_embedded() {
            true => Some(within(asked.deadline, self.launcher.socket(&target.model)).await??),
            false => None,
        };
        let client = provider.client(socket.as_deref(), patience.connect)?;
        let left = asked.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let ours = left.is_some_and(|left| left < patience.total);
        patience.total = left.map_or(patience.total, |left| left.min(patience.total));
        let base = provider.base()?;
        let limit_key =
            if base.host_str() == Some("api.openai.com") { "max_completion_tokens" } else { "max_tokens" };
        let Target { model, json, max_output, .. } = target;
        let shape = Shape {
            model,
            embedded: provider.is_embedded(),
            json: *json,
            max_output: *max_output,
            limit_key,
        };
        let idempotency = &idempotency(asked, target);
        let key = if let Key::There(key) = &provider.key { Some(key) } else { None };
        let call = openai::Call { base: &base, key, idempotency, shape, patience, now: self.clock.now() };
        *sent = Some(Instant::now());
        openai::chat(&client, &call, asked.request).await.map_err(|error| match error {
            ProviderError::Timeout { stage: Stage::Total } if ours => {
                ProviderError::Timeout { stage: Stage::Deadline }
            }
            other => other,
        })
    }

    pub(super) fn breakers(&self) -> MutexGuard<'_, HashMap<String, Breaker>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the target may be asked later or now, without asking.
    pub(super) fn gate(&self, target: &Target) -> Gate {
        self.breakers().get(&target.id()).map_or(Gate::Free, |b| b.gate(self.clock.now()))
    }

    /// A pass to ask the target, or why not.
    pub(super) fn enter(&self, target: &Target) -> Result<Pass<'_>, Gate> {
        let id = target.id();
        match self.breakers().entry(id.clone()).or_default().enter(self.clock.now()) {
            gate @ (Gate::Free | Gate::Probe) => {
                Ok(Pass { router: self, id, probe: gate == Gate::Probe, settled: false })
            }
            gate => Err(gate),
        }
    }
}

async fn within<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Result<T, ProviderError> {
    let late = |_| ProviderError::Timeout { stage: Stage::Deadline };
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), work).await.map_err(late),
        None => Ok(work.await),
    }
}

/// A provider that sees one key with two different requests refuses the second: another model of the same provider
/// gets a key of its own.
fn idempotency(asked: Asked<'_>, target: &Target) -> String {
    let first = asked.route.targets.iter().find(|t| t.provider == target.provider);
    if asked.key.is_empty() || first.is_none_or(|t| t.model == target.model) {
        return asked.key.to_owned();
    }
    format!("{}/{}", asked.key, target.model.replace(|c: char| !c.is_ascii_graphic(), "_"))
}

/// Leave to ask a target once. Dropped without an outcome, it teaches the breaker nothing.
pub(super) struct Pass<'a> {
    router: &'a Router,
    id: String,
    probe: bool,
    settled: bool,
}

impl Pass<'_> {
    fn settle(mut self, answer: &Result<ChatAnswer, ProviderError>) {
        self.settled = true;
        let now = self.router.clock.now();
        let mut breakers = self.router.breakers();
        let breaker = breakers.entry(self.id.clone()).or_default();
        match answer {
            Ok(_) => breaker.works(),
            Err(ProviderError::Limited { retry_after, .. }) => {
                breaker.cool(retry_after.unwrap_or(PAUSE), now)
            }
            Err(error) if error.trips() => breaker.failed(self.probe, error.to_string(), now),
            Err(error) if error.is_refusal() => breaker.works(),
            Err(_) => breaker.unclear(self.probe),
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.settled {
            let mut breakers = self.router.breakers();
            breakers.entry(self.id.clone()).or_default().unclear(self.probe);
        }
    }
}
