//! Holds an answer to a JSON schema or a grammar, token by token.

use llguidance::{Matcher, ParserFactory, api::TopLevelGrammar};

use crate::{EngineError, protocol::Shape, tokens::Vocabulary};

/// Builds constraints for one vocabulary.
pub(crate) struct Grammars(ParserFactory);

/// What the next token may be.
pub(crate) struct Constraint(Matcher);

impl Grammars {
    pub(crate) fn new(vocabulary: &Vocabulary) -> Result<Self, String> {
        let mut factory = ParserFactory::new_simple(vocabulary.trie()).map_err(|e| e.to_string())?;
        factory.quiet();
        Ok(Self(factory))
    }

    pub(crate) fn constraint(&self, shape: &Shape) -> Result<Constraint, EngineError> {
        let grammar = match shape {
            Shape::Json(schema) => TopLevelGrammar::from_json_schema(compact(schema.clone())),
            Shape::Grammar(lark) => TopLevelGrammar::from_lark(lark.clone()),
        };
        let parser = self.0.create_parser(grammar);
        let matcher = Matcher::new(parser);
        match matcher.get_error() {
            Some(error) => {
                Err(EngineError::Invalid(format!("the schema or grammar is not supported: {error}")))
            }
            None => Ok(Constraint(matcher)),
        }
    }
}

impl Constraint {
    /// Gives every token that may not follow the score `-inf`.
    pub(crate) fn apply(&mut self, scores: &mut [f32]) -> Result<(), EngineError> {
        let allowed = self.0.compute_mask_or_eos().map_err(failed)?;
        for (token, score) in (0_u32..).zip(scores.iter_mut()) {
            if !allowed.is_allowed(token) {
                *score = f32::NEG_INFINITY;
            }
        }
        Ok(())
    }

    pub(crate) fn take(&mut self, token: u32) -> Result<(), EngineError> {
        self.0.consume_token(token).map_err(failed)
    }

    /// Whether nothing more can follow.
    pub(crate) fn is_complete(&self) -> bool {
        self.0.is_stopped()
    }
}

fn failed(error: impl std::fmt::Display) -> EngineError {
    EngineError::Compute(error.to_string())
}

/// Without free white space, in which a small model loses itself.
fn compact(mut schema: serde_json::Value) -> serde_json::Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("x-guidance".to_owned(), serde_json::json!({"whitespace_flexible": false}));
    }
    schema
}
