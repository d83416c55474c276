//! `/account`: who one is, one's password and one's sessions.

use axum::{
    extract::{FromRef, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use cofounder_auth::{Elsewhere, People, Sessions, form_key};
use cofounder_domain::{PersonId, SessionId, Timestamp};
use cofounder_storage::{Database, Session};
use secrecy::SecretString;
use serde::Deserialize;
use std::sync::Arc;

use super::{
    entered,
    form::{Form, Keyed},
    pages::{AccountPage, SessionLine, page},
    with_cookies,
};
use crate::{
    Place, Problem, Service,
    access::{Anyone, Known, SignedIn},
    api::Named,
    cookies::Jar,
    shown::Shown,
};

/// Sessions that the page lists.
const LISTED: u64 = 50;

/// What knows what is one's own.
#[derive(Clone)]
pub(super) struct Own {
    db: Arc<Database>,
    sessions: Arc<Sessions>,
    elsewhere: Arc<Elsewhere>,
}

impl FromRef<Service> for Own {
    fn from_ref(service: &Service) -> Self {
        let (db, sessions) = (FromRef::from_ref(service), FromRef::from_ref(service));
        Self { db, sessions, elsewhere: FromRef::from_ref(service) }
    }
}

/// Where somebody goes who asks for nothing.
pub(super) async fn home(caller: Anyone<Known>) -> Redirect {
    match caller.known() {
        Ok(_) => Redirect::to("/account"),
        Err(_) => Redirect::to("/login"),
    }
}

pub(super) async fn show(
    me: Result<SignedIn, Problem>,
    shown: Shown,
    State(own): State<Own>,
) -> Result<Response, Problem> {
    let Ok(me) = me else {
        return Ok(Redirect::to("/login?return_to=/account").into_response());
    };
    account(&own, (me.person, me.session), &shown, StatusCode::OK, None).await
}

async fn account(
    own: &Own,
    (person, here): (PersonId, SessionId),
    shown: &Shown,
    status: StatusCode,
    problem: Option<String>,
) -> Result<Response, Problem> {
    let person = own.db.person(person).await?;
    let listed = own.sessions.list(person.id, LISTED, None).await?;
    let key = match shown {
        Shown::Session(session) => form_key(session),
        _ => String::new(),
    };
    let shown = AccountPage {
        key,
        name: person.name,
        email: person.email.as_str().to_owned(),
        role: person.role.as_str(),
        has_password: person.has_password,
        sessions: listed.items.into_iter().map(|session| line(session, here)).collect(),
        accounts: own.db.identities(person.id).await?,
        providers: own.elsewhere.names().map(str::to_owned).collect(),
        problem,
    };
    Ok(page(status, &shown))
}

fn line(session: Session, here: SessionId) -> SessionLine {
    let told = |at: Timestamp| at.format("%Y-%m-%d %H:%M UTC").to_string();
    SessionLine {
        here: session.id == here,
        id: session.id.to_string(),
        agent: session.agent,
        address: session.address,
        since: told(session.created_at),
        seen: told(session.last_seen_at),
    }
}

/// A button that was pressed.
#[derive(Deserialize)]
pub(super) struct Pressed {
    key: String,
}

impl Keyed for Pressed {
    fn key(&self) -> &str {
        &self.key
    }
}

/// What was filled in for a new password.
#[derive(Deserialize)]
pub(super) struct NewPassword {
    key: String,
    present: SecretString,
    new: SecretString,
}

impl Keyed for NewPassword {
    fn key(&self) -> &str {
        &self.key
    }
}

pub(super) async fn sign_out(
    me: SignedIn,
    State(sessions): State<Arc<Sessions>>,
    State(place): State<Place>,
    Form(_pressed): Form<Pressed, true>,
) -> Result<Response, Problem> {
    sessions.revoke(&me.caller.act(), me.person, me.session).await?;
    Ok(with_cookies(Redirect::to("/login"), Jar::Session.take(&place)))
}

pub(super) async fn end(
    me: SignedIn,
    State(sessions): State<Arc<Sessions>>,
    Named(id): Named<SessionId>,
    Form(_pressed): Form<Pressed, true>,
) -> Result<Redirect, Problem> {
    sessions.revoke(&me.caller.act(), me.person, id).await?;
    Ok(Redirect::to("/account"))
}

pub(super) async fn password(
    me: SignedIn,
    shown: Shown,
    State(own): State<Own>,
    State(people): State<Arc<People>>,
    State(place): State<Place>,
    Form(typed): Form<NewPassword, true>,
) -> Result<Response, Problem> {
    let here = (me.person, me.session);
    match people.change_password(here, (&typed.present, &typed.new), me.caller.visitor()).await {
        Ok(welcome) => Ok(entered(&place, &welcome.opened, "/account")),
        Err(error) => {
            let status = StatusCode::from_u16(error.kind().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
            if status.is_server_error() {
                return Err(super::refused(error));
            }
            account(&own, here, &shown, status, Some(error.to_string())).await
        }
    }
}
