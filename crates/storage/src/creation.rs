//! Making tasks: what is agreed beside the brief, and that asking twice with one key makes one task.

use cofounder_domain::{Brief, SiteId, Source, Status, TaskId, Timestamp, content_hash};

use crate::{
    Acting, StorageError, Task,
    journal::{Note, note},
    sources::put_source,
    sql::{Sql, id, to_json, values},
    tasks::remember,
    wake::tell_others,
    work::transaction,
};

/// How a task is to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Tasks of a higher priority run first.
    pub priority: i32,
    /// What its worker must have, such as `gpu`.
    pub needs: String,
    /// Not before this time.
    pub start: Option<Timestamp>,
    /// Failed if it is not done by then.
    pub deadline: Option<Timestamp>,
    /// Names the wish: asking again with the same key makes no second task.
    pub key: Option<String>,
}

/// The task that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// As the database has it.
    pub task: Task,
    /// It was asked for before, with the same key: nothing was stored.
    pub known: bool,
}

/// A document that was read when the task was made.
#[derive(Clone, Debug)]
pub struct NewSource {
    /// What it says of itself.
    pub source: Source,
    /// Its bytes as read.
    pub bytes: Vec<u8>,
}

impl Acting<'_> {
    /// Stores a task and the sources that were read for it, in one transaction. Asked again with the same key and the
    /// same brief, it returns the task that there is.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the key was used for another brief, [`StorageError::Invalid`] if the deadline has
    /// passed or lies before the start. Nothing of it is kept then.
    pub async fn create_task(
        &self,
        brief: &Brief,
        sources: &[NewSource],
        terms: &Terms,
    ) -> Result<Task, StorageError> {
        self.ask_for_task(brief, sources, terms).await.map(|asked| asked.task)
    }

    /// The same, and whether there was one already.
    ///
    /// # Errors
    /// As [`Self::create_task`].
    pub async fn ask_for_task(
        &self,
        brief: &Brief,
        sources: &[NewSource],
        terms: &Terms,
    ) -> Result<Asked, StorageError> {
        terms.check(self.db.now())?;
        let asked = transaction!(self.db, |sql| {
            let (task, known) = insert(&sql, brief, sources, terms).await?;
            if !known {
                self.act.note(&sql, "task.create", ("task", task), &brief.topic).await?;
            }
            Ok((task, known))
        });
        let (task, known) = asked.await?;
        self.db.ring();
        Ok(Asked { task: self.db.task(task).await?, known })
    }
}

impl Terms {
    /// Whether they make sense at this time.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] says what does not.
    pub fn check(&self, now: Timestamp) -> Result<(), StorageError> {
        let told = cofounder_domain::format_timestamp;
        match (self.start, self.deadline) {
            (_, Some(deadline)) if deadline <= now => Err(StorageError::Invalid(format!(
                "the deadline {} has passed: it is {} now. Nothing was stored",
                told(deadline),
                told(now)
            ))),
            (Some(start), Some(deadline)) if deadline <= start => Err(StorageError::Invalid(format!(
                "the deadline {} comes before the start {}. Nothing was stored",
                told(deadline),
                told(start)
            ))),
            _ if self.key.as_deref().is_some_and(|key| !is_name(key)) => {
                Err(StorageError::Invalid(format!("a key has {NAME}. Nothing was stored")))
            }
            _ if !self.needs.is_empty() && !is_name(&self.needs) => {
                Err(StorageError::Invalid(format!("what a task needs has {NAME}. Nothing was stored")))
            }
            _ => Ok(()),
        }
    }
}

/// What a name is, in words.
pub(crate) const NAME: &str = "1 to 200 characters, none of them a control character";

/// Whether a person may name something so.
pub(crate) fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control)
}

/// Stores a task, or finds the one that was asked for with the same key; tells whether it was found.
pub(crate) async fn insert(
    sql: &Sql<'_>,
    brief: &Brief,
    sources: &[NewSource],
    terms: &Terms,
) -> Result<(TaskId, bool), StorageError> {
    let (task, now, text) = (TaskId::new(sql.db.now()), sql.db.millis(), to_json(brief)?);
    let hash = content_hash(text.as_bytes());
    if let Some(known) = by_key(sql, terms, &hash).await? {
        return Ok((known, true));
    }
    let ready = terms.start.map_or(now, |start| start.timestamp_millis());
    let row = values![
        id(task),
        SiteId::DEFAULT.to_string(),
        text,
        now,
        i64::from(terms.priority),
        terms.needs.clone(),
        ready,
        i64::from(ready <= now),
        terms.deadline.map(|d| d.timestamp_millis()),
        terms.key.clone(),
        hash.clone(),
        i64::from(Brief::VERSION),
    ];
    let text = "INSERT INTO tasks (id, site_id, brief, status, created_at, updated_at, priority, needs, ready_at, due, deadline_at,
                  creation_key, creation_hash, payload_version) VALUES ($1, $2, $3, 'pending', $4, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                ON CONFLICT DO NOTHING";
    if sql.run(text, row).await? == 0 {
        // Somebody else used the key between our look and our insertion.
        let known = by_key(sql, terms, &hash).await?;
        let known = known.ok_or_else(|| StorageError::Contended("the key is being used".to_owned()))?;
        return Ok((known, true));
    }
    remember(sql, task, None, Status::Pending, "asked for", now).await?;
    note(sql, task, &Note { event: "created", path: "", detail: "" }).await?;
    for new in sources {
        put_source(sql, task, &new.source, &new.bytes, now).await?;
    }
    tell_others(sql).await?;
    Ok((task, false))
}

async fn by_key(sql: &Sql<'_>, terms: &Terms, hash: &str) -> Result<Option<TaskId>, StorageError> {
    let Some(key) = &terms.key else { return Ok(None) };
    let text = "SELECT id, creation_hash FROM tasks WHERE site_id = $1 AND creation_key = $2";
    let Some(row) = sql.one(text, values![SiteId::DEFAULT.to_string(), key.clone()]).await? else {
        return Ok(None);
    };
    let task: TaskId = row.parse("id")?;
    if row.get::<Option<String>>("creation_hash")?.as_deref() != Some(hash) {
        return Err(StorageError::Conflict(format!(
            "the key `{key}` was used for another brief, by task {task}. Nothing was stored; use another key"
        )));
    }
    Ok(Some(task))
}
