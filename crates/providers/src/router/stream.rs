//! An answer that comes piece by piece, with its place and its part in its target's health.

use super::{breakers::Pass, provider::Places};
use crate::{Chunk, Finish, ProviderError, Usage, exchange::Source};
use tokio_util::sync::CancellationToken;

/// A chat's answer as it comes. Dropping it drops the connection: the provider works no further.
#[derive(Debug)]
pub struct ChatStream {
    source: Source,
    /// Until the end is known.
    pass: Option<Pass>,
    places: Option<Places>,
    cancel: CancellationToken,
    complete: bool,
}

impl ChatStream {
    pub(super) fn new(source: Source, pass: Pass, places: Places, cancel: CancellationToken) -> Self {
        pass.begun();
        Self { source, pass: Some(pass), places: Some(places), cancel, complete: false }
    }

    /// The next piece; none when the answer is complete.
    ///
    /// # Errors
    /// [`ProviderError`]: the answer broke off, and what came of it is not the whole.
    pub async fn next(&mut self) -> Result<Option<Chunk>, ProviderError> {
        let next = tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(ProviderError::Cancelled),
            next = self.source.next() => next,
        };
        match &next {
            Ok(Some(_)) => {}
            Ok(None) => {
                self.complete = true;
                self.settle(Ok(()));
            }
            Err(error) => self.settle(Err(error)),
        }
        next
    }

    /// Whether the answer came to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// What it took so far, as far as the provider said it; an estimate of the rest.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.source.usage()
    }

    /// Why it ended, if it did.
    #[must_use]
    pub fn finish(&self) -> Option<Finish> {
        self.source.finish()
    }

    /// The model by the name that the provider gives.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.source.model()
    }

    /// The beginning of what was said, at most 64 KiB.
    #[must_use]
    pub fn text(&self) -> &str {
        self.source.text()
    }

    fn settle(&mut self, outcome: Result<(), &ProviderError>) {
        if let Some(pass) = self.pass.take() {
            pass.settle(outcome);
        }
        if let Some(places) = self.places.take() {
            places.took(self.source.usage().total());
        }
    }
}
