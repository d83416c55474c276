//! Schedules: tasks that come again and again.

mod list;
mod show;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Service;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list::list, list::create)).routes(routes!(
        show::show,
        show::change,
        show::delete
    ))
}
