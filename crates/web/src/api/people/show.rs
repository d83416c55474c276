//! `/api/v1/people/{id}`

use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use cofounder_auth::{Change, ChangeError, LinkError, Links, People};
use cofounder_domain::{PersonId, Role};
use cofounder_storage::{Database, Person};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use crate::{
    Place, Problem,
    access::{Caller, Manage},
    api::{
        extract::{Json, Named},
        tags::{Has, Tag},
    },
    documents::{LinkDocument, PersonDocument, Sample},
    signin,
};

fn tag(person: &Person) -> Tag {
    Tag(i64::try_from(person.version).unwrap_or(i64::MAX))
}

/// Show a person
///
/// What they are here, and since when. Its `ETag` is what a change of them needs.
#[utoipa::path(
    get, path = "/api/v1/people/{id}", tag = "people", security(("token" = ["admin"])),
    params(("id" = PersonId, Path, description = "The person's id")),
    responses((status = 200, description = "The person", body = PersonDocument))
)]
pub(crate) async fn show(
    _caller: Caller<Manage>,
    State(db): State<Arc<Database>>,
    Named(id): Named<PersonId>,
    has: Has,
) -> Result<Response, Problem> {
    let person = db.person(id).await?;
    Ok(has.answer(tag(&person), Answer(PersonDocument::from(person))))
}

/// What is to change of a person; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct PersonChange {
    /// What others call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// What they are here. All their sessions end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// Whether they cannot sign in. All their sessions end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled: Option<bool>,
}

/// Change a person
///
/// With a new role, or when they cannot sign in any more, all their sessions end, and so do links that could undo that;
/// tokens that they made are revoked.
/// The last owner who can sign in stays one. For who changes their own role the session in which they do
/// goes on as a new one, whose cookie the answer carries.
#[utoipa::path(
    patch, path = "/api/v1/people/{id}", tag = "people", request_body = PersonChange,
    security(("token" = ["admin"])),
    params(
        ("id" = PersonId, Path, description = "The person's id"),
        ("If-Match" = String, Header, description = "The `ETag` of the person as you have read them")
    ),
    responses((status = 200, description = "The person after it", body = PersonDocument))
)]
pub(crate) async fn change(
    caller: Caller<Manage>,
    State(people): State<Arc<People>>,
    State(place): State<Place>,
    Named(id): Named<PersonId>,
    Json(change): Json<PersonChange>,
) -> Result<Response, Problem> {
    caller.act_to_give()?;
    let act = caller.act_on_seen()?;
    let change = Change { name: change.name, role: change.role, disabled: change.disabled };
    let own = caller.identity.person().filter(|(person, _)| *person == id);
    let here = own.map(|(_, session)| (session, caller.visitor()));
    let (person, opened) = people.change(&act, id, &change, here).await.map_err(not_changed)?;
    let cookies = opened.map_or_else(Vec::new, |opened| signin::cookies(&place, &opened));
    let answer = Has::nothing().answer(tag(&person), Answer(PersonDocument::from(person)));
    Ok(signin::with_cookies(answer, cookies))
}

fn not_changed(error: ChangeError) -> Problem {
    match error {
        ChangeError::Storage(error) => error.into(),
        error => Problem::new(error.kind(), error.to_string()),
    }
}

/// Make a link to a new password
///
/// For a person who forgot theirs: whoever opens it within an hour sets a new one, and all other sessions of the person
/// end. An earlier link gives nothing any more.
#[utoipa::path(
    post, path = "/api/v1/people/{id}/password-link", tag = "people",
    security(("token" = ["admin"])),
    params(("id" = PersonId, Path, description = "The person's id")),
    responses((status = 201, description = "The link, told this once", body = LinkDocument, example = LinkDocument::sample_password))
)]
pub(crate) async fn password_link(
    caller: Caller<Manage>,
    State(db): State<Arc<Database>>,
    State(links): State<Arc<Links>>,
    State(place): State<Place>,
    Named(id): Named<PersonId>,
) -> Result<(StatusCode, Answer<LinkDocument>), Problem> {
    let person = db.person(id).await?;
    let made = links.for_password(&caller.act_to_give()?, person.email).await.map_err(not_linked)?;
    let address = place.url(&signin::link_path(made.secret.expose_secret()));
    Ok((StatusCode::CREATED, Answer(LinkDocument::of(made.link, address))))
}

pub(super) fn not_linked(error: LinkError) -> Problem {
    match error {
        LinkError::Storage(error) => error.into(),
        error => Problem::new(error.kind(), error.to_string()),
    }
}

impl Sample for PersonChange {
    fn sample() -> Self {
        Self { role: Some(Role::Editor), ..Self::default() }
    }
}
