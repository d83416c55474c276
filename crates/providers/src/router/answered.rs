//! Answers, and how they came.

use super::{ChatStream, Target};
use crate::{Answer, Attempt};
use std::sync::Arc;

/// A whole answer and how it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered<A = Answer> {
    /// The answer.
    pub answer: A,
    /// Who gave it.
    pub target: Arc<Target>,
    /// Every request that was made for it; the last one is the answered one.
    pub attempts: Vec<Attempt>,
    /// Which targets of the route it went past on its way, as `provider/model`, and why: each once, in the route's order.
    pub passed_over: Vec<(String, String)>,
}

/// An answer that has begun, and how it came to that.
#[derive(Debug)]
pub struct Opened {
    /// The answer.
    pub stream: ChatStream,
    /// Who gives it.
    pub target: Arc<Target>,
    /// Every request that was made for it; the last one is the one that goes on.
    pub attempts: Vec<Attempt>,
    /// As with [`Answered`].
    pub passed_over: Vec<(String, String)>,
}
