//! The thread that computes. Requests wait in a short queue; one whose asker went away is dropped, and so is one whose
//! asker keeps all others waiting because it does not read.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    sync::{
        mpsc::{self, error::SendTimeoutError},
        oneshot,
    },
};

use crate::{
    EngineError,
    generate::Generator,
    protocol::{Ended, Prompt},
};

/// How many requests may wait.
const QUEUE: usize = 32;
/// How many pieces of text the computation may be ahead of their reader.
const AHEAD: usize = 32;

struct Job {
    prompt: Prompt,
    cancelled: Arc<AtomicBool>,
    words: mpsc::Sender<String>,
    reply: oneshot::Sender<Result<Ended, EngineError>>,
}

/// Hands requests to the thread.
#[derive(Clone)]
pub(crate) struct Worker(SyncSender<Job>);

/// An answer that is being computed. Dropping it cancels the request.
pub(crate) struct Coming {
    words: mpsc::Receiver<String>,
    reply: oneshot::Receiver<Result<Ended, EngineError>>,
    _cancel: Cancel,
}

/// What comes next of an answer.
#[derive(Debug)]
pub(crate) enum Next {
    /// A piece of its text.
    Text(String),
    /// Its end: nothing comes behind it.
    End(Result<Ended, EngineError>),
}

/// Cancels its request when it is dropped.
struct Cancel(Arc<AtomicBool>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Worker {
    /// Starts the thread. `patience` is how long one answer may hold it up by not being read; `runtime` measures that.
    pub(crate) fn start(generator: Generator, runtime: Handle, patience: Duration) -> std::io::Result<Self> {
        let (send, jobs) = sync_channel(QUEUE);
        let work = move || work(generator, &jobs, &runtime, patience);
        std::thread::Builder::new().name("model".to_owned()).spawn(work)?;
        Ok(Self(send))
    }

    /// Asks.
    pub(crate) fn ask(&self, prompt: Prompt) -> Result<Coming, EngineError> {
        let cancel = Cancel(Arc::new(AtomicBool::new(false)));
        let (say, words) = mpsc::channel(AHEAD);
        let (end, reply) = oneshot::channel();
        match self.0.try_send(Job { prompt, cancelled: cancel.0.clone(), words: say, reply: end }) {
            Ok(()) => Ok(Coming { words, reply, _cancel: cancel }),
            Err(TrySendError::Full(_)) => Err(EngineError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(gone()),
        }
    }
}

impl Coming {
    /// What comes next. Behind the end it must not be asked again.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        if let Some(text) = ready!(self.words.poll_recv(context)) {
            return Poll::Ready(Next::Text(text));
        }
        let end = ready!(Pin::new(&mut self.reply).poll(context));
        Poll::Ready(Next::End(end.unwrap_or_else(|_| Err(gone()))))
    }

    /// The whole text, when it is there.
    pub(crate) async fn whole(mut self) -> Result<(String, Ended), EngineError> {
        let mut whole = String::new();
        loop {
            match std::future::poll_fn(|context| self.poll_next(context)).await {
                Next::Text(text) => whole.push_str(&text),
                Next::End(end) => return end.map(|ended| (whole, ended)),
            }
        }
    }
}

fn gone() -> EngineError {
    EngineError::Compute("the model's thread has ended".to_owned())
}

fn work(mut generator: Generator, jobs: &Receiver<Job>, runtime: &Handle, patience: Duration) {
    while let Ok(job) = jobs.recv() {
        let mut reader = Reader { words: &job.words, runtime, patience };
        let mut say = |text| reader.tell(text);
        let answer =
            catch_unwind(AssertUnwindSafe(|| generator.answer(&job.prompt, &job.cancelled, &mut say)));
        let Ok(answer) = answer else {
            // Nothing in this process can be trusted any more: the supervisor starts a new one.
            eprintln!("the model's computation panicked; the process ends");
            std::process::exit(101);
        };
        // Nobody may be waiting any more.
        drop(job.reply.send(answer));
    }
}

/// Whoever reads an answer, as the thread sees it.
struct Reader<'a> {
    words: &'a mpsc::Sender<String>,
    runtime: &'a Handle,
    /// How much longer the thread may wait. It is one sum for the whole answer: one who reads a little now and then
    /// would hold up everybody else as well.
    patience: Duration,
}

impl Reader<'_> {
    fn tell(&mut self, text: String) -> Result<(), EngineError> {
        match self.words.try_send(text) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(EngineError::Cancelled),
            Err(mpsc::error::TrySendError::Full(text)) => self.wait(text),
        }
    }

    fn wait(&mut self, text: String) -> Result<(), EngineError> {
        let started = Instant::now();
        let told = self.runtime.block_on(self.words.send_timeout(text, self.patience));
        self.patience = self.patience.saturating_sub(started.elapsed());
        told.map_err(|error| match error {
            SendTimeoutError::Timeout(_) => EngineError::Unread,
            SendTimeoutError::Closed(_) => EngineError::Cancelled,
        })
    }
}

#[cfg(test)]
mod tests;
