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
    /// The workflow, made again and again while the database is away: that is not the task's failure.
    async fn made(&self, cx: &RunContext) -> Result<Box<dyn Workflow>, StepError> {
        let since = Instant::now();
        loop {
            match self.workshop.workflow(self.task, &cx.cancel).await {
                Err(error) if error.is_outage() && since.elapsed() < cx.settings.outage => {
                    tracing::warn!(%error, task = %self.task, "its workflow will be made soon");
                }
                made => return made,
            }
            tokio::select! {
                () = sleep(cx.settings.retry_pause) => {}
                () = cx.cancel.cancelled() => return Err(StepError::interrupted()),
                () = cx.drain.cancelled() => return Err(StepError::interrupted()),
            }
        }
    }
}
