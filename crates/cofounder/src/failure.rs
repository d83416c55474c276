//! How a command ends that did not do what it was asked to.

use cofounder_domain::FaultKind;
use std::fmt::Display;

/// What a person is told, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    kind: FaultKind,
    message: String,
}

impl Failure {
    /// It was asked for wrongly: exit code 2.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { code: 2, kind: FaultKind::InvalidInput, message: message.to_string() }
    }

    /// It did not work out: exit code 1.
    pub(crate) fn failed(message: impl Display) -> Self {
        Self { code: 1, kind: FaultKind::Unavailable, message: message.to_string() }
    }

    /// An error of a crate, with its kind: invalid input is wrong use, all else failed.
    pub(crate) fn of(kind: FaultKind, message: impl Display) -> Self {
        let code = if kind == FaultKind::InvalidInput { 2 } else { 1 };
        Self { code, kind, message: message.to_string() }
    }

    /// Several at once, each on a line of its own; none if there are none. What is wrong with the configuration is
    /// wrong use; what is only not to be had where the program runs is not.
    pub(crate) fn of_all(wrong: Vec<String>, missing: Vec<String>, kept: &str) -> Option<Self> {
        let usage = !wrong.is_empty();
        let mut all = wrong;
        all.extend(missing);
        let message = match all.as_slice() {
            [] => return None,
            [one] => one.clone(),
            many => format!("{} things are wrong, and {kept}:\n  {}", many.len(), many.join("\n  ")),
        };
        Some(if usage { Self::usage(message) } else { Self::failed(message) })
    }

    /// The same with more words behind it.
    pub(crate) fn and(mut self, more: impl Display) -> Self {
        self.message = format!("{}\n{more}", self.message);
        self
    }

    /// A task that ran and failed is no wrong use, whatever its reason: exit code 1.
    pub(crate) fn failed_task(mut self) -> Self {
        self.code = 1;
        self
    }

    pub(crate) fn kind(&self) -> FaultKind {
        self.kind
    }

    pub(crate) fn text(&self) -> &str {
        &self.message
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// Prints the message to standard error; with `--json`, as an object that programs can read.
    pub(crate) fn print(&self, json: bool) {
        if self.message.is_empty() {
            return;
        }
        if json {
            let problem =
                serde_json::json!({"error": {"type": self.kind.problem(), "message": self.message}});
            eprintln!("{problem}");
        } else if !crate::logging::say_last(&self.message) {
            eprintln!("error: {}", self.message);
        }
    }

    /// A command whose findings were printed already: exit code 1, nothing more to say.
    pub(crate) fn silent() -> Self {
        Self { code: 1, kind: FaultKind::Conflict, message: String::new() }
    }
}
