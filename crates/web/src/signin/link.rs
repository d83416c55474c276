//! `/link/{secret}`: a link that is opened once.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use cofounder_auth::{Guest, LinkError, Links};
use cofounder_domain::FaultKind;
use cofounder_storage::{Link, LinkPurpose};
use secrecy::SecretString;
use serde::Deserialize;
use std::sync::Arc;

use super::{
    entered,
    form::{Form, Fresh, Keyed},
    pages::{LinkPage, MessagePage, page},
    with_cookies,
};
use crate::{Place, Problem, access::Visiting, api::Named};

pub(super) async fn show(
    State(links): State<Arc<Links>>,
    State(place): State<Place>,
    headers: HeaderMap,
    Named(secret): Named<String>,
) -> Result<Response, Problem> {
    match links.look(&secret).await {
        Ok(link) => asked(&place, &headers, &link, Typed::default(), None),
        Err(error) => unusable(error),
    }
}

/// What was filled in.
#[derive(Default, Deserialize)]
pub(super) struct Typed {
    key: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    password: SecretString,
}

impl Keyed for Typed {
    fn key(&self) -> &str {
        &self.key
    }
}

pub(super) async fn accept(
    State(links): State<Arc<Links>>,
    State(place): State<Place>,
    headers: HeaderMap,
    Visiting(visitor): Visiting,
    Named(secret): Named<String>,
    Form(typed): Form<Typed, false>,
) -> Result<Response, Problem> {
    let guest = Guest {
        email: Some(typed.email.clone()).filter(|email| !email.is_empty()),
        name: Some(typed.name.clone()).filter(|name| !name.is_empty()),
        password: typed.password.clone(),
    };
    match links.accept(&secret, &guest, &visitor).await {
        Ok(welcome) => Ok(entered(&place, &welcome.opened, "/account")),
        Err(error) if error.kind() == FaultKind::InvalidInput => {
            let link = match links.look(&secret).await {
                Ok(link) => link,
                Err(error) => return unusable(error),
            };
            asked(&place, &headers, &link, typed, Some(error.to_string()))
        }
        Err(error) => unusable(error),
    }
}

/// The page that asks for what the link needs.
fn asked(
    place: &Place,
    headers: &HeaderMap,
    link: &Link,
    typed: Typed,
    problem: Option<String>,
) -> Result<Response, Problem> {
    let Fresh { key, cookies } = Fresh::of(place, headers)?;
    let (title, lead) = match link.purpose {
        LinkPurpose::Owner => ("Welcome", "You become the owner of this installation.".to_owned()),
        LinkPurpose::Invitation => {
            let role = link.role.map(|role| role.to_string()).unwrap_or_default();
            ("Welcome", format!("You are invited, as {role}."))
        }
        LinkPurpose::Password => ("A new password", "All your other sessions will end.".to_owned()),
    };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = LinkPage {
        key,
        title,
        lead,
        email: link.email.as_ref().map(|email| email.as_str().to_owned()),
        typed_email: typed.email,
        asks_name: link.purpose != LinkPurpose::Password,
        name: typed.name,
        problem,
    };
    Ok(with_cookies(page(status, &shown), cookies))
}

fn unusable(error: LinkError) -> Result<Response, Problem> {
    match error {
        LinkError::Storage(error) if error.kind() == FaultKind::Unavailable => Err(error.into()),
        error => {
            let status = StatusCode::from_u16(error.kind().http_status()).unwrap_or(StatusCode::NOT_FOUND);
            Ok(page(status, &MessagePage { title: "This link cannot be used", words: error.to_string() }))
        }
    }
}
