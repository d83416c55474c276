//! A mistake of ours, with the place where it showed.

use std::{backtrace::Backtrace, fmt};

/// What should not have happened, and the backtrace of where it was noticed. The backtrace goes to the log alone.
#[derive(Debug)]
pub struct Bug {
    what: String,
    backtrace: Box<Backtrace>,
}

impl Bug {
    /// Takes the backtrace where it is called.
    #[must_use]
    pub fn here(what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), backtrace: Box::new(Backtrace::force_capture()) }
    }

    /// Where it was noticed.
    pub fn backtrace(&self) -> &Backtrace {
        &self.backtrace
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Bug {}
