//! The program as a person uses it: the real binary, real files, a real database, and a provider that is scripted.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what a test relies on fails it")]

mod story;
mod workbench;
mod workers;

mod briefs;
mod hostile;
mod interruptions;
mod lint;
mod lists;
mod models;
mod money;
mod places;
mod review;
mod sources;
mod torture;
mod webhooks;
mod writers;
mod writing;
