//! What a worker makes articles with.

use async_trait::async_trait;
use cofounder_domain::{FaultKind, TaskId};
use cofounder_executor::{Event, Progress, StepError, Workflow, Workshop};
use cofounder_pipeline::VERSION;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use crate::{app::App, chosen, failure::Failure, logging::say, studio::Studio};

/// Makes the workflows of claimed tasks, all with the same models: their health and limits are shared.
pub(crate) struct Atelier {
    app: Arc<App>,
    studio: Arc<Studio>,
}

impl Atelier {
    pub(crate) fn new(app: Arc<App>, studio: Arc<Studio>) -> Self {
        Self { app, studio }
    }
}

/// Why a task cannot be begun, in the words that a person would have been told.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NotBegun(String);

fn told(failure: &Failure) -> StepError {
    StepError::from_fault(failure.kind(), None, NotBegun(failure.text().to_owned()))
}

#[async_trait]
impl Workshop for Atelier {
    fn version(&self) -> u32 {
        VERSION
    }

    async fn workflow(
        &self,
        task: TaskId,
        cancel: &CancellationToken,
    ) -> Result<Box<dyn Workflow>, StepError> {
        let stored = self.app.db.task(task).await.map_err(StepError::storage)?;
        if stored.version.is_some_and(|began| began < VERSION) {
            let words = format!(
                "the task began with version {} of the pipeline, and this program has version {VERSION}. Its sources and calls are kept; \
                 `cofounder task retry {task} --from research` does it anew",
                stored.version.unwrap_or_default()
            );
            return Err(StepError::from_fault(FaultKind::Conflict, None, NotBegun(words)));
        }
        let pin = stored.brief.model.as_deref();
        let strategy = chosen::prepare(&self.app, &self.studio, pin, cancel).await.map_err(|f| told(&f))?;
        Ok(Box::new(self.app.workflow(&self.studio, strategy)))
    }

    fn progress(&self, task: TaskId) -> Arc<dyn Progress> {
        Arc::new(Lines(task))
    }
}

/// A line on standard error for each thing that happens.
struct Lines(TaskId);

impl Progress for Lines {
    fn event(&self, event: &Event) {
        let task = self.0;
        match event {
            Event::RunStarted { kept, .. } => {
                say(format!("{task}  claimed, {kept} step(s) are done already"))
            }
            Event::StepFinished { path, status, elapsed, replayed: false, reasons } => {
                let why =
                    if reasons.is_empty() { String::new() } else { format!("  {}", reasons.join("; ")) };
                say(format!("{task}  {path} {} in {:.1} s{why}", status.as_str(), elapsed.as_secs_f64()));
            }
            Event::StepRetry { path, reason, after } => {
                say(format!("{task}  {path}: {reason}; trying again in {:.1} s", after.as_secs_f64()));
            }
            Event::RunFinished { status } => say(format!("{task}  {status}")),
            _ => {}
        }
    }
}
