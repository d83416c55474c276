//! The thread that computes. Requests wait in a short queue; one whose asker went away is dropped.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
};
use tokio::sync::oneshot;

use crate::{
    EngineError,
    generate::Generator,
    protocol::{Answer, Prompt},
};

/// How many requests may wait.
const QUEUE: usize = 32;

struct Job {
    prompt: Prompt,
    cancelled: Arc<AtomicBool>,
    reply: oneshot::Sender<Result<Answer, EngineError>>,
}

/// Hands requests to the thread.
#[derive(Clone)]
pub(crate) struct Worker(SyncSender<Job>);

/// Cancels its request when it is dropped.
struct Cancel(Arc<AtomicBool>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Worker {
    /// Starts the thread.
    pub(crate) fn start(generator: Generator) -> std::io::Result<Self> {
        let (send, jobs) = sync_channel(QUEUE);
        std::thread::Builder::new().name("model".to_owned()).spawn(move || work(generator, &jobs))?;
        Ok(Self(send))
    }

    /// Asks, and waits. Dropping the future cancels the request.
    pub(crate) async fn ask(&self, prompt: Prompt) -> Result<Answer, EngineError> {
        let cancel = Cancel(Arc::new(AtomicBool::new(false)));
        let (reply, answer) = oneshot::channel();
        match self.0.try_send(Job { prompt, cancelled: cancel.0.clone(), reply }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(EngineError::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(gone()),
        }
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> EngineError {
    EngineError::Compute("the model's thread has ended".to_owned())
}

fn work(mut generator: Generator, jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        let answer = catch_unwind(AssertUnwindSafe(|| generator.answer(&job.prompt, &job.cancelled)));
        let Ok(answer) = answer else {
            // Nothing in this process can be trusted any more: the supervisor starts a new one.
            eprintln!("the model's computation panicked; the process ends");
            std::process::exit(101);
        };
        // Nobody may be waiting any more.
        drop(job.reply.send(answer));
    }
}
