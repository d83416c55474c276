//! What every operation of the API shares: its head, its means of showing who asks, and its problems.

use utoipa::{
    OpenApi, PartialSchema,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder,
        path::{Operation, ParameterIn},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::extract::LARGEST;
use crate::problem::ProblemDocument;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "cofounder",
        description = "Ask for articles, follow how they are made, approve and publish them. Errors are problem documents (RFC 9457); times are RFC 3339 in UTC; lists come in pages (`limit`, `cursor`).",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(ProblemDocument)),
    tags(
        (name = "tasks", description = "The work that was asked for"),
        (name = "posts", description = "What is written and published")
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
    for item in api.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            add_problems(operation);
        }
    }
}

/// Answers that any operation can give: (status, when, only for some).
const PROBLEMS: [(u16, &str, fn(&Operation) -> bool); 9] = [
    (400, "The body is no JSON", takes_body),
    (401, "No token, or one that is not valid", is_closed),
    (403, "The token does not have the scope", is_closed),
    (404, "What the address names is not there", names_something),
    (409, "The present state does not allow it", is_closed),
    (413, "The body is larger than 1 MiB", takes_body),
    (415, "The body is not JSON, or is encoded", takes_body),
    (422, "What was given is not valid", |_| true),
    (503, "The database does not answer now", |_| true),
];

fn add_problems(operation: &mut Operation) {
    debug_assert_eq!(LARGEST, 1 << 20, "the words name the limit");
    for (status, when, applies) in PROBLEMS {
        if applies(operation) {
            let responses = &mut operation.responses.responses;
            responses.entry(status.to_string()).or_insert_with(|| RefOr::T(problem(when)));
        }
    }
}

fn takes_body(operation: &Operation) -> bool {
    operation.request_body.is_some()
}

fn is_closed(operation: &Operation) -> bool {
    operation.security.is_some()
}

fn names_something(operation: &Operation) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters.into_iter().any(|p| matches!(p, RefOr::T(p) if p.parameter_in == ParameterIn::Path))
}

fn problem(when: &str) -> Response {
    let schema = RefOr::Ref(Ref::from_schema_name("ProblemDocument"));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(when).content("application/problem+json", content).build()
}

/// Keeps the schema known to this module's readers: the document that every problem is.
const _: fn() -> RefOr<utoipa::openapi::schema::Schema> = ProblemDocument::schema;
