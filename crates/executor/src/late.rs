//! The workflow of a claimed task, made when its run begins.

use async_trait::async_trait;
use cofounder_domain::TaskId;
use std::sync::Arc;
use tokio::time::{Instant, sleep};

use crate::{Ending, RunContext, StepError, Workflow, Workshop};

/// A workflow that is made when its run begins, so that a task for which none can be made fails visibly.
pub(crate) struct Late {
    pub(crate) workshop: Arc<dyn Workshop>,
    pub(crate) task: TaskId,
}

#[async_trait]
impl Workflow for Late {
    fn version(&self) -> u32 {
        self.workshop.version()
    }

    async fn run(&self, cx: &RunContext) -> Result<Ending, StepError> {
        self.made(cx).await?.run(cx).await
    }
}

impl Late {
    /// The workflow. While the database is away it is made again and again, since that is not the task's failure; for
    /// anything else that time can mend, as often as a step is tried again.
    async fn made(&self, cx: &RunContext) -> Result<Box<dyn Workflow>, StepError> {
        let (since, mut pauses) = (Instant::now(), cx.pauses(cx.settings.retries));
        loop {
            let error = match self.workshop.workflow(self.task, &cx.cancel).await {
                Err(error) => error,
                made => return made,
            };
            let pause = if error.is_outage() {
                (since.elapsed() < cx.settings.outage).then_some(cx.settings.retry_pause)
            } else {
                error.retry().and_then(|least| pauses.next().map(|pause| pause.max(least)))
            };
            let Some(pause) = pause else { return Err(error) };
            tracing::warn!(%error, task = %self.task, "its workflow will be made again in {} ms", pause.as_millis());
            tokio::select! {
                () = sleep(pause) => {}
                () = cx.cancel.cancelled() => return Err(StepError::interrupted()),
                () = cx.drain.cancelled() => return Err(StepError::interrupted()),
            }
        }
    }
}
