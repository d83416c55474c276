//! The command line of tasks, workers and schedules.

use clap::{Args, Subcommand};

use super::{BriefArgs, Page};

#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// Store a task without running it
    Create {
        /// What the article should be about
        #[arg(allow_hyphen_values = true)]
        topic: String,
        #[command(flatten)]
        brief: BriefArgs,
        #[command(flatten)]
        terms: TermsArgs,
    },
    /// List tasks, the newest first
    List {
        #[command(flatten)]
        page: Page,
        /// Only tasks of this status, such as `failed`
        #[arg(long, value_name = "STATUS")]
        status: Option<cofounder_domain::Status>,
    },
    /// Show a task: its history, its runs and who held them, each step's attempts, time, tokens and cost
    Show {
        /// The task's id, or its first characters
        id: String,
        /// Print every entry of its journal as well
        #[arg(long)]
        journal: bool,
    },
    /// Approve a task's draft: its post goes live
    Approve {
        /// The task's id, or its first characters
        id: String,
        /// Approve although a check that must pass did not, for this reason
        #[arg(long, value_name = "REASON")]
        override_reason: Option<String>,
        /// Go live at this time instead of now (RFC 3339); a worker that runs then publishes it
        #[arg(long, value_name = "TIME")]
        publish_at: Option<cofounder_domain::Timestamp>,
    },
    /// Take an approval for a time that has not come back: the draft waits for approval again
    Unschedule {
        /// The task's id, or its first characters
        id: String,
    },
    /// Say no to a task's draft
    Reject {
        /// The task's id, or its first characters
        id: String,
        /// Why; with --rework, what the writer should do otherwise
        #[arg(long, value_name = "TEXT", default_value = "")]
        notes: String,
        /// Send it back: the writer is given the notes, and what the research found is kept
        #[arg(long, requires = "notes")]
        rework: bool,
        /// With --rework: leave it to a worker instead of running it here
        #[arg(long, requires = "rework")]
        detach: bool,
    },
    /// End a task; whoever runs it stops
    Cancel {
        /// The task's id, or its first characters
        id: String,
    },
    /// Set a task aside; whoever runs it stops, and all that is done is kept
    Hold {
        /// The task's id, or its first characters
        id: String,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Put a task that was set aside back to where it was
    Release {
        /// The task's id, or its first characters
        id: String,
    },
    /// Run a task again that failed, was rejected or was cancelled, keeping finished steps
    Retry {
        /// The task's id, or its first characters
        id: String,
        /// Do this step and all after it anew
        #[arg(long, value_name = "STEP")]
        from: Option<String>,
        /// Leave it to a worker instead of running it here
        #[arg(long)]
        detach: bool,
    },
    /// Go on with a task that was interrupted
    Resume {
        /// The task's id, or its first characters
        id: String,
    },
}

/// How a task is to be run.
#[derive(Debug, Args)]
pub(crate) struct TermsArgs {
    /// Tasks of a higher priority run first (-100 to 100); every fourth claim takes the oldest all the same
    #[arg(long, value_name = "N", default_value_t = 0, allow_hyphen_values = true, value_parser = clap::value_parser!(i32).range(-100..=100))]
    pub(crate) priority: i32,
    /// What its worker must have, such as `gpu`
    #[arg(long, value_name = "NAME")]
    pub(crate) needs: Option<String>,
    /// Not before this time (RFC 3339, such as 2026-12-24T07:00:00Z)
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<cofounder_domain::Timestamp>,
    /// Failed if it is not done by this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) deadline: Option<cofounder_domain::Timestamp>,
    /// Names the wish: asking again with the same key makes no second task
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Tasks at the same time (default: worker.concurrency of the configuration, 2)
    #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=256))]
    pub(crate) concurrency: Option<usize>,
    /// Something that this machine has and tasks may need, such as `gpu`; may be given more than once
    #[arg(long = "capability", value_name = "NAME")]
    pub(crate) capabilities: Vec<String>,
    /// End when nothing is left to do
    #[arg(long)]
    pub(crate) until_idle: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Ask for an article again and again
    Add {
        /// A name for it
        name: String,
        /// When: minute, hour, day of the month, month, day of the week, such as `30 7 * * MON-FRI`
        cron: String,
        /// What the articles should be about
        #[arg(allow_hyphen_values = true)]
        topic: String,
        /// The time zone in which the hours count
        #[arg(long, value_name = "ZONE", default_value = "UTC")]
        zone: String,
        #[command(flatten)]
        brief: BriefArgs,
        /// The tasks' priority (-100 to 100)
        #[arg(long, value_name = "N", default_value_t = 0, allow_hyphen_values = true, value_parser = clap::value_parser!(i32).range(-100..=100))]
        priority: i32,
        /// What the tasks' worker must have, such as `gpu`
        #[arg(long, value_name = "NAME")]
        needs: Option<String>,
    },
    /// List schedules
    List,
    /// Remove a schedule; the tasks that it made stay
    Rm {
        /// Its name
        name: String,
    },
}
