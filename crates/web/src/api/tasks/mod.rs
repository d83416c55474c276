//! Tasks: the work that was asked for, and what became of it.

mod act;
mod create;
mod events;
mod journal;
mod list;
mod reject;
mod runs;
mod show;

pub(super) use create::NewTask;

pub(super) use act::MAX_REASON;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Service;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(show::show))
        .routes(routes!(journal::journal))
        .routes(routes!(events::events))
        .routes(routes!(act::approve))
        .routes(routes!(act::unschedule))
        .routes(routes!(runs::runs))
        .routes(routes!(runs::steps_of))
        .routes(routes!(reject::reject))
        .routes(routes!(act::cancel))
        .routes(routes!(act::hold))
        .routes(routes!(act::release))
        .routes(routes!(act::retry))
}
