//! The meter between a real database and a fake provider.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is how a failure is told"
)]

mod bench;
mod clients;
mod money;
mod steps;
mod uncounted;
