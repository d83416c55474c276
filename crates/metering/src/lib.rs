//! The only door to a model call. A step's call is answered from the journal if it was answered before; else its money
//! is set aside, it is made, journalled as soon as it ends, and settled. A client's call is made and written into the
//! ledger.
//!
//! A step's call is known by a key: the task, the step, the number of the question within the step, and a hash of the
//! request before routing. The key travels with the request as `Idempotency-Key`. Money is reserved in memory, from
//! slices of accounts that were written down before. This crate does not know why a model is asked, and it does not
//! choose one: that is the router's work.

mod budgets;
mod charge;
mod clients;
mod dearer;
mod error;
mod key;
mod ledger;
mod meter;
mod metrics;
mod open;
mod purse;
mod steps;
mod streams;
mod tab;
mod tally;
mod texts;
mod turnstile;
mod worst;

pub use budgets::{Budgets, Payer, TokenTerms, day, month, site};
pub use clients::{ClientAnswer, ClientCall, Routed};
pub use cofounder_providers::{
    Amount, Answer, Brings, ChatRequest, Chunk, Document, Finish, JsonSchema, Message, Need, ProviderError,
    ProviderHealth, Role, Route, Router, Stage, Target, TargetState, Usage, Verb, Wanted,
};
pub use error::{CallError, Whose};
pub use meter::{Meter, MeterParts};
pub use metrics::Metrics;
pub use steps::{Call, Metered};
pub use streams::ClientStream;
pub use tally::{Tally, Took};
pub use texts::Texts;
