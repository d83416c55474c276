//! Group commit: steps that begin or end at the same time are written in one transaction of a few statements over
//! sets, so that they share one wait for the disk.
//!
//! Whoever writes an entry waits until it is committed. Nobody waits for company: what has gathered while the last
//! group was being written is the next group.

use cofounder_domain::TaskId;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

use crate::{
    Database, StorageError,
    sql::{self, Sql, id, values},
    work::transaction,
};

/// The most entries of one group.
const ENTRIES: usize = 512;
/// The most bytes of results in one group, but for a single larger one.
const BYTES: usize = 4 << 20;
/// Details that nobody waits for are dropped while this many entries wait.
const CROWDED: usize = 10_000;

/// The entries that wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    entries: VecDeque<Entry>,
    /// Whether somebody is writing groups now.
    busy: bool,
}

/// Something that happened in a run, and what it changes.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) task: TaskId,
    pub(crate) fence: i64,
    pub(crate) at: i64,
    pub(crate) event: &'static str,
    pub(crate) path: String,
    pub(crate) detail: String,
    pub(crate) change: Change,
    /// Is told how often the step has been begun by now, or why nothing was written.
    pub(crate) told: Option<oneshot::Sender<Result<u32, StorageError>>>,
}

/// What becomes of the step.
#[derive(Debug)]
pub(crate) enum Change {
    Nothing,
    Begin,
    End { status: &'static str, result: Option<String>, reasons: String, error: Option<String> },
}

impl Entry {
    fn bytes(&self) -> usize {
        let result = match &self.change {
            Change::End { result: Some(result), .. } => result.len(),
            _ => 0,
        };
        result + self.detail.len()
    }
}

impl Group {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next group: what waits, up to a second entry for the same step.
    fn next(&self) -> Vec<Entry> {
        let mut waiting = self.waiting();
        let (mut group, mut bytes, mut steps) = (Vec::new(), 0, HashSet::new());
        while let Some(entry) = waiting.entries.front() {
            bytes += entry.bytes();
            let changes = !matches!(entry.change, Change::Nothing);
            let full = !group.is_empty() && (group.len() >= ENTRIES || bytes > BYTES);
            if full || (changes && !steps.insert((entry.task, entry.path.clone()))) {
                break;
            }
            group.extend(waiting.entries.pop_front());
        }
        waiting.busy = !group.is_empty();
        group
    }
}

impl Database {
    /// Writes an entry, together with others, and returns when it is on the disk.
    pub(crate) async fn enter(&self, mut entry: Entry) -> Result<u32, StorageError> {
        let (told, hear) = oneshot::channel();
        entry.told = Some(told);
        self.queue(entry);
        hear.await.unwrap_or_else(|_| Err(StorageError::Unavailable("the program is ending".to_owned())))
    }

    /// Writes an entry that nobody waits for. It is dropped, before it has a number, if too many others wait.
    pub(crate) fn mention(&self, entry: Entry) {
        if self.group.waiting().entries.len() < CROWDED {
            self.queue(entry);
        }
    }

    fn queue(&self, entry: Entry) {
        let mut waiting = self.group.waiting();
        waiting.entries.push_back(entry);
        if !std::mem::replace(&mut waiting.busy, true) {
            // In a task of its own: whoever waits may be cancelled, the others' entries may not.
            tokio::spawn(self.clone().write_groups());
        }
    }

    async fn write_groups(self) {
        loop {
            let group = self.group.next();
            if group.is_empty() {
                return;
            }
            self.write_group(group).await;
        }
    }

    async fn write_group(&self, mut group: Vec<Entry>) {
        let mut outcomes = self.commit_group(&group).await;
        if group.len() > 1 && matches!(&outcomes, Err(error) if !is_passing(error)) {
            // One of them is at fault, and the others shall not suffer.
            for entry in group {
                let one = [entry];
                let outcome = self.commit_group(&one).await.and_then(|mut told| told.remove(0));
                let [entry] = one;
                drop(entry.told.map(|told| told.send(outcome)));
            }
            return;
        }
        for (index, entry) in group.iter_mut().enumerate() {
            let outcome = match &mut outcomes {
                Ok(told) => std::mem::replace(&mut told[index], Ok(0)),
                Err(error) if index == 0 => Err(std::mem::replace(error, again(error))),
                Err(error) => Err(again(error)),
            };
            drop(entry.told.take().map(|told| told.send(outcome)));
        }
    }

    /// Commits a group; tells for each entry whether it was written.
    async fn commit_group(&self, group: &[Entry]) -> Result<Vec<Result<u32, StorageError>>, StorageError> {
        transaction!(self, |sql| {
            let numbers = number(&sql, group).await?;
            let written = || group.iter().zip(&numbers).filter_map(|(e, seq)| seq.map(|seq| (e, seq)));
            let attempts = begin(&sql, written()).await?;
            end(&sql, written()).await?;
            journal(&sql, written()).await?;
            let outcome = |(entry, seq): (&Entry, &Option<i64>)| match (seq, &entry.change) {
                (None, _) => Err(StorageError::Stale),
                (Some(_), Change::Begin) => attempts
                    .get(&(id(entry.task), entry.path.clone()))
                    .copied()
                    .ok_or_else(|| StorageError::bug("a step did not begin")),
                (Some(_), _) => Ok(0),
            };
            Ok(group.iter().zip(&numbers).map(outcome).collect())
        })
        .await
    }
}

/// Whether it says nothing about the entries themselves.
fn is_passing(error: &StorageError) -> bool {
    matches!(error, StorageError::Unavailable(_) | StorageError::Contended(_) | StorageError::DiskFull { .. })
}

/// The same once more, for the next one who waits.
fn again(error: &StorageError) -> StorageError {
    match error {
        StorageError::DiskFull { place } => StorageError::DiskFull { place: place.clone() },
        StorageError::Contended(reason) => StorageError::Contended(reason.clone()),
        other => StorageError::Unavailable(other.to_string()),
    }
}

/// Checks every entry's fence, and takes the next numbers of its task's journal: one statement for both. An entry
/// whose task has been taken over gets none. The `coalesce` keeps SQLite from walking through every running task by the
/// index of statuses for each entry.
async fn number(sql: &Sql<'_>, group: &[Entry]) -> Result<Vec<Option<i64>>, StorageError> {
    // In one order, so that two programs do not wait for each other.
    let mut claims: BTreeMap<(String, i64), (i64, i64)> = BTreeMap::new();
    for entry in group {
        let claim = claims.entry((id(entry.task), entry.fence)).or_default();
        claim.0 += 1;
        claim.1 |= i64::from(matches!(entry.change, Change::End { result: Some(_), .. }));
    }
    let input: Vec<Value> = claims
        .iter()
        .map(|((task, fence), (entries, fruit))| json!({"task": task, "fence": fence, "entries": entries, "fruit": fruit}))
        .collect();
    let input_rows =
        sql.rows(&[("task", "text"), ("fence", "bigint"), ("entries", "bigint"), ("fruit", "bigint")]);
    let text = format!(
        "WITH input AS ({input_rows}) UPDATE tasks SET events = events + input.entries,
           fruitless = CASE WHEN input.fruit = 1 THEN 0 ELSE fruitless END
         FROM input WHERE tasks.id = input.task AND tasks.fence = input.fence AND coalesce(tasks.status, '') = 'in_progress'
         RETURNING tasks.id AS id, tasks.fence AS fence, tasks.events AS events"
    );
    let mut next = HashMap::new();
    for row in sql.all(&text, values![Value::from(input).to_string()]).await? {
        let claim = (row.get::<String>("id")?, row.get::<i64>("fence")?);
        let entries = claims.get(&claim).map_or(0, |(entries, _)| *entries);
        next.insert(claim, row.get::<i64>("events")? - entries);
    }
    let numbers = group.iter().map(|entry| {
        let last = next.get_mut(&(id(entry.task), entry.fence))?;
        *last += 1;
        Some(*last)
    });
    Ok(numbers.collect())
}

/// Writes down the steps that begin; tells how often each has begun by now.
async fn begin<'a>(
    sql: &Sql<'_>,
    entries: impl Iterator<Item = (&'a Entry, i64)>,
) -> Result<HashMap<(String, String), u32>, StorageError> {
    let input: Vec<Value> = entries
        .filter(|(entry, _)| matches!(entry.change, Change::Begin))
        .map(|(entry, seq)| json!({"task": id(entry.task), "path": entry.path, "seq": seq, "at": entry.at}))
        .collect();
    if input.is_empty() {
        return Ok(HashMap::new());
    }
    let input_rows = sql.rows(&[("task", "text"), ("path", "text"), ("seq", "bigint"), ("at", "bigint")]);
    let text = format!(
        "WITH input AS ({input_rows}) INSERT INTO steps (task_id, path, position, status, attempts, started_at)
           SELECT task, path, seq, 'running', 1, at FROM input WHERE true
         ON CONFLICT (task_id, path) DO UPDATE SET status = 'running', attempts = steps.attempts + 1,
           started_at = excluded.started_at, finished_at = NULL, result = NULL, error = NULL, reasons = '[]'
         RETURNING task_id, path, attempts"
    );
    let begun = sql.all(&text, values![Value::from(input).to_string()]).await?;
    begun.iter().map(|row| Ok(((row.get("task_id")?, row.get("path")?), row.small("attempts")?))).collect()
}

/// Writes down what steps came to.
async fn end<'a>(sql: &Sql<'_>, entries: impl Iterator<Item = (&'a Entry, i64)>) -> Result<(), StorageError> {
    let ended = |(entry, _): (&'a Entry, i64)| match &entry.change {
        Change::End { status, result, reasons, error } => Some(json!({
            "task": id(entry.task), "path": entry.path, "at": entry.at, "status": status, "result": result,
            "reasons": reasons, "error": error,
        })),
        _ => None,
    };
    let input: Vec<Value> = entries.filter_map(ended).collect();
    if input.is_empty() {
        return Ok(());
    }
    let texts = ["task", "path", "status", "result", "reasons", "error"].map(|name| (name, "text"));
    let columns: Vec<_> = texts.into_iter().chain([("at", "bigint")]).collect();
    let text = format!(
        "WITH input AS ({}) UPDATE steps SET status = input.status, finished_at = input.at, result = input.result,
           reasons = input.reasons, error = input.error
         FROM input WHERE steps.task_id = input.task AND steps.path = input.path",
        sql.rows(&columns)
    );
    sql.run(&text, values![Value::from(input).to_string()]).await.map(drop)
}

async fn journal<'a>(
    sql: &Sql<'_>,
    entries: impl Iterator<Item = (&'a Entry, i64)>,
) -> Result<(), StorageError> {
    let line = |(entry, seq): (&'a Entry, i64)| {
        json!({"task": id(entry.task), "seq": seq, "fence": entry.fence, "at": entry.at, "event": entry.event,
               "path": entry.path, "detail": sql::plain(&entry.detail)})
    };
    let input: Vec<Value> = entries.map(line).collect();
    if input.is_empty() {
        return Ok(());
    }
    let texts = ["task", "event", "path", "detail"].map(|name| (name, "text"));
    let columns: Vec<_> =
        texts.into_iter().chain(["seq", "fence", "at"].map(|name| (name, "bigint"))).collect();
    let text = format!(
        "WITH input AS ({}) INSERT INTO journal (task_id, seq, fence, at, event, path, detail)
           SELECT task, seq, fence, at, event, path, detail FROM input",
        sql.rows(&columns)
    );
    sql.run(&text, values![Value::from(input).to_string()]).await.map(drop)
}
