//! A chat in Gemini's words.

use crate::{
    ProviderError,
    dialect::{
        Ask,
        question::{Call, Chat, Choice, Format, Part, Picture, Tool, Turn},
    },
};
use serde_json::{Map, Value, json};

pub(super) fn body(ask: &Ask<'_>) -> Result<Value, ProviderError> {
    let chat = Chat::read(ask.document, "Google", true)?;
    let (system, contents) = contents(&chat.turns, &ask.target.model);
    let mut body = json!({"contents": contents, "generationConfig": config(&chat, ask)?});
    if !system.is_empty() {
        body["systemInstruction"] = json!({"parts": system});
    }
    if !chat.tools.is_empty() {
        let tools: Vec<Value> = chat.tools.iter().map(tool).collect();
        body["tools"] = json!([{"functionDeclarations": tools}]);
        if let Some(choice) = choice(&chat.choice) {
            body["toolConfig"] = json!({"functionCallingConfig": choice});
        }
    }
    Ok(body)
}

fn config(chat: &Chat, ask: &Ask<'_>) -> Result<Value, ProviderError> {
    let mut config = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(key.to_owned(), value);
        }
    };
    let limit = ask.target.max_output.map(u64::from);
    let most = chat.most.or(ask.bound.map(u64::from));
    set("maxOutputTokens", most.map(|most| json!(limit.map_or(most, |limit| most.min(limit)))));
    set("temperature", chat.temperature.map(|t| json!(t)));
    set("topP", chat.top_p.map(|p| json!(p)));
    set("stopSequences", (!chat.stop.is_empty()).then(|| json!(chat.stop)));
    // Google's are of 32 bits.
    set("seed", ask.document.read::<i64>("seed")?.map(|seed| json!(seed & 0x7fff_ffff)));
    set("candidateCount", ask.document.read::<u64>("n")?.filter(|n| *n > 1).map(|n| json!(n)));
    set("presencePenalty", ask.document.read::<f64>("presence_penalty")?.map(|p| json!(p)));
    set("frequencyPenalty", ask.document.read::<f64>("frequency_penalty")?.map(|p| json!(p)));
    match &chat.format {
        Format::Text => {}
        Format::Object => set("responseMimeType", Some(json!("application/json"))),
        Format::Schema(schema) => {
            set("responseMimeType", Some(json!("application/json")));
            set("responseJsonSchema", Some(schema.clone()));
        }
    }
    Ok(Value::Object(config))
}

/// What the system says, and the conversation. Neighbours of one role are one content, so that the answers of several
/// tools stand together.
fn contents(turns: &[Turn], model: &str) -> (Vec<Value>, Vec<Value>) {
    let mut system = Vec::new();
    let mut contents: Vec<(&str, Vec<Value>)> = Vec::new();
    for turn in turns {
        let (role, parts) = match turn {
            Turn::System(said) => {
                system.extend(text(said));
                continue;
            }
            Turn::User(parts) => ("user", parts.iter().filter_map(part).collect()),
            Turn::Assistant { text: said, calls } => {
                ("model", text(said).into_iter().chain(calls.iter().map(|c| call(c, model))).collect())
            }
            Turn::Tool { id, name, text } => ("user", vec![result(id, name, text)]),
        };
        match contents.last_mut() {
            Some((last, before)) if *last == role => before.extend(parts),
            _ => contents.push((role, parts)),
        }
    }
    let contents = contents.into_iter().filter(|(_, parts)| !parts.is_empty());
    (system, contents.map(|(role, parts)| json!({"role": role, "parts": parts})).collect())
}

fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({"text": text}))
}

fn part(part: &Part) -> Option<Value> {
    match part {
        Part::Text(said) => text(said),
        Part::Picture(Picture::Inline(media, data)) => {
            Some(json!({"inlineData": {"mimeType": media, "data": data}}))
        }
        Part::Picture(Picture::Url(url)) => {
            let mut file = json!({"fileUri": url});
            if let Some(media) = media_type(url) {
                file["mimeType"] = json!(media);
            }
            Some(json!({"fileData": file}))
        }
    }
}

/// The media type of a picture, by its name.
fn media_type(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next()?.to_ascii_lowercase();
    let types = [
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("jpeg", "image/jpeg"),
        ("webp", "image/webp"),
        ("heic", "image/heic"),
    ];
    types.into_iter().find(|(end, _)| path.rsplit('.').next() == Some(end)).map(|(_, media)| media)
}

/// Names that Google did not give are not sent to it: without one, calls and answers are matched by their order.
fn known_id(id: &str) -> Option<&str> {
    (!id.starts_with("call_")).then_some(id)
}

fn call(call: &Call, model: &str) -> Value {
    let mut function = json!({"name": call.name, "args": call.arguments});
    if let Some(id) = known_id(&call.id) {
        function["id"] = json!(id);
    }
    let mut part = json!({"functionCall": function});
    // Gemini 3 refuses a call whose signature is missing, but for this word, which Google documents for calls that
    // another model made.
    let unsigned = model.contains("gemini-3").then_some("skip_thought_signature_validator");
    if let Some(signature) = call.signature.as_deref().or(unsigned) {
        part["thoughtSignature"] = json!(signature);
    }
    part
}

fn result(id: &str, name: &str, text: &str) -> Value {
    let object = serde_json::from_str::<Map<String, Value>>(text).map(Value::Object);
    let mut response = json!({"name": name, "response": object.unwrap_or_else(|_| json!({"result": text}))});
    if let Some(id) = known_id(id) {
        response["id"] = json!(id);
    }
    json!({"functionResponse": response})
}

fn tool(tool: &Tool) -> Value {
    let mut wire = json!({"name": tool.name});
    if let Some(description) = &tool.description {
        wire["description"] = json!(description);
    }
    if let Some(schema) = &tool.parameters {
        wire["parametersJsonSchema"] = schema.clone();
    }
    wire
}

fn choice(choice: &Choice) -> Option<Value> {
    match choice {
        Choice::Open => None,
        Choice::Auto => Some(json!({"mode": "AUTO"})),
        Choice::Never => Some(json!({"mode": "NONE"})),
        Choice::Any => Some(json!({"mode": "ANY"})),
        Choice::One(name) => Some(json!({"mode": "ANY", "allowedFunctionNames": [name]})),
    }
}
