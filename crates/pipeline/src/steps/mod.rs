//! The steps, one file each, in the order in which [`crate::WritePost`] runs them.

pub(crate) mod assemble;
pub(crate) mod critique;
pub(crate) mod draft;
pub(crate) mod outline;
pub(crate) mod research;
pub(crate) mod rework;
pub(crate) mod seo;
pub(crate) mod verify;

use cofounder_domain::FaultKind;
use cofounder_executor::StepError;
use std::error::Error;

/// A defect of this crate, such as a prompt that does not render.
pub(crate) fn bug(error: impl Error + Send + Sync + 'static) -> StepError {
    StepError::from_fault(FaultKind::Bug, None, error)
}

/// The rules that claims of this article are checked by: the topic's own names need no evidence.
pub(crate) fn rules(
    brief: &cofounder_domain::Brief,
    sources: &[cofounder_domain::Source],
) -> cofounder_qa::Rules {
    let mut allowed_names = vec![brief.topic.clone()];
    allowed_names.extend(sources.iter().map(|s| s.title.clone()));
    cofounder_qa::Rules { allowed_names, ..cofounder_qa::Rules::default() }
}
