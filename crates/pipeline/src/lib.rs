//! The steps from a brief to a post that waits for approval, as a list: see [`WritePost`].
//!
//! This crate knows what an article is and how one is made. It does not know how steps are made durable
//! (`executor`), how a model is reached or paid (`metering`), where sources come from (`research`), nor what
//! makes a text bad (`qa`). It never writes a file and never publishes.

mod article;
mod patterns;
mod pen;
mod probe;
mod prompts;
pub mod render;
mod steps;
mod vetting;
mod writer;

use async_trait::async_trait;
use cofounder_domain::Status;
use cofounder_executor::{Ending, Needs, RunContext, StepContext, StepError, Workflow};
use cofounder_metering::Meter;
use cofounder_qa::RailSettings;
use cofounder_research::Fetcher;
use cofounder_storage::Database;
use std::sync::Arc;

pub use probe::{PROBE_VERSION, Probe, probe};
pub use writer::Strategy;

use crate::{
    article::{Article, Section},
    pen::Pen,
    steps::{assemble, critique, draft, outline, research, rework, seo, verify},
};

/// The pipeline's version: it changes when prompts, steps or the shape of a step's result do. A task keeps
/// the version it began with.
pub const VERSION: u32 = 1;

/// How the pipeline works on this installation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How articles are written: what the model is able to.
    pub strategy: Strategy,
    /// Which rails run, and which of them block.
    pub rails: RailSettings,
}

/// From a brief to a post that waits for approval.
pub struct WritePost {
    /// Where tasks, sources and posts are kept.
    pub db: Arc<Database>,
    /// The only door to a model.
    pub meter: Arc<Meter>,
    /// Fetches addresses that a brief names.
    pub fetcher: Arc<Fetcher>,
    /// How it works here.
    pub settings: Settings,
}

/// What a step holds a permit of while it asks a model or the network: a worker's configuration may limit either.
const MODEL: Needs<'_> = Needs { permits: &["model"], deadline: None, retries: None };
const NETWORK: Needs<'_> = Needs { permits: &["network"], deadline: None, retries: None };

#[async_trait]
impl Workflow for WritePost {
    fn version(&self) -> u32 {
        VERSION
    }

    async fn run(&self, cx: &RunContext) -> Result<Ending, StepError> {
        let brief = &self.db.task(cx.task()).await.map_err(StepError::storage)?.brief;
        let pin = brief.model.as_deref();
        let pen = |step: &StepContext| Pen::new(self.meter.clone(), step.clone(), pin);

        let evidence = &cx
            .step_with("research", NETWORK, |step| async move { research::run(self, &step, brief).await })
            .await?;
        let sources = &research::named(self.db.task_sources(cx.task()).await.map_err(StepError::storage)?);
        let pages = &evidence.passages;
        let outlined = cx
            .step_with("outline", MODEL, |step| async move {
                outline::run(self.settings.strategy, &pen(&step), brief, pages).await
            })
            .await?;
        let (plan, strategy) = (&outlined.plan, outlined.strategy);
        let desk = &draft::Desk { brief, plan, passages: pages, sources };

        let mut sections: Vec<Section> = Vec::new();
        for index in 0..plan.sections.len() {
            let before = &sections;
            let work =
                |step| async move { draft::run(desk, strategy, index, before, &pen(&step), &step).await };
            let drafted = cx.step_with(&format!("draft/section-{}", index + 1), MODEL, work).await?;
            sections.push(drafted.section);
        }
        let mut article = Article { title: plan.title.clone(), sections };

        for round in 1..=critique::ROUNDS {
            let draft = &article;
            let work = |step| async move { critique::run(brief, draft, strategy, &pen(&step)).await };
            let review = &cx.step_with(&format!("critique/{round}"), MODEL, work).await?;
            if review.issues.is_empty() {
                break;
            }
            let work = |step| async move {
                critique::revise(desk, draft.clone(), review, strategy, &pen(&step)).await
            };
            article = cx.step_with(&format!("revise/{round}"), MODEL, work).await?;
        }

        let mut verified = self.verify(cx, desk, strategy, &article, 0).await?;
        // What people said of the drafts that they saw, one after the other; all that was done before is kept.
        let notes = self.db.notes(cx.task()).await.map_err(StepError::storage)?;
        for (round, note) in (1..).zip(&notes) {
            let before = &verified.article;
            let work =
                |step| async move { rework::run(desk, before, &note.text, strategy, &pen(&step)).await };
            article = cx.step_with(&format!("rework/{round}"), MODEL, work).await?;
            verified = self.verify(cx, desk, strategy, &article, round).await?;
        }
        let (verified, last) = (&verified, notes.len());
        let rules = &steps::rules(brief, sources);
        let seo = &cx
            .step_with(&rework::path("seo", last), MODEL, |step| async move {
                seo::run(&verified.article, pages, rules, strategy, &pen(&step)).await
            })
            .await?;
        let degraded = &cx.shortfalls();
        let work = |step| async move {
            let parts =
                assemble::Parts { brief, sources, evidence, verified, seo, degraded: degraded.clone() };
            assemble::run(self, &step, parts).await
        };
        let assembled = cx.step(&rework::path("assemble", last), work).await?;
        Ok(Ending { status: Status::AwaitingApproval, gate: Some(assembled.gate) })
    }
}

impl WritePost {
    /// The draft of this round, each of its claims checked.
    async fn verify(
        &self,
        cx: &RunContext,
        desk: &draft::Desk<'_>,
        strategy: Strategy,
        draft: &Article,
        round: usize,
    ) -> Result<verify::Verified, StepError> {
        let work = |step: StepContext| async move {
            let pen = Pen::new(self.meter.clone(), step.clone(), desk.brief.model.as_deref());
            verify::run(desk, draft.clone(), strategy, &pen, &step).await
        };
        cx.step_with(&rework::path("verify", round), MODEL, work).await
    }
}
