//! Why somebody was not signed in by a provider.

use cofounder_domain::FaultKind;
use cofounder_storage::StorageError;
use std::time::Duration;

use super::{mistrust::Mistrust, provider::Failed, return_to::ReturnToError};
use crate::SessionError;

/// Nobody was signed in, and nothing was linked.
#[derive(Debug, thiserror::Error)]
pub enum ElsewhereError {
    /// No such provider is configured.
    #[error("no provider of this name is set up here. Sign in in another way")]
    NoProvider,
    /// The page to return to is none of this site.
    #[error(transparent)]
    ReturnTo(#[from] ReturnToError),
    /// Too much came from there.
    #[error("too many sign-ins were begun from there and not finished. Try again in {} s", .0.as_millis().div_ceil(1000))]
    Wait(Duration),
    /// What came back belongs to no sign-in that this browser began, or began within ten minutes, or has not finished yet.
    /// The words are the same whatever the reason.
    #[error(
        "this sign-in was not begun in this browser, is too old, or was finished before. Nobody was signed in; begin again"
    )]
    NotBegun,
    /// The person said no there, or the provider did.
    #[error(
        "{provider} did not sign you in ({word}). Nobody was signed in; begin again, or sign in in another way"
    )]
    Declined {
        /// Which.
        provider: String,
        /// Its word for why.
        word: String,
    },
    /// What the provider said is not believed.
    #[error(
        "what {provider} answered is not to be trusted: {why}. Nobody was signed in; begin again, and tell who runs this site if it stays so"
    )]
    Mistrusted {
        /// Which.
        provider: String,
        /// What is wrong.
        why: Mistrust,
    },
    /// Another answered than the one that was asked (RFC 9207).
    #[error("another provider answered than {0}. Nobody was signed in; begin again")]
    OtherIssuer(String),
    /// It cannot be asked now, or what it answers is no answer.
    #[error(
        "{provider} cannot be asked now: {why}. Nobody was signed in; try again later, or sign in in another way"
    )]
    Away {
        /// Which.
        provider: String,
        /// What happened.
        why: String,
    },
    /// Nobody here has this account, and it has no address of which the provider says that it is verified.
    #[error(
        "{0} does not say that the e-mail address of this account is verified. Nobody was signed in; verify it there, or sign in in another way and link the account then"
    )]
    Unverified(String),
    /// Nobody here has this account, and whoever it is was not invited.
    #[error("{0} is not invited here. Nobody was signed in; ask an owner for an invitation to this address")]
    NotInvited(String),
    /// A person here has this address, and another may have it at the provider: an account is linked by whoever is signed
    /// in, and never by its address.
    #[error(
        "there is a person with the address {0} here, and this account is not linked to them. Nothing was linked; sign in as before, and link the account then"
    )]
    NotLinked(String),
    /// The person cannot sign in.
    #[error("this account's person cannot sign in here. Ask an owner")]
    Disabled,
    /// Linking was begun by somebody who is not signed in any more, or by another than is now.
    #[error(
        "an account is linked by the person who is signed in, and you are not any more. Nothing was linked; sign in and begin again"
    )]
    NotSignedIn,
    /// No session could be begun.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The database did not take it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ElsewhereError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::NoProvider => FaultKind::NotFound,
            Self::ReturnTo(_) => FaultKind::InvalidInput,
            Self::Wait(_) => FaultKind::Limited,
            Self::Away { .. } => FaultKind::Unavailable,
            Self::NotLinked(_) => FaultKind::Conflict,
            Self::NotBegun
            | Self::Declined { .. }
            | Self::Mistrusted { .. }
            | Self::OtherIssuer(_)
            | Self::Unverified(_)
            | Self::NotInvited(_)
            | Self::Disabled
            | Self::NotSignedIn => FaultKind::Unauthorised,
            Self::Session(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }

    /// How long to wait, if that is what it takes.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Wait(wait) => Some(*wait),
            _ => None,
        }
    }

    pub(crate) fn of(failed: Failed, provider: &str) -> Self {
        let provider = provider.to_owned();
        match failed {
            Failed::Unanswered(why) => Self::Away { provider, why: why.to_string() },
            Failed::Mistrust(why) => Self::Mistrusted { provider, why },
            Failed::OtherIssuer => Self::OtherIssuer(provider),
            Failed::Code(word) => Self::Declined { provider, word },
        }
    }
}
