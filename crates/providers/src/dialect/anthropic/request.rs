//! A chat in Anthropic's words.

use super::schema;
use crate::{
    ProviderError,
    dialect::{
        Ask,
        question::{Call, Chat, Choice, Format, Part, Picture, Tool, Turn, wrong},
    },
};
use serde_json::{Map, Value, json};

/// The longest answer, in tokens, if nobody names one: the protocol wants a number.
const MOST: u64 = 4096;

pub(super) fn body(ask: &Ask<'_>) -> Result<Value, ProviderError> {
    let chat = Chat::read(ask.document, "Anthropic", false)?;
    let mut body = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(key.to_owned(), value);
        }
    };
    let (system, messages) = messages(&chat.turns);
    set("model", Some(json!(ask.target.model)));
    set("max_tokens", Some(json!(most(&chat, ask))));
    set("system", system.map(Value::from));
    set("messages", Some(json!(messages)));
    set("stop_sequences", (!chat.stop.is_empty()).then(|| json!(chat.stop)));
    set("tools", (!chat.tools.is_empty()).then(|| chat.tools.iter().map(tool).collect()));
    set("tool_choice", choice(&chat));
    if takes_sampling(&ask.target.model) {
        // Together they are refused.
        set("temperature", chat.temperature.map(|t| json!(t.clamp(0.0, 1.0))));
        set("top_p", chat.top_p.filter(|_| chat.temperature.is_none()).map(|p| json!(p)));
    }
    set(
        "output_config",
        match &chat.format {
            Format::Text => None,
            Format::Schema(schema) => {
                Some(json!({"format": {"type": "json_schema", "schema": schema::strict(schema)}}))
            }
            Format::Object => {
                return Err(wrong(
                    "response_format",
                    "of the type json_object is unknown to Anthropic: send a json_schema",
                ));
            }
        },
    );
    set("metadata", ask.document.read::<String>("user")?.map(|user| json!({"user_id": user})));
    set("stream", ask.streamed.then_some(json!(true)));
    Ok(Value::Object(body))
}

fn most(chat: &Chat, ask: &Ask<'_>) -> u64 {
    let limit = ask.target.max_output.map(u64::from);
    let most = chat.most.or(ask.bound.map(u64::from)).or(limit).unwrap_or(MOST);
    limit.map_or(most, |limit| most.min(limit))
}

/// Whether the model takes `temperature` and `top_p`: Claude does up to 4.6, and later ones refuse them.
fn takes_sampling(model: &str) -> bool {
    let Some(name) = model.strip_prefix("claude-") else { return true };
    let old = ["1", "2", "3", "instant", "sonnet-4", "haiku-4", "opus-4"];
    let new = ["opus-4-7", "opus-4-8", "opus-4-9", "sonnet-4-7", "sonnet-4-8", "sonnet-4-9"];
    old.iter().any(|start| name.starts_with(start)) && !new.iter().any(|start| name.starts_with(start))
}

/// What the system says, and the messages. Neighbours of one role are one message, so that the answers of several
/// tools stand together as the protocol wants it.
fn messages(turns: &[Turn]) -> (Option<String>, Vec<Value>) {
    let mut system: Vec<&str> = Vec::new();
    let mut messages: Vec<(&str, Vec<Value>)> = Vec::new();
    for (index, turn) in turns.iter().enumerate() {
        let (role, blocks) = match turn {
            Turn::System(text) => {
                system.push(text);
                continue;
            }
            Turn::User(parts) => ("user", parts.iter().filter_map(part).collect()),
            Turn::Assistant { text: said, calls } => {
                // A prefill that ends in white space is refused.
                let said = if index + 1 == turns.len() { said.trim_end() } else { said };
                ("assistant", text(said).into_iter().chain(calls.iter().map(call)).collect())
            }
            Turn::Tool { id, text, .. } => {
                ("user", vec![json!({"type": "tool_result", "tool_use_id": id, "content": text})])
            }
        };
        match messages.last_mut() {
            Some((last, before)) if *last == role => before.extend(blocks),
            _ => messages.push((role, blocks)),
        }
    }
    let messages = messages.into_iter().filter(|(_, blocks)| !blocks.is_empty());
    let messages = messages.map(|(role, blocks)| json!({"role": role, "content": blocks})).collect();
    ((!system.is_empty()).then(|| system.join("\n\n")), messages)
}

/// Empty texts are refused.
fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({"type": "text", "text": text}))
}

fn part(part: &Part) -> Option<Value> {
    let source = match part {
        Part::Text(said) => return text(said),
        Part::Picture(Picture::Inline(media, data)) => {
            json!({"type": "base64", "media_type": media, "data": data})
        }
        Part::Picture(Picture::Url(url)) => json!({"type": "url", "url": url}),
    };
    Some(json!({"type": "image", "source": source}))
}

fn call(call: &Call) -> Value {
    json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments})
}

fn tool(tool: &Tool) -> Value {
    let schema = tool.parameters.clone().unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    let mut wire = json!({"name": tool.name, "input_schema": schema});
    if let Some(description) = &tool.description {
        wire["description"] = json!(description);
    }
    wire
}

fn choice(chat: &Chat) -> Option<Value> {
    if chat.tools.is_empty() {
        return None;
    }
    let alone = chat.parallel == Some(false);
    let mut choice = match &chat.choice {
        Choice::Open if !alone => return None,
        Choice::Open | Choice::Auto => json!({"type": "auto"}),
        Choice::Never => return Some(json!({"type": "none"})),
        Choice::Any => json!({"type": "any"}),
        Choice::One(name) => json!({"type": "tool", "name": name}),
    };
    if alone {
        choice["disable_parallel_tool_use"] = json!(true);
    }
    Some(choice)
}

#[cfg(test)]
mod tests {
    use super::takes_sampling;

    #[test]
    fn newer_models_are_not_sent_what_they_refuse() {
        for model in [
            "claude-3-5-haiku-20241022",
            "claude-sonnet-4-5",
            "claude-opus-4-20250514",
            "claude-opus-4-6",
            "other",
        ] {
            assert!(takes_sampling(model), "{model}");
        }
        for model in ["claude-opus-4-7", "claude-sonnet-5", "claude-opus-5-5"] {
            assert!(!takes_sampling(model), "{model}");
        }
    }
}
