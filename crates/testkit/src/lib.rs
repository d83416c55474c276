//! For tests only: servers that misbehave on demand, a PostgreSQL server, tiny models, and a clock that is set by hand.
//!
//! Nothing here may be used outside tests; the tidy test keeps it so. It knows the wire formats it fakes and
//! the words of `domain`, and none of the crates that it helps to test.

pub mod clock;
pub mod gguf;
pub mod hub;
pub mod identity;
pub mod postgres;
pub mod provider;
pub mod receiver;
