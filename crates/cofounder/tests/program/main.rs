//! The program as a person uses it: the real binary, real files, a real database, and a provider that is scripted.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what a test relies on fails it")]

mod browser;
mod serving;
mod story;
mod workbench;
mod workers;

mod api;
mod asker;
mod attacks;
mod briefs;
mod clients;
mod connections;
mod deploying;
mod described;
mod documented;
mod exporting;
mod faults;
mod gateway;
mod hostile;
mod interruptions;
mod keeping;
mod limits;
mod lint;
mod lists;
mod logging;
mod logging_secrets;
mod metrics;
mod models;
mod money;
mod money_at_once;
mod overview;
mod places;
mod providers;
mod readiness;
mod reloading;
mod requests;
mod review;
mod signing_in;
mod sources;
mod starting;
mod stopping;
mod torture;
mod webhooks;
mod writers;
mod writing;
