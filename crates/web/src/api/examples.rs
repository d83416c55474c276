//! Where the description's examples stand: each once, named by every operation that takes or answers its document.
//!
//! A document brings its own ([`crate::documents::Sample`]), an operation whose answer looks another way says so in its
//! attribute (`example = …`, a function that returns a value of the answer's type).

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::openapi::{
    Content, OpenApi, Ref, RefOr,
    example::ExampleBuilder,
    path::{Operation, PathItem},
    schema::Schema,
};

/// Takes the examples out of the schemas, and lets the operations name them.
pub(super) fn spread(api: &mut OpenApi) {
    let components = api.components.get_or_insert_default();
    for (name, schema) in &mut components.schemas {
        if let Some(value) = taken(schema) {
            let example = ExampleBuilder::new().value(Some(value)).build();
            components.examples.insert(name.clone(), RefOr::T(example));
        }
    }
    let (known, mut used) = (&components.examples, BTreeSet::new());
    let shared = components.responses.values_mut().filter_map(own).flat_map(|r| r.content.values_mut());
    let named = api.paths.paths.values_mut().flat_map(operations).flat_map(contents);
    for content in shared.chain(named).filter_map(own) {
        let none = content.example.is_none() && content.examples.is_empty();
        if let Some(name) = document(content).filter(|name| none && known.contains_key(name)) {
            let place = RefOr::Ref(Ref::new(format!("#/components/examples/{name}")));
            content.examples = BTreeMap::from([(name.clone(), place)]);
            used.insert(name);
        }
    }
    // What only stands inside others has its example there.
    components.examples.retain(|name, _| used.contains(name));
}

/// The first example of a schema, which is left without any.
fn taken(schema: &mut RefOr<Schema>) -> Option<Value> {
    let RefOr::T(schema) = schema else { return None };
    let (example, examples) = match schema {
        Schema::Object(schema) => (&mut schema.example, &mut schema.examples),
        Schema::AllOf(schema) => (&mut schema.example, &mut schema.examples),
        Schema::OneOf(schema) => (&mut schema.example, &mut schema.examples),
        Schema::AnyOf(schema) => (&mut schema.example, &mut schema.examples),
        Schema::Array(schema) => (&mut schema.example, &mut schema.examples),
        _ => return None,
    };
    // Of a value inside a document, such as a time, the example stays where it is.
    let mut all = example
        .take_if(|value| value.is_object())
        .into_iter()
        .chain(examples.extract_if(.., |value| value.is_object()));
    all.next()
}

/// Which document it is.
fn document(content: &Content) -> Option<String> {
    let Some(RefOr::Ref(place)) = &content.schema else { return None };
    place.ref_location.rsplit('/').next().map(str::to_owned)
}

fn own<T>(part: &mut RefOr<T>) -> Option<&mut T> {
    match part {
        RefOr::T(part) => Some(part),
        RefOr::Ref(_) => None,
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, patch, delete, .. } = item;
    [get, put, post, patch, delete].into_iter().flatten()
}

/// What an operation takes and answers.
fn contents(operation: &mut Operation) -> impl Iterator<Item = &mut RefOr<Content>> {
    let Operation { request_body, responses, .. } = operation;
    let taken = request_body.iter_mut().filter_map(own).flat_map(|body| body.content.values_mut());
    let answered = responses.responses.values_mut().filter_map(own).flat_map(|r| r.content.values_mut());
    taken.chain(answered)
}
