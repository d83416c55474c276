//! The trial of every step, tried on toys: one that bears it, and some that do not.

use async_trait::async_trait;
use cofounder_domain::{StepPath, TaskId};
use cofounder_executor::{Case, Finished, Silent, Trial, try_every_step};
use cofounder_storage::Database;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use crate::{
    bench::Bench,
    on_both_databases,
    toy::{Does, Run, Toy},
};

on_both_databases! {
    a_workflow_of_sound_steps_passes,
    a_step_whose_second_doing_differs_is_found,
    a_crash_on_trial_keeps_the_result_and_says_nothing_more,
}

/// A toy on a task of its own; what it comes to are its steps' results and a number of its world.
struct ToyCase {
    bench: Arc<Bench>,
    task: TaskId,
    toy: Arc<Toy>,
    outside: Arc<AtomicU32>,
}

#[async_trait]
impl Case for ToyCase {
    type Outcome = (Vec<Option<String>>, u32);

    fn db(&self) -> &Database {
        &self.bench.db
    }

    fn task(&self) -> TaskId {
        self.task
    }

    async fn run(&self, trial: Option<Arc<dyn Trial>>) -> Finished {
        let executor = match trial {
            Some(trial) => self.bench.executor().with_trial(trial),
            None => self.bench.executor(),
        };
        let toy = Run(self.toy.clone());
        executor.run(self.task, &toy, Arc::new(Silent), &self.bench.cancel).await.unwrap()
    }

    async fn outcome(&self) -> Self::Outcome {
        let steps = self.bench.db.steps(self.task).await.unwrap();
        (steps.into_iter().map(|step| step.result).collect(), self.outside.load(Ordering::SeqCst))
    }
}

/// Tries a toy of two steps, of which `b` does something to the world outside.
async fn tried(bench: Bench, b: impl Fn(&AtomicU32) -> u32 + Clone + Send + Sync + 'static) -> Verdict {
    let bench = Arc::new(bench);
    let toys = Mutex::new(Vec::new());
    let verdict = try_every_step(async || {
        let (outside, b) = (Arc::new(AtomicU32::new(0)), b.clone());
        let world = outside.clone();
        let toy = Toy::new(&["a", "b"], move |step, _| match step.path().as_str() {
            "b" => Does::Return(b(&world)),
            _ => Does::Return(1),
        });
        toys.lock().unwrap().push(toy.clone());
        ToyCase { bench: bench.clone(), task: bench.task().await, toy, outside }
    });
    let verdict = verdict.await;
    let toys = toys.into_inner().unwrap();
    Verdict { verdict, calls: toys.iter().map(|toy| (toy.calls("a"), toy.calls("b"))).collect() }
}

struct Verdict {
    verdict: Result<Vec<StepPath>, String>,
    calls: Vec<(u32, u32)>,
}

/// A step that says what it found there, having made sure of it.
async fn a_workflow_of_sound_steps_passes(bench: Bench) {
    let tried = tried(bench, |world| {
        world.store(7, Ordering::SeqCst);
        7
    })
    .await;
    let steps: Vec<String> = tried.verdict.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(steps, ["a", "b"]);
    // Plain; then `a` twice, failing before its work, crashing after its result; then the same with `b`.
    assert_eq!(tried.calls, [(1, 1), (2, 1), (1, 1), (1, 1), (1, 2), (1, 1), (1, 1)]);
}

async fn a_step_whose_second_doing_differs_is_found(bench: Bench) {
    let tried = tried(bench, |world| world.fetch_add(1, Ordering::SeqCst) + 1).await;
    let reason = tried.verdict.unwrap_err();
    assert!(reason.starts_with("b, Twice: "), "{reason}");
}

/// Tried by writing a crashed step's failure down, as it
/// once was: the sound steps above did not pass.
async fn a_crash_on_trial_keeps_the_result_and_says_nothing_more(bench: Bench) {
    let bench = Arc::new(bench);
    struct Crash;
    impl Trial for Crash {
        fn before(&self, _path: &StepPath, _attempt: u32) -> Result<(), cofounder_executor::StepError> {
            Ok(())
        }
        fn twice(&self, _path: &StepPath) -> bool {
            false
        }
        fn after(&self, path: &StepPath) -> Result<(), cofounder_executor::StepError> {
            if path.as_str() == "a" { Err(cofounder_executor::crash()) } else { Ok(()) }
        }
    }
    let toy = Toy::new(&["a", "b"], |_, _| Does::Return(1));
    let task = bench.task().await;
    let case = ToyCase { bench: bench.clone(), task, toy: toy.clone(), outside: Arc::default() };
    assert!(matches!(case.run(Some(Arc::new(Crash))).await, Finished::Lost));
    let runs = bench.db.runs(task).await.unwrap();
    assert_eq!((runs.len(), runs[0].ended_at), (1, None), "it ended without a word");
    assert_eq!(case.outcome().await.0, [Some("1".to_owned())], "what was journalled is there");
    assert!(matches!(case.run(None).await, Finished::Ended(_)));
    assert_eq!((toy.calls("a"), toy.calls("b")), (1, 1));
}
