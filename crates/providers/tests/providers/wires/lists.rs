//! Vectors, pictures, and lists of models.

use super::{Bench, on_every_wire};
use cofounder_providers::{Amount, ProviderError, Verb};
use cofounder_testkit::provider::{Reply, Wire};
use serde_json::{Value, json};
use std::time::Duration;

on_every_wire! {
    texts_become_vectors_where_that_is_offered,
    faults_of_vectors_are_told,
    pictures_are_made_where_that_is_offered,
    models_are_listed,
}

fn offers_vectors(wire: Wire) -> bool {
    wire != Wire::Anthropic
}

async fn texts_become_vectors_where_that_is_offered(wire: Wire) {
    let bench = Bench::new(wire).await;
    let question = |more: Value| {
        let mut question = json!({"model": "any", "input": ["one", "two"]});
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        question
    };
    let outcome = bench.ask_for(Verb::Embeddings, &question(json!({}))).await;
    if !offers_vectors(wire) {
        let error = outcome.unwrap_err();
        assert!(matches!(&error, ProviderError::Unsupported { what } if what.contains("gemini")), "{error}");
        assert_eq!(bench.fake.seen().len(), 0);
        return;
    }
    let answer = outcome.unwrap();
    let list: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((&list["object"], list["data"].as_array().unwrap().len()), (&json!("list"), 2));
    for index in 0..2 {
        let entry = &list["data"][index];
        assert_eq!(
            (&entry["object"], &entry["index"], &entry["embedding"]),
            (&json!("embedding"), &json!(index), &json!(Wire::vector(index)))
        );
    }
    let measured = matches!(wire, Wire::Openai | Wire::Ollama);
    // Of each text, two bytes a token and the marks around it.
    let estimated = Amount::Estimated { likely: 2, safe: 3 + 2 * 2 };
    let (counted, asked) = (answer.usage.is_counted(), answer.usage.tokens_in);
    assert_eq!((counted, asked), (measured, if measured { Amount::Counted(10) } else { estimated }));
    assert_eq!(list["usage"]["prompt_tokens"], asked.likely());

    let answer = bench
        .ask_for(Verb::Embeddings, &question(json!({"encoding_format": "base64", "dimensions": 3})))
        .await
        .unwrap();
    let list: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        (&list["data"][0]["embedding"], &list["data"][1]["embedding"]),
        (&json!("AACAPgAAgL8AAAA/"), &json!("AAAAPwAAgL8AAAA/"))
    );
    let body = &bench.fake.seen()[1].body;
    let dimensions = match wire {
        Wire::Gemini => body.pointer("/requests/1/outputDimensionality"),
        Wire::Huggingface => return,
        _ => body.get("dimensions"),
    };
    assert_eq!(dimensions, Some(&json!(3)));
}

async fn faults_of_vectors_are_told(wire: Wire) {
    let bench = Bench::new(wire).await;
    if !offers_vectors(wire) {
        return;
    }
    let question = json!({"input": "one"});
    for reply in [Reply::Garbage, Reply::WrongShape, Reply::Json(json!([])), Reply::Json(json!({}))] {
        bench.fake.reply([reply.clone()]);
        let error = bench.ask_for(Verb::Embeddings, &question).await.unwrap_err();
        assert!(matches!(error, ProviderError::Malformed { .. }), "{reply:?}: {error}");
        bench.rest();
    }
    bench.fake.reply([Reply::Overloaded]);
    assert!(matches!(
        bench.ask_for(Verb::Embeddings, &question).await,
        Err(ProviderError::Unavailable { .. })
    ));
    bench.rest();
    for wrong in if bench.passes_on() && wire == Wire::Openai {
        vec![]
    } else {
        vec![json!({"input": [1, 2]}), json!({})]
    } {
        let error = bench.ask_for(Verb::Embeddings, &wrong).await.unwrap_err();
        assert!(matches!(error, ProviderError::Inexpressible { .. }), "{error}");
    }
}

async fn pictures_are_made_where_that_is_offered(wire: Wire) {
    let bench = Bench::new(wire).await;
    let outcome =
        bench.ask_for(Verb::Images, &json!({"model": "any", "prompt": "A tree.", "size": "1024x1024"})).await;
    if matches!(wire, Wire::Anthropic | Wire::Ollama) {
        assert!(matches!(outcome, Err(ProviderError::Unsupported { .. })), "{outcome:?}");
        return;
    }
    let answer = outcome.unwrap();
    let list: Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(
        list["data"][0]["b64_json"].as_str().is_some_and(|picture| picture.starts_with("iVBORw0KGgo")),
        "{list}"
    );
    bench.fake.reply([Reply::Garbage]);
    let error = bench.ask_for(Verb::Images, &json!({"prompt": "A tree."})).await.unwrap_err();
    assert!(matches!(error, ProviderError::Malformed { .. }), "{error}");
}

async fn models_are_listed(wire: Wire) {
    let bench = Bench::new(wire).await;
    bench.fake.models(&["a", "b", "c", "d", "e"]);
    bench.fake.page(2);
    let wait = Duration::from_secs(20);
    assert_eq!(bench.router.list_models("p", wait).await.unwrap(), ["a", "b", "c", "d", "e"]);
    let pages = if matches!(wire, Wire::Anthropic | Wire::Gemini) { 3 } else { 1 };
    let seen = bench.fake.seen();
    assert_eq!((seen.len(), seen[0].method.as_str()), (pages, "GET"));
    assert!(seen.iter().all(|seen| seen.headers.values().any(|value| value.contains(super::bench::KEY))));
    assert!(matches!(
        bench.router.list_models("nobody", wait).await,
        Err(ProviderError::UnknownModel { .. })
    ));
}

/// The engine is asked for nothing: its model is known.
#[tokio::test]
async fn the_engine_lists_its_model() {
    let router = crate::stand::router(crate::stand::with_embedded(""));
    assert_eq!(router.list_models("embedded", Duration::from_secs(1)).await.unwrap(), ["smollm2-135m"]);
}
