//! `[router]`.

use crate::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[router]`: which models take a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouterSection {
    /// The whole chain when set: `provider`, `provider/model`, `embedded`, or the embedded model's name.
    pub prefer: Vec<String>,
    /// Whether models that cost money may be used without being named by `--model`.
    pub allow_paid: bool,
    /// How models are ordered that no chain orders.
    pub preference: Preference,
    /// `[router.role.NAME]`: what differs for one role.
    pub role: BTreeMap<Role, RoleSection>,
    /// `[router.alias]`: other names for models, `provider/model` or `role:NAME`.
    pub alias: BTreeMap<String, String>,
    /// How often, in seconds, targets that rest are asked whether they are back, without a call that needs them.
    /// Default: never; the first call after a rest asks.
    pub probe_seconds: Option<u64>,
}

/// `[router.role.NAME]`: what differs for one role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoleSection {
    /// The whole chain for this role.
    pub prefer: Vec<String>,
    /// How models are ordered for this role.
    pub preference: Option<Preference>,
}

/// What counts when several models may take a call and no chain says which comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// What answers soonest: small models first.
    Fast,
    /// The order of the configuration.
    #[default]
    Balanced,
    /// What answers best: large models first, also where they cost money, if that is allowed.
    Best,
}

impl Preference {
    /// The name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::Best => "best",
        }
    }

    /// The preference of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Fast, Self::Balanced, Self::Best].into_iter().find(|p| p.as_str() == name)
    }
}
