//! What a document looks like, as a value of its own type: the examples of the API's description, which so cannot fall
//! behind the types.

use serde::Serialize;
use std::{fmt, str::FromStr};

use super::Moment;

/// Shows one: a value such as the program itself would answer, or take.
pub(crate) trait Sample: Serialize {
    fn sample() -> Self;
}

/// What stands in a sample, read from its text.
#[expect(
    clippy::expect_used,
    reason = "the texts are this program's own, and a test of every run reads them all"
)]
pub(crate) fn read<T: FromStr<Err: fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a text of a sample")
}

/// So many seconds after the sample task was asked for.
pub(crate) fn at(seconds: u32) -> Moment {
    Moment(read(&format!("2026-11-28T09:{:02}:{:02}Z", 30 + seconds / 60, seconds % 60)))
}

/// The sample task.
pub(crate) const TASK: &str = "019ac9d4-4e80-7c30-8a1e-5d0f6b7c8d01";
/// Its post.
pub(crate) const POST: &str = "019ac9d4-9c10-7b52-b0c4-2f3e4d5c6b02";
/// The worker that ran it.
pub(crate) const OWNER: &str = "desk:4711";
/// What it is about.
pub(crate) const TOPIC: &str = "Why SQLite is a good default database";
/// Where its evidence comes from.
pub(crate) const SOURCE: &str = "https://sqlite.org/whentouse.html";

/// Somebody who edits.
pub(crate) const PERSON: &str = "019ac8f0-1c40-7a90-b1f2-0c1d2e3f4a04";
/// Their being signed in.
pub(crate) const SESSION: &str = "019ac9d3-7a10-7e25-9c3d-4b5a69788705";
/// A program's token.
pub(crate) const TOKEN: &str = "019ac9c0-3f00-7f11-a2b3-7c8d9eafb007";
