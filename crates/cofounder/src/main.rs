//! The binary: reads the command line, puts the parts together, and runs one command.
//!
//! It holds the commands, the configuration, the composition root and the lifecycle, and nothing that another
//! program could use: what can stand alone is a crate of its own. Results go to standard output, everything
//! else to standard error; exit codes are 0 for ok, 1 for failed and 2 for wrong use.

mod app;
mod chosen;
mod cli;
mod commands;
mod config;
mod doors;
mod failure;
mod faults;
mod files;
mod gauges;
mod health;
mod keeping;
mod launcher;
mod lifecycle;
mod logging;
mod looked_up;
mod output;
mod parts;
mod progress;
mod pull;
mod reload;
mod result;
mod studio;
mod task_view;
mod workshop;

use clap::Parser;
use std::process::ExitCode;

use crate::{cli::Cli, failure::Failure};

/// What one thread of the gateway allocates another often frees, for which the system's allocator has threads wait for
/// each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refused) => return refuse(&refused),
    };
    logging::start(cli.global.verbose);
    let outcome = match &cli.command {
        // The engine is a process of its own: no configuration, no database.
        cli::Command::Engine(command) => commands::engine::run(command),
        _ => match tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads(&cli))
            .enable_all()
            .build()
        {
            Ok(runtime) => {
                runtime.spawn(logging::keep_telling());
                let outcome = runtime.block_on(async {
                    let outcome = commands::run(&cli).await;
                    logging::flush().await;
                    outcome
                });
                runtime.shutdown_timeout(std::time::Duration::from_millis(500));
                outcome
            }
            Err(error) => Err(Failure::failed(format!("the program could not start its threads: {error}"))),
        },
    };
    logging::finish();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(cli.global.json);
            ExitCode::from(failure.code())
        }
    }
}

/// A command needs few threads; a server as many as there are cores.
fn threads(cli: &Cli) -> usize {
    match cli.command {
        cli::Command::Serve(_) => std::thread::available_parallelism().map_or(2, usize::from).max(2),
        _ => 2,
    }
}

/// Wrong use of the command line: as clap says it, or, with `--json`, as every other error is told. Help and version
/// are no errors.
fn refuse(refused: &clap::Error) -> ExitCode {
    if refused.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
        let message = refused.to_string();
        let failure = Failure::usage(message.strip_prefix("error: ").unwrap_or(&message).trim());
        failure.print(true);
        return ExitCode::from(failure.code());
    }
    refused.exit()
}
