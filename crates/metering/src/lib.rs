//! The only door to a model call: it is answered from the journal if it was answered before; else its money is set
//! aside, it is made, journalled as soon as it ends, and settled.
//!
//! A call is known by a key: the task, the step, the number of the question within the step, and a hash of the
//! request before routing. The key travels with the request as `Idempotency-Key`. This crate does not know why a
//! model is asked, and it does not choose one: that is the router's work.

mod error;
mod key;
mod meter;
mod tally;

pub use cofounder_providers::{ChatRequest, Finish, JsonSchema, Message, Role, Usage};
pub use error::CallError;
pub use meter::{Call, Meter, Metered};
pub use tally::{Tally, Took};
