//! A walk through the router: is every route described, and is every description routed?
//!
//! The router has no list of its routes, but shows them when it is printed. Should that form change, the walk finds too
//! few, and fails.

use std::collections::{BTreeMap, BTreeSet};

/// Routes that the description does not have, and why.
const UNDESCRIBED: [(&str, &str); 12] = [
    ("/openapi.json", "the description itself"),
    ("/docs", "the same as a page"),
    ("/", "a page"),
    ("/login", "a page, and its form"),
    ("/logout", "a form"),
    ("/account", "a page"),
    ("/account/password", "a form"),
    ("/account/sessions/{id}/end", "a form"),
    ("/link/{secret}", "a page, and its form"),
    ("/assets/pages.css", "a style of pages"),
    ("/v1/models/{provider}/{*model}", "`/v1/models/{id}` of a name whose slash is written as it is"),
    ("/v1/{*rest}", "answers that there is nothing, in the words of OpenAI's API"),
];

/// Every route of a router: its path, and the methods that it takes; none if it takes any.
fn routes(printed: &str) -> BTreeMap<String, BTreeSet<String>> {
    let (own, _) = printed.split_once("fallback_router: ").expect("a router");
    let (handlers, paths) = own.split_once("node: Node { paths: {").expect("a table of paths");
    let entries = |text: &str| -> BTreeMap<u32, String> {
        let entries = text.split("RouteId(").skip(1).filter_map(|entry| entry.split_once("): "));
        entries.map(|(id, rest)| (id.parse().expect("a number"), rest.to_owned())).collect()
    };
    let handlers = entries(handlers);
    let quoted = |text: &str, begin: &str| -> Option<String> {
        Some(text.split_once(begin)?.1.split('"').next()?.to_owned())
    };
    let route = |(id, path): (u32, String)| {
        let methods = quoted(&handlers[&id], "allow_header: Bytes(b\"").unwrap_or_default();
        // GET brings HEAD with it.
        let methods = methods.split(',').filter(|method| !method.is_empty() && *method != "HEAD");
        (quoted(&path, "\"").expect("a path"), methods.map(str::to_owned).collect())
    };
    entries(paths).into_iter().map(route).collect()
}

/// What the description has.
fn described() -> BTreeMap<String, BTreeSet<String>> {
    let api: serde_json::Value = serde_json::from_str(&crate::openapi()).unwrap();
    let paths = api["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| {
            (path.clone(), item.as_object().unwrap().keys().map(|m| m.to_uppercase()).collect())
        })
        .collect()
}

/// Tried by adding a route of axum's own, one with a method more, and by describing what is not routed: the
/// test failed each time, and named it.
#[test]
fn audit_s18_every_route_is_described_and_every_description_is_routed() {
    let (mut found, described) = (routes(&format!("{:?}", crate::every())), described());
    assert!(found.len() > 20, "a walk that finds only {found:?}");
    for (path, why) in UNDESCRIBED {
        assert!(found.remove(path).is_some(), "{path} ({why}) is no route any more");
        assert!(!described.contains_key(path), "{path} ({why}) is described by now");
    }
    for (path, methods) in &found {
        let known = described.get(path);
        assert!(
            known.is_some(),
            "{path} is a route that is not described; use `routes!` and `#[utoipa::path]`"
        );
        assert!(
            !methods.is_empty() && known == Some(methods),
            "{path} takes {methods:?}; described are {known:?}"
        );
    }
    for path in described.keys() {
        assert!(found.contains_key(path), "{path} is described, and is no route");
    }
}
