//! Waking whoever waits for work. Looking again after a while is the truth; a wake-up only quickens it.

use sea_orm::sqlx::postgres::PgListener;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    Database, Location, StorageError,
    sql::{Sql, values},
};

/// The channel of `LISTEN` and `NOTIFY`.
const CHANNEL: &str = "cofounder";
/// The pause before a lost connection for notifications is made anew.
const AGAIN: Duration = Duration::from_secs(1);

/// Rings within this process.
#[derive(Clone, Debug)]
pub(crate) struct Alarm(Arc<watch::Sender<u64>>);

impl Default for Alarm {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Alarm {
    fn ring(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Hears that something may have to be done.
#[derive(Debug)]
pub struct Wakeup {
    heard: watch::Receiver<u64>,
    ear: Option<JoinHandle<()>>,
}

impl Wakeup {
    /// Waits for a ring since the last call returned, or for `at_most`. Cancel-safe: a ring that is not waited for now
    /// is heard later.
    pub async fn wait(&mut self, at_most: Duration) {
        // Both outcomes mean the same: look.
        drop(timeout(at_most, self.heard.changed()).await);
    }
}

impl Drop for Wakeup {
    fn drop(&mut self) {
        if let Some(ear) = &self.ear {
            ear.abort();
        }
    }
}

impl Database {
    /// Hears from now on of changes that this process makes and, on PostgreSQL with `notifications`, of those that
    /// others make. It takes one connection of its own for that.
    #[must_use]
    pub fn wakeup(&self, notifications: bool) -> Wakeup {
        let heard = self.alarm.0.subscribe();
        let listens = notifications && matches!(self.location, Location::Postgres(_));
        let ear = listens.then(|| tokio::spawn(listen(self.clone())));
        Wakeup { heard, ear }
    }

    /// Rings in this process, for what a commit has just made known to others.
    pub(crate) fn ring(&self) {
        self.alarm.ring();
    }
}

/// Tells others, when the transaction is committed, that there is something to do.
pub(crate) async fn tell_others(sql: &Sql<'_>) -> Result<(), StorageError> {
    if sql.on_postgres(true, false) {
        sql.run("SELECT pg_notify($1, '')", values![CHANNEL]).await?;
    }
    Ok(())
}

async fn listen(db: Database) {
    loop {
        if let Err(error) = hear(&db).await {
            tracing::warn!(%error, "no notifications from the database; looking by the clock until they are back");
        }
        sleep(AGAIN).await;
    }
}

async fn hear(db: &Database) -> Result<(), sea_orm::sqlx::Error> {
    let mut listener = PgListener::connect_with(db.pool.get_postgres_connection_pool()).await?;
    listener.listen(CHANNEL).await?;
    // Something may have happened before it listened.
    db.ring();
    while listener.try_recv().await?.is_some() {
        db.ring();
    }
    Ok(())
}
