//! A setting, as people and programs read it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sample;

/// Something that is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct SettingItem {
    /// Its key, with the sections above it.
    pub key: String,
    /// Its value as TOML writes it; `…` for a secret.
    pub value: String,
    /// By what it is set: `file` or `variable`.
    pub source: String,
    /// The variable of the environment; absent if it stands in the file.
    pub variable: Option<String>,
}

impl Sample for SettingItem {
    fn sample() -> Self {
        Self {
            key: "budget.day_usd".to_owned(),
            value: "5.0".to_owned(),
            source: "variable".to_owned(),
            variable: Some("COFOUNDER_BUDGET__DAY_USD".to_owned()),
        }
    }
}
