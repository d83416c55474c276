//! The whole workflow in one process: a real database, a real router and meter, and a model that misbehaves on
//! demand. Every test looks at what is stored, as a person would find it, and at what the model was shown.
#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is how a failure is told")]

mod bench;
mod material;
mod model;
mod oracle;

mod bad_answers;
mod failures;
mod good;
mod hostile;
mod made_up;
mod resuming;
mod small_models;
mod sources;
mod trial;
