//! `GET /api/v1/sources`, and one of them.

use axum::{Json, extract::State};
use cofounder_storage::Database;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Problem, Service,
    access::{Caller, Look},
    api::{
        extract::{Named, Query, invalid},
        page::{Paged, Part},
    },
    documents::{SourceDocument, SourceItem},
};

/// The most of a text that is answered at a time, in bytes, and how much if nobody says.
const MOST: usize = 1 << 20;
const USUAL: usize = 1 << 16;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// List sources
///
/// By their ids, which are the beginnings of their hashes. Each is stored once, whatever asks for it.
#[utoipa::path(
    get, path = "/api/v1/sources", tag = "sources", params(Part), security(("token" = ["viewer"])),
    responses((status = 200, description = "A page of sources", body = Paged<SourceItem>))
)]
pub(crate) async fn list(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Query(part): Query<Part>,
) -> Result<Json<Paged<SourceItem>>, Problem> {
    Ok(Json(Paged::of(db.list_sources(part.limit()?, part.cursor()).await?)))
}

/// Which part of its text.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bytes {
    /// The first byte; the text's first if absent.
    #[param(minimum = 0)]
    start: Option<usize>,
    /// One past the last byte, at most 1 MiB behind the first; 64 KiB behind it if absent.
    #[param(minimum = 0)]
    end: Option<usize>,
}

/// Show a source
///
/// With a part of its extracted text, which the passages of claims are byte ranges of. A part is widened to whole
/// characters and ends with the text; the answer says which it is.
#[utoipa::path(
    get, path = "/api/v1/sources/{source}", tag = "sources", security(("token" = ["viewer"])),
    params(("source" = String, Path, description = "The source's id: 16 hexadecimal digits"), Bytes),
    responses((status = 200, description = "The source", body = SourceDocument))
)]
pub(crate) async fn show(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Named(id): Named<String>,
    Query(bytes): Query<Bytes>,
) -> Result<Json<SourceDocument>, Problem> {
    let start = bytes.start.unwrap_or(0);
    let end = bytes.end.unwrap_or_else(|| start.saturating_add(USUAL));
    if end < start || end - start > MOST {
        return Err(invalid(format!(
            "bytes {start} to {end} are asked for; `end` must be 0 to {MOST} behind `start`"
        )));
    }
    let source = db.source_of_id(&id).await?;
    Ok(Json(SourceDocument::part(&source, start.min(source.text.len()), end.min(source.text.len()))))
}
