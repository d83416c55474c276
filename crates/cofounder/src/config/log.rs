//! `[log]`: what is told on standard error, and how.

use serde::Deserialize;
use url::Url;

/// `[log]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogSection {
    /// `error`, `warn`, `info`, `debug` or `trace`, or as `RUST_LOG` has it: `info,cofounder_storage=debug`.
    level: Option<String>,
    /// For people, or one JSON object a line.
    format: LogFormat,
    /// Warnings and errors alike that are written in a time, before they are counted only; 0 for all of them.
    pub(crate) repeats: u64,
    /// That time.
    pub(crate) repeats_ms: u64,
    /// A collector of OpenTelemetry that spans are sent to, by HTTP: its address up to `/v1/traces`.
    pub(crate) otlp: Option<Url>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LogFormat {
    #[default]
    Human,
    Json,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { level: None, format: LogFormat::Human, repeats: 10, repeats_ms: 10_000, otlp: None }
    }
}

impl LogSection {
    pub(crate) fn level(&self) -> &str {
        self.level.as_deref().unwrap_or("warn")
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == LogFormat::Json
    }

    /// What in it means nothing.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        let collector = self.otlp.as_ref().and_then(|url| match url.scheme() {
            _ if cfg!(not(feature = "otlp")) => Some(format!("log.otlp: {}", crate::logging::WITHOUT)),
            "http" | "https" => None,
            _ => Some("log.otlp must begin with http:// or https://".to_owned()),
        });
        self.level_problem().into_iter().chain(collector)
    }

    fn level_problem(&self) -> Option<String> {
        let refused = crate::logging::filter(self.level()).err()?;
        let words = "write error, warn, info, debug or trace, or directives as RUST_LOG has them";
        Some(format!("log.level is no level ({refused}): {words}"))
    }
}
