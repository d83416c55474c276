//! The command line, as clap reads it.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// An AI co-founder that proves what it writes.
#[derive(Debug, Parser)]
#[command(name = "cofounder", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes, before or after its name.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Configuration file (default: ./cofounder.toml, then cofounder/config.toml in your configuration folder)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where tasks, sources and posts are kept
    #[arg(long, global = true, value_name = "DIR", env = "COFOUNDER_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Database, `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME` (default: cofounder.db in the data directory)
    #[arg(long, global = true, value_name = "URL", env = "COFOUNDER_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Print data as JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on standard error; twice for even more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Research a topic and write an article that waits for your approval
    Write(WriteArgs),
    /// The work that was asked for, and what became of it
    #[command(subcommand)]
    Task(TaskCommand),
    /// Take tasks from the queue and run them until told to stop; any number of these may share one database
    Worker(WorkerArgs),
    /// Tasks that come again and again
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Articles
    #[command(subcommand)]
    Post(PostCommand),
    /// Stored sources
    #[command(subcommand)]
    Source(SourceCommand),
    /// Local models
    #[command(subcommand)]
    Model(ModelCommand),
    /// Bring the database up to date; SQLite does it by itself, PostgreSQL only so
    Migrate,
    /// Check text for what should not be in it
    Lint(LintArgs),
    /// Check this installation: each part is ok, a warning or a problem, with its remedy
    Doctor,
    /// Run a local model in this process (started by the other commands)
    #[command(subcommand, hide = true)]
    Engine(EngineCommand),
}

#[derive(Debug, Args)]
pub(crate) struct WriteArgs {
    /// What the article should be about
    #[arg(allow_hyphen_values = true)]
    pub(crate) topic: String,
    #[command(flatten)]
    pub(crate) brief: BriefArgs,
    /// Where the article's files are left
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct BriefArgs {
    /// A file, a directory or an http(s) address to take evidence from; may be given more than once.
    /// Without any, Wikipedia is asked
    #[arg(long = "source", value_name = "PATH|URL")]
    pub(crate) sources: Vec<String>,
    /// How long the article should be, in words
    #[arg(long, value_name = "N", default_value_t = u64::from(cofounder_domain::DEFAULT_WORDS))]
    pub(crate) words: u64,
    /// The model to use, `provider/model` or a local model's name; never replaced by another
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<String>,
}

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
    },
    /// Say no to a task's draft
    Reject {
        /// The task's id, or its first characters
        id: String,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        notes: String,
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

#[derive(Debug, Subcommand)]
pub(crate) enum PostCommand {
    /// List posts, the newest first
    List(Page),
    /// Show a post
    Show {
        /// The post's id or slug
        id: String,
    },
    /// Write posts as Markdown, HTML and report
    Export {
        /// The post's id or slug; without it, every published post
        id: Option<String>,
        /// The folder to write into
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    /// List stored sources
    List(Page),
    /// Print a source's extracted text, which passages are byte ranges of
    Show {
        /// The source's id, or its first characters
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// List the models that are here and those that can be had
    List,
    /// Fetch a model, or register a GGUF file that is already here
    Pull {
        /// The model's name
        name: String,
        /// A GGUF file to register under that name
        #[arg(long, value_name = "PATH")]
        file: Option<PathBuf>,
    },
    /// Remove a model
    Rm {
        /// The model's name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Markdown files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Check facts against the texts in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) sources: Option<PathBuf>,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = LintFormat::Human)]
    pub(crate) format: LintFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintFormat {
    /// One finding a line, as compilers print them
    Human,
    /// One JSON document
    Json,
    /// SARIF 2.1.0
    Sarif,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EngineCommand {
    /// Serve a text model on a Unix socket
    Text {
        /// The GGUF file
        #[arg(long)]
        model: PathBuf,
        /// The socket
        #[arg(long)]
        socket: PathBuf,
        /// Tokens that prompt and answer may have together
        #[arg(long)]
        context: Option<usize>,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Page {
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=500))]
    pub(crate) limit: u64,
    /// Go on behind this cursor, as the last page named it
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}
