//! `GET /v1/models`: what can be named, roles included.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use cofounder_metering::{Meter, Role};
use serde::Serialize;
use std::sync::Arc;

use super::error::GatewayError;
use crate::{
    Problem,
    access::{AskModels, Caller},
};

#[derive(Serialize)]
struct Model {
    id: String,
    object: &'static str,
    created: u64,
    owned_by: String,
}

pub(super) async fn list(
    State(meter): State<Arc<Meter>>,
    caller: Result<Caller<AskModels>, Problem>,
) -> Result<Response, GatewayError> {
    caller?;
    let data = models(&meter);
    Ok(Json(serde_json::json!({"object": "list", "data": data})).into_response())
}

pub(super) async fn one(
    State(meter): State<Arc<Meter>>,
    caller: Result<Caller<AskModels>, Problem>,
    Path(id): Path<String>,
) -> Result<Response, GatewayError> {
    caller?;
    match models(&meter).into_iter().find(|model| model.id == id) {
        Some(model) => Ok(Json(model).into_response()),
        None => Err(GatewayError::no_model()),
    }
}

fn models(meter: &Meter) -> Vec<Model> {
    let model =
        |id: String, owned_by: &str| Model { id, object: "model", created: 0, owned_by: owned_by.to_owned() };
    let named = meter.router().names().into_iter().map(|name| {
        let owner = name.split_once('/').map_or("alias", |(provider, _)| provider).to_owned();
        model(name, &owner)
    });
    let roles = Role::ALL.into_iter().map(|role| model(format!("role:{}", role.as_str()), "cofounder"));
    named.chain(roles).collect()
}
