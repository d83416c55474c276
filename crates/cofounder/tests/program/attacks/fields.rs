//! Fields that nobody may set: whatever a request document does not name is refused, and nothing is done.

use serde_json::{Value, json};

use crate::{asker::Asker, documented::Description, workbench::Workbench};

/// What somebody might hope to set.
const HOPED: [&str; 8] = ["id", "role", "scopes", "status", "site_id", "created_at", "out_dir", "__proto__"];

/// Every document but OpenAI's, whose unknown fields go on to the model. Tried without `deny_unknown_fields`: the test
/// failed.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_sets_a_field_that_it_does_not_have() {
    let bench = Workbench::new().await;
    let description = Description::of(&bench).await;
    let asker = Asker::of(&bench).await;
    let mut tried = 0;
    for operation in description.operations() {
        let content = &operation.says["requestBody"]["content"]["application/json"];
        if content.is_null() || operation.path.starts_with("/v1/") {
            continue;
        }
        let example = description.examples(content)[0];
        let known = description.resolved(&content["schema"])["properties"].as_object().unwrap();
        for hoped in HOPED.iter().filter(|name| !known.contains_key(**name)) {
            let mut body = example.clone();
            body[*hoped] = json!("owner");
            let request = asker.request(&operation, &operation.place());
            let answer = request.json(&body).send().await.unwrap();
            assert_eq!(answer.status(), 422, "{operation}: {hoped}");
            let problem: Value = answer.json().await.unwrap();
            assert!(
                problem["detail"].as_str().unwrap().contains(&format!("unknown field `{hoped}`")),
                "{problem}"
            );
            tried += 1;
        }
    }
    assert!(tried > 40, "only {tried} were tried");
    assert_eq!(bench.tasks().await.len(), 0, "nothing was done");
}
