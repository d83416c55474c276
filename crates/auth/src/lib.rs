//! Who asks, and what they may: tokens for programs.
//!
//! [`Tokens`] makes them, and tells of a text that was shown whose it is. Of a token's text only its SHA-256 is kept: a
//! copy of the database opens no door. Every token ends, and whoever shows one that is not valid learns nothing of why.
//! This crate knows who may do what, and nothing of requests, headers or pages, nor of what is done: whoever has one of
//! those asks here first.

mod cache;
mod error;
mod identity;
mod lifetime;
mod order;
mod scope;
mod secret;
mod tokens;

pub use error::{AuthError, Refusal};
pub use identity::{Identity, Who};
pub use lifetime::{DEFAULT_LIFETIME, LifetimeError, MAX_LIFETIME, parse_lifetime};
pub use order::{Issued, MAX_NAME_CHARS, Order, OrderError};
pub use scope::{Scope, ScopeError};
pub use tokens::Tokens;
