//! What comes over HTTP, from servers on 127.0.0.1.

#![expect(clippy::unwrap_used, reason = "what a test relies on fails it")]

mod fetching;
mod server;
mod wikipedia;
