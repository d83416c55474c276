//! The router through its public door, against a provider that misbehaves on demand.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that is surprised is to end"
)]

mod config;
mod dialect;
mod embedded;
mod failover;
mod health;
mod limits;
mod passed;
mod routing;
mod secrets;
mod stand;
mod time;
mod wires;
