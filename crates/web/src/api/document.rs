//! What every operation of the API shares: its head, its means of showing who asks, and its problems.

use std::collections::BTreeMap;
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, Required, Response, ResponseBuilder,
        path::{Operation, ParameterIn},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{examples, extract::LARGEST, limits, refusals};
use crate::{gateway::words::OpenAiError, problem::ProblemDocument};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "cofounder",
        description = "Ask for articles, follow how they are made, approve and publish them. Errors are problem documents (RFC 9457); times are RFC 3339 in UTC; lists come in pages (`limit`, `cursor`). Limits of requests are those of an installation that does not set others (`server.requests_per_minute`, `server.unknown_requests_per_minute`, `gateway`); `x-limits` has them as numbers.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(ProblemDocument, OpenAiError)),
    tags(
        (name = "program", description = "How the program is"),
        (name = "gateway", description = "Models, as OpenAI's API has them"),
        (name = "tasks", description = "The work that was asked for"),
        (name = "posts", description = "What is written and published"),
        (name = "categories", description = "What posts are sorted into"),
        (name = "tags", description = "Words that posts share"),
        (name = "sources", description = "What articles rest on"),
        (name = "schedules", description = "Tasks that come again and again"),
        (name = "webhooks", description = "Who is told of what, and what became of it"),
        (name = "models", description = "Where models are, and which takes which call"),
        (name = "money", description = "What calls took, and what may be spent"),
        (name = "session", description = "Being signed in"),
        (name = "people", description = "Who may sign in"),
        (name = "tokens", description = "What programs show"),
        (name = "audit", description = "Who changed what")
    )
)]
struct Head;

pub(super) fn head() -> Document {
    Head::openapi()
}

/// Adds what no handler says itself.
pub(super) fn complete(api: &mut Document) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token from `cofounder token create`; each operation names the scope it needs"))
        .build();
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    let cookie = ApiKeyValue::with_description(
        "__Host-cofounder",
        "Whose person signed in; `cofounder` where the program is reached without TLS. What changes something must come from one of the program's own pages, or carry `X-CSRF-Token`",
    );
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    for item in api.paths.paths.values_mut() {
        let changing = [&mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        let operations = changing.into_iter().flatten().map(|operation| (operation, true));
        for (operation, changes) in operations.chain(item.get.as_mut().map(|operation| (operation, false))) {
            let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
            let name = operation.operation_id.take().unwrap_or_default();
            operation.operation_id = Some(format!("{tag}_{name}"));
            let security = operation.security.iter().flatten();
            let people = security.filter_map(of_people).collect::<Vec<_>>();
            operation.security.iter_mut().for_each(|security| security.extend(people.iter().cloned()));
            let gateway = tag == GATEWAY;
            add_problems(operation, changes, gateway, &mut components.responses);
            refusals::fill(operation, gateway);
            limits::tell(operation, gateway);
        }
    }
    examples::spread(api);
}

/// What a person needs where a program needs a token with some scope.
fn of_people(needed: &SecurityRequirement) -> Option<SecurityRequirement> {
    let value = serde_json::to_value(needed).ok()?;
    let scopes = value.get("token")?.as_array()?.iter().filter_map(|scope| scope.as_str());
    let roles = scopes.map(|scope| match scope {
        "admin" | "gateway" => "owner",
        scope => scope,
    });
    Some(SecurityRequirement::new("session", roles.collect::<Vec<_>>()))
}

/// The part of the API that speaks in another's words, errors included.
const GATEWAY: &str = "gateway";

/// An answer that operations can give: its status, when, and which of them give it; they are told whether they change
/// something.
type Known = (u16, &'static str, fn(&Operation, bool) -> bool);

const _: () = assert!(LARGEST == 1 << 20, "the words below name the limit");

const PROBLEMS: [Known; 14] = [
    (400, "The body is no JSON", takes_body),
    (401, "No token, or one that is not valid", is_closed),
    (403, "The token does not have the scope", is_closed),
    (404, "What the address names is not there", names_something),
    (408, "The request did not come in time", takes_body),
    (409, "The present state does not allow it", |_, changes| changes),
    (412, "It has changed since it was read", |_, changes| changes),
    (413, "The body is larger than 1 MiB", takes_body),
    (415, "The body is not JSON, or is encoded", takes_body),
    (422, "What was given is not valid", |_, _| true),
    (428, "`If-Match` is missing", asks_what_was_seen),
    (429, "Too many requests; `Retry-After` says how many seconds to wait", is_closed),
    (500, "A defect of this program, told by a number", |_, _| true),
    (503, "The database does not answer now", |_, _| true),
];

const FAULTS: [Known; 14] = [
    (400, "The question is not valid, or too long for the model", takes_body),
    (401, "No token, or one that is not valid", is_closed),
    (402, "No money is left for it", takes_body),
    (403, "The token does not have the scope", is_closed),
    (404, "There is no such model", |_, _| true),
    (408, "The request did not come in time", takes_body),
    (413, "The body is larger than `gateway.body_mib`", takes_body),
    (415, "The body is encoded", takes_body),
    (429, "A limit was reached; `Retry-After` says until when", |_, _| true),
    (500, "A defect of this program, told by a number", |_, _| true),
    (501, "No model that is configured offers this; the message says how to enable it", takes_body),
    (502, "The model's provider gave an answer that is not valid", takes_body),
    (503, "The model's provider, or the database, does not answer now", |_, _| true),
    (504, "The model's provider was too slow", takes_body),
];

/// Names the answers that are the same everywhere, each of which stands once among those that are shared.
fn add_problems(
    operation: &mut Operation,
    changes: bool,
    gateway: bool,
    shared: &mut BTreeMap<String, RefOr<Response>>,
) {
    let (known, name): (&[Known], _) = if gateway { (&FAULTS, "Fault") } else { (&PROBLEMS, "Problem") };
    for (status, when, applies) in known {
        if !applies(operation, changes) {
            continue;
        }
        let name = format!("{name}{status}");
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_string()).or_insert_with(|| {
            shared.entry(name.clone()).or_insert_with(|| RefOr::T(problem(*status, when, gateway)));
            RefOr::Ref(Ref::from_response_name(name))
        });
    }
}

fn takes_body(operation: &Operation, _: bool) -> bool {
    operation.request_body.is_some()
}

fn is_closed(operation: &Operation, _: bool) -> bool {
    operation.security.is_some()
}

fn asks_what_was_seen(operation: &Operation, _: bool) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters
        .into_iter()
        .any(|p| matches!(p, RefOr::T(p) if p.name == "If-Match" && p.required == Required::True))
}

fn names_something(operation: &Operation, _: bool) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters.into_iter().any(|p| matches!(p, RefOr::T(p) if p.parameter_in == ParameterIn::Path))
}

fn problem(status: u16, when: &str, gateway: bool) -> Response {
    let (form, name) = match gateway {
        true => ("application/json", OpenAiError::name()),
        false => ("application/problem+json", ProblemDocument::name()),
    };
    let schema = Some(RefOr::Ref(Ref::from_schema_name(name)));
    let content = ContentBuilder::new().schema(schema).example(refusals::example(status, gateway)).build();
    ResponseBuilder::new().description(when).content(form, content).build()
}
