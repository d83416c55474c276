//! Local text models, inside a process of their own.
//!
//! [`serve_blocking`] loads a GGUF file and answers the OpenAI chat protocol on a Unix socket, whole or piece by
//! piece, until its standard input ends, which it does when the process that started it does. One request is
//! computed at a time; others wait. This is the only crate with machine-learning libraries. It knows nothing of tasks, sources, money or
//! where models come from.

mod error;
mod generate;
mod grammar;
mod model;
mod protocol;
mod reply;
mod sampler;
mod server;
mod stream;
mod template;
mod text;
mod tokens;
mod worker;

pub use error::EngineError;
pub use server::{ServeOptions, serve_blocking};
