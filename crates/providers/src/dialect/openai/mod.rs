//! The dialect `openai`, which is also the language that all others are translated from and into.
//!
//! After the reference at <https://platform.openai.com/docs/api-reference/chat>. What a client wrote goes on to the
//! byte, but for the model's name and what this program must know to count tokens.

mod completion;
mod document;
mod usage;

pub(crate) use document::{chat_document, limit_key};

use super::{
    Ask, Brings, Heard, Reader, Spoken, Wire, Words,
    count::{Count, Perhaps},
    hidden, read_json as read, vectors,
};
use crate::{Amount, Answer, Finish, ProviderError, Usage, Verb, http};
use bytes::Bytes;
use completion::{Completion, finish};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use std::collections::HashSet;

pub(crate) struct Openai;

impl Words for Openai {
    fn request(&self, ask: &Ask<'_>) -> Result<Wire, ProviderError> {
        let verb = match ask.verb {
            Verb::Chat => "chat/completions",
            Verb::Embeddings => "embeddings",
            Verb::Images => "images/generations",
        };
        let mut changes = vec![("model", json!(ask.target.model).to_string())];
        if ask.verb == Verb::Chat {
            changes.extend(chat_changes(ask)?);
        }
        Ok(Wire {
            url: http::endpoint(ask.base, verb),
            headers: ask.headers()?,
            body: ask.document.with(&changes),
        })
    }

    fn answer(&self, ask: &Ask<'_>, body: Bytes) -> Result<Answer, ProviderError> {
        match ask.verb {
            Verb::Chat => chat(ask, body),
            Verb::Embeddings | Verb::Images => list(ask, body),
        }
    }

    fn reader(&self, ask: &Ask<'_>) -> Box<dyn Reader> {
        let asked = ask.document.read("n").ok().flatten().unwrap_or(1);
        Box::new(Pieces { asked, ended: HashSet::new(), first: None })
    }
}

/// What of a chat depends on who answers it.
fn chat_changes(ask: &Ask<'_>) -> Result<Vec<(&'static str, String)>, ProviderError> {
    let mut changes = Vec::new();
    let mut bounded = false;
    for key in ["max_tokens", "max_completion_tokens"] {
        let asked = ask.document.read::<u64>(key)?;
        bounded |= asked.is_some();
        if let (Some(asked), Some(most)) = (asked, ask.target.max_output)
            && asked > u64::from(most)
        {
            changes.push((key, most.to_string()));
        }
    }
    if let Some(bound) = ask.bound.filter(|_| !bounded) {
        changes.push((limit_key(ask.base), bound.to_string()));
    }
    if ask.streamed {
        changes.push(("stream", "true".to_owned()));
        // Without it nobody says what a streamed answer took. An engine in this program says it anyway.
        let mut options =
            ask.document.read::<serde_json::Map<String, Value>>("stream_options")?.unwrap_or_default();
        options.insert("include_usage".to_owned(), json!(true));
        changes.push(("stream_options", Value::Object(options).to_string()));
    }
    Ok(changes)
}

fn chat(ask: &Ask<'_>, body: Bytes) -> Result<Answer, ProviderError> {
    let completion: Completion = read(&body)?;
    let choices = completion.choices.unwrap_or_default();
    let Some(choice) = choices.first() else {
        return Err(match completion.error {
            Some(error) if !error.is_null() => hidden(&json!({"error": error})),
            _ => ProviderError::malformed("it holds no choice"),
        });
    };
    let said =
        choice.message.as_ref().ok_or_else(|| ProviderError::malformed("its choice holds no message"))?;
    let finish = choice.finish_reason.as_deref().map_or(Finish::Other, finish);
    let text = match said.text() {
        Some(text) => text,
        // Reasoning that used up all tokens, or an answer that was withheld, leaves no text at all.
        None if said.more() || matches!(finish, Finish::Length | Finish::ContentFilter) => String::new(),
        None => return Err(ProviderError::malformed("its message holds no text")),
    };
    let estimate = || {
        let mut spoken = Spoken::default();
        for said in choices.iter().filter_map(|choice| choice.message.as_ref()) {
            spoken.add(&said.text().unwrap_or_default());
            said.spoken(&mut spoken);
        }
        ask.estimate(spoken)
    };
    let usage = completion.usage.and_then(|usage| usage.0?.read(true)).unwrap_or_default();
    let usage = usage.or(estimate);
    let model = completion.model.unwrap_or_else(|| ask.target.model.clone());
    Ok(Answer { body, text, finish, usage, model })
}

/// Vectors and pictures: a document with a list `data`.
fn list(ask: &Ask<'_>, body: Bytes) -> Result<Answer, ProviderError> {
    #[derive(Deserialize)]
    struct List {
        data: Option<Vec<Entry>>,
        usage: Option<Perhaps<ListUsage>>,
        model: Option<String>,
        error: Option<Value>,
    }
    #[derive(Deserialize)]
    struct Entry {
        embedding: Option<Box<RawValue>>,
    }
    /// Vectors are counted as a prompt's tokens, pictures as input and output.
    #[derive(Deserialize)]
    struct ListUsage {
        #[serde(alias = "input_tokens")]
        prompt_tokens: Option<Count>,
        output_tokens: Option<Count>,
    }
    let list: List = read(&body)?;
    if list.data.as_ref().is_none_or(Vec::is_empty) {
        return Err(match list.error {
            Some(error) if !error.is_null() => hidden(&json!({"error": error})),
            _ => ProviderError::malformed("it holds no `data`"),
        });
    }
    if ask.verb == Verb::Embeddings {
        let entries = list.data.iter().flatten();
        let vectors: Vec<&str> = entries.filter_map(|entry| Some(entry.embedding.as_ref()?.get())).collect();
        vectors::check(ask.document, &vectors)?;
    }
    let counted = list.usage.and_then(|usage| usage.0);
    let number = |count: Option<Count>| Amount::said(count.map(|count| count.0), true);
    let tokens_out = match ask.verb {
        Verb::Embeddings => Amount::Counted(0),
        _ => number(counted.as_ref().and_then(|usage| usage.output_tokens)),
    };
    let tokens_in = number(counted.and_then(|usage| usage.prompt_tokens));
    let usage = Usage { tokens_in, tokens_out, ..Usage::default() }.or(|| ask.estimate(Spoken::default()));
    let model = list.model.unwrap_or_else(|| ask.target.model.clone());
    Ok(Answer { body, text: String::new(), finish: Finish::Stop, usage, model })
}

/// Reads pieces, and passes them on as they came.
struct Pieces {
    /// Answers that were asked for.
    asked: usize,
    /// Those of them that said why they ended.
    ended: HashSet<u64>,
    /// What the first of them said.
    first: Option<Finish>,
}

impl Reader for Pieces {
    fn event(&mut self, data: &[u8], heard: &mut Heard) -> Result<(), ProviderError> {
        if data == b"[DONE]" {
            heard.finish = self.first;
            heard.done = true;
            return Ok(());
        }
        let piece: Completion = read(data)?;
        if let Some(error) = piece.error.filter(|e| !e.is_null()) {
            return Err(hidden(&json!({"error": error})));
        }
        if let Some(model) = piece.model {
            heard.model.get_or_insert(model);
        }
        let alone = piece.usage.is_some() && piece.choices.as_ref().is_none_or(Vec::is_empty);
        let mut brings = if alone { Brings::Usage } else { Brings::Frame };
        for choice in piece.choices.iter().flatten() {
            if let Some(reason) = &choice.finish_reason {
                self.ended.insert(choice.index);
                if choice.index == 0 {
                    self.first = Some(finish(reason));
                }
                // Without the mark for the end, the answer is complete when each choice is.
                heard.finish = self.first.filter(|_| self.ended.len() >= self.asked);
            }
            // Some servers send a whole message as one piece.
            let Some(said) = choice.delta.as_ref().or(choice.message.as_ref()) else { continue };
            said.spoken(&mut heard.spoken);
            let text = said.text().unwrap_or_default();
            if !text.is_empty() || said.more() {
                brings = Brings::Content;
            }
            match choice.index {
                0 => heard.say(&text),
                _ => heard.spoken.add(&text),
            }
        }
        // Some servers count in every piece what came so far.
        let last = alone || heard.finish.is_some();
        heard.usage = piece.usage.and_then(|usage| usage.0?.read(last)).or(heard.usage);
        heard.push(data.to_vec(), brings);
        Ok(())
    }
}
