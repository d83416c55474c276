//! What is odd about an answer and does it no harm: how it was counted, and what stands around its events.

use super::{
    Bench,
    answers::{counted, estimated},
    hello, on_every_wire,
};
use cofounder_providers::{Amount, Brings, ProviderError, Usage, Verb};
use cofounder_testkit::provider::{End, Reply, Wire};
use serde_json::{Value, json};

on_every_wire! {
    counts_may_be_written_as_floats,
    counts_that_cannot_be_are_not_said,
    what_stands_around_the_events_does_no_harm,
    any_number_of_pieces_may_say_nothing,
}

/// Changes every number of tokens in a document.
fn change(document: &mut Value, how: &dyn Fn(&Value) -> Value) {
    match document {
        Value::Object(map) => {
            for (key, value) in map {
                let counts = ["_tokens", "TokenCount", "eval_count"].iter().any(|end| key.ends_with(end));
                if counts && value.is_u64() {
                    *value = how(value);
                } else {
                    change(value, how);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| change(value, how)),
        _ => {}
    }
}

/// What a client finds of an answer whose tokens are counted so, whole and streamed.
async fn asked(wire: Wire, how: &dyn Fn(&Value) -> Value) -> [Usage; 2] {
    let bench = Bench::new(wire).await;
    let reply = Reply::text("twelve chars");
    let mut whole = wire.whole_document(&reply).unwrap();
    change(&mut whole, how);
    let line = |line: &str| {
        let Some(data) = line.find('{') else { return line.to_owned() };
        let mut document = serde_json::from_str(&line[data..]).unwrap();
        change(&mut document, how);
        format!("{}{document}\n", &line[..data])
    };
    let streamed = String::from_utf8(wire.streamed_bytes(&reply).unwrap()).unwrap();
    let streamed: String = streamed.split_inclusive('\n').map(line).collect();
    bench.fake.reply([Reply::Json(whole), Reply::Bytes { parts: vec![streamed.into_bytes()], cut: false }]);
    let answer = bench.ask(&hello()).await.unwrap();
    let heard = bench.hear(&hello()).await;
    assert_eq!((heard.error, heard.complete, heard.text), (None, true, answer.text));
    [answer.usage, heard.usage]
}

/// Tried by reading whole numbers alone: the test failed.
async fn counts_may_be_written_as_floats(wire: Wire) {
    let float = |count: &Value| json!(count.as_f64().unwrap());
    assert_eq!(asked(wire, &float).await, [counted(wire); 2]);
}

/// Tried by letting the answer fail with its usage: the test failed.
async fn counts_that_cannot_be_are_not_said(wire: Wire) {
    for odd in [json!(-1), json!(-1.0), json!(2.5), json!(1e300), json!("10"), json!([10]), json!({"n": 10})]
    {
        let usages = asked(wire, &|_| odd.clone()).await;
        assert_eq!(usages, [estimated(2, "twelve chars"); 2], "{odd}");
    }
}

/// Tried by letting the mark stand before the first event, and by taking the comment for half an event: it failed.
async fn what_stands_around_the_events_does_no_harm(wire: Wire) {
    let bench = Bench::new(wire).await;
    let events = wire.streamed_bytes(&Reply::text("Good day.")).unwrap();
    let marked = [b"\xef\xbb\xbf".to_vec(), events.clone()].concat();
    // Without the protocol's own mark for the end, where one may be left out, the end is looked at.
    let unmarked = String::from_utf8(events).unwrap().replace("data: [DONE]\n\n", "");
    let behind = match wire {
        Wire::Ollama => unmarked + "\n \n",
        _ => unmarked + ": bye",
    };
    for bytes in [marked.clone(), behind.into_bytes()] {
        let parts = bytes.chunks(2).map(<[u8]>::to_vec).collect();
        for parts in [vec![bytes.clone()], parts] {
            bench.fake.reply([Reply::Bytes { parts, cut: false }]);
            let heard = bench.hear(&hello()).await;
            assert_eq!((heard.text.as_str(), heard.error, heard.complete), ("Good day.", None, true));
        }
    }
}

/// Tried by holding back 64 pieces at the most: the test failed where each of them is passed on.
async fn any_number_of_pieces_may_say_nothing(wire: Wire) {
    let bench = Bench::new(wire).await;
    let pieces = [vec![""; 300], vec!["At last."]].concat();
    bench.fake.reply([Reply::stream(&pieces, End::Done)]);
    let heard = bench.hear(&hello()).await;
    assert_eq!((heard.text.as_str(), heard.error, heard.complete), ("At last.", None, true));
}

/// Tried without a bound: it waited for the word behind.
#[tokio::test]
async fn but_no_more_of_them_than_a_mebibyte() {
    let bench = Bench::new(Wire::Openai).await;
    let pieces = [vec![""; 10_000], vec!["Too late."]].concat();
    bench.fake.reply([Reply::stream(&pieces, End::Done)]);
    let error = bench.hear(&hello()).await.error.unwrap();
    assert!(matches!(&error, ProviderError::Malformed { why } if why.contains("no beginning")), "{error}");
}

/// Tried by going by what could be read of it: the piece passed for one that the client had asked for.
#[tokio::test]
async fn a_piece_of_usage_is_one_even_if_it_cannot_be_read() {
    let bench = Bench::new(Wire::Openai).await;
    for usage in [json!("lots"), json!({"prompt_tokens": -1, "completion_tokens": 5}), json!([])] {
        let piece = |more: Value| format!("data: {more}\n\n").into_bytes();
        let said = json!([{"index": 0, "delta": {"content": "Well."}, "finish_reason": "stop"}]);
        let parts = vec![
            piece(json!({"object": "chat.completion.chunk", "choices": said})),
            piece(json!({"object": "chat.completion.chunk", "choices": [], "usage": usage})),
        ];
        bench.fake.reply([Reply::Bytes { parts, cut: false }]);
        let mut stream = bench.open(&hello()).await.unwrap();
        let mut brings = Vec::new();
        while let Some(chunk) = stream.next().await.unwrap() {
            brings.push(chunk.brings);
        }
        assert_eq!(brings, [Brings::Content, Brings::Usage], "{usage}");
        assert_eq!(stream.usage(), estimated(1, "Well."));
    }
}

/// Tried by letting the vectors go with their usage: the test failed.
#[tokio::test]
async fn vectors_are_there_however_they_were_counted() {
    let question = json!({"model": "any", "input": "twelve chars"});
    for (count, usage) in
        [(json!(7.0), Amount::Counted(7)), (json!(-1), Amount::Estimated { likely: 3, safe: 6 + 2 })]
    {
        for (wire, document) in [
            (Wire::Openai, json!({"data": [{"embedding": [1.0]}], "usage": {"prompt_tokens": count}})),
            (
                Wire::Gemini,
                json!({"embeddings": [{"values": [1.0]}], "usageMetadata": {"promptTokenCount": count}}),
            ),
            (Wire::Ollama, json!({"embeddings": [[1.0]], "prompt_eval_count": count})),
        ] {
            let bench = Bench::new(wire).await;
            bench.fake.reply([Reply::Json(document)]);
            let answer = bench.ask_for(Verb::Embeddings, &question).await.unwrap();
            assert_eq!(answer.usage.tokens_in, usage, "{wire:?}: {count}");
        }
    }
}
