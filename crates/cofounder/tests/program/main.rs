//! The program as a person uses it: the real binary, real files, a real database, and a provider that is scripted.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what a test relies on fails it")]

mod browser;
mod serving;
mod story;
mod workbench;
mod workers;

mod api;
mod briefs;
mod clients;
mod connections;
mod content;
mod described;
mod faults;
mod gateway;
mod hostile;
mod interruptions;
mod keeping;
mod limits;
mod lint;
mod lists;
mod models;
mod money;
mod money_at_once;
mod overview;
mod places;
mod providers;
mod readiness;
mod requests;
mod review;
mod rework;
mod signing_in;
mod sources;
mod stopping;
mod torture;
mod webhooks;
mod writers;
mod writing;
