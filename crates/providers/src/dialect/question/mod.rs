//! A chat in OpenAI's words, read: what the dialects that are not OpenAI's translate from.
//!
//! After the reference at <https://platform.openai.com/docs/api-reference/chat/create>. What another protocol cannot
//! express and what changes the meaning of the answer is refused by name; what only helps OpenAI (`store`, `metadata`,
//! `service_tier`, …) is dropped, as are fields that nobody here knows.

mod messages;
mod refused;

use crate::{Document, ProviderError};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A chat.
#[derive(Debug)]
pub(super) struct Chat {
    pub(super) turns: Vec<Turn>,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Choice,
    /// Whether it may call several tools at once.
    pub(super) parallel: Option<bool>,
    /// The longest answer, in tokens, as the document has it.
    pub(super) most: Option<u64>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) stop: Vec<String>,
    pub(super) format: Format,
}

/// One message.
#[derive(Debug)]
pub(super) enum Turn {
    System(String),
    User(Vec<Part>),
    Assistant {
        text: String,
        calls: Vec<Call>,
    },
    /// What a tool gave back, with the name of the tool that was called.
    Tool {
        id: String,
        name: String,
        text: String,
    },
}

/// A part of what a user says.
#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    Picture(Picture),
}

/// A picture that is shown.
#[derive(Debug)]
pub(super) enum Picture {
    /// Its media type, and its bytes in base64.
    Inline(String, String),
    Url(String),
}

/// A tool that is called.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    /// What Google's models want to see again with the call.
    pub(super) signature: Option<String>,
}

/// A tool that is offered.
#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) parameters: Option<Value>,
}

/// Which tool to call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Nothing is said of it.
    Open,
    Auto,
    Never,
    Any,
    One(String),
}

/// The form of the answer.
#[derive(Debug)]
pub(super) enum Format {
    Text,
    /// Any JSON object.
    Object,
    /// What fits this schema.
    Schema(Value),
}

impl Chat {
    /// Reads the document for a protocol whose maker is called so, and which gives several answers to one question
    /// or not.
    ///
    /// # Errors
    /// [`ProviderError::WrongQuestion`] names the field that cannot be read, or that this protocol cannot express.
    pub(super) fn read(document: &Document, maker: &str, several: bool) -> Result<Self, ProviderError> {
        refused::check(document, maker, several)?;
        let most = document.read("max_completion_tokens")?;
        Ok(Self {
            turns: messages::read(document)?,
            tools: tools(document)?,
            choice: choice(document)?,
            parallel: document.read("parallel_tool_calls")?,
            most: if most.is_some() { most } else { document.read("max_tokens")? },
            temperature: document.read("temperature")?,
            top_p: document.read("top_p")?,
            stop: match document.read::<OneOrMany>("stop")? {
                None => Vec::new(),
                Some(OneOrMany::One(stop)) => vec![stop],
                Some(OneOrMany::Many(stops)) => stops,
            },
            format: format(document)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A request that is wrong in this field.
pub(super) fn wrong(field: &str, why: &str) -> ProviderError {
    ProviderError::WrongQuestion { why: format!("`{field}` {why}") }
}

fn tools(document: &Document) -> Result<Vec<Tool>, ProviderError> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(rename = "type")]
        kind: String,
        function: Option<Tool>,
    }
    let tool = |(index, tool): (usize, Wire)| match (tool.kind.as_str(), tool.function) {
        ("function", Some(function)) => Ok(function),
        (kind, _) => Err(wrong(
            &format!("tools[{index}]"),
            &format!("is of the type {kind:?}: only functions can be offered"),
        )),
    };
    document.read::<Vec<Wire>>("tools")?.unwrap_or_default().into_iter().enumerate().map(tool).collect()
}

fn choice(document: &Document) -> Result<Choice, ProviderError> {
    let value = document.read::<Value>("tool_choice")?;
    let name = value.as_ref().and_then(|v| v.pointer("/function/name")?.as_str());
    match (value.as_ref().map(|v| v.as_str().unwrap_or_default()), name) {
        (None, _) => Ok(Choice::Open),
        (Some("auto"), _) => Ok(Choice::Auto),
        (Some("none"), _) => Ok(Choice::Never),
        (Some("required"), _) => Ok(Choice::Any),
        (_, Some(name)) => Ok(Choice::One(name.to_owned())),
        _ => Err(wrong("tool_choice", "is none of auto, none, required, and a function by its name")),
    }
}

fn format(document: &Document) -> Result<Format, ProviderError> {
    let Some(format) = document.read::<Value>("response_format")? else { return Ok(Format::Text) };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::Object),
        Some("json_schema") => match format.pointer("/json_schema/schema") {
            Some(schema) if schema.is_object() => Ok(Format::Schema(schema.clone())),
            _ => Err(wrong("response_format.json_schema.schema", "is missing")),
        },
        _ => Err(wrong("response_format", "is none of text, json_object and json_schema")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: &str) -> Result<Chat, ProviderError> {
        Chat::read(&Document::parse(document.as_bytes()).unwrap(), "Nobody", false)
    }

    #[test]
    fn what_changes_the_meaning_is_refused_by_name() {
        for (field, value) in [
            ("n", "2"),
            ("logprobs", "true"),
            ("logit_bias", r#"{"5":1}"#),
            ("modalities", r#"["text","audio"]"#),
            ("functions", r#"[{"name":"f"}]"#),
            ("web_search_options", "{}"),
        ] {
            let error = read(&format!(r#"{{"messages":[],"{field}":{value}}}"#)).unwrap_err().to_string();
            assert!(error.contains(&format!("`{field}`")) && error.contains("Nobody"), "{error}");
        }
        for harmless in [
            r#""n":1"#,
            r#""logprobs":false"#,
            r#""logit_bias":{}"#,
            r#""modalities":["text"]"#,
            r#""store":true"#,
            r#""zzz":{"a":1}"#,
            r#""seed":7"#,
        ] {
            read(&format!(r#"{{"messages":[],{harmless}}}"#)).unwrap();
        }
    }

    #[test]
    fn another_shape_than_expected_is_an_error_that_names_the_place() {
        for (document, place) in [
            ("{}", "`messages`"),
            (r#"{"messages":7}"#, "`messages`"),
            (r#"{"messages":[{"role":"king","content":""}]}"#, "`messages[0].role`"),
            (r#"{"messages":[{"role":"user","content":7}]}"#, "`messages`"),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"input_audio"}]}]}"#,
                "`messages[0].content[0]`",
            ),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:x"}}]}]}"#,
                "`messages[0].content[0]`",
            ),
            (
                r#"{"messages":[{"role":"tool","tool_call_id":"a","content":""}]}"#,
                "`messages[0].tool_call_id`",
            ),
            (
                r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"["}}]}]}"#,
                "`messages[0].tool_calls[0].function.arguments`",
            ),
            (r#"{"messages":[],"tools":[{"type":"custom"}]}"#, "`tools[0]`"),
            (r#"{"messages":[],"tool_choice":"maybe"}"#, "`tool_choice`"),
            (r#"{"messages":[],"response_format":{"type":"xml"}}"#, "`response_format`"),
            (r#"{"messages":[],"stop":7}"#, "`stop`"),
            (r#"{"messages":[],"max_tokens":-1}"#, "`max_tokens`"),
        ] {
            let error = read(document).unwrap_err();
            assert!(matches!(error, ProviderError::WrongQuestion { .. }), "{document}");
            assert!(error.to_string().contains(place), "{document}: {error}");
        }
    }

    #[test]
    fn a_tools_answer_knows_the_name_of_its_tool() {
        let chat = read(r#"{"messages":[
            {"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"look","arguments":"{\"x\":1}"}}]},
            {"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"seen"}]}]}"#).unwrap();
        assert!(matches!(&chat.turns[1], Turn::Tool { name, text, .. } if name == "look" && text == "seen"));
    }
}
