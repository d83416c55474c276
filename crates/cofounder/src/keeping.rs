//! What a person sees of a backup that is taken or restored.

use cofounder_storage::{KeepingError, KeepingProgress};
use indicatif::{ProgressBar, ProgressStyle};
use std::{io::IsTerminal, time::Duration};
use tokio_util::sync::CancellationToken;

use crate::{failure::Failure, lifecycle::stop_token};

/// What belongs to an installation and is in no backup: the data directory holds nothing else that is worth keeping.
pub(crate) const NOT_IN_IT: [&str; 3] = [
    "the configuration",
    "keys and other secrets: they are in the environment, and in files that the configuration names",
    "local models: they are fetched again, or registered with `cofounder model pull --file`",
];

/// Shows the table that is being done on a terminal; elsewhere a line for each stage.
pub(crate) struct KeepingDisplay(Option<ProgressBar>);

impl KeepingDisplay {
    pub(crate) fn new() -> Self {
        Self(std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {prefix:10} {elapsed:>5}  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        }))
    }

    /// Does the work unless ctrl-c or SIGTERM comes first. What is begun is undone then.
    pub(crate) async fn over<T, E: Into<Failure>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        let stop = stop_token().unwrap_or_else(|_| CancellationToken::new());
        let done = tokio::select! {
            done = work => done.map_err(Into::into),
            () = stop.cancelled() => Err(Failure::failed("it was interrupted. Nothing of it was kept; begin it again")),
        };
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
        done
    }
}

impl KeepingProgress for KeepingDisplay {
    fn stage(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.set_prefix(text.to_owned()),
            None => eprintln!("{text}"),
        }
    }

    fn rows(&self, table: &str, done: u64) {
        if let Some(bar) = &self.0 {
            bar.set_message(format!("{table}: {done} rows"));
        }
    }
}

impl From<KeepingError> for Failure {
    fn from(error: KeepingError) -> Self {
        match error {
            KeepingError::Storage(error) => error.into(),
            error => Self::of(error.kind(), error),
        }
    }
}
