//! Tasks that come again and again. When, is reckoned elsewhere: here stand the rule, its next time, and what came of it.

use cofounder_domain::{Brief, SiteId, TaskId, Timestamp, format_timestamp};
use sea_orm::Value;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Acting, Database, Page, StorageError, Terms,
    creation::{NAME, insert, is_name},
    sql::{self, Row, Sql, signed, to_json, values},
    work::transaction,
};

/// A rule by which tasks are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When, as a cron expression.
    pub cron: String,
    /// In which time zone (IANA).
    pub zone: String,
    /// What is asked for each time.
    pub brief: Brief,
    /// The tasks' priority.
    pub priority: i32,
    /// What the tasks' worker must have.
    pub needs: String,
    /// The next time; absent if there is none.
    pub next_at: Option<Timestamp>,
    /// The last time.
    pub last_at: Option<Timestamp>,
    /// The task that was made then.
    pub last_task: Option<String>,
    /// Grows with every change, also when its time comes.
    pub version: u64,
}

impl Acting<'_> {
    /// Stores a rule; its `id` is given by the database.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the name is taken.
    pub async fn add_schedule(&self, schedule: &Schedule) -> Result<Schedule, StorageError> {
        if !is_name(&schedule.name) {
            return Err(StorageError::Invalid(format!(
                "the name of a schedule has {NAME}. Nothing was stored"
            )));
        }
        let new = Schedule { id: Uuid::new_v4().to_string(), version: 1, ..schedule.clone() };
        let added = transaction!(self.db, |sql| {
            let text = "INSERT INTO schedules (id, site_id, name, cron, zone, brief, priority, needs, next_at, created_at)
                        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (site_id, name) DO NOTHING";
            let row = values![
                new.id.clone(),
                SiteId::DEFAULT.to_string(),
                new.name.clone(),
                new.cron.clone(),
                new.zone.clone(),
                to_json(&new.brief)?,
                i64::from(new.priority),
                new.needs.clone(),
                new.next_at.map(|at| at.timestamp_millis()),
                sql.db.millis()
            ];
            if sql.run(text, row).await? == 0 {
                return Err(StorageError::Conflict(format!(
                    "there is a schedule `{}` already. Remove it first, or choose another name",
                    new.name
                )));
            }
            let detail = format!("{} {}", new.cron, new.zone);
            self.act.note(&sql, "schedule.create", ("schedule", &new.name), detail).await
        });
        added.await.map(|()| new.clone())
    }

    /// Changes a rule from what was read into something else; its name stays.
    ///
    /// # Errors
    /// [`StorageError::Changed`] if it is not any more what was read; [`StorageError::NotFound`] if there is none.
    pub async fn change_schedule(
        &self,
        before: &Schedule,
        after: &Schedule,
    ) -> Result<Schedule, StorageError> {
        let name = &before.name;
        transaction!(self.db, |sql| {
            let now = self.schedule_unchanged(&sql, name).await?;
            if now.version != before.version {
                return Err(StorageError::Changed { what: "schedule", id: name.clone() });
            }
            let text = "UPDATE schedules SET cron = $2, zone = $3, brief = $4, priority = $5, needs = $6, next_at = $7, version = version + 1
                        WHERE id = $1 RETURNING *";
            let row = values![
                now.id,
                after.cron.clone(),
                after.zone.clone(),
                to_json(&after.brief)?,
                i64::from(after.priority),
                after.needs.clone(),
                after.next_at.map(|at| at.timestamp_millis())
            ];
            let row = sql.one(text, row).await?.ok_or_else(|| nowhere(name))?;
            let detail = format!("{} {}", after.cron, after.zone);
            self.act.note(&sql, "schedule.change", ("schedule", name), detail).await?;
            schedule_of(&row)
        })
        .await
    }

    /// Removes a rule. Tasks that it made stay.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none of this name; [`StorageError::Changed`] if it is not any more what was
    /// seen.
    pub async fn remove_schedule(&self, name: &str) -> Result<(), StorageError> {
        transaction!(self.db, |sql| {
            let schedule = self.schedule_unchanged(&sql, name).await?;
            sql.run("DELETE FROM schedules WHERE id = $1", values![schedule.id]).await?;
            self.act.note(&sql, "schedule.delete", ("schedule", name), "").await
        })
        .await
    }

    /// A rule that nobody else changes until the transaction ends, if it is still what was seen.
    async fn schedule_unchanged(&self, sql: &Sql<'_>, name: &str) -> Result<Schedule, StorageError> {
        let text = format!("SELECT * FROM schedules WHERE site_id = $1 AND name = $2{}", sql.lock());
        let row = sql.one(&text, values![SiteId::DEFAULT.to_string(), name]).await?;
        let schedule = schedule_of(&row.ok_or_else(|| nowhere(name))?)?;
        self.act.still("schedule", name, schedule.version)?;
        Ok(schedule)
    }
}

impl Database {
    /// Rules, by name.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn list_schedules(
        &self,
        limit: u64,
        cursor: Option<&str>,
    ) -> Result<Page<Schedule>, StorageError> {
        let (condition, mut row) = sql::conditions([
            ("site_id =", Some(Value::from(SiteId::DEFAULT.to_string()))),
            ("name >", cursor.map(Value::from)),
        ]);
        row.push(Value::from(signed(limit).saturating_add(1)));
        let text = format!("SELECT * FROM schedules WHERE {condition} ORDER BY name LIMIT ${}", row.len());
        let rows = self.read().all(&text, row).await?;
        let items = rows.iter().map(schedule_of).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |schedule: &Schedule| schedule.name.clone()))
    }

    /// The rule of this name.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub async fn schedule(&self, name: &str) -> Result<Schedule, StorageError> {
        let text = "SELECT * FROM schedules WHERE site_id = $1 AND name = $2";
        let row = self.read().one(text, values![SiteId::DEFAULT.to_string(), name]).await?;
        schedule_of(&row.ok_or_else(|| nowhere(name))?)
    }

    /// Every rule, by name.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, StorageError> {
        let rows = self.read().all("SELECT * FROM schedules ORDER BY name", values![]).await?;
        rows.iter().map(schedule_of).collect()
    }

    /// Rules whose time has come. One that cannot be read keeps no other waiting.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn due_schedules(&self) -> Result<Vec<Schedule>, StorageError> {
        let text =
            "SELECT * FROM schedules WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at LIMIT 100";
        let rows = self.read().all(text, values![self.millis()]).await?;
        let read = rows.iter().filter_map(|row| {
            schedule_of(row).inspect_err(|error| tracing::error!(%error, "a schedule is passed over")).ok()
        });
        Ok(read.collect())
    }

    /// Makes the task that a rule's time has come for, and notes its next time. Of several workers that try, one does.
    ///
    /// # Errors
    /// [`StorageError`] if the database does not answer.
    pub async fn fire_schedule(
        &self,
        schedule: &Schedule,
        next: Option<Timestamp>,
    ) -> Result<Option<TaskId>, StorageError> {
        let Some(at) = schedule.next_at else { return Ok(None) };
        let fired = transaction!(self, |sql| {
            let text = "UPDATE schedules SET next_at = $3, last_at = $2, version = version + 1 WHERE id = $1 AND next_at = $2";
            let next = next.map(|next| next.timestamp_millis());
            if sql.run(text, values![schedule.id.clone(), at.timestamp_millis(), next]).await? == 0 {
                return Ok(None);
            }
            let key = Some(format!("schedule {} {}", schedule.id, format_timestamp(at)));
            let (priority, needs) = (schedule.priority, schedule.needs.clone());
            let terms = Terms { priority, needs, key, ..Terms::default() };
            let (task, _) = insert(&sql, &schedule.brief, &[], &terms).await?;
            let text = "UPDATE schedules SET last_task = $2 WHERE id = $1";
            sql.run(text, values![schedule.id.clone(), task.to_string()]).await?;
            Ok(Some(task))
        });
        let fired = fired.await?;
        self.ring();
        Ok(fired)
    }
}

fn nowhere(name: &str) -> StorageError {
    StorageError::NotFound { what: "schedule", id: name.to_owned() }
}

fn schedule_of(row: &Row) -> Result<Schedule, StorageError> {
    Ok(Schedule {
        id: row.get("id")?,
        name: row.get("name")?,
        cron: row.get("cron")?,
        zone: row.get("zone")?,
        brief: row.json("brief")?,
        priority: i32::try_from(row.get::<i64>("priority")?).map_err(StorageError::bug)?,
        needs: row.get("needs")?,
        next_at: row.maybe_time("next_at")?,
        last_at: row.maybe_time("last_at")?,
        last_task: row.get("last_task")?,
        version: row.number("version")?,
    })
}
