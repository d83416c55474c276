//! Who may do what. A handler that takes `Caller<P>` is closed to everybody whose token or role does not permit `P`.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{header::USER_AGENT, request::Parts},
};
use cofounder_auth::{AuthError, Identity, Scope, Visitor, Who};
use cofounder_domain::{FaultKind, LogLevel, PersonId, SessionId};
use cofounder_storage::Act;
use std::{
    convert::Infallible,
    marker::PhantomData,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use crate::{
    Problem, Rates,
    api::Seen,
    connections::Peer,
    place::Place,
    requests::RequestId,
    shown::{Doors, Shown},
    state::Service,
};

/// Something that can be permitted.
pub(crate) trait Permission {
    /// The scope that permits it; none if it is for everybody who is known.
    const SCOPE: Option<Scope>;
}

/// Asking models through the gateway.
pub(crate) struct AskModels;
/// Reading what the program counts.
pub(crate) struct ReadMetrics;
/// Being known, whatever one may: for what is one's own.
pub(crate) struct Known;
/// Looking at tasks, drafts and what they rest on; learning whether an address exists.
pub(crate) struct Look;
/// Asking for tasks.
pub(crate) struct Write;
/// Approving, and saying no.
pub(crate) struct Edit;
/// Managing people, tokens and all else.
pub(crate) struct Manage;

impl Permission for Known {
    const SCOPE: Option<Scope> = None;
}

impl Permission for AskModels {
    const SCOPE: Option<Scope> = Some(Scope::Gateway);
}

impl Permission for ReadMetrics {
    const SCOPE: Option<Scope> = Some(Scope::Viewer);
}

impl Permission for Look {
    const SCOPE: Option<Scope> = Some(Scope::Viewer);
}

impl Permission for Write {
    const SCOPE: Option<Scope> = Some(Scope::Writer);
}

impl Permission for Edit {
    const SCOPE: Option<Scope> = Some(Scope::Editor);
}

impl Permission for Manage {
    const SCOPE: Option<Scope> = Some(Scope::Admin);
}

/// Whoever asks, known by a token or a session that permits it, and what they had seen of what they change.
pub(crate) struct Caller<P> {
    pub(crate) identity: Arc<Identity>,
    visitor: Visitor,
    seen: Seen,
    permitted: PhantomData<P>,
}

impl<P: Permission> FromRequestParts<Service> for Caller<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let place = Place::from_ref(service);
        let shown = Shown::of(&parts.headers, &place);
        let identity = shown.identity(&Doors::from_ref(service)).await?;
        Arc::<Rates>::from_ref(service).admit(parts, &identity, P::SCOPE)?;
        shown.check_origin(parts, &place)?;
        permit::<P>(&identity)?;
        let Ok(visitor) = Visiting::from_request_parts(parts, service).await;
        Ok(Self { identity, visitor: visitor.0, seen: Seen::of(&parts.headers), permitted: PhantomData })
    }
}

impl<P> Caller<P> {
    /// Their doing, with what they had seen (`If-Match`).
    pub(crate) fn act(&self) -> Act {
        Act { seen: self.seen.0.clone(), ..self.visitor.act_of(self.identity.actor()) }
    }

    /// The same, of something that nobody may change without having seen it.
    pub(crate) fn act_on_seen(&self) -> Result<Act, Problem> {
        match self.seen.0 {
            Some(_) => Ok(self.act()),
            None => Err(Seen::missing()),
        }
    }

    /// The same for what gives others rights, which an access token does not: they would outlive it and its token.
    pub(crate) fn act_to_give(&self) -> Result<Act, Problem> {
        if self.identity.passing {
            let words = "an access token gives nobody rights: they would last longer than it does. Ask with the token itself, or signed in. Nothing was made";
            return Err(Problem::new(FaultKind::Unauthorised, words).with_status(403));
        }
        Ok(self.act())
    }

    /// From where they come.
    pub(crate) const fn visitor(&self) -> &Visitor {
        &self.visitor
    }
}

/// A person who is signed in, whatever they may: for what only people have.
pub(crate) struct SignedIn {
    pub(crate) caller: Caller<Known>,
    pub(crate) person: PersonId,
    pub(crate) session: SessionId,
}

impl FromRequestParts<Service> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let caller = Caller::<Known>::from_request_parts(parts, service).await?;
        let (person, session) = caller.identity.person().ok_or_else(|| {
            let words = "this is for people who are signed in, and a token is a program's. Sign in at /login";
            Problem::new(FaultKind::Unauthorised, words).with_status(403)
        })?;
        Ok(Self { caller, person, session })
    }
}

/// Whether they may.
fn permit<P: Permission>(identity: &Identity) -> Result<(), Problem> {
    let Some(scope) = P::SCOPE.filter(|scope| !identity.allows(*scope)) else { return Ok(()) };
    let (whose, what) = match identity.who {
        Who::Token(_) => ("the token does not have the scope", "which this address needs"),
        Who::Person { .. } => ("you do not have the rights of the role", "which this address needs"),
    };
    let role = match (identity.who, scope) {
        (Who::Person { .. }, Scope::Admin | Scope::Gateway) => "owner",
        (_, scope) => scope.as_str(),
    };
    Err(Problem::new(FaultKind::Unauthorised, format!("{whose} `{role}`, {what}")).with_status(403))
}

/// Whether what was shown still permits it; for an answer that goes on for long, to be asked again and again.
pub(crate) async fn still_permits<P: Permission>(shown: &Shown, doors: &Doors) -> Result<(), Problem> {
    permit::<P>(&*shown.identity(doors).await?)
}

/// What a request shows, whatever it is.
impl FromRequestParts<Service> for Shown {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, &Place::from_ref(service)))
    }
}

/// Whoever asks, known or not: for what is there for everybody, and more of it for some. A token that is not valid is
/// refused all the same, so that its owner notices.
pub(crate) struct Anyone<P>(Result<Caller<P>, Problem>);

impl<P: Permission + Sync> FromRequestParts<Service> for Anyone<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        let Ok(shown) = Shown::from_request_parts(parts, service).await;
        match Caller::from_request_parts(parts, service).await {
            Err(problem) if matches!(shown, Shown::Token(_) | Shown::Unreadable) => Err(problem),
            // Whoever is signed in is not taken for a stranger because that cannot be told, or for asking too much.
            Err(problem) if problem.status() >= 429 => Err(problem),
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

/// From where a request comes.
pub(crate) struct Visiting(pub(crate) Visitor);

impl<S: Sync> FromRequestParts<S> for Visiting {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let unknown = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        let address = parts.extensions.get::<Peer>().map_or(unknown, |peer| peer.0);
        let agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let request = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        Ok(Self(Visitor::new(address, agent).with_request(request)))
    }
}

pub(crate) fn refused(error: AuthError) -> Problem {
    match error.kind().log_level() {
        LogLevel::Info => {
            let reason = error.refusal().map(|refusal| refusal.to_string()).unwrap_or_default();
            tracing::info!(reason, "a token or a session was refused");
        }
        LogLevel::Warn => tracing::warn!(%error, "who asks could not be checked"),
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
