//! People: who may sign in, and what they are here. Only an owner manages them.

mod invite;
mod list;
mod show;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Service;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(show::show, show::change))
        .routes(routes!(show::password_link))
        .routes(routes!(invite::invite))
}
