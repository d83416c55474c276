//! From a prompt to an answer. What a prompt has in common with the one before it is not computed twice.

use std::{
    panic::catch_unwind,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::{
    EngineError,
    grammar::{Constraint, Grammars},
    model::{Config, Model, open},
    protocol::{Ended, Prompt},
    sampler::Sampler,
    template::{Piece, Template},
    text::Text,
    tokens::Vocabulary,
};

/// The longest that a piece of a prompt should take to compute: after each, a cancel is looked for.
const PATIENCE: Duration = Duration::from_millis(200);
/// Tokens of the first piece.
const FIRST_CHUNK: usize = 32;
/// Tokens of the largest piece.
const MAX_CHUNK: usize = 256;

/// A loaded model that answers one prompt after the other.
pub(crate) struct Generator {
    model: Model,
    vocabulary: Vocabulary,
    template: Template,
    grammars: Grammars,
    context: usize,
    /// The tokens that the model has seen.
    history: Vec<u32>,
    chunk: usize,
}

impl Generator {
    pub(crate) fn load(path: &Path, context: Option<usize>) -> Result<Self, EngineError> {
        let told = |reason: String| EngineError::Model { path: path.to_owned(), reason };
        // The library that reads the file panics on some damaged ones.
        let loaded = catch_unwind(|| Self::read(path, context));
        loaded.unwrap_or_else(|_| Err("it is damaged".to_owned())).map_err(told)
    }

    fn read(path: &Path, context: Option<usize>) -> Result<Self, String> {
        let content = open(path)?;
        let config = Config::read(&content, context)?;
        let vocabulary = Vocabulary::read(&content)?;
        let source =
            content.metadata.get("tokenizer.chat_template").and_then(|v| v.to_string().ok()).cloned();
        let (bos, eos) =
            (vocabulary.bos.clone().unwrap_or_default(), vocabulary.eos.clone().unwrap_or_default());
        let template = Template::new(source, bos, eos)?;
        let grammars = Grammars::new(&vocabulary)?;
        let context = config.context;
        let model =
            Model::load(path, &content, config, vocabulary.size()).map_err(|error| error.to_string())?;
        Ok(Self { model, vocabulary, template, grammars, context, history: Vec::new(), chunk: FIRST_CHUNK })
    }

    /// Answers a prompt, unless `cancelled` becomes true. `say` is told the text piece by piece, as soon as it is certain;
    /// if it fails, so does the answer.
    pub(crate) fn answer(
        &mut self,
        prompt: &Prompt,
        cancelled: &AtomicBool,
        say: &mut dyn FnMut(String) -> Result<(), EngineError>,
    ) -> Result<Ended, EngineError> {
        let tokens = self.tokens(prompt)?;
        if tokens.len() >= self.context {
            return Err(EngineError::TooLong { tokens: tokens.len(), context: self.context });
        }
        let mut choice = self.choice(prompt)?;
        let (mut scores, cached_tokens) = self.take_in(&tokens, cancelled)?;
        let most = prompt.max_tokens.min(self.context - tokens.len());
        let mut text = Text::new(&prompt.stop);
        let cut_off = loop {
            let token = choice.next(scores)?;
            if self.vocabulary.is_end(token) {
                break false;
            }
            let complete = choice.take(token)?;
            let (certain, stopped) = text.take(self.vocabulary.bytes(token));
            if !certain.is_empty() {
                say(certain)?;
            }
            if stopped || complete {
                break false;
            }
            if choice.written.len() >= most {
                break true;
            }
            scores = self.step(&[token], cancelled)?;
        };
        let rest = text.rest();
        if !rest.is_empty() {
            say(rest)?;
        }
        let (prompt_tokens, answer_tokens) = (tokens.len(), choice.written.len());
        Ok(Ended { cut_off, prompt_tokens, cached_tokens, answer_tokens })
    }

    fn choice(&self, prompt: &Prompt) -> Result<Choice, EngineError> {
        Ok(Choice {
            constraint: prompt.shape.as_ref().map(|shape| self.grammars.constraint(shape)).transpose()?,
            sampler: Sampler::new(prompt.temperature, prompt.top_p, prompt.repeat_penalty, prompt.seed),
            forbidden: self.vocabulary.other_marks().collect(),
            written: Vec::new(),
        })
    }

    fn tokens(&self, prompt: &Prompt) -> Result<Vec<u32>, EngineError> {
        let pieces = self.template.pieces(&prompt.messages).map_err(EngineError::Invalid)?;
        let mut tokens = Vec::new();
        for piece in pieces {
            let new = match piece {
                Piece::Frame(text) => self.vocabulary.marked(&text),
                Piece::Text(text) => self.vocabulary.plain(&text),
            };
            tokens.extend(new.map_err(EngineError::Invalid)?);
        }
        if tokens.is_empty() {
            Err(EngineError::Invalid("the prompt is empty".to_owned()))
        } else {
            Ok(tokens)
        }
    }

    /// Computes what is new in a prompt; tells the scores behind it and how many tokens were known.
    fn take_in(&mut self, tokens: &[u32], cancelled: &AtomicBool) -> Result<(Vec<f32>, usize), EngineError> {
        let shared = self.history.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        // The last token is always computed: its scores are needed.
        let known = shared.min(tokens.len() - 1).min(self.model.seen());
        self.model.truncate(known);
        self.history.truncate(known);
        let mut scores = Vec::new();
        let mut at = known;
        while at < tokens.len() {
            let end = (at + self.chunk).min(tokens.len());
            let started = Instant::now();
            scores = self.step(&tokens[at..end], cancelled)?;
            if end - at == self.chunk {
                self.chunk = next_chunk(self.chunk, started.elapsed());
            }
            at = end;
        }
        Ok((scores, known))
    }

    fn step(&mut self, tokens: &[u32], cancelled: &AtomicBool) -> Result<Vec<f32>, EngineError> {
        if cancelled.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let scores = self.model.forward(tokens).inspect_err(|_| {
            // What the model has seen is not certain any more.
            self.history.clear();
        });
        if scores.is_err() {
            self.model.truncate(0);
        }
        let scores = scores?;
        self.history.extend_from_slice(tokens);
        Ok(scores)
    }
}

/// As many tokens as take about [`PATIENCE`], after how long the last piece took.
fn next_chunk(chunk: usize, took: Duration) -> usize {
    let fits = chunk as f64 * PATIENCE.as_secs_f64() / took.as_secs_f64().max(1e-6);
    let fits = (fits as usize).clamp(chunk / 2, chunk * 2);
    fits.next_multiple_of(8).clamp(8, MAX_CHUNK)
}

/// What decides on an answer's next token.
struct Choice {
    constraint: Option<Constraint>,
    sampler: Sampler,
    /// Tokens that no answer holds.
    forbidden: Vec<u32>,
    written: Vec<u32>,
}

impl Choice {
    fn next(&mut self, mut scores: Vec<f32>) -> Result<u32, EngineError> {
        for mark in &self.forbidden {
            scores[*mark as usize] = f32::NEG_INFINITY;
        }
        if let Some(constraint) = &mut self.constraint {
            constraint.apply(&mut scores)?;
        }
        let token = self.sampler.choose(scores, &self.written);
        token.ok_or_else(|| EngineError::Compute("no token can follow".to_owned()))
    }

    /// Writes a token; tells whether nothing more can follow.
    fn take(&mut self, token: u32) -> Result<bool, EngineError> {
        self.written.push(token);
        let Some(constraint) = &mut self.constraint else { return Ok(false) };
        constraint.take(token)?;
        Ok(constraint.is_complete())
    }
}

#[cfg(test)]
mod tests;
