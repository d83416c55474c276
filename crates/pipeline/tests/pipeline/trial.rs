//! Every step of the pipeline done twice, failed once, and cut off after: the article stays the same, and nothing that
//! is in the journal is asked again.

use async_trait::async_trait;
use cofounder_domain::{Status, TaskId};
use cofounder_executor::{Case, Finished, Silent, Trial, try_every_step};
use cofounder_pipeline::Strategy;
use cofounder_storage::Database;
use std::{fmt, sync::Arc};
use tokio_util::sync::CancellationToken;

use crate::{bench::Bench, model::Asked, resuming::mixed};

struct Post(Bench);

/// What a person finds in the end, and what was asked for it. No question is asked twice: a call that was answered is
/// in the journal before the step goes on.
#[derive(PartialEq)]
struct Found {
    status: Status,
    markdown: String,
    description: String,
    degraded: Vec<String>,
    revision: u32,
    claims: Vec<String>,
    asked: usize,
    asked_again: usize,
    calls: usize,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, markdown, asked, asked_again, calls, revision, .. } = self;
        write!(f, "{status} r{revision}, {asked} asked, {asked_again} again, {calls} calls:\n{markdown}")
    }
}

#[async_trait]
impl Case for Post {
    type Outcome = Found;

    fn db(&self) -> &Database {
        &self.0.db
    }

    fn task(&self) -> TaskId {
        self.0.task
    }

    async fn run(&self, trial: Option<Arc<dyn Trial>>) -> Finished {
        self.0.run_on_trial(CancellationToken::new(), Arc::new(Silent), trial).await.finished
    }

    async fn outcome(&self) -> Found {
        let bench = &self.0;
        let post = bench.db.task_post(bench.task).await.unwrap().unwrap();
        let report = bench.db.report(&post).await.unwrap();
        let claims = report.claims.into_iter().chain(report.removed).map(|claim| claim.text);
        let requests = bench.requests();
        Found {
            status: bench.db.task(bench.task).await.unwrap().status,
            markdown: post.markdown,
            description: post.description,
            degraded: post.degraded,
            revision: post.revision,
            claims: claims.collect(),
            asked: requests.len(),
            asked_again: requests.values().filter(|times| **times > 1).count(),
            calls: bench.db.calls(bench.task).await.unwrap().len(),
        }
    }
}

/// Tried with a ledger that forgets answers (`Meter` without `known`): the steps done twice asked again. Tried without
/// the journal in `RunContext::kept`: steps were begun twice after a crash.
async fn bears_it(strategy: Strategy) {
    let tried = try_every_step(async || {
        let bench = Bench::new(strategy).await;
        bench.fake.script(|body| mixed(&Asked::of(body)));
        Post(bench)
    });
    let steps = tried.await.unwrap_or_else(|reason| panic!("{reason}"));
    assert!(steps.len() >= 7, "{steps:?}");
    let named: Vec<&str> = steps.iter().map(|step| step.as_str()).collect();
    for known in ["research", "outline", "seo"] {
        assert!(named.contains(&known), "{named:?}");
    }
}

#[tokio::test]
async fn every_step_of_the_sections_strategy_bears_every_trial() {
    bears_it(Strategy::Sections).await;
}

#[tokio::test]
async fn every_step_of_the_sentences_strategy_bears_every_trial() {
    bears_it(Strategy::Sentences).await;
}
