//! The engine through its only door: a Unix socket that speaks HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy allows them in test functions, and these are their helpers"
)]

mod abandoned;
mod chat;
mod events;
mod files;
mod shapes;
mod streaming;
mod support;
mod waiting;
