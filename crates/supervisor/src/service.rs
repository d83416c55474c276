//! A child process that stays.

use cofounder_domain::FaultKind;
use std::{ffi::OsString, io, path::PathBuf, process::Stdio, sync::PoisonError, time::Duration};
use tokio::{
    process::Command,
    sync::Mutex,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Exit,
    group::{Group, prepare},
    log::{CappedLog, Tail, drain},
};

/// How often a starting child is asked whether it is ready.
const POLL: Duration = Duration::from_millis(20);
/// How many of its last lines a message about a crash shows.
const SHOWN_LINES: usize = 5;

/// How a service is run.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What is added to its environment, which it inherits.
    pub env: Vec<(OsString, OsString)>,
    /// The file that its output is appended to. Its folder must exist.
    pub log: PathBuf,
    /// The most bytes that the log may take, with the one before it (`<log>.old`).
    pub log_cap: u64,
    /// How long it may take to become ready.
    pub start_deadline: Duration,
    /// How long it may take to end when asked to, before it is made to.
    pub grace: Duration,
    /// How long it is waited before a crashed child is started again.
    pub backoff: Backoff,
}

impl ServiceSpec {
    /// With a log of at most 2 MiB, 60 seconds to start, 2 seconds to end.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, args: Vec<OsString>, log: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args,
            env: Vec::new(),
            log: log.into(),
            log_cap: 2 << 20,
            start_deadline: Duration::from_secs(60),
            grace: Duration::from_secs(2),
            backoff: Backoff::default(),
        }
    }
}

/// The delay before a crashed child is started again: doubled with each crash. A child that was ready and ran for
/// longer than the cap begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first crash.
    pub first: Duration,
    /// At most.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(200), cap: Duration::from_secs(10) }
    }
}

impl Backoff {
    fn after(self, crashes: u32) -> Duration {
        let factor = 1_u32.checked_shl(crashes.saturating_sub(1)).unwrap_or(u32::MAX);
        if crashes == 0 { Duration::ZERO } else { self.first.saturating_mul(factor).min(self.cap) }
    }
}

/// Why a service is not ready.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The program could not be started at all.
    #[error("`{program}` could not be started: {error}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        error: io::Error,
    },
    /// Its log could not be opened.
    #[error("the log {path} cannot be written: {error}", path = path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It ended before it was ready. The next call starts it again.
    #[error("`{program}` ended with {exit}{}", said(output))]
    Crashed {
        /// The program.
        program: String,
        /// How it ended.
        exit: Exit,
        /// The last lines of its output.
        output: String,
    },
    /// It ran, and was not ready in time; it was ended. The next call starts it again.
    #[error("`{program}` was not ready within {} s and was ended{}", waited.as_secs_f64(), said(output))]
    NotReady {
        /// The program.
        program: String,
        /// How long it was given.
        waited: Duration,
        /// The last lines of its output.
        output: String,
    },
    /// [`Service::stop`] was called meanwhile.
    #[error("`{program}` was stopped")]
    Stopped {
        /// The program.
        program: String,
    },
}

impl ServiceError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        FaultKind::Unavailable
    }
}

fn said(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!("; it said last:\n{output}") }
}

/// A child process that stays: started by the first [`Service::ready`], ended by [`Service::stop`] or by
/// dropping.
#[derive(Debug)]
pub struct Service {
    spec: ServiceSpec,
    state: Mutex<State>,
    /// Cancelled by `stop`, so that it need not wait for who waits for the child.
    stopping: std::sync::Mutex<CancellationToken>,
}

#[derive(Debug, Default)]
struct State {
    running: Option<Running>,
    starts: u64,
    /// Crashes in a row.
    crashes: u32,
    not_before: Option<Instant>,
}

#[derive(Debug)]
struct Running {
    group: Group,
    tail: Tail,
    started: Instant,
    was_ready: bool,
}

impl Service {
    /// A service that is not started yet.
    #[must_use]
    pub fn new(spec: ServiceSpec) -> Self {
        Self { spec, state: Mutex::default(), stopping: std::sync::Mutex::default() }
    }

    /// Returns when `check` says that the child is ready. Starts it if it does not run, after a delay if it
    /// crashed before. Callers at the same time share one start. Dropping the future leaves the child to the next
    /// caller.
    ///
    /// # Errors
    /// [`ServiceError`] if it cannot be started, ends, is not ready within the deadline (it is ended then),
    /// or is stopped meanwhile.
    pub async fn ready<C, F>(&self, check: C) -> Result<(), ServiceError>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = bool> + Send,
    {
        let stopping = self.stopping.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tokio::select! {
            biased;
            () = stopping.cancelled() => Err(ServiceError::Stopped { program: self.program() }),
            outcome = self.make_ready(check) => outcome,
        }
    }

    async fn make_ready<C, F>(&self, check: C) -> Result<(), ServiceError>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = bool> + Send,
    {
        let mut state = self.state.lock().await;
        if let Some(exit) = state.running.as_ref().and_then(|running| running.group.ended()) {
            // It crashed while nobody was looking: that counts, and is mended below.
            self.crashed(&mut state, exit);
        }
        if state.running.is_none() {
            if let Some(time) = state.not_before {
                sleep_until(time).await;
            }
            let running = self.start().await?;
            state.running = Some(running);
            state.starts += 1;
        }
        let Some(running) = state.running.as_mut() else { return Ok(()) };
        let from = if running.was_ready { Instant::now() } else { running.started };
        let deadline = from + self.spec.start_deadline;
        tokio::select! {
            biased;
            answer = timeout_at(deadline, until(&check)) => {
                if answer.is_ok() {
                    running.was_ready = true;
                    return Ok(());
                }
            }
            exit = running.group.wait() => return Err(self.crashed(&mut state, exit)),
        }
        Err(self.too_late(&mut state).await)
    }

    async fn start(&self) -> Result<Running, ServiceError> {
        let tail = Tail::default();
        let log = CappedLog::open(&self.spec.log, self.spec.log_cap)
            .await
            .map_err(|error| ServiceError::Log { path: self.spec.log.clone(), error })?;
        let failed = |error| ServiceError::Start { program: self.program(), error };
        let mut command = Command::new(&self.spec.program);
        command.args(&self.spec.args).envs(self.spec.env.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = prepare(&mut command).spawn().map_err(failed)?;
        let missing = || failed(io::Error::other("its output cannot be read"));
        let (out, err) = (child.stdout.take().ok_or_else(missing)?, child.stderr.take().ok_or_else(missing)?);
        let output = tokio::spawn(drain(out, err, log, tail.clone()));
        let group = Group::adopt(child, output).map_err(failed)?;
        tracing::debug!(program = %self.spec.program.display(), pid = group.id(), "a child process was started");
        Ok(Running { group, tail, started: Instant::now(), was_ready: false })
    }

    /// Notes a crash and when the next start may be.
    fn crashed(&self, state: &mut State, exit: Exit) -> ServiceError {
        let output = self.forget(state);
        tracing::warn!(program = %self.spec.program.display(), %exit, "a child process ended by itself");
        ServiceError::Crashed { program: self.program(), exit, output }
    }

    async fn too_late(&self, state: &mut State) -> ServiceError {
        if let Some(running) = &state.running {
            running.group.kill().await;
        }
        let output = self.forget(state);
        ServiceError::NotReady { program: self.program(), waited: self.spec.start_deadline, output }
    }

    fn forget(&self, state: &mut State) -> String {
        let Some(running) = state.running.take() else { return String::new() };
        let stable = running.was_ready && running.started.elapsed() > self.spec.backoff.cap;
        state.crashes = if stable { 1 } else { state.crashes.saturating_add(1) };
        state.not_before = Some(Instant::now() + self.spec.backoff.after(state.crashes));
        running.tail.last_lines(SHOWN_LINES)
    }

    /// Ends the child with everything it started, and returns when it is reaped. A later [`Service::ready`]
    /// starts it again.
    pub async fn stop(&self) {
        let stopping = self.stopping.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stopping.cancel();
        let mut state = self.state.lock().await;
        if let Some(running) = state.running.take() {
            running.group.stop(self.spec.grace).await;
        }
        (state.crashes, state.not_before) = (0, None);
        *self.stopping.lock().unwrap_or_else(PoisonError::into_inner) = CancellationToken::new();
    }

    /// The child's process id, if it runs.
    pub async fn pid(&self) -> Option<u32> {
        let state = self.state.lock().await;
        state
            .running
            .as_ref()
            .filter(|running| running.group.ended().is_none())
            .map(|running| running.group.id())
    }

    /// How often it was started after the first time.
    pub async fn restarts(&self) -> u64 {
        self.state.lock().await.starts.saturating_sub(1)
    }

    fn program(&self) -> String {
        self.spec.program.display().to_string()
    }
}

/// Asks until the answer is yes.
async fn until<C, F>(check: &C)
where
    C: Fn() -> F,
    F: Future<Output = bool>,
{
    while !check().await {
        sleep(POLL).await;
    }
}
