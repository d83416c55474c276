//! Writes each event of `tracing` on a line of its own, with the ids of the spans that it is in.

use cofounder_domain::{Clock, SystemClock, format_timestamp};
use serde_json::{Map, Value};
use std::{
    fmt,
    io::{self, IsTerminal, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::{
    form::{Line, harmless, scrubbed},
    repeats::{LeftOut, Repeats},
};
use crate::config::LogSection;

/// Whose spans name ids. Those of other libraries name what concerns them alone.
pub(super) const OURS: &str = "cofounder";

/// What is told whatever the level is: to people the words alone.
pub(super) const SAID: &str = "cofounder::said";

/// Where lines are made and written.
#[derive(Debug)]
pub(super) struct Lines {
    json: AtomicBool,
    colour: bool,
    repeats: Mutex<Repeats>,
}

impl Default for Lines {
    fn default() -> Self {
        let section = LogSection::default();
        let repeats = Mutex::new(Repeats::new(section.repeats, Duration::from_millis(section.repeats_ms)));
        Self { json: AtomicBool::new(false), colour: io::stderr().is_terminal(), repeats }
    }
}

impl Lines {
    pub(super) fn configure(&self, section: &LogSection) {
        self.json.store(section.is_json(), Ordering::Relaxed);
        self.repeats().set(section.repeats, Duration::from_millis(section.repeats_ms));
    }

    pub(super) fn is_json(&self) -> bool {
        self.json.load(Ordering::Relaxed)
    }

    /// What was left out of the times that are over; of all of them, if these are the last.
    pub(super) fn tell_left_out(&self, last: bool) {
        let (told, every) = {
            let mut repeats = self.repeats();
            (repeats.left_out(Instant::now(), last), repeats.every())
        };
        for LeftOut { place, count, message } in told {
            let words =
                format!("{count} more lines like this one were left out within {} s", every.as_secs_f64());
            let mut fields = Map::new();
            fields.insert("message".to_owned(), words.into());
            fields.insert("left_out".to_owned(), count.into());
            fields.insert("like".to_owned(), message.into());
            self.write(place.level().as_str(), place.target(), fields);
        }
    }

    fn repeats(&self) -> std::sync::MutexGuard<'_, Repeats> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Warnings and errors come again when something stays broken; what was asked to be told at length is told.
    fn admits(&self, place: &'static Metadata<'static>, fields: &Map<String, Value>) -> bool {
        let message = fields.get("message").and_then(Value::as_str).unwrap_or_default();
        *place.level() > Level::WARN || self.repeats().admits(place, message, Instant::now())
    }

    fn write(&self, level: &str, module: &str, fields: Map<String, Value>) {
        if module == SAID && !self.is_json() {
            let said = fields.get("message").and_then(Value::as_str).unwrap_or_default();
            return put(&harmless(&scrubbed(said)));
        }
        let line = Line { time: format_timestamp(SystemClock.now()), level, module, fields };
        put(&if self.is_json() { line.json() } else { line.human(self.colour) });
    }
}

/// One write for one line, so that those of several threads and processes do not mix. Who reads no more misses it.
fn put(line: &str) {
    drop(io::stderr().lock().write_all(format!("{line}\n").as_bytes()));
}

/// What a span names.
struct Ids(Map<String, Value>);

/// Takes fields as JSON has them.
struct Taken<'a>(&'a mut Map<String, Value>);

impl Taken<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Taken<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, value.to_string());
    }
}

/// The layer of `tracing` that writes them.
pub(super) struct Written(pub(super) Arc<Lines>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Written {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !attributes.metadata().target().starts_with(OURS) {
            return;
        }
        let mut ids = Map::new();
        attributes.record(&mut Taken(&mut ids));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Ids(ids));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(Ids(ids)) = span.extensions_mut().get_mut()
        {
            values.record(&mut Taken(ids));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Map::new();
        event.record(&mut Taken(&mut fields));
        let place = event.metadata();
        if !self.0.admits(place, &fields) {
            return;
        }
        // What is nearer goes before.
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Ids(ids)) = span.extensions().get() {
                for (name, value) in ids {
                    fields.entry(name.as_str()).or_insert_with(|| value.clone());
                }
            }
        }
        self.0.write(place.level().as_str(), place.target(), fields);
    }
}
