//! `GET /api/v1/settings`

use axum::{Json, extract::State};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Service,
    access::{Caller, Manage},
    api::page::Paged,
    documents::SettingItem,
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List settings
///
/// Every key that the program's configuration sets, with its value and by what it was set, as they were when the program
/// started; what is not listed has its default. Secrets are left out. They are changed in the file or the environment.
#[utoipa::path(
    get, path = "/api/v1/settings", tag = "program", security(("token" = ["admin"])),
    responses((status = 200, description = "All of them", body = Paged<SettingItem>))
)]
pub(crate) async fn list(
    _caller: Caller<Manage>,
    State(settings): State<Arc<Vec<SettingItem>>>,
) -> Json<Paged<SettingItem>> {
    Json(Paged { items: settings.to_vec(), next_cursor: None })
}
