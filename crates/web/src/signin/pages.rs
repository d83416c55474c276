//! The pages themselves: each is a struct, and its template escapes what stands in it.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use cofounder_storage::LinkedIdentity;

/// What a page may load and where its forms may go: its own style sheet, its own addresses, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Signing in.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    pub(super) key: String,
    pub(super) return_to: String,
    pub(super) email: String,
    /// Where else one can sign in.
    pub(super) providers: Vec<ProviderLine>,
    pub(super) problem: Option<String>,
}

/// A provider at which one can sign in.
#[derive(Debug)]
pub(super) struct ProviderLine {
    pub(super) name: String,
    pub(super) href: String,
}

/// Going on to a provider.
#[derive(Debug, Template)]
#[template(path = "leaving.html")]
pub(super) struct LeavingPage {
    pub(super) provider: String,
    pub(super) url: String,
}

/// Opening a link.
#[derive(Debug, Template)]
#[template(path = "link.html")]
pub(super) struct LinkPage {
    pub(super) key: String,
    pub(super) title: &'static str,
    pub(super) lead: String,
    /// Whom it is for; asked for if it does not say.
    pub(super) email: Option<String>,
    pub(super) typed_email: String,
    pub(super) asks_name: bool,
    pub(super) name: String,
    pub(super) problem: Option<String>,
}

/// What is one's own.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) role: &'static str,
    pub(super) has_password: bool,
    pub(super) sessions: Vec<SessionLine>,
    /// Accounts elsewhere by which they sign in.
    pub(super) accounts: Vec<LinkedIdentity>,
    /// Providers at which they could link another.
    pub(super) providers: Vec<String>,
    pub(super) problem: Option<String>,
}

/// A session in the list of one's own.
#[derive(Debug)]
pub(super) struct SessionLine {
    pub(super) id: String,
    pub(super) agent: String,
    pub(super) address: String,
    pub(super) since: String,
    pub(super) seen: String,
    pub(super) here: bool,
}

/// Something that did not work, with nothing to fill in.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub(super) struct MessagePage {
    pub(super) title: &'static str,
    pub(super) words: String,
}

/// A page, whose address no other site learns.
pub(super) fn page(status: StatusCode, page: &impl Template) -> Response {
    let text = match page.render() {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "a defect of this program");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Without a referrer a browser would not say either whose page a form came from.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    (status, headers, Html(text)).into_response()
}
