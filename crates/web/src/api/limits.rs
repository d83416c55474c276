//! What the description says of every operation's limits, and of who may: in words, and for programs as `x-limits`.

use serde_json::{Map, Value, json};
use utoipa::openapi::{extensions::ExtensionsBuilder, path::Operation};

use super::extract::{LARGEST, PATIENCE};
use crate::{GatewaySettings, RateSettings};

/// Adds both to what an operation says of itself.
pub(super) fn tell(operation: &mut Operation, gateway: bool) {
    let mut limits: Vec<(&str, Value)> = Vec::new();
    let mut words = format!("{}\n\n{}", operation.description.take().unwrap_or_default(), who(operation));
    if operation.request_body.is_some() {
        let settings = GatewaySettings::default();
        let (bytes, time) = if gateway { (settings.largest, settings.read) } else { (LARGEST, PATIENCE) };
        let (mib, seconds) = (bytes >> 20, time.as_secs());
        let unless = if gateway { " (`gateway.body_mib` and `gateway.read_ms`, if not set)" } else { "" };
        words += &format!(" A body has at most {mib} MiB, and {seconds} s to come{unless}.");
        limits.extend([("body_bytes", bytes.into()), ("body_seconds", seconds.into())]);
    }
    if operation.security.is_some() && !gateway {
        let RateSettings { known, unknown, .. } = RateSettings::default();
        words += &format!(
            " A caller may ask {known} times a minute, unless set otherwise; `RateLimit` tells what is left."
        );
        limits.extend([
            ("caller_requests_per_minute", known.into()),
            ("address_requests_per_minute", unknown.into()),
        ]);
    }
    if !limits.is_empty() {
        let limits = limits.into_iter().map(|(name, limit)| (name.to_owned(), limit)).collect::<Map<_, _>>();
        // One alone, since several have no order.
        let extensions = ExtensionsBuilder::new().add("x-limits", Value::Object(limits)).build();
        operation.extensions.get_or_insert_default().merge(extensions);
    }
    operation.description = Some(words);
}

fn who(operation: &Operation) -> String {
    let security = operation.security.iter().flatten();
    let ways: Vec<Value> = security.filter_map(|way| serde_json::to_value(way).ok()).collect();
    if ways.is_empty() {
        return "Anybody may ask.".to_owned();
    }
    let scope = ways.iter().find_map(|way| way["token"][0].as_str());
    match (scope, ways.contains(&json!({}))) {
        (Some(scope), true) => format!("Anybody may ask; there is more for the scope `{scope}`."),
        (Some(scope), false) => format!("Needs the scope `{scope}`."),
        (None, true) => "Anybody may ask; there is more for who is known.".to_owned(),
        (None, false) if ways.iter().any(|way| way["token"].is_array()) => {
            "Needs somebody who is known, whatever they may.".to_owned()
        }
        (None, false) => "Needs a person who is signed in.".to_owned(),
    }
}
