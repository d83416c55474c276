//! The model router: one port for every language model, one module per wire dialect.
//!
//! It decides which models may take a call and in which order, makes the call, tries others when one fails, and
//! keeps failing ones out of the way. It does not know about money that is left, tasks, journals or storage.

mod breaker;
mod chat;
mod config;
mod error;
mod http;
mod launcher;
mod limits;
mod local;
mod models;
mod openai;
mod router;
mod secret;

pub use chat::{
    Attempt, ChatAnswer, ChatRequest, Finish, JsonSchema, Message, Outcome, Role, Speaker, Usage,
};
pub use config::{
    Abilities, Ability, Dialect, Limits, ModelSection, ProviderSection, RouterSection, Timeouts,
};
pub use error::{ProviderError, Stage};
pub use launcher::{Launcher, NoEngine};
pub use local::{OLLAMA_PATIENCE, OLLAMA_URL, discover_ollama, known_env_keys};
pub use models::Models;
pub use router::{
    Answered, EMBEDDED, EmbeddedModel, FoundOllama, Need, OLLAMA, ProviderHealth, Route, Router,
    RouterConfig, Target, TargetHealth, TargetState,
};
pub use secret::Secret;
