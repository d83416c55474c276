//! Whether an answer is the one that its target gave, all of it and once.

use serde_json::Value;

use super::client::Heard;

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// The whole answer, to the byte.
    Good,
    /// A part of the answer, and an error that says so: its target broke off after its first word.
    Told,
    /// An error instead of an answer, although a target was healthy.
    Failed,
    /// A text that nobody gave.
    Wrong,
    /// Bytes that are doubled or missing in the midst of an answer.
    Bytes,
    /// A part of an answer that says it is the whole.
    Complete,
    /// A part of an answer, and no word of the rest.
    Silent,
}

impl Verdict {
    pub(super) const ALL: [Self; 7] =
        [Self::Good, Self::Told, Self::Failed, Self::Wrong, Self::Bytes, Self::Complete, Self::Silent];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Told => "told",
            Self::Failed => "failed",
            Self::Wrong => "wrong",
            Self::Bytes => "bytes",
            Self::Complete => "complet",
            Self::Silent => "silent",
        }
    }
}

/// The pieces of a target's answer to the question of this name. No two are alike.
pub(super) fn pieces(target: &str, question: &str) -> Vec<String> {
    (0..8).map(|at| format!("{target}.{question}.{at} ")).collect()
}

/// Judges an answer to the question of this name.
pub(super) fn judge(heard: &Heard, question: &str, streamed: bool) -> Verdict {
    if heard.status != 200 {
        return if heard.whole && error_of(&heard.body).is_some() {
            Verdict::Failed
        } else {
            Verdict::Silent
        };
    }
    let target = heard.headers.get("x-cofounder-model").and_then(|id| id.split('/').next());
    let expected = target.map_or_else(String::new, |target| pieces(target, question).concat());
    let Said { text, done, error } =
        if streamed { read_events(&heard.body) } else { read_whole(&heard.body) };
    let ended = done && heard.whole;
    match () {
        () if text == expected && ended && !error => Verdict::Good,
        () if !expected.starts_with(&text) => {
            let ours = text.split(' ').all(|word| expected.contains(word));
            if ours { Verdict::Bytes } else { Verdict::Wrong }
        }
        () if done => Verdict::Complete,
        () if error => Verdict::Told,
        () => Verdict::Silent,
    }
}

struct Said {
    text: String,
    /// It says that nothing follows.
    done: bool,
    error: bool,
}

fn read_whole(body: &[u8]) -> Said {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = document.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default();
    Said { text: text.to_owned(), done: true, error: error_of(body).is_some() }
}

fn read_events(body: &[u8]) -> Said {
    let body = String::from_utf8_lossy(body);
    let mut said = Said { text: String::new(), done: false, error: false };
    for data in body.split("\n\n").filter_map(|event| event.strip_prefix("data: ")) {
        if data == "[DONE]" {
            said.done = true;
            continue;
        }
        let document: Value = serde_json::from_str(data).unwrap_or_default();
        said.error |= error_of(data.as_bytes()).is_some();
        let content = document.pointer("/choices/0/delta/content").and_then(Value::as_str);
        said.text.push_str(content.unwrap_or_default());
    }
    said
}

/// The code of an error document in OpenAI's shape.
pub(super) fn error_of(body: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(body).ok()?;
    document.pointer("/error/message").and_then(Value::as_str)?;
    document.pointer("/error/code").and_then(Value::as_str).map(str::to_owned)
}
