//! The engine through its only door: a Unix socket that speaks HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy allows them in test functions, and these are their helpers"
)]

mod chat;
mod files;
mod shapes;
mod support;
mod waiting;
