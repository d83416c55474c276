//! Calls whose tokens the provider counts for itself and does not tell, or not all of them: under a cap they are never
//! charged less than it charges, nor more than was set aside for them.

use cofounder_domain::NanoUsd;
use cofounder_metering::{Brings, Budgets, ClientCall, Verb};
use cofounder_storage::{LedgerFilter, LedgerRow};
use cofounder_testkit::provider::{End, Reply};
use prometheus_client::{encoding::text::encode, registry::Registry};
use serde_json::{Value, json};

use crate::bench::{Bench, HELLO, PRICE, client, daily};

/// What the provider counts of [`HELLO`].
const ASKED: u64 = 10;

/// The one line of the ledger, with which the metric agrees.
async fn line(bench: &Bench) -> LedgerRow {
    bench.meter.close().await.unwrap();
    let mut rows = bench.db.ledger(&LedgerFilter::default(), 9, None).await.unwrap().items;
    let row = rows.remove(0);
    assert!(rows.is_empty() && !row.tokens.measured, "{row:?}");
    let mut registry = Registry::default();
    bench.metrics.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    let metric = text.lines().find_map(|line| {
        line.strip_prefix("model_cost_nanousd_total{")?.split_once("} ")?.1.parse().ok().map(NanoUsd::new)
    });
    assert_eq!(metric, Some(row.cost + row.lost), "{text}");
    row
}

/// The same of a call that a budget paid for.
async fn paid(bench: &Bench) -> LedgerRow {
    let row = line(bench).await;
    assert_eq!((bench.used_today().await, row.lost), (row.cost, NanoUsd::ZERO), "{row:?}");
    assert_eq!(bench.spent_today().await, row.cost);
    row
}

fn streamed() -> String {
    HELLO.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"")
}

/// What is charged for a stream that its reader leaves after so many pieces, or that broke before.
async fn left_after(reply: Reply, pieces: usize) -> LedgerRow {
    let bench = Bench::new(daily(10.0)).await;
    bench.fake.reply([reply]);
    let mut stream = bench.meter.open(client(&streamed(), None)).await.unwrap();
    let mut taken = 0;
    while taken < pieces {
        match stream.next().await {
            Ok(piece) => taken += usize::from(piece.unwrap().brings == Brings::Content),
            Err(_) => break,
        }
    }
    drop(stream);
    let row = paid(&bench).await;
    assert!(row.cost <= PRICE.worst(streamed().len() as u64 + 64, 100), "more than was set aside: {row:?}");
    row
}

/// Tried by charging the plain estimate, by going by the bytes alone, and by going by the pieces alone: it failed each time.
#[tokio::test]
async fn a_stream_without_its_usage_costs_no_less_than_a_token_a_piece_and_a_token_for_two_bytes() {
    // A token a letter, and two letters a token: four letters a token would be too few.
    let letters = vec!["a"; 40];
    let dense = "7f".repeat(40);
    for (pieces, tokens) in [(letters, 40), (vec![dense.as_str()], 40)] {
        let count = pieces.len();
        for (end, taken) in [(End::StallAfter(count), count), (End::CutAfter(count), usize::MAX)] {
            let row = left_after(Reply::stream(&pieces, end), taken).await;
            assert!(
                row.tokens.output >= tokens && row.cost >= PRICE.worst(ASKED, tokens),
                "{end:?}: {row:?}"
            );
        }
    }
}

/// A piece in OpenAI's words that counts what came so far, as some servers send them.
fn counting(text: &str, so_far: u64) -> Vec<u8> {
    let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": null});
    let usage = json!({"prompt_tokens": 7, "completion_tokens": so_far, "total_tokens": 7 + so_far});
    format!("data: {}\n\n", json!({"choices": [choice], "usage": usage})).into_bytes()
}

/// Tried by taking each count for the last, and by forgetting those that are not: the test failed each time.
#[tokio::test]
async fn what_was_counted_so_far_is_not_the_whole_and_no_less_is_charged() {
    // Thirty tokens were thought before the first word.
    let mut parts = vec![counting("so", 31)];
    parts.push(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" far\"}}]}\n\n".to_vec());
    let row = left_after(Reply::Bytes { parts, cut: true }, usize::MAX).await;
    assert_eq!((row.tokens.input, row.tokens.output), (7, 31), "{row:?}");
    // Words came behind the last count.
    let mut parts = vec![counting("a", 1)];
    parts.extend((0..40).map(|_| counting("a", 1)));
    let row = left_after(Reply::Bytes { parts, cut: true }, usize::MAX).await;
    assert_eq!((row.tokens.input, row.tokens.output), (7, 41), "{row:?}");
}

/// Asks for a whole answer, and tells what is charged: the same to who asked, in the ledger, and to the budget.
async fn charged(verb: Verb, question: &Value, reply: Reply) -> LedgerRow {
    let bench = Bench::new(daily(10.0)).await;
    bench.fake.reply([reply]);
    let pin = Some("acme/able".to_owned());
    let call = ClientCall { verb, pin, ..client(&question.to_string(), None) };
    let told = bench.meter.ask(call).await.unwrap().cost;
    let row = paid(&bench).await;
    assert_eq!(row.cost, told);
    row
}

/// Tried by dropping a usage of which a half is missing: the test failed.
#[tokio::test]
async fn of_a_usage_that_is_half_told_the_other_half_is_charged_on_the_safe_side() {
    let answer = |usage: Value| {
        let choice = json!({"message": {"content": "7f".repeat(40)}, "finish_reason": "stop"});
        Reply::Json(json!({"choices": [choice], "usage": usage}))
    };
    let text = "7f".repeat(100);
    let question = json!({"messages": [{"role": "user", "content": text}], "max_tokens": 100});
    let row = charged(Verb::Chat, &question, answer(json!({"prompt_tokens": 7}))).await;
    assert!(row.tokens.input == 7 && (40..=100).contains(&row.tokens.output), "{row:?}");
    let row = charged(Verb::Chat, &question, answer(json!({"completion_tokens": 9}))).await;
    let most = question.to_string().len() as u64 + 64;
    assert!(row.tokens.output == 9 && (100..=most).contains(&row.tokens.input), "{row:?}");
}

/// Tried by passing over the numbers, by counting their digits, and by taking four bytes of text for a token: the test
/// failed each time.
#[tokio::test]
async fn numbers_of_tokens_that_become_vectors_are_counted_exactly_and_texts_by_their_bytes() {
    let vectors = |count| Reply::Json(json!({"data": vec![json!({"embedding": [1.0]}); count]}));
    let tokens: Vec<u64> = (0..150).collect();
    for (input, count) in [(json!(tokens), 1), (json!([tokens[..50], tokens[50..]]), 2)] {
        let row = charged(Verb::Embeddings, &json!({"input": input}), vectors(count)).await;
        assert_eq!(row.cost, PRICE.worst(150, 0), "{row:?}");
    }
    let texts = json!({"input": ["7f".repeat(40), "7f".repeat(60)]});
    let row = charged(Verb::Embeddings, &texts, vectors(2)).await;
    assert!(row.cost >= PRICE.worst(100, 0), "{row:?}");
}

/// Tried by charging the text alone: the test failed.
#[tokio::test]
async fn pictures_that_nobody_counted_cost_what_the_dearest_model_counts() {
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}});
    let content = json!([{"type": "text", "text": "What are these?"}, picture, picture]);
    let question = json!({"messages": [{"role": "user", "content": content}], "max_tokens": 100});
    let row = charged(Verb::Chat, &question, Reply::NoUsage("Dots.".into())).await;
    // The most that OpenAI counts for one.
    assert!(row.cost >= PRICE.worst(2 * 48_169, 2), "{row:?}");
    assert!(row.tokens.output < 10, "only the question is dear: {row:?}");
}

/// Tried by charging what was said, which is nothing, and by taking no count for none: the test failed each time.
#[tokio::test]
async fn pictures_that_were_made_and_not_counted_cost_what_was_set_aside_for_them() {
    let question = json!({"prompt": "A tree.", "n": 2});
    for usage in [Value::Null, json!({"input_tokens": 3})] {
        let reply =
            Reply::Json(json!({"data": [{"b64_json": "eA=="}, {"b64_json": "eA=="}], "usage": usage}));
        let row = charged(Verb::Images, &question, reply).await;
        // OpenAI counts 6,240 for the largest; each of two is set aside for as one of 8,192.
        assert_eq!(row.tokens.output, 2 * 8_192, "{row:?}");
        assert!(row.cost <= PRICE.worst(question.to_string().len() as u64 + 64, 2 * 8_192), "{row:?}");
    }
}

/// Tried without the upper bound, and by settling the budget with the plain estimate: the test failed each time.
#[tokio::test]
async fn no_more_than_was_set_aside_is_charged_for_what_nobody_counted() {
    let question = json!({"messages": [{"role": "user", "content": "x"}], "max_tokens": 3});
    let row = charged(Verb::Chat, &question, Reply::NoUsage("word ".repeat(500))).await;
    assert_eq!(row.tokens.output, 3, "{row:?}");
    assert!(row.cost <= PRICE.worst(question.to_string().len() as u64 + 64, 3), "{row:?}");
}

/// Tried by charging on the safe side everywhere: the test failed.
#[tokio::test]
async fn where_no_budget_holds_the_ledger_has_the_plain_estimate() {
    let bench = Bench::new(Budgets::default()).await;
    bench.fake.reply([Reply::NoUsage("twelve chars".into())]);
    let told = bench.meter.ask(client(HELLO, None)).await.unwrap().cost;
    let row = line(&bench).await;
    // "hello" and "twelve chars", at four characters a token.
    assert_eq!((row.tokens.input, row.tokens.output), (2, 3));
    assert_eq!((row.cost, told), (PRICE.worst(2, 3), row.cost));
}

/// Tried by charging the plain estimate for steps: the test failed.
#[tokio::test]
async fn a_steps_call_without_usage_is_charged_in_the_same_way() {
    let bench = Bench::new(daily(10.0)).await;
    bench.fake.reply([Reply::NoUsage("7f".repeat(40))]);
    let asked = "7f".repeat(50);
    let told = bench.ask(0, &asked).await.unwrap().cost;
    let row = paid(&bench).await;
    assert!(row.cost == told && row.cost >= PRICE.worst(50, 40), "{row:?}");
    assert!(row.cost <= PRICE.worst(asked.len() as u64 + 16, 100), "{row:?}");
}
