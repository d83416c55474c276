//! A provider's table of models, which keeps the order of the configuration.

use crate::ModelSection;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
};
use std::{collections::HashSet, fmt};

/// Models by id, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Models(pub Vec<(String, ModelSection)>);

impl Models {
    /// The model of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&ModelSection> {
        self.0.iter().find(|(name, _)| name == id).map(|(_, section)| section)
    }
}

impl Serialize for Models {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, section)| (name, section)))
    }
}

impl<'de> Deserialize<'de> for Models {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ModelsVisitor)
    }
}

struct ModelsVisitor;

impl<'de> Visitor<'de> for ModelsVisitor {
    type Value = Models;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of models")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Models, A::Error> {
        let mut models = Vec::new();
        let mut seen = HashSet::new();
        while let Some((name, section)) = map.next_entry::<String, ModelSection>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("the model {name} stands here twice")));
            }
            models.push((name, section));
        }
        Ok(Models(models))
    }
}
