//! `/docs`: the API's description as a page for people. It is made here, from the same document as `/openapi.json`, and needs
//! no script and nothing from elsewhere; so it works without a network, under the strictest policy, and on paper.

mod outline;
mod schema;
mod text;

use askama::Template;
use axum::{
    Router,
    http::{HeaderMap, header::ACCEPT},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use cofounder_domain::FaultKind;
use std::sync::LazyLock;

use crate::{
    Problem, Service,
    access::{Caller, Look},
    hardening::Nonce,
    shown::Shown,
};
use outline::Outline;

static OUTLINE: LazyLock<Outline> = LazyLock::new(|| Outline::of(&crate::openapi()));

#[derive(Template)]
#[template(path = "docs.html")]
struct Page<'a> {
    nonce: &'a Nonce,
    api: &'a Outline,
}

pub(crate) fn routes() -> Router<Service> {
    Router::new().route("/docs", get(show))
}

/// A browser in which nobody is signed in is sent there first; whoever may not look is told so.
async fn show(
    caller: Result<Caller<Look>, Problem>,
    shown: Shown,
    headers: HeaderMap,
    nonce: Nonce,
) -> Result<Response, Problem> {
    let page = headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"));
    match caller {
        Err(problem) if page && !matches!(shown, Shown::Token(_)) && problem.status() == 401 => {
            return Ok(Redirect::to("/login?return_to=/docs").into_response());
        }
        caller => caller?,
    };
    let page = Page { nonce: &nonce, api: &OUTLINE };
    let text = page.render().map_err(|error| {
        tracing::error!(%error, "a defect of this program");
        Problem::new(FaultKind::Bug, "the page could not be made; `/openapi.json` says the same")
    })?;
    Ok(Html(text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tried by leaving out the answers: the test failed.
    #[test]
    fn the_page_has_everything_that_the_description_has() {
        let page = Page { nonce: &Nonce::new(), api: &OUTLINE }.render().unwrap();
        let api: serde_json::Value = serde_json::from_str(&crate::openapi()).unwrap();
        for (path, item) in api["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                let section = page
                    .split_once(&format!("<section id=\"{id}\""))
                    .unwrap_or_else(|| panic!("{path} is not there"))
                    .1;
                let section = section.split("</section>").next().unwrap();
                assert!(
                    section.contains(path)
                        && section.contains(&operation["summary"].as_str().unwrap().replace('\'', "&#39;")),
                    "{path}"
                );
                for status in operation["responses"].as_object().unwrap().keys() {
                    assert!(section.contains(&format!(">{status}<")), "{path} {status}");
                }
            }
        }
        for name in api["components"]["schemas"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("id=\"document-{name}\"")), "{name}");
        }
        for link in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(page.contains(&format!("id=\"{link}\"")), "#{link} leads nowhere");
        }
    }
}
