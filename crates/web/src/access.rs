//! Who may do what. A handler that takes `Caller<P>` is closed to everybody whose token does not permit `P`.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderValue, header::AUTHORIZATION, request::Parts},
};
use cofounder_auth::{AuthError, Identity, Scope, Tokens};
use cofounder_domain::{FaultKind, LogLevel};
use std::{marker::PhantomData, sync::Arc};

use crate::{Problem, state::Service};

/// Something that can be permitted.
pub(crate) trait Permission {
    const SCOPE: Scope;
}

/// Asking models through the gateway.
pub(crate) struct AskModels;
/// Reading what the program counts.
pub(crate) struct ReadMetrics;
/// Looking at tasks, drafts and what they rest on; learning whether an address exists.
pub(crate) struct Look;
/// Asking for tasks.
pub(crate) struct Write;
/// Approving, and saying no.
pub(crate) struct Edit;

impl Permission for AskModels {
    const SCOPE: Scope = Scope::Gateway;
}

impl Permission for ReadMetrics {
    const SCOPE: Scope = Scope::Viewer;
}

impl Permission for Look {
    const SCOPE: Scope = Scope::Viewer;
}

impl Permission for Write {
    const SCOPE: Scope = Scope::Writer;
}

impl Permission for Edit {
    const SCOPE: Scope = Scope::Editor;
}

/// Whoever asks, known by a token that permits it.
pub(crate) struct Caller<P> {
    pub(crate) identity: Arc<Identity>,
    permitted: PhantomData<P>,
}

impl<P: Permission> FromRequestParts<Service> for Caller<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        Self::of(parts.headers.get(AUTHORIZATION), &Arc::<Tokens>::from_ref(service)).await
    }
}

impl<P: Permission> Caller<P> {
    /// Whoever showed this; for an answer that goes on for long, to be asked again and again.
    pub(crate) async fn of(shown: Option<&HeaderValue>, tokens: &Tokens) -> Result<Self, Problem> {
        let presented = shown.and_then(|value| value.to_str().ok()).and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let missing = || {
            let words = "this address needs a token: send `Authorization: Bearer …`. `cofounder token create NAME` makes one";
            Problem::new(FaultKind::Unauthorised, words)
        };
        let identity = tokens.verify(presented.ok_or_else(missing)?).await.map_err(refused)?;
        if identity.allows(P::SCOPE) {
            return Ok(Self { identity, permitted: PhantomData });
        }
        let words =
            format!("the token does not have the scope `{}`, which this address needs", P::SCOPE.as_str());
        Err(Problem::new(FaultKind::Unauthorised, words).with_status(403))
    }
}

/// Whoever asks, known or not: for what is there for everybody, and more of it for some. A token that is not valid is
/// refused all the same, so that its owner notices.
pub(crate) struct Anyone<P>(Result<Caller<P>, Problem>);

impl<P: Permission + Sync> FromRequestParts<Service> for Anyone<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let shown = parts.headers.contains_key(AUTHORIZATION);
        match Caller::from_request_parts(parts, service).await {
            Err(problem) if shown => Err(problem),
            caller => Ok(Self(caller)),
        }
    }
}

impl<P> Anyone<P> {
    /// Who asks, if that permits it.
    pub(crate) fn known(self) -> Result<Caller<P>, Problem> {
        self.0
    }
}

fn refused(error: AuthError) -> Problem {
    match error.kind().log_level() {
        LogLevel::Info => {
            let reason = error.refusal().map(|refusal| refusal.to_string()).unwrap_or_default();
            tracing::info!(reason, "a token was refused");
        }
        LogLevel::Warn => tracing::warn!(%error, "a token could not be checked"),
        LogLevel::Error => tracing::error!(%error, "a defect of this program"),
    }
    Problem::new(error.kind(), error.to_string())
}

/// Every address that is none. Who has no token learns no more than from any other address.
pub(crate) async fn nowhere(_caller: Caller<Look>) -> Problem {
    Problem::new(FaultKind::NotFound, "there is nothing at this address")
}

/// An address with another method than it takes; axum says in `Allow` which it does.
pub(crate) async fn wrong_method(_caller: Caller<Look>) -> Problem {
    let words = "this address does not take this method; the header `Allow` names those that it does";
    Problem::new(FaultKind::InvalidInput, words).with_status(405)
}
