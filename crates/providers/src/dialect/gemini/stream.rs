//! An answer of Gemini's that comes in pieces, each of the shape of a whole one.

use super::answer::Response;
use crate::{
    Finish, ProviderError,
    dialect::{Ask, Heard, Reader, told::Pieces},
};
use cofounder_domain::Timestamp;

pub(super) struct Pages {
    pieces: Pieces,
    now: Timestamp,
    /// One for each answer that was asked for.
    choices: Vec<Choice>,
    usage_told: bool,
}

#[derive(Clone, Copy, Default)]
struct Choice {
    calls: usize,
    finish: Option<Finish>,
}

impl Pages {
    pub(super) fn new(ask: &Ask<'_>) -> Self {
        let asked = ask.document.read::<usize>("n").ok().flatten().unwrap_or(1);
        let choices = vec![Choice::default(); asked.clamp(1, 64)];
        Self { pieces: Pieces::new(ask), now: ask.now, choices, usage_told: false }
    }
}

impl Reader for Pages {
    fn event(&mut self, data: &[u8], heard: &mut Heard) -> Result<(), ProviderError> {
        let response = Response::read(data)?;
        self.pieces.named(response.response_id.as_deref(), response.model_version.as_deref(), heard);
        for mut candidate in response.candidates.unwrap_or_default() {
            let index = candidate.index;
            let strange = || ProviderError::malformed(format!("nobody asked for its candidate {index}"));
            let choice = self.choices.get_mut(index).ok_or_else(strange)?;
            for part in candidate.parts() {
                match (part.text, part.function_call) {
                    (_, Some(function)) => {
                        let call = function.called(part.thought_signature, self.now);
                        self.pieces.call(index, choice.calls, &call, heard);
                        choice.calls += 1;
                    }
                    (Some(said), None) if part.thought => self.pieces.reasoning(index, &said, heard),
                    (Some(said), None) => self.pieces.text(index, &said, heard),
                    (None, None) => {}
                }
            }
            if let Some(finish) = candidate.finish(choice.calls > 0)?.filter(|_| choice.finish.is_none()) {
                choice.finish = Some(finish);
                self.pieces.end(index, finish, heard);
            }
        }
        // Each piece counts what came so far; the last one is what is charged.
        let complete = self.choices.iter().all(|choice| choice.finish.is_some());
        heard.finish = self.choices[0].finish.filter(|_| complete);
        heard.usage =
            response.usage_metadata.and_then(|counts| Some(counts.0?.usage(complete))).or(heard.usage);
        if let Some(usage) = heard.usage.filter(|usage| usage.is_counted() && !self.usage_told) {
            self.usage_told = true;
            self.pieces.usage(&usage, heard);
        }
        Ok(())
    }
}
