//! The sections as a person writes them.

use crate::stand::{File, config, router};
use cofounder_domain::FaultKind;
use cofounder_providers::{Dialect, NoEngine, ProviderError, ProviderSection, Router, RouterConfig, Secret};
use cofounder_testkit::clock::ManualClock;
use std::sync::Arc;

fn refused(text: &str) -> String {
    let made = Router::new(config(text), Arc::new(NoEngine), Arc::new(ManualClock::default()));
    let error = made.unwrap_err();
    assert!(matches!(error, ProviderError::Configuration { .. }), "{error}");
    assert_eq!(error.kind(), FaultKind::InvalidInput);
    error.to_string()
}

fn unread(section: &str) -> String {
    toml::from_str::<ProviderSection>(section).unwrap_err().to_string()
}

#[test]
fn the_documented_shape_is_read() {
    let text = r#"
        [provider.acme]
        dialect = "openai"
        base_url = "http://127.0.0.1:9999/v1"
        api_key = { env = "ACME_KEY" }
        timeouts = { connect_ms = 2000, first_token_ms = 20000, idle_ms = 20000, total_ms = 120000 }
        limits = { concurrency = 16, requests_per_minute = 600 }

        [provider.acme.model."acme-large"]
        context = 32768
        price = { input = 1.0, cached_input = 0.1, output = 2.0 }
        timeouts = { total_ms = 300000 }

        [router]
        prefer = ["acme"]
        allow_paid = true
    "#;
    let RouterConfig { providers, router: section, .. } = config(text);
    let (name, acme) = &providers[0];
    assert_eq!((name.as_str(), acme.dialect), ("acme", Dialect::Openai));
    assert_eq!(acme.api_key, Some(Secret::Env("ACME_KEY".into())));
    let large = acme.model.get("acme-large").unwrap();
    assert_eq!((large.context, large.timeouts.total_ms), (Some(32768), Some(300_000)));
    assert!(section.allow_paid);
    router(config(text));
}

#[test]
fn a_section_survives_being_written_and_read_again() {
    let text = "dialect = \"openai\"\nbase_url = \"http://h/v1\"\napi_key = { file = \"/k\" }\n[model.\"b\"]\ncontext = 5\n[model.\"a/x\"]\n";
    let section: ProviderSection = toml::from_str(text).unwrap();
    let written = serde_json::to_string(&section).unwrap();
    assert_eq!(serde_json::from_str::<ProviderSection>(&written).unwrap(), section);
}

#[test]
fn unknown_keys_are_named() {
    assert!(unread("dialct = \"openai\"").contains("dialct"));
    assert!(unread("[model.m]\npreis = 1").contains("preis"));
    assert!(unread("timeouts = { total = 1 }").contains("total"));
    assert!(toml::from_str::<File>("[router]\nprefered = []").unwrap_err().to_string().contains("prefered"));
}

#[test]
fn sections_that_cannot_work_say_what_to_write() {
    let url = "base_url = \"http://127.0.0.1:1/v1\"";
    assert!(refused("[provider.a]\ndialect = \"openai\"").contains("base_url"));
    assert!(refused("[provider.a]\nbase_url = \"ftp://h/\"").contains("http://"));
    assert!(refused(&format!("[provider.a]\n{url}\nlimits = {{ concurrency = 0 }}")).contains("limit of 0"));
    assert!(refused(&format!("[provider.a]\n{url}\ntimeouts = {{ total_ms = 0 }}")).contains("0 ms"));
    assert!(
        refused(&format!(
            "[provider.a]\n{url}\n[provider.a.model.m]\nprice = {{ input = -1.0, output = 1.0 }}"
        ))
        .contains("negative")
    );
    assert!(refused(&format!("[provider.embedded]\n{url}")).contains("kept for the engine"));
    assert!(refused(&format!("[provider.\"a/b\"]\n{url}")).contains("no `/`"));
    let typo =
        refused(&format!("[provider.acme]\n{url}\n[provider.acme.model.m]\n[router]\nprefer = [\"amce\"]"));
    assert!(typo.contains("amce") && typo.contains("acme/m"), "{typo}");
}
