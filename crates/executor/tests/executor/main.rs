//! Workflows of toy steps on real databases: results are kept, failures are retried, nothing runs twice, and workers
//! share, stop, die and come back without a task being lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is how a failure is told"
)]

mod bench;
mod toy;

mod broken;
mod failpoints;
mod limits;
mod outage;
mod recurring;
mod sharing;
mod steps;
mod stopping;
mod takeover;
mod trial;

/// Runs each body on SQLite and on PostgreSQL.
macro_rules! on_both_databases {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::bench::Bench::sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(bench) = crate::bench::Bench::postgres().await { super::$name(bench).await; }
            })*
        }
    };
}
pub(crate) use on_both_databases;

/// The same for bodies with workers, and once more on PostgreSQL with workers that hear no notifications.
macro_rules! with_workers {
    ($($name:ident,)*) => {
        crate::on_both_databases! { $($name,)* }
        mod polling {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(bench) = crate::bench::Bench::polling().await { super::$name(bench).await; }
            })*
        }
    };
}
pub(crate) use with_workers;
