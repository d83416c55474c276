//! Chat, vectors and pictures: one call each.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use cofounder_auth::Identity;
use cofounder_metering::{ClientCall, Meter, Payer, Role, TokenTerms, Verb, Wanted};
use std::{sync::Arc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    error::GatewayError,
    headers, pieces,
    read::{Asked, question},
};
use crate::{
    GatewaySettings, Problem,
    access::{AskModels, Caller},
};

type MayAsk = Result<Caller<AskModels>, Problem>;

/// `POST /v1/chat/completions`
pub(super) async fn chat(
    State(meter): State<Arc<Meter>>,
    State(settings): State<GatewaySettings>,
    caller: MayAsk,
    body: Body,
) -> Result<Response, GatewayError> {
    let caller = caller?;
    let asked = question(body, settings).await?;
    if asked.document.raw("messages").is_none() {
        return Err(GatewayError::invalid(400, "`messages` is missing").about("messages"));
    }
    let (streamed, usage) = (asked.streamed, asked.usage);
    let call = call(&meter, &caller.identity, Verb::Chat, asked, settings);
    if streamed {
        let stream = meter.open(call).await?;
        return Ok(pieces::response(stream, usage));
    }
    whole(&meter, call).await
}

/// `POST /v1/embeddings`
pub(super) async fn embeddings(
    State(meter): State<Arc<Meter>>,
    State(settings): State<GatewaySettings>,
    caller: MayAsk,
    body: Body,
) -> Result<Response, GatewayError> {
    let caller = caller?;
    let asked = question(body, settings).await?;
    if asked.document.raw("input").is_none() {
        return Err(GatewayError::invalid(400, "`input` is missing").about("input"));
    }
    let call = call(&meter, &caller.identity, Verb::Embeddings, asked, settings);
    whole(&meter, call).await
}

/// `POST /v1/images/generations`
pub(super) async fn images(
    State(meter): State<Arc<Meter>>,
    State(settings): State<GatewaySettings>,
    caller: MayAsk,
    body: Body,
) -> Result<Response, GatewayError> {
    let caller = caller?;
    let asked = question(body, settings).await?;
    if asked.document.raw("prompt").is_none() {
        return Err(GatewayError::invalid(400, "`prompt` is missing").about("prompt"));
    }
    let call = call(&meter, &caller.identity, Verb::Images, asked, settings);
    whole(&meter, call).await
}

async fn whole(meter: &Arc<Meter>, call: ClientCall) -> Result<Response, GatewayError> {
    let answered = meter.ask(call).await?;
    let mut response = Body::from(answered.answer.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers::routed(headers, &answered.routed);
    headers::cost(headers, answered.cost);
    Ok(response)
}

fn call(
    meter: &Meter,
    identity: &Identity,
    verb: Verb,
    asked: Asked,
    settings: GatewaySettings,
) -> ClientCall {
    let own = match verb {
        Verb::Chat => Role::Chat,
        Verb::Embeddings => Role::Embed,
        Verb::Images => Role::Image,
    };
    let (role, pin) = match meter.router().wanted(&asked.model) {
        Wanted::Role(role) => (role, None),
        Wanted::Model(name) => (own, Some(name.to_owned())),
    };
    let token = TokenTerms {
        id: identity.token,
        day: identity.budget_day,
        month: identity.budget_month,
        requests_per_minute: identity.requests_per_minute.map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        tokens_per_minute: identity.tokens_per_minute,
    };
    ClientCall {
        verb,
        document: Arc::new(asked.document),
        role,
        pin,
        payer: Payer { task: None, token: Some(token) },
        step: "gateway",
        deadline: Some(Instant::now() + settings.deadline),
        patience: settings.patience,
        cancel: CancellationToken::new(),
    }
}
