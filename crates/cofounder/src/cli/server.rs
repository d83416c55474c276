//! The command line of the server, its tokens, and what calls took.

use clap::{Args, Subcommand, ValueEnum};

use super::Page;

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where it listens (default: server.bind of the configuration, 127.0.0.1:8000)
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind: Option<std::net::SocketAddr>,
    /// Run no tasks in this process
    #[arg(long)]
    pub(crate) no_worker: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// Where it listens (default: server.bind of the configuration, 127.0.0.1:8000)
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<std::net::SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; it is printed once, alone on the last line
    Create {
        /// What you call it
        name: String,
        #[command(flatten)]
        terms: TokenArgs,
    },
    /// List tokens, the newest first
    List(Page),
    /// Take a token back; servers refuse it within a second
    Revoke {
        /// The token's id, as the list shows it
        id: String,
    },
}

/// What a token may, for how long, and how much.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// admin, editor, writer, viewer or gateway; may be given more than once (default: gateway)
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// How long it is good for, such as 90d, 12h or 30m (default: 90d)
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
    /// The most that it may spend on a day (UTC)
    #[arg(long, value_name = "USD", allow_negative_numbers = true)]
    pub(crate) budget_day: Option<f64>,
    /// The most that it may spend in a month (UTC)
    #[arg(long, value_name = "USD", allow_negative_numbers = true)]
    pub(crate) budget_month: Option<f64>,
    /// Calls in any minute, in each server
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) requests_per_minute: Option<u32>,
    /// Tokens in any minute, in each server
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) tokens_per_minute: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BudgetCommand {
    /// Show what is spent and set aside today and this month
    Show,
    /// Give back what processes that ended had set aside and the ledger does not know as spent
    Reconcile {
        /// Also for processes of which nobody knows here whether they run: only when you know that they do not
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// List calls, the newest first
    List {
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        filter: LedgerFilterArgs,
    },
    /// Show what was asked and answered in a call, as far as that is kept
    Show {
        /// The call's id: the list shows it with --json, an answer's header `x-cofounder-call` too
        id: String,
    },
    /// Sum calls
    Sum {
        /// What they are summed by
        #[arg(long, value_enum, default_value_t = LedgerBy::Model)]
        by: LedgerBy,
        #[command(flatten)]
        filter: LedgerFilterArgs,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LedgerBy {
    /// The day (UTC)
    Day,
    /// The model
    Model,
    /// The token
    Token,
    /// The role
    Role,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerFilterArgs {
    /// Only calls with this token
    #[arg(long, value_name = "ID")]
    pub(crate) token: Option<String>,
    /// Only calls of this task
    #[arg(long, value_name = "ID")]
    pub(crate) task: Option<String>,
    /// Only calls of this `provider/model`
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<String>,
    /// Only calls begun at this time or later (RFC 3339, such as 2026-11-28T00:00:00Z)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<cofounder_domain::Timestamp>,
    /// Only calls begun before this time (RFC 3339, such as 2026-11-28T00:00:00Z)
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<cofounder_domain::Timestamp>,
}
