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

use super::{
    error::GatewayError,
    headers, pieces,
    read::{Asked, Manner, question},
    words::{
        ChatQuestion, EmbeddingsQuestion, ImagesQuestion, OpenAiAnswer, chat_answer, embeddings_answer,
        images_answer,
    },
};
use crate::{
    GatewaySettings, Problem,
    access::{AskModels, Caller},
    body::Unread,
};

type MayAsk = Result<Caller<AskModels>, Problem>;

/// Continue a chat
///
/// As OpenAI's API has it, whole or piece by piece (`stream`). Headers of the answer say which model answered, why, and
/// what it cost; the fields that are not named here go on to the model as they are.
#[utoipa::path(
    post, path = "/v1/chat/completions", tag = "gateway", request_body = ChatQuestion, security(("token" = ["gateway"])),
    responses((status = 200, description = "The answer, or server-sent events of its pieces", body = OpenAiAnswer, example = chat_answer))
)]
pub(super) async fn chat(
    State(meter): State<Arc<Meter>>,
    State(settings): State<GatewaySettings>,
    caller: MayAsk,
    body: Unread,
) -> Result<Response, GatewayError> {
    let (call, asked) = call(&meter, settings, caller, Verb::Chat, body).await?;
    match asked.streamed {
        true => Ok(pieces::response(meter.open(call).await?, asked.usage)),
        false => whole(&meter, call).await,
    }
}

/// Make vectors of texts
///
/// As OpenAI's API has it.
#[utoipa::path(
    post, path = "/v1/embeddings", tag = "gateway", request_body = EmbeddingsQuestion, security(("token" = ["gateway"])),
    responses((status = 200, description = "The vectors", body = OpenAiAnswer, example = embeddings_answer))
)]
pub(super) async fn embeddings(
    State(meter): State<Arc<Meter>>,
    State(settings): State<GatewaySettings>,
    caller: MayAsk,
    body: Unread,
) -> Result<Response, GatewayError> {
    let (call, _) = call(&meter, settings, caller, Verb::Embeddings, body).await?;
    whole(&meter, call).await
}

/// Make a picture
///
/// As OpenAI's API has it.
#[utoipa::path(
    post, path = "/v1/images/generations", tag = "gateway", request_body = ImagesQuestion, security(("token" = ["gateway"])),
    responses((status = 200, description = "The picture, or its address", body = OpenAiAnswer, example = images_answer))
)]
pub(super) async fn images(
    State(meter): State<Arc<Meter>>,
    State(settings): State<GatewaySettings>,
    caller: MayAsk,
    body: Unread,
) -> Result<Response, GatewayError> {
    let (call, _) = call(&meter, settings, caller, Verb::Images, body).await?;
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

/// Reads a question from whoever may ask one; what it asks for, whom, and who pays.
async fn call(
    meter: &Meter,
    settings: GatewaySettings,
    caller: MayAsk,
    verb: Verb,
    body: Unread,
) -> Result<(ClientCall, Manner), GatewayError> {
    let identity = caller?.identity;
    let Asked { document, model, manner } = question(body, verb, settings).await?;
    let (own, needed) = match verb {
        Verb::Chat => (Role::Chat, "messages"),
        Verb::Embeddings => (Role::Embed, "input"),
        Verb::Images => (Role::Image, "prompt"),
    };
    if document.raw(needed).is_none() {
        return Err(GatewayError::invalid(400, format!("`{needed}` is missing")).about(needed));
    }
    let (role, pin) = match meter.router().wanted(&model) {
        Wanted::Role(role) => (role, None),
        Wanted::Model(name) => (own, Some(name.to_owned())),
    };
    let call = ClientCall {
        verb,
        document: Arc::new(document),
        role,
        pin,
        payer: Payer { task: None, token: terms(&identity) },
        step: "gateway",
        deadline: Some(Instant::now() + settings.deadline),
        patience: settings.patience,
        stall: settings.stall,
        cancel: meter.cancellation(),
    };
    Ok((call, manner))
}

/// A token's own limits. A person has none: what they ask for counts against the site's budget alone.
fn terms(identity: &Identity) -> Option<TokenTerms> {
    Some(TokenTerms {
        id: identity.token()?,
        day: identity.budget_day,
        month: identity.budget_month,
        requests_per_minute: identity.requests_per_minute.map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        tokens_per_minute: identity.tokens_per_minute,
    })
}
