//! A request as it came in: the fields of a JSON object in their order, each as it was written.
//!
//! What is not looked at is sent on to the byte: fields that this program does not know, and numbers that it could
//! not hold.

use crate::ProviderError;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// A request in the words of OpenAI's API, from which every dialect is translated.
#[derive(Clone, Debug, Default)]
pub struct Document(Vec<(String, Box<RawValue>)>);

impl Document {
    /// Reads a request's body.
    ///
    /// # Errors
    /// [`ProviderError::WrongQuestion`] if it is no JSON object.
    pub fn parse(body: &[u8]) -> Result<Self, ProviderError> {
        serde_json::from_slice(body).map_err(|error| ProviderError::WrongQuestion {
            why: format!("the request's body is not a JSON object: {error}"),
        })
    }

    /// A field as it was written.
    #[must_use]
    pub fn raw(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.get())
    }

    /// A field; `null` is none.
    ///
    /// # Errors
    /// [`ProviderError::WrongQuestion`] names the field that holds something else.
    pub fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ProviderError> {
        let Some(raw) = self.raw(key) else { return Ok(None) };
        serde_json::from_str(raw)
            .map_err(|error| ProviderError::WrongQuestion { why: format!("`{key}` cannot be read: {error}") })
    }

    /// Sets a field, at its old place if it was there.
    pub fn set(&mut self, key: &str, value: &impl Serialize) {
        // What is set here are numbers, texts and small objects, which are always JSON.
        let Ok(raw) = serde_json::value::to_raw_value(value) else { return };
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = raw,
            None => self.0.push((key.to_owned(), raw)),
        }
    }

    /// Takes a field away.
    pub fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| name != key);
    }

    /// Its length as JSON without spaces between its fields, in bytes, if no name needs escaping.
    #[must_use]
    pub fn len(&self) -> usize {
        // A field is its name in quotation marks, a colon, its value, and a comma but for the last.
        let fields = self.0.iter().map(|(name, value)| name.len() + value.get().len() + 4).sum::<usize>();
        2 + fields.saturating_sub(1)
    }

    /// Whether it has no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As JSON, with some fields replaced or added.
    #[must_use]
    pub fn with(&self, changes: &[(&str, String)]) -> Vec<u8> {
        let room = self.len() + changes.iter().map(|(key, value)| key.len() + value.len() + 4).sum::<usize>();
        let mut out = Vec::with_capacity(room);
        let mut push = |key: &str, value: &str| {
            out.push(if out.is_empty() { b'{' } else { b',' });
            // A key came out of JSON or is one of ours; written anew it is escaped again.
            // A text is always JSON, and memory takes it.
            drop(serde_json::to_writer(&mut out, key));
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
        };
        for (key, value) in &self.0 {
            let changed = changes.iter().find(|(name, _)| name == key);
            push(key, changed.map_or(value.get(), |(_, value)| value));
        }
        for (key, value) in changes.iter().filter(|(key, _)| self.raw(key).is_none()) {
            push(key, value);
        }
        if out.is_empty() {
            out.push(b'{');
        }
        out.push(b'}');
        out
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut fields: Vec<(String, Box<RawValue>)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
            // A second value of a key replaces the first, as with every server behind us: what is checked here is
            // what counts there.
            match fields.iter_mut().find(|(name, _)| *name == key) {
                Some((_, old)) => *old = value,
                None => fields.push((key, value)),
            }
        }
        Ok(Document(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_is_not_changed_stays_to_the_byte() {
        let body = br#"{"model":"a","x":1.00000000000000000001,"y":{"b":[1e400,  2]},"z":"\u00e4"}"#;
        let document = Document::parse(body).unwrap();
        assert_eq!(
            text(document.with(&[("model", "\"b\"".into()), ("n", "1".into())])),
            r#"{"model":"b","x":1.00000000000000000001,"y":{"b":[1e400,  2]},"z":"\u00e4","n":1}"#
        );
        assert_eq!(text(Document::default().with(&[])), "{}");
        assert_eq!((document.len(), Document::default().len()), (body.len(), 2));
    }

    #[test]
    fn the_last_of_two_values_counts_and_is_the_one_that_is_sent() {
        let document = Document::parse(br#"{"max_tokens":1,"a":0,"max_tokens":9}"#).unwrap();
        assert_eq!(document.read::<u32>("max_tokens").unwrap(), Some(9));
        assert_eq!(text(document.with(&[])), r#"{"max_tokens":9,"a":0}"#);
    }

    #[test]
    fn fields_are_read_set_and_taken_away() {
        let mut document = Document::parse(br#"{"a":null,"b":"x"}"#).unwrap();
        assert_eq!(document.read::<String>("a").unwrap(), None);
        assert!(document.read::<u32>("b").unwrap_err().to_string().contains("`b`"));
        document.set("a", &3);
        document.remove("b");
        assert_eq!((document.raw("a"), document.raw("b")), (Some("3"), None));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["", "[]", "{", "null", "{\"a\":}", "\"x\"", &"[".repeat(100_000)] {
            assert!(Document::parse(body.as_bytes()).is_err(), "{:.20}", body);
        }
    }
}
