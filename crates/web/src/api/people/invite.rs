//! `POST /api/v1/invitations`

use axum::{Json as Answer, extract::State, http::StatusCode};
use cofounder_auth::Links;
use cofounder_domain::{Email, Role};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use super::show::not_linked;
use crate::{
    Place, Problem,
    access::{Caller, Manage},
    api::extract::{Json, invalid},
    documents::{LinkDocument, Sample},
    signin,
};

/// Who is to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct Invitation {
    /// Their address.
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// What they will be.
    role: Role,
}

/// Invite a person
///
/// Makes a link that can be used once, within seven days: whoever opens it chooses a name and a password and is in, with
/// this role. An earlier one for the same address gives nothing any more. Nothing is sent: hand the link over yourself.
#[utoipa::path(
    post, path = "/api/v1/invitations", tag = "people", request_body = Invitation,
    security(("token" = ["admin"])),
    responses((status = 201, description = "The link, told this once", body = LinkDocument))
)]
pub(crate) async fn invite(
    caller: Caller<Manage>,
    State(links): State<Arc<Links>>,
    State(place): State<Place>,
    Json(invitation): Json<Invitation>,
) -> Result<(StatusCode, Answer<LinkDocument>), Problem> {
    let email: Email =
        invitation.email.parse().map_err(|error| invalid(format!("{error}. Nothing was made")))?;
    let made = links.for_guest(&caller.act_to_give()?, email, invitation.role).await.map_err(not_linked)?;
    let address = place.url(&signin::link_path(made.secret.expose_secret()));
    Ok((StatusCode::CREATED, Answer(LinkDocument::of(made.link, address))))
}

impl Sample for Invitation {
    fn sample() -> Self {
        Self { email: "bo@example.org".to_owned(), role: Role::Editor }
    }
}
