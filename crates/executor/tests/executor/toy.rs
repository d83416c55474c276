//! A workflow whose steps do what a test says, and note how often they did.

use async_trait::async_trait;
use cofounder_domain::{FaultKind, Status, TaskId};
use cofounder_executor::{
    Ending, Needs, Outcome, Progress, RunContext, Silent, StepContext, StepError, Workflow, Workshop,
};
use cofounder_storage::Database;
use futures_util::future::BoxFuture;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// What a toy step does, by what it is and how often it was done for its task.
type Act = dyn Fn(&StepContext, u32) -> Does + Send + Sync;

pub(crate) enum Does {
    Return(u32),
    Degrade(u32),
    Fail(FaultKind),
    FailFor(Duration),
    Panic,
    Hang,
    Work(BoxFuture<'static, Result<u32, StepError>>),
}

pub(crate) struct Toy {
    steps: Vec<(&'static str, Needs<'static>)>,
    act: Box<Act>,
    calls: Mutex<HashMap<(TaskId, String), u32>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the toy broke")]
pub(crate) struct Broke;

impl Toy {
    pub(crate) fn new(
        names: &[&'static str],
        act: impl Fn(&StepContext, u32) -> Does + Send + Sync + 'static,
    ) -> Arc<Self> {
        let steps: Vec<_> = names.iter().map(|name| (*name, Needs::default())).collect();
        Self::with_needs(&steps, act)
    }

    pub(crate) fn with_needs(
        steps: &[(&'static str, Needs<'static>)],
        act: impl Fn(&StepContext, u32) -> Does + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { steps: steps.to_vec(), act: Box::new(act), calls: Mutex::default() })
    }

    /// Two steps that take a moment.
    pub(crate) fn brief() -> Arc<Self> {
        Self::new(&["a", "b"], |_, _| pause(Duration::from_millis(5)))
    }

    /// How often a step of this name was done, for all tasks together.
    pub(crate) fn calls(&self, name: &str) -> u32 {
        self.calls.lock().unwrap().iter().filter(|((_, step), _)| step == name).map(|(_, n)| n).sum()
    }

    /// Every step that was done, with its task and how often.
    pub(crate) fn counts(&self) -> HashMap<(TaskId, String), u32> {
        self.calls.lock().unwrap().clone()
    }

    async fn step(&self, step: StepContext) -> Result<Outcome<u32>, StepError> {
        let name = step.path().as_str().to_owned();
        let count = {
            let mut calls = self.calls.lock().unwrap();
            let count = calls.entry((step.task(), name.clone())).or_default();
            *count += 1;
            *count
        };
        match (self.act)(&step, count) {
            Does::Return(value) => Ok(Outcome::done(value)),
            Does::Degrade(value) => Ok(Outcome::degraded(value, vec![format!("{name} fell short")])),
            Does::Fail(kind) => Err(StepError::from_fault(kind, None, Broke)),
            Does::FailFor(least) => Err(StepError::from_fault(FaultKind::Limited, Some(least), Broke)),
            Does::Panic => panic!("toy panic"),
            Does::Hang => std::future::pending().await,
            Does::Work(work) => work.await.map(Outcome::done),
        }
    }
}

/// Takes a while, and returns 1.
pub(crate) fn pause(length: Duration) -> Does {
    Does::Work(Box::pin(async move {
        tokio::time::sleep(length).await;
        Ok(1)
    }))
}

/// A run through a toy.
pub(crate) struct Run(pub(crate) Arc<Toy>);

#[async_trait]
impl Workflow for Run {
    fn version(&self) -> u32 {
        1
    }

    async fn run(&self, cx: &RunContext) -> Result<Ending, StepError> {
        let mut sum = 0;
        for (name, needs) in &self.0.steps {
            sum += cx.step_with(name, *needs, |step| self.0.step(step)).await?;
        }
        assert!(sum > 0);
        Ok(Ending { status: Status::AwaitingApproval, gate: None })
    }
}

/// Makes toy runs, but for tasks that it has to refuse.
pub(crate) struct Factory {
    pub(crate) toy: Arc<Toy>,
    pub(crate) refused: Vec<TaskId>,
    /// Tasks at which it panics.
    pub(crate) jammed: Vec<TaskId>,
    /// Where it looks at the task first, as a real one does.
    pub(crate) db: Option<Arc<Database>>,
}

impl Factory {
    pub(crate) fn of(toy: &Arc<Toy>) -> Self {
        Self { toy: toy.clone(), refused: Vec::new(), jammed: Vec::new(), db: None }
    }
}

#[async_trait]
impl Workshop for Factory {
    fn version(&self) -> u32 {
        1
    }

    async fn workflow(
        &self,
        task: TaskId,
        _cancel: &CancellationToken,
    ) -> Result<Box<dyn Workflow>, StepError> {
        if let Some(db) = &self.db {
            db.task(task).await.map_err(StepError::storage)?;
        }
        assert!(!self.jammed.contains(&task), "the factory jammed");
        if self.refused.contains(&task) {
            return Err(StepError::from_fault(FaultKind::InvalidInput, None, Broke));
        }
        Ok(Box::new(Run(self.toy.clone())))
    }

    fn progress(&self, _task: TaskId) -> Arc<dyn Progress> {
        Arc::new(Silent)
    }
}
