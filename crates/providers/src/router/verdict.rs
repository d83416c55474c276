//! Which error a call tells in the end.

use super::{Router, Target, call::Call};
use crate::{ProviderError, breaker::Gate, error::seconds};
use cofounder_domain::FaultKind;
use std::{sync::Arc, time::Duration};

/// Whether waiting can mend it.
pub(super) fn mends(error: &ProviderError) -> bool {
    matches!(error.kind(), FaultKind::Unavailable | FaultKind::Limited)
}

/// Every target rests: which, for how long, and after what.
pub(super) fn resting(router: &Router, call: &Call<'_>) -> ProviderError {
    let mut soonest = None;
    let mut rest = |target: &Arc<Target>| {
        let Gate::Open(time) = router.breakers.gate(target) else { return format!("{target} was not asked") };
        soonest = Some(soonest.map_or(time, |soonest: Duration| soonest.min(time)));
        let known = router.breakers.known();
        let last = known.get(&target.id()).and_then(|b| b.last_error.clone()).unwrap_or_default();
        format!("{target} failed several times and rests for {} s (last: {last})", seconds(time))
    };
    let why = call.route.targets.iter().map(&mut rest).collect::<Vec<_>>().join("; ");
    ProviderError::Unavailable { why, retry_after: soonest }
}
