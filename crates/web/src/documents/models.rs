//! Providers, models and routes, as people and programs read them.

use cofounder_providers::{ProviderHealth, Route, Target, TargetState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sample;

/// A provider of models, as this process knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct ProviderItem {
    /// Its name in the configuration.
    pub name: String,
    /// Its protocol: `openai`, `anthropic`, `gemini`, `ollama`, `huggingface` or `embedded`.
    pub dialect: String,
    /// Whether it is on this machine or its network.
    pub local: bool,
    /// What keeps it from being used at all, and what to do; absent if nothing does.
    pub problem: Option<String>,
    /// How many calls wait for a place with it.
    pub waiting: u64,
    /// Its models.
    pub models: Vec<ModelHealth>,
}

/// How a model is, as this process saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelHealth {
    /// `provider/model`.
    pub id: String,
    /// `ready`, `cooling` (it said when to come back) or `resting` (it failed several times).
    pub state: String,
    /// For how long it is not asked, in milliseconds; 0 if it is.
    pub left_ms: u64,
    /// Its last failure, if nothing went well since.
    pub last_error: Option<String>,
}

/// Where calls of a role go, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct RouteDocument {
    /// The role.
    pub role: String,
    /// Why this chain.
    pub why: String,
    /// The models that are asked, the first first.
    pub models: Vec<ModelItem>,
    /// Those that are not, and why.
    pub passed_over: Vec<PassedOver>,
}

/// A model that can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelItem {
    /// `provider/model`.
    pub id: String,
    /// Whether it costs nothing.
    pub free: bool,
    /// US dollars per million prompt tokens; absent if nobody says.
    pub input_usd: Option<f64>,
    /// US dollars per million answer tokens; absent if nobody says.
    pub output_usd: Option<f64>,
    /// Tokens that messages and answer may have together; absent if nobody says.
    pub context: Option<u64>,
    /// The longest answer, in tokens; absent if nobody says.
    pub max_output: Option<u32>,
    /// Who made it; absent if nobody says.
    pub family: Option<String>,
    /// How able it is, from 1 to 5; absent if nobody says.
    pub tier: Option<u8>,
}

/// A model that is not asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PassedOver {
    /// Its name, or a group's.
    pub name: String,
    /// Why.
    pub why: String,
}

impl Sample for ProviderItem {
    fn sample() -> Self {
        let model = ModelHealth {
            id: "acme/acme-large".to_owned(),
            state: "ready".to_owned(),
            left_ms: 0,
            last_error: None,
        };
        let (name, dialect) = ("acme".to_owned(), "openai".to_owned());
        Self { name, dialect, local: false, problem: None, waiting: 0, models: vec![model] }
    }
}

impl Sample for RouteDocument {
    fn sample() -> Self {
        let model = ModelItem {
            id: "acme/acme-large".to_owned(),
            free: false,
            input_usd: Some(1.0),
            output_usd: Some(2.0),
            context: Some(32_768),
            max_output: None,
            family: Some("acme".to_owned()),
            tier: Some(4),
        };
        let passed = PassedOver {
            name: "embedded/smollm2-135m".to_owned(),
            why: "it is not in router.prefer".to_owned(),
        };
        let (role, why) = ("draft".to_owned(), "router.prefer".to_owned());
        Self { role, why, models: vec![model], passed_over: vec![passed] }
    }
}

impl From<ProviderHealth> for ProviderItem {
    fn from(health: ProviderHealth) -> Self {
        let models = health.targets.into_iter().map(|target| {
            let (state, left) = match target.state {
                TargetState::Ready => ("ready", std::time::Duration::ZERO),
                TargetState::Cooling(left) => ("cooling", left),
                TargetState::Resting(left) => ("resting", left),
            };
            ModelHealth {
                id: target.target,
                state: state.to_owned(),
                left_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
                last_error: target.last_error,
            }
        });
        Self {
            models: models.collect(),
            name: health.name,
            dialect: health.dialect.as_str().to_owned(),
            local: health.local,
            problem: health.problem,
            waiting: health.waiting as u64,
        }
    }
}

impl From<&Target> for ModelItem {
    fn from(target: &Target) -> Self {
        Self {
            id: target.id(),
            free: target.free,
            input_usd: target.price.map(|price| price.input),
            output_usd: target.price.map(|price| price.output),
            context: target.context,
            max_output: target.max_output,
            family: target.family.clone(),
            tier: target.tier,
        }
    }
}

impl RouteDocument {
    /// Of a role's route.
    #[must_use]
    pub fn of(role: &str, route: &Route) -> Self {
        let passed = route.passed_over.iter();
        Self {
            role: role.to_owned(),
            why: route.why.to_string(),
            models: route.targets.iter().map(|target| ModelItem::from(&**target)).collect(),
            passed_over: passed
                .map(|(name, why)| PassedOver { name: name.to_string(), why: why.to_string() })
                .collect(),
        }
    }
}
