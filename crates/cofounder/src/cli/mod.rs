//! The command line, as clap reads it.

mod keeping;
mod models;
mod people;
mod server;
mod tasks;

pub(crate) use self::{
    keeping::{BackupArgs, RestoreArgs},
    models::{ModelCommand, ProviderArgs, ProviderCommand},
    people::{InitArgs, UserCommand},
    server::{
        BudgetCommand, HealthArgs, LedgerBy, LedgerCommand, LedgerFilterArgs, ServeArgs, TokenArgs,
        TokenCommand,
    },
    tasks::{ScheduleCommand, TaskCommand, TermsArgs, WorkerArgs},
};

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
    /// Write a commented configuration and make the first owner
    Init(InitArgs),
    /// Serve the gateway and the API, with a worker inside
    Serve(ServeArgs),
    /// People who may sign in
    #[command(subcommand)]
    User(UserCommand),
    /// Ask the server on this machine how its parts are; exit code 1 if one that it needs is down
    Health(HealthArgs),
    /// Tokens for programs that use the server
    #[command(subcommand)]
    Token(TokenCommand),
    /// Places where models are
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Models: local ones, and which one takes which call
    #[command(subcommand)]
    Model(ModelCommand),
    /// What may be spent, what is spent, and what is set aside
    #[command(subcommand)]
    Budget(BudgetCommand),
    /// Every model call: who asked, what it took, why that model
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Bring the database up to date; SQLite does it by itself, PostgreSQL only so
    Migrate,
    /// Print the description of the server's API (OpenAPI 3.1)
    Openapi,
    /// Write all that is in the database into one file, while others go on working
    Backup(BackupArgs),
    /// Put a backup into a new, empty installation, whichever kind of database that has
    Restore(RestoreArgs),
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
pub(crate) enum PostCommand {
    /// List posts, the newest first
    List(Page),
    /// Show a post
    Show {
        /// The post's id or slug
        id: String,
    },
    /// Take a post off the site; it is kept
    Unpublish {
        /// The post's id or slug
        id: String,
    },
    /// Put a post back on the site that was taken off it
    Publish {
        /// The post's id or slug
        id: String,
        /// Put it back although its text is not the one that was checked, for this reason
        #[arg(long, value_name = "REASON")]
        override_reason: Option<String>,
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
        /// What it is called in answers; the file's name, if none is named
        #[arg(long)]
        name: Option<String>,
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
