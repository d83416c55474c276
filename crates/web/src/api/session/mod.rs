//! Being signed in: beginning, ending and listing it, for whoever asks.

mod all;
mod here;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Service;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(here::show, here::begin, here::end))
        .routes(routes!(here::password))
        .routes(routes!(all::list, all::end_others))
        .routes(routes!(all::end_one))
}
