//! The registry, the GGUF reader and pulls, at the crate's public door: real files, a real HTTP server and real
//! child processes.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, and these are their helpers")]

mod gguf;
mod hub;
mod registry;
mod support;
mod trouble;
mod wheel;
