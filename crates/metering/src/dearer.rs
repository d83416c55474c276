//! What can make a call cost more than anybody can reckon before it is made: under a budget it is not asked for.

use cofounder_providers::{Document, ProviderError, Route};
use serde::Deserialize;
use serde_json::Value;

/// Fields that can make a call dearer than its model's price says: other tiers, other models, further services, and a
/// longest answer under another name.
const DEARER: [&str; 8] = [
    "service_tier",
    "models",
    "plugins",
    "web_search_options",
    "search_parameters",
    "modalities",
    "audio",
    "n_predict",
];
/// Values that do not.
const HARMLESS: [&str; 7] =
    ["null", "[]", "[\"text\"]", "\"auto\"", "\"default\"", "\"flex\"", "\"standard\""];

/// Kinds of a message's parts of which the size says nothing about the price: minutes of sound, pages of a document,
/// pictures of a film.
const UNRECKONED: [&str; 3] = ["input_audio", "file", "video_url"];

/// Under a budget a call costs at most what was set aside for it: what nobody can reckon with is not asked for.
pub(crate) fn check(document: &Document, route: &Route) -> Result<(), ProviderError> {
    if route.targets.iter().all(|target| target.free) {
        return Ok(());
    }
    let dearer = |key: &&&str| document.raw(key).is_some_and(|value| !HARMLESS.contains(&value.trim()));
    let field = DEARER.iter().find(dearer).copied();
    match field.or_else(|| document.raw("messages").and_then(part)) {
        Some(field) => {
            let why = format!(
                "`{field}` can make it cost more than the budget reckons with; leave it out, or ask where no budget holds"
            );
            Err(ProviderError::Inexpressible { why })
        }
        None => Ok(()),
    }
}

/// The first kind of part in messages that cannot be reckoned with. Messages are read only if one may be there.
fn part(messages: &str) -> Option<&'static str> {
    if !UNRECKONED.iter().any(|kind| may_say(messages, kind)) {
        return None;
    }
    // Who cannot be understood is refused elsewhere, or by the provider.
    let messages: Vec<Message> = serde_json::from_str(messages).ok()?;
    let parts = || messages.iter().filter_map(|message| message.content.as_array()).flatten();
    UNRECKONED
        .into_iter()
        .find(|kind| parts().any(|part| part.get("type").is_some_and(|named| named == kind)))
}

/// Whether a word may stand in a JSON document: letters can be written as numbers there.
pub(crate) fn may_say(json: &str, word: &str) -> bool {
    json.contains(word) || json.contains("\\u")
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Value,
}
