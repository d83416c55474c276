//! A chat in Ollama's words.

use crate::{
    ProviderError,
    dialect::{
        Ask,
        question::{Call, Chat, Choice, Format, Part, Picture, Tool, Turn, wrong},
    },
};
use serde_json::{Map, Value, json};

pub(super) fn body(ask: &Ask<'_>) -> Result<Value, ProviderError> {
    let chat = Chat::read(ask.document, "Ollama", false)?;
    let messages = chat.turns.iter().map(message).collect::<Result<Vec<_>, _>>()?;
    let mut body = json!({"model": ask.target.model, "messages": messages, "stream": ask.streamed});
    match (&chat.choice, chat.tools.is_empty()) {
        (_, true) | (Choice::Never, _) => {}
        (Choice::Open | Choice::Auto, _) => body["tools"] = chat.tools.iter().map(tool).collect(),
        (Choice::Any | Choice::One(_), _) => {
            return Err(wrong(
                "tool_choice",
                "cannot be enforced with Ollama: write `auto`, or name another provider's model",
            ));
        }
    }
    match &chat.format {
        Format::Text => {}
        Format::Object => body["format"] = json!("json"),
        Format::Schema(schema) => body["format"] = schema.clone(),
    }
    // Ollama's own words, from clients that know them. A model that cannot think refuses to be told how much.
    for key in ["think", "keep_alive"] {
        if let Some(value) = ask.document.read::<Value>(key)? {
            body[key] = value;
        }
    }
    if ask.document.read::<String>("reasoning_effort")?.as_deref() == Some("none") {
        body["think"] = json!(false);
    }
    let options = options(&chat, ask)?;
    if !options.is_empty() {
        body["options"] = Value::Object(options);
    }
    Ok(body)
}

fn options(chat: &Chat, ask: &Ask<'_>) -> Result<Map<String, Value>, ProviderError> {
    let mut options = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            options.insert(key.to_owned(), value);
        }
    };
    let limit = ask.target.max_output.map(u64::from);
    let most = chat.most.or(ask.bound.map(u64::from));
    set("num_predict", most.map(|most| json!(limit.map_or(most, |limit| most.min(limit)))));
    set("temperature", chat.temperature.map(|t| json!(t)));
    set("top_p", chat.top_p.map(|p| json!(p)));
    set("stop", (!chat.stop.is_empty()).then(|| json!(chat.stop)));
    // Another number than the one that is loaded loads the model anew, so that nothing is said unless somebody did.
    set("num_ctx", ask.target.context.map(|context| json!(context)));
    for key in ["seed", "presence_penalty", "frequency_penalty"] {
        set(key, ask.document.read::<Value>(key)?.filter(Value::is_number));
    }
    Ok(options)
}

fn message(turn: &Turn) -> Result<Value, ProviderError> {
    Ok(match turn {
        Turn::System(text) => json!({"role": "system", "content": text}),
        Turn::User(parts) => {
            let (mut text, mut pictures) = (String::new(), Vec::new());
            for part in parts {
                match part {
                    Part::Text(said) => text.push_str(said),
                    Part::Picture(Picture::Inline(_, data)) => pictures.push(data),
                    Part::Picture(Picture::Url(_)) => {
                        return Err(wrong(
                            "image_url",
                            "is an address, which Ollama does not open: send the picture as data:TYPE;base64,BYTES",
                        ));
                    }
                }
            }
            let mut message = json!({"role": "user", "content": text});
            if !pictures.is_empty() {
                message["images"] = json!(pictures);
            }
            message
        }
        Turn::Assistant { text, calls } => {
            let mut message = json!({"role": "assistant", "content": text});
            if !calls.is_empty() {
                message["tool_calls"] = calls.iter().map(call).collect();
            }
            message
        }
        Turn::Tool { name, text, .. } => json!({"role": "tool", "tool_name": name, "content": text}),
    })
}

fn call(call: &Call) -> Value {
    json!({"function": {"name": call.name, "arguments": call.arguments}})
}

fn tool(tool: &Tool) -> Value {
    let schema = tool.parameters.clone().unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    let description = tool.description.as_deref().unwrap_or_default();
    json!({"type": "function", "function": {"name": tool.name, "description": description, "parameters": schema}})
}
