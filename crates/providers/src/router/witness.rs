//! Who is asked before each request of a call, and told after.

use super::Target;
use crate::{Attempt, ProviderError};
use async_trait::async_trait;

/// Watches the requests that are made for one call.
#[async_trait]
pub trait Witness: Send {
    /// Whether one more request may be made, after others that may have cost something.
    ///
    /// # Errors
    /// Why this target may not be asked: the call goes on with the next one.
    async fn before(&mut self, target: &Target) -> Result<(), ProviderError>;

    /// A request ended, also one that a cancellation ended.
    fn after(&mut self, attempt: &Attempt);

    /// The call failed, and this is why one of its targets did not take it: told once for each target that the call got
    /// to, in the route's order, before its error is returned. Of a call that is answered, its answer says it.
    fn passed(&mut self, _target: &Target, _why: &str) {}
}

/// Allows everything.
pub(super) struct Told<'a>(pub(super) &'a mut (dyn FnMut(Attempt) + Send));

#[async_trait]
impl Witness for Told<'_> {
    async fn before(&mut self, _target: &Target) -> Result<(), ProviderError> {
        Ok(())
    }

    fn after(&mut self, attempt: &Attempt) {
        (self.0)(attempt.clone());
    }
}
