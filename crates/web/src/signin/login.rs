//! `/login`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use cofounder_auth::{Elsewhere, People};
use secrecy::SecretString;
use serde::Deserialize;
use std::sync::Arc;

use super::{
    entered,
    form::{Form, Fresh, Keyed},
    own_path,
    pages::{LoginPage, ProviderLine, page},
    wait, with_cookies,
};
use crate::{
    Place, Problem,
    access::{SignedIn, Visiting},
    api::Query,
    problem::seconds,
};

/// Where somebody wanted to go.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    return_to: String,
}

pub(super) async fn show(
    me: Result<SignedIn, Problem>,
    State(place): State<Place>,
    State(elsewhere): State<Arc<Elsewhere>>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let return_to = own_path(&wanted.return_to).to_owned();
    // A program that shows its token is nobody who could go on.
    if me.is_ok() {
        return Ok(Redirect::to(&return_to).into_response());
    }
    let Fresh { key, cookies } = Fresh::of(&place, &headers)?;
    let providers = providers(&elsewhere, &return_to);
    let login = LoginPage { key, return_to, email: String::new(), providers, problem: None };
    Ok(with_cookies(page(StatusCode::OK, &login), cookies))
}

/// Where else one can sign in, and go on to the same place.
fn providers(elsewhere: &Elsewhere, return_to: &str) -> Vec<ProviderLine> {
    let query = serde_urlencoded::to_string([("return_to", return_to)]).unwrap_or_default();
    let line =
        |name: &str| ProviderLine { name: name.to_owned(), href: format!("/auth/{name}/login?{query}") };
    elsewhere.names().map(line).collect()
}

/// What was filled in.
#[derive(Deserialize)]
pub(super) struct Typed {
    key: String,
    email: String,
    password: SecretString,
    #[serde(default)]
    return_to: String,
}

impl Keyed for Typed {
    fn key(&self) -> &str {
        &self.key
    }
}

pub(super) async fn sign_in(
    State(people): State<Arc<People>>,
    State(place): State<Place>,
    State(elsewhere): State<Arc<Elsewhere>>,
    headers: HeaderMap,
    Visiting(visitor): Visiting,
    Form(typed): Form<Typed, false>,
) -> Result<Response, Problem> {
    let error = match people.sign_in(&typed.email, &typed.password, &visitor).await {
        Ok(welcome) => return Ok(entered(&place, &welcome.opened, &typed.return_to)),
        Err(error) => error,
    };
    let status =
        StatusCode::from_u16(error.kind().http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let later = wait(&error);
    if status.is_server_error() {
        return Err(super::refused(error));
    }
    let Fresh { key, cookies } = Fresh::of(&place, &headers)?;
    let return_to = own_path(&typed.return_to).to_owned();
    let providers = providers(&elsewhere, &return_to);
    let problem = Some(error.to_string());
    let login = LoginPage { key, return_to, email: typed.email, providers, problem };
    let mut response = with_cookies(page(status, &login), cookies);
    if let Some(later) = later {
        response.headers_mut().insert(header::RETRY_AFTER, seconds(later));
    }
    Ok(response)
}
