//! One kind of logging: `tracing`, to standard error. `RUST_LOG` sets what is logged, as usual.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging: warnings, with `-v` the program's own doings, with `-vv` its details.
pub(crate) fn start(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug,hyper=info,reqwest=info,sqlx=info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    log_panics();
}

/// A panic is a defect of this program and is logged as one, with its backtrace, whoever catches it.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = std::backtrace::Backtrace::force_capture();
        tracing::error!(%panic, %backtrace, "a defect of this program");
    }));
}
