//! Posts: what is published, drafts for those who may see them, and what people do with either.

mod change;
mod create;
mod evidence;
mod list;
mod publish;
mod revisions;
mod show;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Service;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(show::show, change::change, change::delete))
        .routes(routes!(publish::publish))
        .routes(routes!(publish::unpublish))
        .routes(routes!(revisions::revisions))
        .routes(routes!(revisions::revision))
        .routes(routes!(revisions::diff))
        .routes(routes!(evidence::claims))
        .routes(routes!(evidence::sources))
}
