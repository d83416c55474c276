//! The ledger of clients' calls: gathered in memory, written many at a time, never waited for by a call.
//!
//! What a crash loses is what had not been written yet. It is not lost from the budget: its money was taken in slices
//! before, and the difference is shown there.

use cofounder_domain::FaultKind;
use cofounder_storage::{Database, LedgerCall, Spend, patiently};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::purse::Purse;

/// How long a line waits for company, so that many share one wait for the disk.
const COMPANY: Duration = Duration::from_millis(20);
/// The most lines of one transaction.
const LINES: usize = 512;
/// While so many lines wait, nothing new is begun.
const MOST: usize = 20_000;
/// How long a database that does not answer is asked again before it is said so.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often money that nobody uses is looked for.
const TIDY: Duration = Duration::from_secs(1);

/// Writes lines in the background.
#[derive(Debug)]
pub(crate) struct Ledger {
    lines: Mutex<Vec<Line>>,
    written: Notify,
    wake: Notify,
    /// Lines that are being written now.
    writing: AtomicUsize,
    ending: CancellationToken,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// A call, and what it spent.
#[derive(Debug)]
struct Line {
    call: LedgerCall,
    spends: Vec<Spend>,
}

/// Calls of one transaction, and what each of them spent.
type Part = (Vec<LedgerCall>, Vec<Vec<Spend>>);

impl Ledger {
    /// Begins to write, on this runtime.
    pub(crate) fn start(db: Arc<Database>, owner: String, purse: Arc<Purse>) -> Arc<Self> {
        let ledger = Arc::new(Self {
            lines: Mutex::default(),
            written: Notify::new(),
            wake: Notify::new(),
            writing: AtomicUsize::new(0),
            ending: CancellationToken::new(),
            writer: Mutex::new(None),
        });
        let writing = tokio::spawn(Arc::clone(&ledger).write(db, owner, purse));
        *ledger.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writing);
        ledger
    }

    /// Whether lines are written as fast as they come. Where they are not, a call is not begun: it could not be
    /// accounted for.
    pub(crate) fn keeps_up(&self) -> bool {
        self.waiting() < MOST
    }

    /// Lines that are not written yet.
    pub(crate) fn waiting(&self) -> usize {
        self.lines().len() + self.writing.load(Ordering::Acquire)
    }

    /// Adds a line. It is written soon.
    pub(crate) fn add(&self, call: LedgerCall, spends: Vec<Spend>) {
        let first = {
            let mut lines = self.lines();
            lines.push(Line { call, spends });
            lines.len() == 1
        };
        if first {
            self.wake.notify_one();
        }
    }

    /// Waits until everything is written, as long as that takes: whoever ends the program sets the limit.
    pub(crate) async fn flush(&self) {
        loop {
            let written = self.written.notified();
            if self.waiting() == 0 {
                return;
            }
            self.wake.notify_one();
            tokio::select! { () = written => {}, () = tokio::time::sleep(COMPANY) => {} }
        }
    }

    /// Writes what waits, for so long at the most, and writes no more.
    pub(crate) async fn close(&self, within: Duration) {
        if timeout(within, self.flush()).await.is_err() {
            let calls = self.waiting();
            tracing::error!(
                calls,
                "the database did not take the last calls: they are not in the ledger, and their money stays used"
            );
        }
        self.ending.cancel();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // It ends when it next looks around; a panic in it was logged as one.
            drop(timeout(within, writer).await);
        }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(self: Arc<Self>, db: Arc<Database>, owner: String, purse: Arc<Purse>) {
        loop {
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(TIDY) => {
                    if let Err(error) = purse.give_back(false).await {
                        tracing::warn!(%error, "money that nobody uses could not be given back; it counts as used");
                    }
                }
                () = self.ending.cancelled() => return,
            }
            if self.lines().is_empty() {
                continue;
            }
            self.company().await;
            while self.write_some(&db, &owner, &purse).await {
                // What came meanwhile waits as well: few large commits leave more time for calls than many small ones.
                self.company().await;
            }
        }
    }

    async fn company(&self) {
        if self.lines().len() < LINES {
            tokio::time::sleep(COMPANY).await;
        }
    }

    /// Writes the oldest lines; tells whether there were any.
    async fn write_some(&self, db: &Database, owner: &str, purse: &Purse) -> bool {
        let some: Vec<Line> = {
            let mut lines = self.lines();
            let count = lines.len().min(LINES);
            self.writing.store(count, Ordering::Release);
            lines.drain(..count).collect()
        };
        if some.is_empty() {
            self.written.notify_waiters();
            return false;
        }
        // A line that the database refuses for what it is must not keep others out: it is looked for by halves.
        let mut parts = vec![some.into_iter().map(|line| (line.call, line.spends)).unzip()];
        while let Some(part) = parts.pop() {
            if let Some((one, other)) = self.write_part(part, db, owner, purse).await {
                parts.extend([other, one]);
            }
        }
        true
    }

    /// Writes lines in one transaction; gives them back in halves if the database will never take them together.
    async fn write_part(
        &self,
        part: Part,
        db: &Database,
        owner: &str,
        purse: &Purse,
    ) -> Option<(Part, Part)> {
        let (mut calls, mut each) = part;
        let spends: Vec<Spend> = each.iter().flatten().cloned().collect();
        loop {
            // The same calls once more change nothing, so it may be tried again and again.
            let wrote = patiently(PATIENCE, &self.ending, || db.record_calls(owner, &calls, &spends)).await;
            match wrote {
                Ok(()) => {
                    purse.recorded(&spends);
                    return None;
                }
                Err(error) if error.kind() == FaultKind::Bug && calls.len() > 1 => {
                    let half = calls.len() / 2;
                    let other = (calls.split_off(half), each.split_off(half));
                    return Some(((calls, each), other));
                }
                Err(error) if error.kind() == FaultKind::Bug => {
                    let call = calls.first().map(|call| call.call_id.to_string());
                    tracing::error!(%error, call, "the database refuses a call, which is not in the ledger; its money stays used");
                    return None;
                }
                Err(error) if self.ending.is_cancelled() => {
                    tracing::error!(%error, calls = calls.len(), "calls were made that are not in the ledger; their slices stay used");
                    return None;
                }
                Err(error) => {
                    tracing::error!(%error, calls = calls.len(), "the ledger cannot be written; trying again");
                    tokio::time::sleep(PATIENCE / 60).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofounder_domain::{CallId, NanoUsd, SystemClock};
    use cofounder_storage::{Account, CallKind, CallState, CallTokens, LedgerFilter, Location, PoolSettings};

    fn line(db: &Database, account: &Account) -> Line {
        let (at, nothing) = (db.now(), String::new);
        let call = LedgerCall {
            call_id: CallId::new(at),
            at,
            kind: CallKind::Chat,
            role: nothing(),
            token: None,
            step: "gateway".to_owned(),
            model: "a/b".to_owned(),
            state: CallState::Done,
            error: None,
            fault: None,
            tokens: CallTokens::default(),
            cost: NanoUsd::new(7),
            lost: NanoUsd::ZERO,
            first_token_ms: None,
            ms: 1,
            attempts: "[]".to_owned(),
            route: "{}".to_owned(),
            request: nothing(),
            answer: None,
        };
        Line { call, spends: vec![Spend { account: account.clone(), amount: NanoUsd::new(7) }] }
    }

    /// A call that is told twice is refused together with others. Tried by giving up what is refused, and by writing only
    /// the first half of it: the test failed each time.
    #[tokio::test]
    async fn a_line_that_the_database_refuses_keeps_no_other_out() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("db"));
        let opened = Database::open(&location, PoolSettings::default(), Arc::new(SystemClock)).await;
        let (db, owner) = (Arc::new(opened.unwrap()), "me".to_owned());
        let ledger = Ledger::start(db.clone(), owner.clone(), Purse::new(db.clone(), owner));
        let account = Account { scope: "site:1".to_owned(), period: "ever".to_owned() };
        let lines: Vec<Line> = (0..9).map(|_| line(&db, &account)).collect();
        for (at, Line { call, spends }) in lines.iter().enumerate() {
            (0..=usize::from(at == 4)).for_each(|_| ledger.add(call.clone(), spends.clone()));
        }
        ledger.close(Duration::from_secs(20)).await;
        let mut written: Vec<_> = db.ledger(&LedgerFilter::default(), 99, None).await.unwrap().items;
        written.sort_by_key(|row| row.call_id);
        let mut told: Vec<_> = lines.iter().map(|line| Some(line.call.call_id)).collect();
        told.sort();
        assert_eq!(written.iter().map(|row| row.call_id).collect::<Vec<_>>(), told);
        assert_eq!(db.account(&account).await.unwrap().spent, NanoUsd::new(9 * 7));
    }
}
