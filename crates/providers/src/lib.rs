//! The model router: one port for every language model, one module per wire dialect.
//!
//! It decides which models may take a call and in which order, makes the call, tries others when one fails, and
//! keeps failing ones out of the way. It does not know about money that is left, tasks, journals or storage.

mod answer;
mod breaker;
mod catalogue;
mod chat;
mod config;
mod dialect;
mod document;
mod error;
mod exchange;
mod http;
mod launcher;
mod limits;
mod local;
mod models;
mod named;
mod presets;
mod pull;
mod router;
mod secret;
mod sse;
mod stage;
mod usage;

pub use answer::{Answer, Attempt, ChatAnswer, Finish, Outcome};
pub use catalogue::{Catalogue, Entry};
pub use chat::{ChatRequest, JsonSchema, Message, Question, Role, Speaker, Verb};
pub use config::{
    Abilities, Ability, Dialect, Limits, ModelSection, Preference, ProviderSection, RoleSection,
    RouterSection, Timeouts,
};
pub use dialect::{Brings, Chunk};
pub use document::Document;
pub use error::ProviderError;
pub use launcher::{Launcher, NoEngine};
pub use limits::{Limiter, Place, Wish};
pub use local::{OLLAMA_PATIENCE, OLLAMA_URL, discover_ollama, is_embedding_model};
pub use models::Models;
pub use presets::{PRESETS, Preset, known_env_keys};
pub use pull::{PullProgress, pull_ollama};
pub use router::{
    Answered, Call, ChatStream, EMBEDDED, EmbeddedModel, FoundOllama, HealthChange, Need, OLLAMA, Opened,
    ProviderHealth, Route, Router, RouterConfig, Target, TargetHealth, TargetState, Wanted, Witness,
};
pub use secret::Secret;
pub use stage::Stage;
pub use usage::{Amount, Usage};
