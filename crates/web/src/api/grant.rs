//! `POST /auth/token`: the client credentials grant, in the words of RFC 6749.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use cofounder_auth::{GrantError, Grants};
use cofounder_domain::LogLevel;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use utoipa::ToSchema;

use crate::{
    access::Visiting,
    body::{FORM, Unread, is_a},
    problem::seconds,
};

/// The largest form, in bytes.
pub(super) const LARGEST: usize = 16 << 10;
/// How long it may take to come.
const PATIENCE: Duration = Duration::from_secs(30);
const GRANT: &str = "client_credentials";

/// What is asked for. A program shows who it is here or by HTTP's Basic scheme, not both.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"grant_type": "client_credentials", "client_id": "01934d3e-0000-7000-8000-000000000000", "client_secret": "cof_…", "scope": "viewer"}))]
pub(crate) struct Grant {
    /// `client_credentials`
    grant_type: String,
    /// The token's id, as `cofounder token list` shows it.
    #[serde(default)]
    client_id: Option<String>,
    /// The token's text.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    client_secret: Option<SecretString>,
    /// What it is to be able to do, with spaces between; all that the token may if absent.
    #[serde(default)]
    scope: Option<String>,
}

/// An access token (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"access_token": "coa_…", "token_type": "Bearer", "expires_in": 3600, "scope": "viewer"}))]
pub(crate) struct AccessToken {
    /// Its text: told once. It is shown as any other token is.
    access_token: String,
    /// `Bearer`
    token_type: &'static str,
    /// How many seconds it is valid: 3600 at most, and no longer than the token.
    expires_in: u64,
    /// What it may, with spaces between.
    scope: String,
}

/// Why there is none (RFC 6749, 5.2).
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"error": "invalid_client", "error_description": "the program is not known"}))]
pub(crate) struct GrantProblem {
    /// `invalid_request`, `invalid_client`, `invalid_scope`, `unsupported_grant_type`, or `temporarily_unavailable`.
    error: &'static str,
    /// What happened, and what to do next.
    error_description: String,
}

/// A refusal, on its way out.
pub(crate) struct Refused {
    status: StatusCode,
    error: &'static str,
    words: String,
    wait: Option<Duration>,
}

/// Get an access token
///
/// For a program that has a token (`cofounder token create`): a secret that opens the same or less for an hour at most
/// (RFC 6749, 4.4), so that the token itself stays in one place. It has the token's budgets and limits, and ends when the
/// token is taken back. A token gets 30 at once and then one a minute; a place has ten wrong tries, and then one a minute.
#[utoipa::path(
    post, path = "/auth/token", tag = "tokens",
    request_body(content = Grant, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The access token", body = AccessToken),
        (status = 400, description = "The form cannot be read, or asks for what there is not", body = GrantProblem),
        (status = 401, description = "The program is not known", body = GrantProblem),
        (status = 408, description = "The form did not come in time", body = GrantProblem),
        (status = 413, description = "The form is larger than 16 KiB", body = GrantProblem),
        (status = 415, description = "It is no form, or is encoded", body = GrantProblem),
        (status = 429, description = "Too many were asked for; `Retry-After` says until when to wait", body = GrantProblem),
        (status = 500, description = "A defect of this program", body = GrantProblem),
        (status = 503, description = "Who asks cannot be checked now", body = GrantProblem)
    )
)]
pub(crate) async fn grant(
    State(grants): State<Arc<Grants>>,
    Visiting(visitor): Visiting,
    request: Request,
) -> Result<Response, Refused> {
    let headers = request.headers().clone();
    if !is_a(&headers, FORM) {
        let words = "the form must come as `application/x-www-form-urlencoded`";
        return Err(Refused::invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
    }
    let body = Unread::of(request).read(LARGEST, PATIENCE).await.map_err(|error| {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Refused::invalid(status, error.to_string())
    })?;
    let asked: Grant = serde_urlencoded::from_bytes(&body).map_err(|error| {
        Refused::invalid(StatusCode::BAD_REQUEST, format!("the form cannot be read: {error}"))
    })?;
    if asked.grant_type != GRANT {
        let words = format!("the only grant here is `{GRANT}`");
        return Err(Refused {
            error: "unsupported_grant_type",
            ..Refused::invalid(StatusCode::BAD_REQUEST, words)
        });
    }
    let (id, secret) = client(&headers, &asked)?;
    let scope = asked.scope.as_deref().filter(|scope| !scope.is_empty());
    let made = grants.client_credentials((&id, &secret), scope, &visitor).await?;
    let scopes: Vec<&str> = made.scopes.iter().map(|scope| scope.as_str()).collect();
    let answer = AccessToken {
        access_token: made.secret.expose_secret().to_owned(),
        token_type: "Bearer",
        expires_in: made.lifetime.as_secs(),
        scope: scopes.join(" "),
    };
    Ok((UNKEPT, Json(answer)).into_response())
}

/// Nobody keeps what holds a secret (RFC 6749, 5.1).
const UNKEPT: [(header::HeaderName, &str); 2] =
    [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];

/// Who asks: by the head or by the form, and not by both (RFC 6749, 2.3).
fn client(headers: &HeaderMap, asked: &Grant) -> Result<(String, SecretString), Refused> {
    let invalid = |words: &str| Refused::invalid(StatusCode::BAD_REQUEST, words);
    let shown = headers.get(header::AUTHORIZATION);
    match (shown, &asked.client_id, &asked.client_secret) {
        (Some(_), _, Some(_)) => {
            Err(invalid("the client is shown twice, by the head and by the form. Leave one of them out"))
        }
        (Some(shown), named, None) => {
            let (id, secret) = basic(shown).ok_or_else(|| Refused::from(GrantError::Client))?;
            match named {
                Some(named) if *named != id => Err(invalid("the head and the form name different clients")),
                _ => Ok((id, secret)),
            }
        }
        (None, Some(id), Some(secret)) => Ok((id.clone(), secret.clone())),
        (None, ..) => Err(Refused::from(GrantError::Client)),
    }
}

/// HTTP's Basic scheme, each of the two encoded as in a form first (RFC 6749, 2.3.1).
fn basic(shown: &HeaderValue) -> Option<(String, SecretString)> {
    let (scheme, encoded) = shown.to_str().ok()?.split_once(' ')?;
    let text = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(encoded.trim()).ok())??;
    let text = String::from_utf8(text).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id)?, decoded(secret)?.into()))
}

fn decoded(text: &str) -> Option<String> {
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(&format!("x={text}")).ok()?;
    match <[_; 1]>::try_from(fields) {
        Ok([(_, decoded)]) => Some(decoded),
        Err(_) => None,
    }
}

impl Refused {
    fn invalid(status: StatusCode, words: impl Into<String>) -> Self {
        Self { status, error: "invalid_request", words: words.into(), wait: None }
    }
}

impl From<GrantError> for Refused {
    fn from(error: GrantError) -> Self {
        let status = match error.kind() {
            // Its own words for what is wrong with a scope.
            cofounder_domain::FaultKind::InvalidInput => StatusCode::BAD_REQUEST,
            kind => StatusCode::from_u16(kind.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        };
        match error.kind().log_level() {
            LogLevel::Info => tracing::info!(%error, "no access token was made"),
            LogLevel::Warn => tracing::warn!(%error, "no access token was made"),
            LogLevel::Error => tracing::error!(%error, "a defect of this program"),
        }
        Self { status, error: error.word(), words: error.to_string(), wait: error.wait() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        // What the specification allows there: printable ASCII without `"` and `\`.
        let plain = |c: char| (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\');
        let error_description = self.words.chars().map(|c| if plain(c) { c } else { '?' }).collect();
        let document = GrantProblem { error: self.error, error_description };
        let mut response = (self.status, UNKEPT, Json(document)).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"cofounder\""));
        }
        if let Some(wait) = self.wait {
            headers.insert(header::RETRY_AFTER, seconds(wait));
        }
        response
    }
}
