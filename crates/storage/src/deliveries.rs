//! What was told outside, of all tasks: to be read, and to be tried again on somebody's word.

use cofounder_domain::{TaskId, Timestamp};
use sea_orm::Value;
use serde::Serialize;

use crate::{
    Acting, Database, EffectRecord, Page, StorageError,
    effects::{record_of, told},
    sql::{self, Row, id, signed, values},
    tasks::stored,
    wake::tell_others,
    work::transaction,
};

/// Something that is told outside, or was, or could not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryRecord {
    /// The task that it follows from.
    pub task: TaskId,
    /// What is known of it.
    pub effect: EffectRecord,
    /// What is sent.
    pub payload: String,
    /// When it was written down.
    pub created_at: Timestamp,
}

/// Which deliveries are listed; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// `pending`, `sending`, `done`, `failed` or `unknown`.
    pub state: Option<String>,
    /// To whom, by its name in the configuration.
    pub target: Option<String>,
    /// Of this task.
    pub task: Option<TaskId>,
}

impl Database {
    /// What was told outside, the newest first.
    ///
    /// # Errors
    /// [`StorageError::Cursor`]; [`StorageError`] if the database does not answer.
    pub async fn deliveries(
        &self,
        limit: u64,
        cursor: Option<&str>,
        filter: &DeliveryFilter,
    ) -> Result<Page<DeliveryRecord>, StorageError> {
        let (at, behind) = cursor.map(place).transpose()?.unzip();
        let DeliveryFilter { state, target, task } = filter.clone();
        let (mut condition, mut row) = sql::conditions([
            ("state =", state.map(Value::from)),
            ("target =", target.map(Value::from)),
            ("task_id =", task.map(|task| Value::from(id(task)))),
            ("created_at <=", at.map(Value::from)),
        ]);
        if let (Some(at), Some(behind)) = (at, behind) {
            row.extend(values![at, behind]);
            condition.push_str(&format!(" AND (created_at < ${} OR id < ${})", row.len() - 1, row.len()));
        }
        row.push(Value::from(signed(limit).saturating_add(1)));
        let text = format!(
            "SELECT * FROM effects WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT ${}",
            row.len()
        );
        let rows = self.read().all(&text, row).await?;
        let found = rows.iter().map(delivery_of).collect::<Result<_, _>>()?;
        Ok(Page::cut(found, limit, |one: &DeliveryRecord| {
            format!("{}-{}", one.created_at.timestamp_millis(), one.effect.id)
        }))
    }

    /// A delivery.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn delivery(&self, delivery: &str) -> Result<DeliveryRecord, StorageError> {
        let row = self.read().one("SELECT * FROM effects WHERE id = $1", values![delivery]).await?;
        delivery_of(&row.ok_or_else(|| none(delivery))?)
    }
}

impl Acting<'_> {
    /// Has a delivery that failed, or of which nobody knows whether it arrived, sent once more, with its own key.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if it is neither; [`StorageError::NotFound`] if there is none.
    pub async fn deliver_again(&self, delivery: &str) -> Result<DeliveryRecord, StorageError> {
        let task = self.db.delivery(delivery).await?.task;
        let again = transaction!(self.db, |sql| {
            stored(&sql, task).await?;
            let text =
                "UPDATE effects SET state = 'pending', lease_until = NULL, lease_boot = NULL, updated_at = $2
                        WHERE id = $1 AND state IN ('failed', 'unknown') RETURNING *";
            let Some(row) = sql.one(text, values![delivery, sql.db.millis()]).await? else {
                return Err(StorageError::Conflict(
                    "only what failed, or of which nobody knows whether it arrived, is sent again. Nothing was changed"
                        .to_owned(),
                ));
            };
            let again = delivery_of(&row)?;
            let EffectRecord { kind, target, .. } = &again.effect;
            told(&sql, task, "again", kind, target, "on somebody's word").await?;
            self.act.note(&sql, "delivery.retry", ("delivery", delivery), format!("{kind} {target}")).await?;
            tell_others(&sql).await?;
            Ok(again)
        });
        let again = again.await?;
        self.db.ring();
        Ok(again)
    }
}

fn place(cursor: &str) -> Result<(i64, String), StorageError> {
    let read = || {
        let (at, id) = cursor.split_once('-')?;
        Some((at.parse().ok()?, id.to_owned()))
    };
    read().ok_or_else(|| StorageError::Cursor(cursor.to_owned()))
}

fn none(delivery: &str) -> StorageError {
    StorageError::NotFound { what: "delivery", id: delivery.to_owned() }
}

fn delivery_of(row: &Row) -> Result<DeliveryRecord, StorageError> {
    Ok(DeliveryRecord {
        task: row.parse("task_id")?,
        effect: record_of(row)?,
        payload: row.get("payload")?,
        created_at: row.time("created_at")?,
    })
}
