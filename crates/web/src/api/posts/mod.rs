//! Posts: what is published, and drafts for those who may see them.

mod list;
mod show;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Service;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(show::show))
        .routes(routes!(show::revisions))
}
