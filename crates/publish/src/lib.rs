//! Outside targets: who is told when a post goes live, and how they are told once.
//!
//! [`Webhooks`] says which effects follow from an approval, and carries them out as the executor's courier. Each is sent
//! with its id as the key by which a receiver knows it again, and whatever comes of it is judged by one question: did
//! the receiver get it? Where nobody can know, only a receiver that honours keys is sent it a second time.
//!
//! This crate knows nothing of models, pages or how an article is made. It writes nothing into the database: what came
//! of an effect is the executor's to write down. A target's address and its secret are in no message.

mod announcement;
mod calendar;
mod courier;
mod judge;
mod sending;
mod signature;
mod webhooks;

pub use calendar::Calendar;
pub use webhooks::{LONGEST, ShownTarget, WebhookError, WebhookTarget, Webhooks};
