//! What can go wrong between a request and an answer.

use cofounder_domain::FaultKind;
use std::{fmt, time::Duration};

use crate::Stage;

/// Why no answer came. No message ever holds a key: what a provider says is cleaned before it gets here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It cannot be reached, or says that it cannot work now (HTTP 5xx).
    #[error(
        "the model's provider is not available: {why}. What was done is kept; try again, or check the address"
    )]
    Unavailable {
        /// What was seen.
        why: String,
        /// How long to wait, if that was said.
        retry_after: Option<Duration>,
    },
    /// It is loading the model (HTTP 503 of Hugging Face, with an estimate).
    #[error("the model's provider is still loading the model: {why}. What was done is kept; {}", wait(*retry_after))]
    Loading {
        /// How long that takes, as it estimates.
        retry_after: Option<Duration>,
        /// What it said.
        why: String,
    },
    /// There is no key to show.
    #[error("the key is missing: {why}. What was done is kept; put it there, then start the program again")]
    KeyMissing {
        /// Where it was looked for.
        why: String,
    },
    /// It asks for patience (HTTP 429), or our own limit for it is reached.
    #[error("the model's provider takes no more requests now: {why}. What was done is kept; {}", wait(*retry_after))]
    Limited {
        /// How long to wait, if that was said.
        retry_after: Option<Duration>,
        /// What it said.
        why: String,
    },
    /// The key is missing, wrong, or may not use this model (HTTP 401, 403).
    #[error(
        "the model's provider refuses the key: {why}. What was done is kept; set `api_key` of the provider"
    )]
    Unauthorised {
        /// What it said, without the key.
        why: String,
    },
    /// The provider does not accept what was asked (other HTTP 4xx).
    #[error(
        "the model's provider refuses the request: {why}. What was done is kept; asking again changes nothing"
    )]
    InvalidRequest {
        /// What it said.
        why: String,
    },
    /// The question is wrong in itself. Nobody was asked.
    #[error("the request is not valid: {why}. No model was asked; change it and ask again")]
    WrongQuestion {
        /// What of it.
        why: String,
    },
    /// The question cannot be put in the words that the provider understands. It was not asked.
    #[error(
        "the question cannot be put to this model: {why}. What was done is kept; change it, or choose another model"
    )]
    Inexpressible {
        /// What of it, and what to do.
        why: String,
    },
    /// The provider does not answer this question for what it is about.
    #[error("the model's provider withholds an answer: {why}. What was done is kept; ask for something else")]
    Refused {
        /// What it said.
        why: String,
    },
    /// The provider is there, and what was asked for is not: a wrong model or address (HTTP 404, redirects).
    #[error("the provider does not have what was asked for: {why}. Check the model's name and `base_url`")]
    NotThere {
        /// What it said.
        why: String,
    },
    /// The messages and the answer do not fit in the model's context.
    #[error(
        "the request is too long for the model: {why}. What was done is kept; choose a model with more context"
    )]
    ContextTooLong {
        /// What was seen.
        why: String,
    },
    /// Not built in; says what to use instead.
    #[error("not supported: {what}")]
    Unsupported {
        /// What is missing, and what to use instead.
        what: String,
    },
    /// It took too long.
    #[error(
        "the model's provider was too slow: {stage}. What was done is kept; try again, or raise `timeouts`"
    )]
    Timeout {
        /// What was being waited for.
        stage: Stage,
    },
    /// The money that is left does not cover another request.
    #[error(
        "no money is left for another request: {why}. What was done is kept; raise the budget, or wait until it begins anew"
    )]
    Budget {
        /// Whose money.
        why: String,
    },
    /// The answer is not what the protocol says.
    #[error("the model's provider gave an answer that is not valid: {why}. What was done is kept; try again")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },
    /// The connection ended before the answer did.
    #[error("the answer broke off before its end. What was done is kept; try again")]
    Truncated,
    /// The caller took the request back.
    #[error("the call was cancelled; what was done before it is kept")]
    Cancelled,
    /// The embedded engine could not be started.
    #[error("the embedded model could not be started: {why}")]
    Launch {
        /// What was seen.
        why: String,
    },
    /// Nothing that is configured may answer.
    #[error("no model can take this call: {why}")]
    NoRoute {
        /// What was passed over, and what to do.
        why: String,
    },
    /// The model that was named is not known.
    #[error(
        "no model is called `{name}`{} Known are: {known}. Name one of them, or as `provider/model`",
        meant(nearest)
    )]
    UnknownModel {
        /// What was named.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
        /// What could be named.
        known: String,
    },
    /// A section of the configuration cannot be used.
    #[error("the section [{section}] of the configuration cannot be used: {why}")]
    Configuration {
        /// The section's name.
        section: String,
        /// What is wrong, and what to write.
        why: String,
    },
    /// A mistake of ours.
    #[error("a mistake in this program: {why}. What was done is kept; please report it")]
    Bug {
        /// What was seen.
        why: String,
    },
}

impl ProviderError {
    /// The embedded engine could not be started, and why.
    pub fn launch(why: impl fmt::Display) -> Self {
        Self::Launch { why: why.to_string() }
    }

    pub(crate) fn unavailable(why: impl fmt::Display) -> Self {
        Self::Unavailable { why: why.to_string(), retry_after: None }
    }

    pub(crate) fn malformed(why: impl fmt::Display) -> Self {
        Self::Malformed { why: why.to_string() }
    }

    pub(crate) fn no_route(why: impl fmt::Display) -> Self {
        Self::NoRoute { why: why.to_string() }
    }

    /// The kind of error, as everywhere.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::Unavailable { .. }
            | Self::Loading { .. }
            | Self::Timeout { .. }
            | Self::Malformed { .. }
            | Self::Truncated
            | Self::Launch { .. } => FaultKind::Unavailable,
            Self::Limited { .. } => FaultKind::Limited,
            Self::Budget { .. } => FaultKind::Budget,
            Self::Unauthorised { .. } | Self::KeyMissing { .. } => FaultKind::Unauthorised,
            Self::InvalidRequest { .. }
            | Self::WrongQuestion { .. }
            | Self::Inexpressible { .. }
            | Self::Refused { .. }
            | Self::ContextTooLong { .. }
            | Self::Configuration { .. } => FaultKind::InvalidInput,
            Self::Unsupported { .. } | Self::NoRoute { .. } => FaultKind::Unsupported,
            Self::UnknownModel { .. } | Self::NotThere { .. } => FaultKind::NotFound,
            Self::Cancelled => FaultKind::Conflict,
            Self::Bug { .. } => FaultKind::Bug,
        }
    }

    /// How long the provider asked us to wait, if it did.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after, .. }
            | Self::Unavailable { retry_after, .. }
            | Self::Loading { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// True if the request had reached the provider, which may have worked on it and may charge for that.
    #[must_use]
    pub const fn may_have_cost(&self) -> bool {
        match self {
            Self::Timeout { stage } => {
                matches!(stage, Stage::FirstToken | Stage::Idle | Stage::Total | Stage::Deadline)
            }
            Self::Malformed { .. } | Self::Truncated | Self::Cancelled => true,
            _ => false,
        }
    }

    /// What speaks against a target's health: it opens the breaker when it goes on. A key that is refused does, so that
    /// it is not shown again and again. A deadline of ours does not, nor does a model that is being loaded.
    pub(crate) const fn trips(&self) -> bool {
        !matches!(self, Self::Timeout { stage: Stage::Deadline } | Self::Loading { .. })
            && matches!(self.kind(), FaultKind::Unavailable | FaultKind::Unauthorised)
    }

    /// Whether the same target may be asked once more in the same call.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(self.kind(), FaultKind::Unavailable | FaultKind::Limited)
            && !matches!(self, Self::Launch { .. })
    }

    /// The provider works and does not want this request.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::InvalidRequest { .. }
                | Self::Refused { .. }
                | Self::NotThere { .. }
                | Self::ContextTooLong { .. }
        )
    }

    /// The same error with a key blanked out, should the provider have repeated it, and then cut to a length that a
    /// person reads: the other way round, the cut could leave half a key.
    #[must_use]
    pub(crate) fn cleaned(mut self, key: &str) -> Self {
        if let Self::Unavailable { why, .. }
        | Self::Loading { why, .. }
        | Self::Limited { why, .. }
        | Self::Unauthorised { why }
        | Self::InvalidRequest { why }
        | Self::Refused { why }
        | Self::Malformed { why }
        | Self::NotThere { why }
        | Self::ContextTooLong { why } = &mut self
        {
            let whole = if key.is_empty() { why.clone() } else { why.replace(key, "[key]") };
            *why = whole.chars().take(LONGEST_WHY).collect();
        }
        self
    }
}

/// Characters of what a provider says that are shown.
const LONGEST_WHY: usize = 300;

fn wait(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(time) => format!("try again in {} s", seconds(time)),
        None => "try again later".to_owned(),
    }
}

/// A wait as a person is told it, rounded up: who asks a moment too early is refused again.
pub(crate) fn seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(|| ".".to_owned(), |nearest| format!("; did you mean `{nearest}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tried by rounding down: the test failed.
    #[test]
    fn waits_are_told_rounded_up() {
        let told = [0, 1, 1_000, 1_001, 17_900].map(|millis| seconds(Duration::from_millis(millis)));
        assert_eq!(told, [1, 1, 1, 2, 18]);
        assert_eq!(wait(Some(Duration::from_millis(1_500))), "try again in 2 s");
    }
}
