//! Which accounts a call is counted against, and the most that may be used of each.

use cofounder_domain::{NanoUsd, SiteId, TaskId, Timestamp, TokenId};
use cofounder_storage::{Account, Spend};

use crate::purse::Capped;

/// The most that may be spent, as the configuration has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    /// By one call.
    pub call: Option<NanoUsd>,
    /// For one task.
    pub task: Option<NanoUsd>,
    /// By the site on one day (UTC).
    pub day: Option<NanoUsd>,
    /// By the site in one month (UTC).
    pub month: Option<NanoUsd>,
}

/// A token that pays, with its own caps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenTerms {
    /// The token.
    pub id: TokenId,
    /// The most that it may spend on one day (UTC).
    pub day: Option<NanoUsd>,
    /// The most that it may spend in one month (UTC).
    pub month: Option<NanoUsd>,
    /// Calls begun in any minute, in each process.
    pub requests_per_minute: Option<u32>,
    /// Tokens in any minute, in each process.
    pub tokens_per_minute: Option<u64>,
}

/// Who a call is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payer {
    /// The task whose step asks.
    pub task: Option<TaskId>,
    /// The token with which a client asks.
    pub token: Option<TokenTerms>,
}

/// The accounts of one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    /// All of them: what was spent is counted here, capped or not.
    counted: Vec<Account>,
    /// Those with a cap.
    pub(crate) capped: Vec<Capped>,
}

impl Budgets {
    /// Whether any cap holds for everybody: then a model without a price cannot be used.
    #[must_use]
    pub fn any(&self) -> bool {
        [self.call, self.task, self.day, self.month].iter().any(Option::is_some)
    }

    pub(crate) fn accounts(&self, payer: &Payer, now: Timestamp) -> Accounts {
        let (day, month) = (day(now), month(now));
        let mut accounts = Accounts::default();
        accounts.add(site(), day.clone(), self.day);
        accounts.add(site(), month.clone(), self.month);
        if let Some(task) = payer.task {
            accounts.add(format!("task:{task}"), "ever".to_owned(), self.task);
        }
        if let Some(token) = payer.token {
            let scope = format!("token:{}", token.id);
            accounts.add(scope.clone(), day, token.day);
            accounts.add(scope, month, token.month);
        }
        accounts
    }
}

impl Accounts {
    fn add(&mut self, scope: String, period: String, cap: Option<NanoUsd>) {
        let account = Account { scope, period };
        if let Some(cap) = cap {
            self.capped.push(Capped { account: account.clone(), cap });
        }
        self.counted.push(account);
    }

    /// What was spent, for each account.
    pub(crate) fn spends(&self, amount: NanoUsd) -> Vec<Spend> {
        if amount == NanoUsd::ZERO {
            return Vec::new();
        }
        self.counted.iter().map(|account| Spend { account: account.clone(), amount }).collect()
    }
}

/// The default site's scope.
#[must_use]
pub fn site() -> String {
    format!("site:{}", SiteId::DEFAULT)
}

/// The day's period (UTC).
#[must_use]
pub fn day(at: Timestamp) -> String {
    format!("day:{}", at.date_naive())
}

/// The month's period (UTC).
#[must_use]
pub fn month(at: Timestamp) -> String {
    let date = at.date_naive().to_string();
    format!("month:{}", date.get(..7).unwrap_or(&date))
}
