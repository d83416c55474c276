//! This process's money: durable slices of accounts, from which calls reserve in memory.
//!
//! A slice is written down before any of it is reserved, so no cap is passed whatever other processes do, and a crash
//! leaves its slices used. A call takes no time at the disk while its accounts' slices hold enough.

use cofounder_domain::NanoUsd;
use cofounder_storage::{Account, Database, Spend, StorageError, Taken};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A slice is at least this part of its cap, so that few calls need a new one.
const PART: u64 = 64;
/// How long money that nobody uses stays with this process.
const IDLE: Duration = Duration::from_secs(2);

/// An account with the most that may be used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capped {
    pub(crate) account: Account,
    pub(crate) cap: NanoUsd,
}

/// Too little is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Short {
    pub(crate) account: Account,
    pub(crate) cap: NanoUsd,
    /// Spent and set aside, by whichever process.
    pub(crate) used: NanoUsd,
    pub(crate) needed: NanoUsd,
    /// It would be enough if what calls that run have set aside, here and elsewhere, comes back.
    pub(crate) held: bool,
}

/// Slices of accounts.
#[derive(Debug)]
pub(crate) struct Purse {
    db: Arc<Database>,
    owner: String,
    pockets: Mutex<HashMap<Account, Pocket>>,
}

/// What this process has of one account, in nano-dollars.
#[derive(Debug)]
struct Pocket {
    /// The slice, as the database has it.
    amount: u64,
    /// Spent by calls that ended.
    spent: u64,
    /// Of that, written down.
    recorded: u64,
    /// Set aside for calls that run.
    held: u64,
    touched: Instant,
    /// Held by whoever changes the slice.
    changing: Arc<tokio::sync::Mutex<()>>,
}

impl Pocket {
    fn free(&self) -> u64 {
        self.amount.saturating_sub(self.spent).saturating_sub(self.held)
    }

    /// What is missing beside what is free, to have `wanted`.
    fn lacks(&self, wanted: u64) -> u64 {
        // After an overdraft there is less than nothing.
        self.spent.saturating_add(self.held).saturating_add(wanted).saturating_sub(self.amount)
    }
}

impl Default for Pocket {
    fn default() -> Self {
        let (amount, spent, recorded, held) = (0, 0, 0, 0);
        Self { amount, spent, recorded, held, touched: Instant::now(), changing: Arc::default() }
    }
}

/// Money set aside for one call. What becomes of it is told once; if it is not, it counts as spent by nobody knows
/// whom, until the slice is reconciled.
#[derive(Debug)]
pub(crate) struct Hold {
    purse: Arc<Purse>,
    accounts: Vec<Capped>,
    pub(crate) amount: NanoUsd,
}

impl Purse {
    pub(crate) fn new(db: Arc<Database>, owner: String) -> Arc<Self> {
        Arc::new(Self { db, owner, pockets: Mutex::default() })
    }

    /// Sets money aside in every account: `wanted`, or as much as there is if that is at least `least`.
    pub(crate) async fn reserve(
        self: &Arc<Self>,
        accounts: &[Capped],
        wanted: NanoUsd,
        least: NanoUsd,
    ) -> Result<Result<Hold, Short>, StorageError> {
        let mut hold = Hold { purse: Arc::clone(self), accounts: accounts.to_vec(), amount: NanoUsd::ZERO };
        Ok(match hold.grow(wanted, least).await? {
            Ok(()) => Ok(hold),
            Err(short) => Err(short),
        })
    }

    fn pockets(&self) -> MutexGuard<'_, HashMap<Account, Pocket>> {
        self.pockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes from every account at once, if each has `least`. Tells how much was taken.
    fn take(&self, accounts: &[Capped], wanted: u64, least: u64) -> Option<u64> {
        let mut pockets = self.pockets();
        let free = |a: &Capped| pockets.get(&a.account).map_or(0, Pocket::free);
        let taken = accounts.iter().map(free).min().unwrap_or(u64::MAX).min(wanted);
        if taken < least {
            return None;
        }
        for capped in accounts {
            if let Some(pocket) = pockets.get_mut(&capped.account) {
                pocket.held += taken;
                pocket.touched = Instant::now();
            }
        }
        Some(taken)
    }

    /// Makes an account's slice larger, until `wanted` is free or the cap is reached; `least` at any rate.
    async fn fill(
        &self,
        capped: &Capped,
        wanted: u64,
        least: u64,
    ) -> Result<Result<(), Short>, StorageError> {
        let changing = match self.pockets().entry(capped.account.clone()).or_default() {
            pocket if pocket.lacks(wanted) == 0 => return Ok(Ok(())),
            pocket => pocket.changing.clone(),
        };
        let _changing = changing.lock().await;
        let (lacks, lacks_least) = match self.pockets().get(&capped.account) {
            Some(pocket) => (pocket.lacks(wanted), pocket.lacks(least)),
            None => (wanted, least),
        };
        if lacks == 0 {
            return Ok(Ok(()));
        }
        let ask = NanoUsd::new(lacks.saturating_add(capped.cap.nano() / PART));
        let least_ask = NanoUsd::new(lacks_least);
        let account = &capped.account;
        match self.db.take_slice(account, &self.owner, ask, least_ask, capped.cap).await? {
            Taken::Money(money) => {
                let mut pockets = self.pockets();
                let pocket = pockets.entry(account.clone()).or_default();
                pocket.amount += money.nano();
                pocket.touched = Instant::now();
                Ok(Ok(()))
            }
            // The cap is reached, and what is needed at the least is there.
            Taken::Refused { .. } if lacks_least == 0 => Ok(Ok(())),
            Taken::Refused { used } => {
                let needed = NanoUsd::new(least);
                // What is free here is set aside for nobody yet.
                let free = self.pockets().get(account).map_or(0, Pocket::free);
                let used = used.saturating_sub(NanoUsd::new(free));
                let held = self.spent(account).await? + needed <= capped.cap;
                Ok(Err(Short { account: account.clone(), cap: capped.cap, used, needed, held }))
            }
        }
    }

    /// What is spent of an account, by every process: what is written down, and what of this one is not yet.
    async fn spent(&self, account: &Account) -> Result<NanoUsd, StorageError> {
        let written = self.db.account(account).await?.spent;
        let pockets = self.pockets();
        let unwritten = pockets.get(account).map_or(0, |pocket| pocket.spent.saturating_sub(pocket.recorded));
        Ok(written + NanoUsd::new(unwritten))
    }

    /// These spends are written down: where they are more than the slice, the database has made it larger.
    pub(crate) fn recorded(&self, spends: &[Spend]) {
        let mut pockets = self.pockets();
        for spend in spends {
            if let Some(pocket) = pockets.get_mut(&spend.account) {
                pocket.recorded += spend.amount.nano();
                pocket.amount = pocket.amount.max(pocket.recorded);
            }
        }
    }

    /// Gives back what nobody has used for a while; everything that is free, if this process ends.
    pub(crate) async fn give_back(&self, all: bool) -> Result<(), StorageError> {
        let idle: Vec<(Account, Arc<tokio::sync::Mutex<()>>)> = {
            let pockets = self.pockets();
            let idle = |p: &Pocket| p.free() > 0 && (all || p.touched.elapsed() > IDLE);
            pockets.iter().filter(|(_, p)| idle(p)).map(|(a, p)| (a.clone(), p.changing.clone())).collect()
        };
        for (account, changing) in idle {
            let _changing = changing.lock().await;
            let amount = {
                let mut pockets = self.pockets();
                let Some(pocket) = pockets.get_mut(&account) else { continue };
                let free = pocket.free();
                // It is gone from here before it is free for others. Whether it arrives or not: it is not taken again.
                pocket.amount -= free;
                NanoUsd::new(free)
            };
            self.db.give_back(&self.owner, &[Spend { account, amount }]).await?;
        }
        self.pockets().retain(|_, p| p.amount > p.spent || p.held > 0 || p.spent > p.recorded);
        Ok(())
    }
}

impl Hold {
    /// Sets more aside, for one more request. On [`Short`] nothing changes.
    pub(crate) async fn grow(
        &mut self,
        wanted: NanoUsd,
        least: NanoUsd,
    ) -> Result<Result<(), Short>, StorageError> {
        let (wanted, least) = (wanted.nano(), least.nano());
        // What was filled may be taken by others before it is taken here.
        for _ in 0..16 {
            if let Some(taken) = self.purse.take(&self.accounts, wanted, wanted) {
                self.amount = self.amount + NanoUsd::new(taken);
                return Ok(Ok(()));
            }
            for capped in &self.accounts {
                if let Err(short) = self.purse.fill(capped, wanted, least).await? {
                    return Ok(Err(short));
                }
            }
            if let Some(taken) = self.purse.take(&self.accounts, wanted, least) {
                self.amount = self.amount + NanoUsd::new(taken);
                return Ok(Ok(()));
            }
        }
        let first = self.accounts.first().cloned();
        let capped = first.unwrap_or(Capped {
            account: Account { scope: String::new(), period: String::new() },
            cap: NanoUsd::ZERO,
        });
        let (account, cap) = (capped.account, capped.cap);
        Ok(Err(Short { account, cap, used: cap, needed: NanoUsd::new(least), held: true }))
    }

    /// The call ended and took this much; the rest is free again.
    pub(crate) fn settle(self, spent: NanoUsd) {
        let mut pockets = self.purse.pockets();
        for capped in &self.accounts {
            // A pocket with money set aside is never given up.
            if let Some(pocket) = pockets.get_mut(&capped.account) {
                pocket.held = pocket.held.saturating_sub(self.amount.nano());
                pocket.spent += spent.nano();
                pocket.touched = Instant::now();
            }
        }
    }
}
