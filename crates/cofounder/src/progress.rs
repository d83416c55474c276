//! What a person sees while a task runs: one line per step with its state, time, tokens and cost. On a terminal
//! the line of the running step moves; elsewhere each step prints a line when it ends. All on standard error.

use cofounder_domain::{NanoUsd, StepPath, StepStatus};
use cofounder_executor::{Event, Progress};
use cofounder_metering::Tally;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::logging::harmless;

/// Shows a run's events.
pub(crate) struct Display {
    /// What each step's model calls took, counted by the meter.
    tally: Arc<Tally>,
    terminal: bool,
    running: Mutex<Option<ProgressBar>>,
}

impl Display {
    pub(crate) fn new(tally: Arc<Tally>) -> Self {
        Self { tally, terminal: std::io::stderr().is_terminal(), running: Mutex::new(None) }
    }

    fn start(&self, path: &StepPath) {
        if !self.terminal {
            return;
        }
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {prefix:18} {elapsed:>5}  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_prefix(path.as_str().to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        if let Ok(mut running) = self.running.lock() {
            *running = Some(bar);
        }
    }

    fn detail(&self, text: &str) {
        if let Ok(running) = self.running.lock()
            && let Some(bar) = running.as_ref()
        {
            bar.set_message(text.to_owned());
        }
    }

    fn clear(&self) {
        if let Ok(mut running) = self.running.lock()
            && let Some(bar) = running.take()
        {
            bar.finish_and_clear();
        }
    }

    fn line(
        &self,
        path: &StepPath,
        status: StepStatus,
        elapsed: Duration,
        replayed: bool,
        reasons: &[String],
    ) {
        self.clear();
        let mark = match status {
            StepStatus::Done => "✓",
            StepStatus::Degraded => "~",
            StepStatus::Skipped => "-",
            StepStatus::Failed => "✗",
            StepStatus::Running => "…",
        };
        let spent = self.tally.of(path);
        let time = if replayed { "kept".to_owned() } else { format!("{:.1} s", elapsed.as_secs_f64()) };
        let mut line = format!("{mark} {:18} {:9} {time:>8}", path.as_str(), status.as_str());
        if spent.calls > 0 {
            line.push_str(&format!(
                "  {:>6} tokens  {}",
                spent.tokens_in + spent.tokens_out,
                cost(spent.cost, spent.unpriced)
            ));
        }
        eprintln!("{line}");
        for reason in reasons {
            eprintln!("    {}", harmless(reason));
        }
    }
}

impl Progress for Display {
    fn event(&self, event: &Event) {
        match event {
            Event::StepStarted { path, .. } => self.start(path),
            Event::StepDetail { text, .. } => self.detail(text),
            Event::StepRetry { path, reason, after, .. } => {
                self.clear();
                let reason = harmless(reason);
                eprintln!("… {path}: {reason}; trying again in {:.1} s", after.as_secs_f64());
            }
            Event::StepFinished { path, status, elapsed, replayed, reasons } => {
                self.line(path, *status, *elapsed, *replayed, reasons);
            }
            Event::Waiting { at_most } => {
                eprintln!(
                    "another process works on this task; waiting for it, or for its lease to end (at most {} s)",
                    at_most.as_secs() + 1
                );
            }
            Event::RunStarted { kept, .. } if *kept > 0 => {
                eprintln!("going on: {kept} step(s) are done already")
            }
            Event::RunStarted { .. } | Event::RunFinished { .. } => self.clear(),
        }
    }
}

/// Money as people read it: nothing at all is `free`, unless nobody says what so many of the calls cost.
pub(crate) fn cost(amount: NanoUsd, unpriced: u64) -> String {
    match (amount, unpriced) {
        (NanoUsd::ZERO, 0) => "free".to_owned(),
        (NanoUsd::ZERO, _) => "price unknown".to_owned(),
        (amount, 0) => amount.to_string(),
        (amount, unpriced) => format!("{amount} and {unpriced} call(s) of unknown price"),
    }
}
