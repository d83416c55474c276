//! A model's answer: what of it is the answer, and whether it went wrong.

mod clean;
mod faults;
mod language;
mod loops;
mod prompt;
pub(crate) mod signs;

pub use clean::clean_answer;
pub(crate) use faults::shown;
pub use faults::{Fault, answer_faults};
pub(crate) use language::{Language, language};
pub(crate) use loops::{LONG, Loop, refrain, stutter};
pub(crate) use prompt::Instructions;
