//! Deterministic checks of generated text against its sources: text and passages in, verdicts with places out.
//!
//! From small to large: [`parse`] reads a Markdown draft as sentences with citations; [`check_claim`] compares
//! one sentence with the passages it cites; [`answer_faults`] tells a model's answer from an answer gone
//! wrong; [`run_rails`] judges a whole draft, [`gate`] sums that up, and [`lint`] does the same for any
//! Markdown file.
//!
//! This crate does no input or output, asks no model, and knows neither where passages come from nor what
//! is done with a verdict. Every finding says in words what is wrong and where.

mod answer;
mod blocks;
mod claim;
mod factual;
mod fold;
mod front_matter;
mod lint;
mod marks;
mod nearest;
mod parse;
mod patterns;
mod place;
mod plain;
mod quantity;
mod quotations;
mod rails;
mod similar;
mod split;
mod words;

pub use answer::{Fault, answer_faults, clean_answer};
pub use blocks::Kind;
pub use claim::{Rules, check_claim, supported};
pub use factual::is_factual;
pub use lint::lint;
pub use marks::strip_citations;
pub use parse::{Article, Sentence, parse};
pub use place::line_column;
pub use plain::plain;
pub use rails::{RailInput, RailSetting, RailSettings, gate, run_rails};
pub use similar::similar;
pub use words::content_words;
