//! One kind of logging: `tracing`, to standard error, for people or as JSON lines.
//!
//! What is logged is set by `RUST_LOG`; without it by `-v`; without that by `log.level`; without that it is warnings.
//! Lines carry the ids of the spans that they are in. Nothing that comes from outside can begin a line of its own or
//! command a terminal, and no address is told with its user, password or query.

#[cfg(feature = "otlp")]
mod export;
#[cfg(not(feature = "otlp"))]
#[path = "no_export.rs"]
mod export;
mod form;
mod lines;
mod repeats;

pub(crate) use form::harmless;

use export::Export;
use lines::{Lines, SAID, Written};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tracing_subscriber::{
    EnvFilter, Registry,
    layer::{Layered, SubscriberExt},
    reload,
    util::SubscriberInitExt,
};

use crate::config::LogSection;

/// How often it is looked whether lines were left out.
const LOOK: Duration = Duration::from_secs(1);

static LOG: OnceLock<Log> = OnceLock::new();

/// What spans go through before they are sent anywhere.
type Filtered = Layered<reload::Layer<EnvFilter, Registry>, Registry>;

/// Why spans cannot be sent.
pub(crate) const WITHOUT: &str = "this program was built without OTLP; build it with `--features otlp`";

struct Log {
    export: Export<Filtered>,
    filter: reload::Handle<EnvFilter, Registry>,
    lines: Arc<Lines>,
    /// What sets the level, if it is not the configuration.
    held: Option<&'static str>,
}

/// Starts logging, for people, as `RUST_LOG` and `-v` want it.
pub(crate) fn start(verbose: u8) {
    let (filter, held, refused) = asked(verbose);
    let (filter, handle) = reload::Layer::new(filter);
    let lines = Arc::new(Lines::default());
    let (exported, export) = export::layer::<Filtered>();
    let layers = tracing_subscriber::registry().with(filter).with(exported).with(Written(Arc::clone(&lines)));
    if layers.try_init().is_ok() && LOG.set(Log { export, filter: handle, lines, held }).is_ok() {
        log_panics();
    }
    if let Some(refused) = refused {
        tracing::warn!("RUST_LOG is not valid and is passed over: {refused}");
    }
}

/// The filter that is asked for beside the configuration, by what, and what is wrong with it.
fn asked(verbose: u8) -> (EnvFilter, Option<&'static str>, Option<String>) {
    let named = std::env::var("RUST_LOG").ok().filter(|text| !text.trim().is_empty());
    let refused = match named.map(|text| parsed(&text)) {
        Some(Ok(filter)) => return (filter, Some("RUST_LOG"), None),
        Some(Err(error)) => Some(error),
        None => None,
    };
    let (level, held) = match verbose {
        0 => ("warn", None),
        1 => ("info", Some("-v")),
        2 => ("debug", Some("-v")),
        _ => ("trace", Some("-v")),
    };
    (filter(level).unwrap_or_default(), held, refused)
}

/// What `log.level` means: of its names, the program's own lines of this level, and other libraries' not below `info`.
///
/// # Errors
/// Why it means nothing.
pub(crate) fn filter(level: &str) -> Result<EnvFilter, String> {
    let known = ["off", "error", "warn", "info", "debug", "trace"];
    let mut words = level.split(',').map(str::trim).filter(|word| !word.contains(['=', ':', '[']));
    // A word alone that is no level would be taken for the one part of the program whose lines are wanted.
    if let Some(word) = words.find(|word| !known.contains(word)) {
        return Err(format!("there is no level `{word}`"));
    }
    match level.trim() {
        level @ ("debug" | "trace") => parsed(&format!("info,cofounder={level}")),
        other => parsed(other),
    }
}

/// These directives, and what is said in any case.
fn parsed(directives: &str) -> Result<EnvFilter, String> {
    EnvFilter::builder().parse(format!("{directives},{SAID}=info")).map_err(|error| error.to_string())
}

/// Goes on as the configuration wants it. Says what it cannot change, because something else sets it.
pub(crate) fn configure(section: &LogSection) -> Option<String> {
    let log = LOG.get()?;
    log.lines.configure(section);
    if let Some(Err(error)) = section.otlp.as_ref().map(|collector| log.export.begin(collector)) {
        tracing::warn!(%error, "spans are not sent to the collector");
    }
    if let Some(held) = log.held {
        return Some(format!("log.level is set by {held}"));
    }
    let filter = filter(section.level()).ok()?;
    log.filter.reload(filter).err().map(|error| error.to_string())
}

/// Says something that is no result and is told whatever the level is.
pub(crate) fn say(text: impl AsRef<str>) {
    tracing::info!(target: "cofounder::said", "{}", text.as_ref());
}

/// Whether lines are for programs, which keep them.
pub(crate) fn is_json() -> bool {
    LOG.get().is_some_and(|log| log.lines.is_json())
}

/// Says why the program ends, if lines are JSON; tells whether it did.
pub(crate) fn say_last(text: &str) -> bool {
    let json = is_json();
    if json {
        tracing::error!(target: "cofounder::said", "{text}");
    }
    json
}

/// How lines are written, and of which level, for the start-up report.
pub(crate) fn told() -> String {
    let Some(log) = LOG.get() else { return String::new() };
    let form = if log.lines.is_json() { "JSON lines" } else { "for people" };
    let level = log.filter.with_current(ToString::to_string).unwrap_or_default();
    let level = level.split(',').filter(|one| !one.starts_with(SAID)).collect::<Vec<_>>().join(",");
    let by = log.held.map_or_else(String::new, |held| format!(", set by {held}"));
    format!("{form}, {level}{by}")
}

/// Tells from time to time how many lines were left out, as long as the runtime lives.
pub(crate) async fn keep_telling() {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(log) = LOG.get() {
            log.lines.tell_left_out(false);
        }
    }
}

/// Sends what a collector has not got yet.
pub(crate) async fn flush() {
    if let Some(log) = LOG.get() {
        log.export.end().await;
    }
}

/// Tells how many lines were left out and not told of yet.
pub(crate) fn finish() {
    if let Some(log) = LOG.get() {
        log.lines.tell_left_out(true);
    }
}

/// A panic is a defect of this program and is logged as one, with its backtrace, whoever catches it.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = std::backtrace::Backtrace::force_capture();
        tracing::error!(%panic, %backtrace, "a defect of this program");
    }));
}
