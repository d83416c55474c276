//! `GET /v1/models`: what can be named, roles included.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use cofounder_metering::{Meter, Need, Role};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

use super::error::GatewayError;
use crate::{
    Problem,
    access::{AskModels, Caller},
    documents::Sample,
};

/// A model that can be named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub(super) struct Model {
    /// How it is named.
    id: String,
    /// `model`.
    object: String,
    /// 0: nobody knows when it was made.
    created: u64,
    /// Its provider.
    owned_by: String,
}

/// The models that can be named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub(super) struct Models {
    /// `list`.
    object: String,
    /// The models.
    data: Vec<Model>,
}

/// List models
///
/// What can be named as `model`: models as `provider/model`, aliases, and roles as `role:draft`.
#[utoipa::path(
    get, path = "/v1/models", tag = "gateway", security(("token" = ["gateway"])),
    responses((status = 200, description = "The models", body = Models))
)]
pub(super) async fn list(
    State(meter): State<Arc<Meter>>,
    caller: Result<Caller<AskModels>, Problem>,
) -> Result<Response, GatewayError> {
    caller?;
    Ok(Json(Models::of(models(&meter))).into_response())
}

/// Show a model
///
/// By its name; the slash in `provider/model` may be written as it is.
#[utoipa::path(
    get, path = "/v1/models/{id}", tag = "gateway", security(("token" = ["gateway"])),
    params(("id" = String, Path, description = "The model's name")),
    responses((status = 200, description = "The model", body = Model))
)]
pub(super) async fn one(
    State(meter): State<Arc<Meter>>,
    caller: Result<Caller<AskModels>, Problem>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, GatewayError> {
    caller?;
    // What cannot be read is no model's name.
    let Path(id) = id.map_err(|_| GatewayError::no_model())?;
    find(&meter, &id)
}

/// The same for a name with slashes in it.
pub(super) async fn slashed(
    State(meter): State<Arc<Meter>>,
    caller: Result<Caller<AskModels>, Problem>,
    named: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, GatewayError> {
    caller?;
    let Path((provider, model)) = named.map_err(|_| GatewayError::no_model())?;
    find(&meter, &format!("{provider}/{model}"))
}

fn find(meter: &Meter, id: &str) -> Result<Response, GatewayError> {
    match models(meter).into_iter().find(|model| model.id == id) {
        Some(model) => Ok(Json(model).into_response()),
        None => Err(GatewayError::no_model()),
    }
}

/// Models, and roles that a model takes.
fn models(meter: &Meter) -> Vec<Model> {
    let named = meter.router().names().into_iter().map(|name| {
        let owner = name.split_once('/').map_or("alias", |(provider, _)| provider).to_owned();
        Model::of(name, &owner)
    });
    let served = |role: &Role| {
        let need = Need { verb: role.verb(), ..Need::default() };
        meter.route(*role, None, &need).is_ok()
    };
    let roles = Role::ALL.into_iter().filter(served);
    let roles = roles.map(|role| Model::of(format!("role:{}", role.as_str()), "cofounder"));
    named.chain(roles).collect()
}

impl Models {
    fn of(data: Vec<Model>) -> Self {
        Self { object: "list".to_owned(), data }
    }
}

impl Model {
    fn of(id: String, owned_by: &str) -> Self {
        Self { id, object: "model".to_owned(), created: 0, owned_by: owned_by.to_owned() }
    }
}

impl Sample for Models {
    fn sample() -> Self {
        Self::of(vec![Model::sample(), Model::of("role:draft".to_owned(), "cofounder")])
    }
}

impl Sample for Model {
    fn sample() -> Self {
        Self::of("acme/acme-large".to_owned(), "acme")
    }
}
