//! A child process that ends by itself.

use cofounder_domain::FaultKind;
use std::{ffi::OsString, io, path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Exit,
    group::{Group, prepare},
    log::Tail,
};

/// The longest line that is handed on; a longer one comes in pieces.
const MAX_LINE: usize = 8 << 10;

/// What is run.
#[derive(Clone, Debug)]
pub struct JobSpec {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What is added to its environment, which it inherits.
    pub env: Vec<(OsString, OsString)>,
    /// Where it runs; this process's folder if none is named.
    pub cwd: Option<PathBuf>,
    /// How long it may take.
    pub deadline: Duration,
    /// How long it may take to end when asked to, before it is made to.
    pub grace: Duration,
    /// The most bytes of its output that are kept: the last ones.
    pub log_cap: usize,
}

impl JobSpec {
    /// With ten minutes to run, 2 seconds to end, and 64 KiB of output kept.
    #[must_use]
    pub fn new(program: impl Into<OsString>, args: Vec<OsString>) -> Self {
        Self {
            program: program.into(),
            args,
            env: Vec::new(),
            cwd: None,
            deadline: Duration::from_secs(600),
            grace: Duration::from_secs(2),
            log_cap: 64 << 10,
        }
    }
}

/// What came of a job that ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobResult {
    /// How it ended; it may have failed.
    pub exit: Exit,
    /// The end of what it wrote to both outputs, control characters taken out.
    pub output: String,
    /// Whether it wrote more than that.
    pub truncated: bool,
}

/// Why a job did not end by itself.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The program could not be started.
    #[error("`{program}` could not be started: {error}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        error: io::Error,
    },
    /// It took longer than it may, and was ended.
    #[error("`{program}` was ended: it took longer than {} s", deadline.as_secs_f64())]
    Deadline {
        /// The program.
        program: String,
        /// How long it was given.
        deadline: Duration,
        /// The end of its output.
        output: String,
    },
    /// It was cancelled, and ended.
    #[error("`{program}` was ended because it was cancelled")]
    Cancelled {
        /// The program.
        program: String,
    },
}

impl JobError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Start { .. } | Self::Deadline { .. } => FaultKind::Unavailable,
            Self::Cancelled { .. } => FaultKind::Conflict,
        }
    }
}

/// Runs a child to its end, without input. `on_output_line` sees each line of both outputs as it comes. On a
/// deadline, a cancel, or when the future is dropped, the child is ended with everything it started.
///
/// # Errors
/// [`JobError`] if it could not be started or had to be ended.
pub async fn run_job(
    spec: JobSpec,
    cancel: &CancellationToken,
    mut on_output_line: impl FnMut(&str) + Send,
) -> Result<JobResult, JobError> {
    let program = spec.program.to_string_lossy().into_owned();
    let (send, mut lines) = mpsc::channel(64);
    let group = start(&spec, send).map_err(|error| JobError::Start { program: program.clone(), error })?;
    let tail = Tail::new(spec.log_cap);
    let mut truncated = false;
    let deadline = sleep_until(Instant::now() + spec.deadline);
    tokio::pin!(deadline);
    let mut take = |piece: Vec<u8>| {
        truncated |= tail.push(&piece);
        on_output_line(String::from_utf8_lossy(&piece).trim_end());
    };
    let exit = loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => {
                lines.close();
                group.stop(spec.grace).await;
                return Err(JobError::Cancelled { program });
            }
            () = &mut deadline => {
                lines.close();
                group.stop(spec.grace).await;
                return Err(JobError::Deadline { program, deadline: spec.deadline, output: tail.text() });
            }
            exit = group.wait() => break exit,
            Some(piece) = lines.recv() => take(piece),
        }
    };
    while let Ok(piece) = lines.try_recv() {
        take(piece);
    }
    Ok(JobResult { exit, output: tail.text(), truncated })
}

fn start(spec: &JobSpec, lines: mpsc::Sender<Vec<u8>>) -> io::Result<Group> {
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).envs(spec.env.iter().map(|(key, value)| (key, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(folder) = &spec.cwd {
        command.current_dir(folder);
    }
    let mut child = prepare(&mut command).spawn()?;
    let missing = || io::Error::other("its output cannot be read");
    let (out, err) = (child.stdout.take().ok_or_else(missing)?, child.stderr.take().ok_or_else(missing)?);
    let output = tokio::spawn(async move {
        tokio::join!(split(out, lines.clone()), split(err, lines));
    });
    Group::adopt(child, output)
}

/// Hands an output on, a line at a time; bounded in memory whatever comes. Reads to the end even if nobody
/// listens any more, so that the child is never kept waiting.
async fn split(mut output: impl AsyncRead + Unpin, lines: mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; MAX_LINE];
    let mut line: Vec<u8> = Vec::new();
    while let Ok(count @ 1..) = output.read(&mut buffer).await {
        for piece in buffer[..count].split_inclusive(|byte| *byte == b'\n' || *byte == b'\r') {
            line.extend_from_slice(piece);
            if line.ends_with(b"\n") || line.ends_with(b"\r") || line.len() >= MAX_LINE {
                drop(lines.send(std::mem::take(&mut line)).await);
            }
        }
    }
    if !line.is_empty() {
        drop(lines.send(line).await);
    }
}
