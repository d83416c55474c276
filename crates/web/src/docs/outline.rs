//! What the page shows, read from the description.

use serde_json::Value;

use super::{
    schema::{Document, Field, kind},
    text::{Piece, paragraphs, pieces},
};

/// The whole page.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) title: String,
    pub(super) version: String,
    pub(super) words: Vec<Vec<Piece>>,
    pub(super) groups: Vec<Group>,
    pub(super) refusals: Vec<Answer>,
    pub(super) documents: Vec<Document>,
}

/// Operations that belong together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) words: String,
    pub(super) operations: Vec<Operation>,
}

/// One thing that can be asked for.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) summary: String,
    pub(super) words: Vec<Vec<Piece>>,
    pub(super) parameters: Vec<Field>,
    pub(super) takes: Vec<Body>,
    pub(super) answers: Vec<Answer>,
    pub(super) refusals: Vec<Answer>,
}

/// What is answered with a status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) words: Vec<Piece>,
    /// Where it is described, if that is elsewhere.
    pub(super) link: String,
    pub(super) bodies: Vec<Body>,
}

/// What a request or an answer carries.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) form: String,
    pub(super) kind: Vec<Piece>,
    pub(super) example: String,
}

/// The description, and what its references name.
struct Reader<'a>(&'a Value);

impl Outline {
    /// Reads a description; what is not in it is not on the page.
    pub(super) fn of(text: &str) -> Self {
        let api: Value = serde_json::from_str(text).unwrap_or_default();
        let reader = Reader(&api);
        let shared = api["components"]["responses"].as_object().into_iter().flatten();
        let schemas = api["components"]["schemas"].as_object().into_iter().flatten();
        let mut groups: Vec<Group> = api["tags"].as_array().into_iter().flatten().map(Group::of).collect();
        for (path, item) in api["paths"].as_object().into_iter().flatten() {
            for (method, says) in item.as_object().into_iter().flatten() {
                if let Some(group) = groups.iter_mut().find(|group| says["tags"][0] == group.name.as_str()) {
                    group.operations.push(reader.operation(method, path, says));
                }
            }
        }
        groups.retain(|group| !group.operations.is_empty());
        let refusal = |(name, response): (&String, &Value)| Answer {
            link: format!("refusal-{name}"),
            ..reader.answer(name.trim_start_matches(|c: char| !c.is_ascii_digit()), response)
        };
        Self {
            title: text_of(&api["info"], "title"),
            version: text_of(&api["info"], "version"),
            words: paragraphs(&text_of(&api["info"], "description")),
            groups,
            refusals: shared.map(refusal).collect(),
            documents: schemas.map(|(name, schema)| Document::of(name, schema)).collect(),
        }
    }
}

impl Group {
    fn of(tag: &Value) -> Self {
        Self { name: text_of(tag, "name"), words: text_of(tag, "description"), operations: Vec::new() }
    }
}

impl Reader<'_> {
    fn operation(&self, method: &str, path: &str, says: &Value) -> Operation {
        let parameters = says["parameters"].as_array().into_iter().flatten();
        let answers = says["responses"].as_object().into_iter().flatten();
        let answers = answers.map(|(status, response)| self.answer(status, response));
        let (refusals, answers) =
            answers.partition(|answer| answer.status.starts_with(['4', '5']) && !answer.link.is_empty());
        Operation {
            id: text_of(says, "operationId"),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text_of(says, "summary"),
            words: paragraphs(&text_of(says, "description")),
            parameters: parameters.map(Field::parameter).collect(),
            takes: self.bodies(&says["requestBody"]),
            answers,
            refusals,
        }
    }

    fn answer(&self, status: &str, response: &Value) -> Answer {
        let whole = self.resolved(response);
        let name = response["$ref"].as_str().and_then(|place| place.rsplit('/').next());
        Answer {
            status: status.to_owned(),
            words: pieces(&text_of(whole, "description")),
            link: name.map(|name| format!("refusal-{name}")).unwrap_or_default(),
            bodies: self.bodies(whole),
        }
    }

    fn bodies(&self, part: &Value) -> Vec<Body> {
        let contents = self.resolved(part)["content"].as_object().into_iter().flatten();
        let body = |(form, content): (&String, &Value)| {
            let named = content["examples"].as_object().into_iter().flatten().next();
            let example = named.map_or(&content["example"], |(_, example)| &self.resolved(example)["value"]);
            Body { form: form.clone(), kind: kind(&content["schema"]), example: shown(example) }
        };
        contents.map(body).collect()
    }

    fn resolved<'a>(&'a self, part: &'a Value) -> &'a Value {
        part["$ref"].as_str().and_then(|place| self.0.pointer(place.strip_prefix('#')?)).unwrap_or(part)
    }
}

fn text_of(part: &Value, key: &str) -> String {
    part[key].as_str().unwrap_or_default().to_owned()
}

/// An example as it travels: text as it is, all else as JSON.
fn shown(example: &Value) -> String {
    match example {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}
