//! Keys: where they come from, and that they are never seen.

use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};
use std::{fmt, fs, path::PathBuf};

/// Where a key is to be found: `{ env = "NAME" }` or `{ file = "path" }`. A key itself cannot be written in a
/// configuration, and no error message repeats what stood there instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// The name of an environment variable.
    Env(String),
    /// A file that holds nothing else; white space around the key is dropped.
    File(PathBuf),
}

const FORM: &str = "a key is written as `{ env = \"NAME\" }` or `{ file = \"path\" }`, never as itself";

impl Secret {
    /// The key.
    ///
    /// # Errors
    /// Why there is none. The reason names the place and never the key.
    pub fn read(&self) -> Result<SecretString, String> {
        let (key, place) = match self {
            Self::Env(name) => (std::env::var(name).ok(), format!("the environment variable {name}")),
            Self::File(path) => (fs::read_to_string(path).ok(), format!("the file {}", path.display())),
        };
        let key = key.ok_or_else(|| format!("{place} is not there or cannot be read"))?;
        match key.trim() {
            "" => Err(format!("{place} is empty")),
            key if key.chars().any(|c| c.is_control() || !c.is_ascii()) => {
                Err(format!("{place} holds more than a key: a line break or a character that no key has"))
            }
            key => Ok(SecretString::from(key)),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

/// By hand, because the derived one would print a literal key in its error message.
impl<'de> Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORM)
    }

    fn visit_str<E: Error>(self, _literal: &str) -> Result<Secret, E> {
        Err(E::custom(FORM))
    }

    fn visit_i64<E: Error>(self, _literal: i64) -> Result<Secret, E> {
        Err(E::custom(FORM))
    }

    fn visit_u64<E: Error>(self, _literal: u64) -> Result<Secret, E> {
        Err(E::custom(FORM))
    }

    fn visit_f64<E: Error>(self, _literal: f64) -> Result<Secret, E> {
        Err(E::custom(FORM))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        let form = |_| A::Error::custom(FORM);
        let secret = match map.next_key::<String>()?.as_deref() {
            Some("env") => Secret::Env(map.next_value().map_err(form)?),
            Some("file") => Secret::File(map.next_value().map_err(form)?),
            _ => return Err(A::Error::custom(FORM)),
        };
        match map.next_key::<String>()? {
            None => Ok(secret),
            Some(_) => Err(A::Error::custom(FORM)),
        }
    }
}
