//! The commands, one file each. A command reads its options, uses the application, and prints its result.

pub(crate) mod backup;
pub(crate) mod budget;
pub(crate) mod doctor;
pub(crate) mod engine;
pub(crate) mod health;
pub(crate) mod init;
pub(crate) mod ledger;
pub(crate) mod lint;
pub(crate) mod migrate;
pub(crate) mod model;
pub(crate) mod model_route;
pub(crate) mod post;
pub(crate) mod provider;
pub(crate) mod provider_add;
pub(crate) mod restore;
pub(crate) mod schedule;
pub(crate) mod serve;
pub(crate) mod source;
pub(crate) mod task;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod worker;
pub(crate) mod write;

use crate::{
    app::{App, Files},
    cli::{Cli, Command},
    failure::Failure,
    logging, output,
};

/// Runs the command that was asked for. Commands that need no database open none.
pub(crate) async fn run(cli: &Cli) -> Result<(), Failure> {
    match &cli.command {
        Command::Lint(args) => return lint::run(args, cli.global.json).await,
        Command::Openapi => return output::raw(&cofounder_web::openapi()),
        Command::Init(args) => return init::run(&cli.global, args).await,
        _ => {}
    }
    match &cli.command {
        // These tell everything that is wrong at once.
        Command::Serve(args) => return serve::run(&cli.global, args).await,
        Command::Worker(args) => return worker::run(&cli.global, args).await,
        Command::Doctor => return doctor::run(&cli.global).await,
        _ => {}
    }
    let files = Files::find(&cli.global)?;
    logging::configure(&files.config.log);
    match &cli.command {
        Command::Model(command) => model::run(files, command, cli.global.json).await,
        Command::Migrate => migrate::run(files, cli.global.json).await,
        Command::Backup(args) => backup::run(files, args, cli.global.json).await,
        Command::Restore(args) => restore::run(files, args, cli.global.json).await,
        Command::Health(args) => health::run(&files, args, cli.global.json).await,
        Command::User(command) => user::run(App::open(files).await?, command, cli.global.json).await,
        Command::Token(command) => token::run(App::open(files).await?, command, cli.global.json).await,
        Command::Provider(command) => provider::run(files, command, cli.global.json).await,
        Command::Budget(command) => budget::run(App::open(files).await?, command, cli.global.json).await,
        Command::Ledger(command) => ledger::run(App::open(files).await?, command, cli.global.json).await,
        Command::Schedule(command) => schedule::run(App::open(files).await?, command, cli.global.json).await,
        Command::Write(args) => write::run(App::open(files).await?, args, cli.global.json).await,
        Command::Task(command) => task::run(App::open(files).await?, command, cli.global.json).await,
        Command::Post(command) => post::run(App::open(files).await?, command, cli.global.json).await,
        Command::Source(command) => source::run(App::open(files).await?, command, cli.global.json).await,
        Command::Lint(_)
        | Command::Openapi
        | Command::Init(_)
        | Command::Engine(_)
        | Command::Serve(_)
        | Command::Worker(_)
        | Command::Doctor => Ok(()),
    }
}
