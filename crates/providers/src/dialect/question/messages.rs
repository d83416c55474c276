//! The messages of a chat, read.

use super::{Call, Part, Picture, Turn, wrong};
use crate::{Document, ProviderError};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

#[derive(Deserialize)]
struct WireMessage {
    role: String,
    content: Option<WireContent>,
    #[serde(default)]
    tool_calls: Option<Vec<WireCall>>,
    tool_call_id: Option<String>,
    name: Option<String>,
    refusal: Option<String>,
    function_call: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireContent {
    Text(String),
    Parts(Vec<WirePart>),
}

#[derive(Deserialize)]
struct WirePart {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    refusal: Option<String>,
    image_url: Option<WireUrl>,
}

#[derive(Deserialize)]
struct WireUrl {
    url: String,
}

#[derive(Deserialize)]
struct WireCall {
    id: Option<String>,
    function: Option<WireFunction>,
    extra_content: Option<Value>,
}

#[derive(Deserialize)]
struct WireFunction {
    name: String,
    #[serde(default)]
    arguments: String,
}

/// Every message, in order.
pub(super) fn read(document: &Document) -> Result<Vec<Turn>, ProviderError> {
    let messages: Option<Vec<WireMessage>> = document.read("messages")?;
    let messages = messages.ok_or_else(|| wrong("messages", "is missing"))?;
    let mut turns: Vec<Turn> = Vec::with_capacity(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        let at = format!("messages[{index}]");
        if message.function_call.is_some() {
            return Err(wrong(&format!("{at}.function_call"), "is of an older protocol: write `tool_calls`"));
        }
        let turn = match message.role.as_str() {
            "system" | "developer" => Turn::System(text(message.content, &at)?),
            "user" => Turn::User(parts(message.content, &at)?),
            "assistant" => Turn::Assistant {
                calls: calls(message.tool_calls.unwrap_or_default(), &at)?,
                text: text(message.content, &at)? + message.refusal.as_deref().unwrap_or_default(),
            },
            "tool" => {
                let id =
                    message.tool_call_id.ok_or_else(|| wrong(&format!("{at}.tool_call_id"), "is missing"))?;
                let name = called(&turns, &id).or(message.name).ok_or_else(|| {
                    wrong(&format!("{at}.tool_call_id"), "names no call that stands before it")
                })?;
                Turn::Tool { text: text(message.content, &at)?, id, name }
            }
            other => return Err(wrong(&format!("{at}.role"), &format!("is {other:?}, which is nobody"))),
        };
        turns.push(turn);
    }
    Ok(turns)
}

/// The tool that was called by this id.
fn called(turns: &[Turn], id: &str) -> Option<String> {
    turns.iter().rev().find_map(|turn| match turn {
        Turn::Assistant { calls, .. } => {
            calls.iter().find(|call| call.id == id).map(|call| call.name.clone())
        }
        _ => None,
    })
}

fn parts(content: Option<WireContent>, at: &str) -> Result<Vec<Part>, ProviderError> {
    let parts = match content {
        None => return Ok(Vec::new()),
        Some(WireContent::Text(text)) => return Ok(vec![Part::Text(text)]),
        Some(WireContent::Parts(parts)) => parts,
    };
    let part = |(index, part): (usize, WirePart)| {
        let at = format!("{at}.content[{index}]");
        match (part.kind.as_str(), part.text, part.image_url, part.refusal) {
            ("text", Some(text), ..) | ("refusal", _, _, Some(text)) => Ok(Part::Text(text)),
            ("image_url", _, Some(image), _) => Ok(Part::Picture(picture(image.url, &at)?)),
            (kind, ..) => Err(wrong(
                &at,
                &format!(
                    "is of the type {kind:?}, which this model's provider is not shown: send texts and pictures"
                ),
            )),
        }
    };
    parts.into_iter().enumerate().map(part).collect()
}

fn text(content: Option<WireContent>, at: &str) -> Result<String, ProviderError> {
    let text = |part| match part {
        Part::Text(text) => Ok(text),
        Part::Picture(_) => {
            Err(wrong(&format!("{at}.content"), "holds a picture, which only a user's message may"))
        }
    };
    parts(content, at)?.into_iter().map(text).collect()
}

fn picture(url: String, at: &str) -> Result<Picture, ProviderError> {
    let Some(data) = url.strip_prefix("data:") else { return Ok(Picture::Url(url)) };
    match data.split_once(";base64,") {
        Some((media, bytes)) if media.contains('/') => {
            Ok(Picture::Inline(media.to_owned(), bytes.to_owned()))
        }
        _ => Err(wrong(at, "holds a picture that is not written as data:TYPE;base64,BYTES")),
    }
}

fn calls(calls: Vec<WireCall>, at: &str) -> Result<Vec<Call>, ProviderError> {
    let call = |(index, call): (usize, WireCall)| {
        let at = format!("{at}.tool_calls[{index}]");
        let function = call.function.ok_or_else(|| wrong(&at, "calls no function"))?;
        let written = if function.arguments.trim().is_empty() { "{}" } else { &function.arguments };
        let arguments = serde_json::from_str(written)
            .map_err(|_| wrong(&format!("{at}.function.arguments"), "is not a JSON object"))?;
        let signature = call
            .extra_content
            .as_ref()
            .and_then(|extra| extra.pointer("/google/thought_signature")?.as_str());
        Ok(Call {
            signature: signature.map(str::to_owned),
            id: call.id.ok_or_else(|| wrong(&format!("{at}.id"), "is missing"))?,
            name: function.name,
            arguments,
        })
    };
    calls.into_iter().enumerate().map(call).collect()
}
