//! `GET /api/v1/people`

use axum::{Json, extract::State};
use cofounder_storage::Database;
use std::sync::Arc;

use crate::{
    Problem,
    access::{Caller, Manage},
    api::{
        extract::Query,
        page::{Paged, Part},
    },
    documents::PersonDocument,
};

/// List people
///
/// The newest first, also those who cannot sign in any more.
#[utoipa::path(
    get, path = "/api/v1/people", tag = "people", params(Part), security(("token" = ["admin"])),
    responses((status = 200, description = "A page of people", body = Paged<PersonDocument>))
)]
pub(crate) async fn list(
    _caller: Caller<Manage>,
    State(db): State<Arc<Database>>,
    Query(part): Query<Part>,
) -> Result<Json<Paged<PersonDocument>>, Problem> {
    let found = db.people(part.limit()?, part.cursor()).await?;
    Ok(Json(Paged::of(found)))
}
