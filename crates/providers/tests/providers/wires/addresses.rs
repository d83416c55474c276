//! Where requests go.

use super::{Bench, hello};
use cofounder_providers::{Document, Need, Role, Verb};
use cofounder_testkit::provider::{FakeProvider, Reply, Wire};
use serde_json::json;

#[tokio::test]
async fn a_base_may_leave_its_version_out() {
    for (wire, path) in
        [(Wire::Anthropic, "/v1/messages"), (Wire::Gemini, "/v1beta/models/m:generateContent")]
    {
        let fake = FakeProvider::start_as(wire).await.unwrap();
        let root = fake.url().rsplit_once('/').unwrap().0.to_owned();
        for base in [root.clone(), format!("{root}/"), fake.url().to_owned()] {
            let bench = Bench::of(
                FakeProvider::start_as(wire).await.unwrap(),
                "",
                &format!("base_url = \"{base}\""),
                "",
            );
            bench.ask(&hello()).await.unwrap();
        }
        let paths: Vec<String> = fake.seen().into_iter().map(|seen| seen.path).collect();
        assert_eq!(paths, [path; 3]);
    }
}

#[tokio::test]
async fn huggingfaces_tasks_have_their_own_addresses() {
    let bench = Bench::new(Wire::Huggingface).await;
    let route = bench.route();
    assert_eq!(route.targets[0].model, "m");
    bench.ask_for(Verb::Embeddings, &json!({"input": ["a"]})).await.unwrap();
    bench.ask_for(Verb::Images, &json!({"prompt": "p", "size": "64x32", "seed": 5})).await.unwrap();
    let seen = bench.fake.seen();
    assert_eq!(
        (seen[0].path.as_str(), &seen[0].body),
        ("/hf-inference/models/m/pipeline/feature-extraction", &json!({"inputs": ["a"]}))
    );
    assert_eq!(
        (seen[1].path.as_str(), &seen[1].body),
        (
            "/hf-inference/models/m",
            &json!({"inputs": "p", "parameters": {"width": 64, "height": 32, "seed": 5}})
        )
    );
    bench.fake.reply([Reply::Json(json!({"error": "no such task"}))]);
    let error = bench.ask_for(Verb::Images, &json!({"prompt": "p"})).await.unwrap_err();
    assert!(error.to_string().contains("no such task"), "{error}");
}

/// A model's name stays a name, whatever stands in it.
#[tokio::test]
async fn a_models_name_does_not_leave_its_place_in_the_address() {
    for (wire, start) in [(Wire::Gemini, "/v1beta/models/"), (Wire::Huggingface, "/hf-inference/models/")] {
        let fake = FakeProvider::start_as(wire).await.unwrap();
        let more = format!("[provider.z]\ndialect = \"{}\"\nbase_url = \"{}\"\n", wire.as_str(), fake.url());
        let bench = Bench::of(fake, "", "", &more);
        let one = Document::parse(br#"{"input": "one"}"#).unwrap();
        for name in ["../../x", "a?b=c", "a#b", "..", "a b%2e"] {
            let route =
                bench.router.route(Role::Embed, Some(&format!("z/{name}")), &Need::default()).unwrap();
            drop(bench.ask_with(Verb::Embeddings, &one, &route).await);
        }
        for seen in bench.fake.seen() {
            assert!(seen.path.starts_with(start) && seen.query.is_empty(), "{seen:?}");
        }
    }
}
