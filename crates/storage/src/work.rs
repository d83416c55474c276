//! Units of work: what belongs together is one transaction, and one that only came at a bad moment is done again.

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use sea_orm::{
    AccessMode, DatabaseTransaction, DbErr, IsolationLevel, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use std::time::{Duration, Instant};
use tokio::sync::MutexGuard;
use tokio_util::sync::CancellationToken;

use crate::{
    Database, Location, Moment, StorageError,
    sql::{On, Sql},
};

/// How often a transaction is done again that another change undid.
const AGAIN: usize = 10;
/// The first pause before that; the pauses double, with jitter, up to [`LONGEST`].
const PAUSE: Duration = Duration::from_millis(2);
/// The longest pause.
const LONGEST: Duration = Duration::from_millis(250);
/// The first and the longest pause before a database that does not answer is asked again.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LAST_LOOK: Duration = Duration::from_secs(2);

/// `transaction!(db, |sql| work)` is a future that does `work`, an asynchronous expression of a `Result`, in one
/// transaction: committed if it succeeds, nothing left if it does not. It is done again from its start if the database
/// undid it because of another change (SQLSTATE 40001 and 40P01): then it is sure that nothing of it was kept. Any
/// other failure is the caller's to judge.
///
/// A macro and not a function, since rustc cannot prove yet that the future of a function over an asynchronous closure
/// is `Send` (<https://github.com/rust-lang/rust/issues/110338>).
macro_rules! transaction {
    ($db:expr, |$sql:ident| $work:expr) => {
        async {
            let mut pauses = $crate::work::pauses();
            loop {
                let turn = $db.turn().await;
                let transaction = $db.begin().await?;
                let $sql = $db.on(&transaction);
                let done: Result<_, $crate::StorageError> = async { $work }.await;
                let done = $db.conclude(transaction, done).await;
                drop(turn);
                match done {
                    Err($crate::StorageError::Contended(reason)) => match pauses.next() {
                        Some(pause) => tokio::time::sleep(pause).await,
                        None => break Err($crate::StorageError::Contended(reason)),
                    },
                    done => break done,
                }
            }
        }
    };
}
pub(crate) use transaction;

pub(crate) fn pauses() -> ExponentialBackoff {
    let backoff = ExponentialBuilder::default().with_min_delay(PAUSE).with_max_delay(LONGEST);
    backoff.with_jitter().with_max_times(AGAIN).build()
}

/// Does `work` again while the database does not answer, with growing pauses, for as long as `patience` or until
/// `cancel`. For work that may be done twice: a connection that is lost during a commit does not say whether it took
/// place.
///
/// # Errors
/// What `work` said last.
pub async fn patiently<T, F>(
    patience: Duration,
    cancel: &CancellationToken,
    work: impl Fn() -> F,
) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    let until = Instant::now() + patience;
    let backoff = ExponentialBuilder::default().with_min_delay(FIRST_LOOK).with_max_delay(LAST_LOOK);
    let mut pauses = backoff.with_jitter().without_max_times().build();
    loop {
        let error = match work().await {
            Err(error @ (StorageError::Unavailable(_) | StorageError::Contended(_))) => error,
            done => return done,
        };
        let pause = pauses.next().unwrap_or(LAST_LOOK);
        if Instant::now() + pause > until {
            return Err(error);
        }
        tracing::warn!(%error, "trying again in {} ms", pause.as_millis());
        tokio::select! {
            () = cancel.cancelled() => return Err(error),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Database {
    /// Statements outside a transaction.
    pub(crate) fn read(&self) -> Sql<'_> {
        Sql { on: On::Pool(&self.pool), db: self }
    }

    /// Statements within one.
    pub(crate) fn on<'a>(&'a self, transaction: &'a DatabaseTransaction) -> Sql<'a> {
        Sql { on: On::Transaction(transaction), db: self }
    }

    /// The right to be the one of this process that writes, in the order in which it is asked for. SQLite has one writer
    /// at a time, and those who come second only look again after a while: they would pass each other at random.
    pub(crate) async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        match self.location {
            Location::Sqlite(_) => {
                let since = Instant::now();
                let turn = self.writer.lock().await;
                self.waits.waited(since);
                Some(turn)
            }
            Location::Postgres(_) => None,
        }
    }

    /// A transaction that, on SQLite, may write from its first statement on, so that it never fails half-way for a lock.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, StorageError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.strike("BEGIN", Moment::Before)?;
        let limit = self.settings.acquire.saturating_add(self.settings.statement);
        let since = Instant::now();
        let begun = self.in_time(limit, self.pool.begin_with_options(options)).await;
        self.waits.begun(since);
        begun
    }

    /// A transaction that only reads: it sees what was committed when its first statement began, whatever others commit
    /// meanwhile.
    pub(crate) async fn snapshot(&self) -> Result<DatabaseTransaction, StorageError> {
        let options = match self.location {
            Location::Sqlite(_) => TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
                ..TransactionOptions::default()
            },
            Location::Postgres(_) => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
        };
        let limit = self.settings.acquire.saturating_add(self.settings.statement);
        self.in_time(limit, self.pool.begin_with_options(options)).await
    }

    /// What the driver says, unless a server that answers no more keeps it waiting. What is not waited for any longer
    /// is undone by the driver before its connection serves others.
    pub(crate) async fn in_time<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, StorageError> {
        match tokio::time::timeout(limit, work).await {
            Ok(done) => done.map_err(|e| StorageError::of(&e, &self.location)),
            Err(_) => {
                let reason = format!("the database did not answer within {} s", limit.as_secs_f64());
                Err(StorageError::Unavailable(reason))
            }
        }
    }

    /// Commits what succeeded and undoes what did not.
    pub(crate) async fn conclude<T>(
        &self,
        transaction: DatabaseTransaction,
        done: Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let committed = match &done {
            Ok(_) => self.strike("COMMIT", Moment::Before),
            Err(_) => Ok(()),
        };
        if done.is_err() || committed.is_err() {
            // The connection goes back to the pool now, and not when the driver gets round to it.
            drop(self.in_time(self.settings.statement, transaction.rollback()).await);
            return committed.and(done);
        }
        self.in_time(self.settings.statement, transaction.commit()).await?;
        self.strike("COMMIT", Moment::After)?;
        done
    }

    pub(crate) fn strike(&self, statement: &str, moment: Moment) -> Result<(), StorageError> {
        match self.faults.as_ref().and_then(|faults| faults.strike(statement, moment)) {
            // What is committed must not be done again.
            Some(_) if statement == "COMMIT" && moment == Moment::After => Err(crate::Failure::Lost.into()),
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        }
    }
}
