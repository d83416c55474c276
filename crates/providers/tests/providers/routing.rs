//! The routing rules, each by itself.

use crate::stand::{config, free, ids, pinned, router, with_embedded};
use cofounder_domain::{FaultKind, Price};
use cofounder_providers::{
    Catalogue, FoundOllama, Need, ProviderError, Role, Router, RouterConfig, Verb, Wanted,
};
use std::sync::Arc;

const TWO: &str = r#"
    [provider.acme]
    base_url = "https://acme.example/v1"
    [provider.acme.model.small]
    price = { input = 1.0, output = 2.0 }
    context = 1000
    [provider.near]
    base_url = "http://127.0.0.1:9/v1"
    [provider.near.model.a]
    [provider.near.model.b]
    price = { input = 0.0, output = 0.0 }
"#;

fn two(router: &str) -> RouterConfig {
    with_embedded(&format!("{TWO}\n[router]\n{router}"))
}

fn why_not(router: &Router, name: &str) -> String {
    let passed = free(router).passed_over;
    passed
        .into_iter()
        .find(|(passed, _)| passed == name)
        .unwrap_or_else(|| panic!("{name} was not passed over"))
        .1
}

#[test]
fn the_preference_is_the_whole_chain() {
    let made = |prefer: &str| ids(&free(&router(two(&format!("allow_paid = true\nprefer = [{prefer}]")))));
    assert_eq!(made("\"near/b\", \"acme\""), ["near/b", "acme/small"]);
    assert_eq!(made("\"near\""), ["near/a", "near/b"]);
    assert_eq!(made("\"near/b\", \"embedded\", \"near\""), ["near/b", "embedded/smollm2-135m", "near/a"]);
    assert_eq!(made("\"smollm2-135m\""), ["embedded/smollm2-135m"]);
}

#[test]
fn the_embedded_model_takes_part_only_if_named_or_alone() {
    // What costs nothing goes first; what counts the same keeps its order.
    assert_eq!(ids(&free(&router(two("allow_paid = true")))), ["near/a", "near/b", "acme/small"]);
    let alone = free(&router(with_embedded("")));
    assert_eq!(ids(&alone), ["embedded/smollm2-135m"]);
    assert!(alone.why.contains("no provider is configured"), "{}", alone.why);
    assert_eq!((alone.targets[0].price, alone.targets[0].context), (Some(Price::FREE), Some(2048)));
    let tuned = with_embedded("[provider.embedded]\ndialect = \"embedded\"\ntimeouts = { total_ms = 9 }");
    assert_eq!(ids(&free(&router(tuned))), ["embedded/smollm2-135m"]);
}

#[test]
fn what_may_cost_money_is_named_and_not_used() {
    let router = router(two(""));
    assert_eq!(ids(&free(&router)), ["near/a", "near/b"]);
    assert!(why_not(&router, "acme/small").contains("router.allow_paid"));
    assert_eq!(ids(&pinned(&router, "acme/small").unwrap()), ["acme/small"]);
}

#[test]
fn an_unknown_price_is_free_only_nearby_and_without_a_key() {
    let free_of = |lines: &str| {
        let text = format!("[provider.p]\n{lines}\n[provider.p.model.m]\n[router]\nallow_paid = true");
        free(&router(config(&text))).targets[0].free
    };
    assert!(free_of("base_url = \"http://127.0.0.1:9/v1\""));
    assert!(free_of("base_url = \"http://192.168.0.9/v1\""));
    assert!(!free_of("base_url = \"http://127.0.0.1:9/v1\"\napi_key = { env = \"PATH\" }"));
    assert!(!free_of("base_url = \"https://acme.example/v1\""));
}

#[test]
fn a_pinned_model_is_never_replaced() {
    let router = router(two("allow_paid = true\nprefer = [\"near\"]"));
    for (pin, id) in [
        ("acme/small", "acme/small"),
        ("smollm2-135m", "embedded/smollm2-135m"),
        ("embedded/smollm2-135m", "embedded/smollm2-135m"),
        ("embedded", "embedded/smollm2-135m"),
        ("small", "acme/small"),
    ] {
        assert_eq!(ids(&pinned(&router, pin).unwrap()), [id], "{pin}");
    }
    for pin in ["acme/large", "nobody/x", "large", "acme", "acme/", ""] {
        let error = pinned(&router, pin).unwrap_err();
        assert_eq!(error.kind(), FaultKind::NotFound, "{pin}");
        let text = error.to_string();
        assert!(
            text.contains("acme/small") && text.contains("near/b") && text.contains("embedded/smollm2-135m"),
            "{text}"
        );
    }
}

/// Tried by looking among models alone: the test failed.
#[test]
fn a_name_that_is_nearly_a_roles_is_answered_with_the_role() {
    let router = router(two("alias = { quick = \"role:seo\" }"));
    for (name, nearest) in [
        ("role:drft", "role:draft"),
        ("rol:draft", "role:draft"),
        ("role:critics", "role:critic"),
        ("Role:chat", "role:chat"),
        ("acme/smal", "acme/small"),
        ("quik", "quick"),
    ] {
        assert!(matches!(router.wanted(name), Wanted::Model(_)), "{name}");
        let error = pinned(&router, name).unwrap_err().to_string();
        assert!(error.contains(&format!("did you mean `{nearest}`?")), "{name}: {error}");
    }
    for name in ["zzz", "role:", "role:zzz"] {
        let error = pinned(&router, name).unwrap_err().to_string();
        assert!(!error.contains("did you mean"), "{error}");
        assert_eq!(name.starts_with("role:"), error.contains("role:image"), "what could be named: {error}");
    }
    let error = router.route(Role::Embed, None, &Need { verb: Verb::Embeddings, ..Need::default() });
    let error = error.unwrap_err().to_string();
    assert_eq!(
        error.matches("do not name `embeddings`").count(),
        1,
        "who lacks the same is named together: {error}"
    );
    assert!(error.ends_with("a model that makes embeddings"), "{error}");
}

#[test]
fn a_provider_without_a_table_takes_any_name_when_pinned() {
    let router = router(config("[provider.p]\nbase_url = \"http://127.0.0.1:9/v1\""));
    assert_eq!(ids(&pinned(&router, "p/org/model:7b").unwrap()), ["p/org/model:7b"]);
    let error = router.route(Role::Seo, None, &Need::default()).unwrap_err();
    assert!(matches!(error, ProviderError::NoRoute { .. }));
    assert!(error.to_string().contains("as p/MODEL"), "{error}");
}

#[test]
fn under_a_budget_a_model_needs_a_price() {
    let made = |text: RouterConfig| router(RouterConfig { budget_enforced: true, ..text });
    let router = made(two("allow_paid = true\nprefer = [\"acme\", \"near\", \"embedded\"]"));
    assert_eq!(ids(&free(&router)), ["acme/small", "near/b", "embedded/smollm2-135m"]);
    assert!(why_not(&router, "near/a").contains("no price"));
    let error = pinned(&router, "near/a").unwrap_err();
    assert!(
        matches!(error, ProviderError::NoRoute { .. }) && error.to_string().contains("price = {"),
        "{error}"
    );
}

#[test]
fn what_does_not_fit_is_passed_over() {
    let router = router(two("allow_paid = true"));
    let need = Need { context_tokens: 900, max_tokens: Some(101), ..Need::default() };
    assert_eq!(ids(&router.route(Role::Draft, None, &need).unwrap()), ["near/a", "near/b"]);
    let error = router.route(Role::Draft, Some("acme/small"), &need).unwrap_err();
    assert!(matches!(error, ProviderError::ContextTooLong { .. }));
    let fits = Need { context_tokens: 900, max_tokens: Some(100), ..Need::default() };
    assert_eq!(ids(&router.route(Role::Draft, Some("acme/small"), &fits).unwrap()), ["acme/small"]);
    let alone = crate::stand::router(with_embedded(""));
    let error =
        alone.route(Role::Draft, None, &Need { context_tokens: 9_999, ..Need::default() }).unwrap_err();
    assert!(matches!(error, ProviderError::ContextTooLong { .. }), "{error}");
}

#[test]
fn a_model_that_cannot_chat_is_not_asked_to() {
    let text = "[provider.p]\nbase_url = \"http://127.0.0.1:9/v1\"\n[provider.p.model.e]\nabilities = [\"embeddings\"]\n[provider.p.model.m]";
    assert_eq!(ids(&free(&router(config(text)))), ["p/m"]);
}

fn need(tools: bool, vision: bool, verb: Verb) -> Need {
    Need { tools, vision, verb, ..Need::default() }
}

/// Tried by assuming nothing, which lets everything be tried: the test failed.
#[test]
fn a_configured_model_of_which_nobody_says_anything_chats_and_no_more() {
    let text = "[provider.p]\nbase_url = \"http://127.0.0.1:9/v1\"\n[provider.p.model.\"m:7b\"]\n\
                [provider.q]\nbase_url = \"http://127.0.0.1:9/v1\"\n[provider.q.model.t]\nabilities = [\"chat\", \"tools\"]\n";
    let router = router(config(text));
    assert_eq!(ids(&free(&router)), ["p/m:7b", "q/t"]);
    let pinned = |need: &Need| router.route(Role::Chat, Some("p/m:7b"), need);
    assert!(pinned(&Need::default()).unwrap().targets[0].json);
    for (need, list) in [
        (need(true, false, Verb::Chat), r#"["chat", "stream", "json", "tools"]"#),
        (need(false, true, Verb::Chat), r#"["chat", "stream", "json", "vision"]"#),
        (need(false, false, Verb::Embeddings), r#"["embeddings"]"#),
        (need(false, false, Verb::Images), r#"["images"]"#),
    ] {
        let error = pinned(&need).unwrap_err();
        assert!(matches!(error, ProviderError::NoRoute { .. }), "{error}");
        let how = format!("write abilities = {list} in [provider.p.model.\"m:7b\"]");
        assert!(error.to_string().contains(&how), "{error}");
    }
    let route = router.route(Role::Chat, None, &need(true, false, Verb::Chat)).unwrap();
    assert_eq!((ids(&route), route.passed_over[0].0.as_str()), (vec!["q/t".to_owned()], "p/m:7b"));
}

/// Tried by assuming the usual of models that the catalogue knows: the test failed.
#[test]
fn a_configured_model_that_the_catalogue_knows_can_do_what_it_says_there() {
    let known = "[[model]]\nhost = \"127.0.0.1\"\nid = \"m\"\nabilities = [\"chat\", \"tools\"]\n";
    let catalogue = Arc::new(Catalogue::parse(known).unwrap());
    let made = |more: &str| {
        let text =
            format!("[provider.p]\nbase_url = \"http://127.0.0.1:9/v1\"\n[provider.p.model.m]\n{more}");
        router(RouterConfig { catalogue: catalogue.clone(), ..config(&text) })
    };
    let asked = |router: &Router, need: &Need| router.route(Role::Chat, Some("p/m"), need);
    assert!(!asked(&made(""), &need(true, false, Verb::Chat)).unwrap().targets[0].json);
    asked(&made(""), &need(false, true, Verb::Chat)).unwrap_err();
    let own = made("abilities = [\"chat\", \"vision\"]");
    asked(&own, &need(false, true, Verb::Chat)).unwrap();
    asked(&own, &need(true, false, Verb::Chat)).unwrap_err();
}

/// Tried by assuming the usual of every model: the test failed.
#[test]
fn a_model_that_is_only_named_may_be_tried_and_the_engine_is_known() {
    let router = router(with_embedded("[provider.p]\nbase_url = \"http://127.0.0.1:9/v1\""));
    for need in [need(true, true, Verb::Chat), need(false, false, Verb::Embeddings)] {
        assert_eq!(ids(&router.route(Role::Chat, Some("p/any"), &need).unwrap()), ["p/any"]);
        let error = router.route(Role::Chat, Some("embedded"), &need).unwrap_err().to_string();
        assert!(error.contains("`abilities`") && !error.contains("write"), "{error}");
    }
}

#[test]
fn a_found_ollama_goes_before_the_embedded_model_unless_something_is_configured() {
    let models = ["nomic-embed-text:latest", "llama3.2:3b", "qwen3:8b"].map(str::to_owned).to_vec();
    let ollama = Some(FoundOllama { base_url: "http://127.0.0.1:11434/v1".parse().unwrap(), models });
    let found = router(RouterConfig { ollama: ollama.clone(), budget_enforced: true, ..with_embedded("") });
    let route = free(&found);
    assert_eq!(ids(&route), ["ollama/llama3.2:3b", "embedded/smollm2-135m"]);
    assert!(route.why.contains("Ollama") && route.targets[0].free, "{}", route.why);
    assert_eq!(ids(&pinned(&found, "qwen3:8b").unwrap()), ["ollama/qwen3:8b"]);
    let chosen =
        router(RouterConfig { ollama: ollama.clone(), ..with_embedded("[router]\nprefer = [\"embedded\"]") });
    assert_eq!(ids(&free(&chosen)), ["embedded/smollm2-135m"]);
    let configured = router(RouterConfig { ollama, ..two("") });
    assert_eq!(ids(&free(&configured)), ["near/a", "near/b"]);
}

#[test]
fn an_ollama_that_is_preferred_and_not_there_is_passed_over() {
    let router = router(with_embedded("[router]\nprefer = [\"ollama\", \"embedded\"]"));
    assert_eq!(ids(&free(&router)), ["embedded/smollm2-135m"]);
    assert!(why_not(&router, "ollama").contains("not known"));
}

#[test]
fn a_key_in_the_environment_is_named_and_waits_to_be_asked_for() {
    let router = router(RouterConfig { env_keys: vec!["GROQ_API_KEY".into()], ..with_embedded("") });
    assert_eq!(ids(&free(&router)), ["embedded/smollm2-135m"]);
    assert!(why_not(&router, "groq").contains("GROQ_API_KEY is set"));
    assert!(cofounder_providers::known_env_keys().any(|key| key == "GROQ_API_KEY"));
}

#[test]
fn nothing_at_all_says_what_to_do() {
    let error = router(config("")).route(Role::Chat, None, &Need::default()).unwrap_err();
    assert!(error.to_string().contains("[provider.NAME]"), "{error}");
}
