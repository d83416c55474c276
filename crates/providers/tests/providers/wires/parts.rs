//! Usage of which a part is told: what the provider counted stays, and the rest is estimated at no less than it said.

use super::{Bench, hello, on_every_wire};
use cofounder_providers::{Amount, Usage};
use cofounder_testkit::provider::{End, Reply, Wire};
use serde_json::{Value, json};

on_every_wire! {
    a_stream_that_broke_has_what_was_counted_before,
}

/// Nobody said anything, and these texts were asked: "Be brief." and "Hello?".
const ASKED: Amount = Amount::Estimated { likely: 4, safe: 12 };

fn estimated(likely: u64, safe: u64) -> Amount {
    Amount::Estimated { likely, safe }
}

/// Tried by taking the count at the beginning (Anthropic) and that of each piece (Gemini) for the last: the test failed.
async fn a_stream_that_broke_has_what_was_counted_before(wire: Wire) {
    let bench = Bench::new(wire).await;
    bench.fake.reply([Reply::stream(&["a"; 40], End::CutAfter(40))]);
    let heard = bench.hear(&hello()).await;
    assert!(heard.error.is_some());
    // Anthropic counts the question at the beginning, and Gemini in every piece.
    let asked = match wire {
        Wire::Anthropic | Wire::Gemini => Amount::Counted(10),
        _ => ASKED,
    };
    // Each piece was a token.
    assert_eq!((heard.usage.tokens_in, heard.usage.tokens_out), (asked, estimated(10, 40)));
}

async fn whole(wire: Wire, document: Value) -> Usage {
    let bench = Bench::new(wire).await;
    bench.fake.reply([Reply::Json(document)]);
    bench.ask(&hello()).await.unwrap().usage
}

/// Tried by dropping half a usage (OpenAI, Ollama), by taking a total without a rest for an answer of nothing, and thoughts
/// for the whole: the test failed each time.
#[tokio::test]
async fn one_part_of_a_whole_answer_is_counted_and_the_other_is_not() {
    let counted = Amount::Counted;
    let openai = |usage: Value| {
        let choice = json!({"message": {"content": "twelve chars"}, "finish_reason": "stop"});
        (Wire::Openai, json!({"choices": [choice], "usage": usage}))
    };
    let ollama = |key: &str| {
        (
            Wire::Ollama,
            json!({"message": {"content": "twelve chars"}, "done": true, "done_reason": "stop", key: 7}),
        )
    };
    let google = |counts: Value| {
        let candidate = json!({"content": {"parts": [{"text": "twelve chars"}]}, "finishReason": "STOP"});
        (Wire::Gemini, json!({"candidates": [candidate], "usageMetadata": counts}))
    };
    let anthropic = |usage: Value| {
        let content = json!([{"type": "text", "text": "twelve chars"}]);
        (Wire::Anthropic, json!({"content": content, "stop_reason": "end_turn", "usage": usage}))
    };
    for ((wire, document), asked, answered) in [
        (openai(json!({"prompt_tokens": 7})), counted(7), estimated(3, 6)),
        (openai(json!({"prompt_tokens": 7, "total_tokens": 7})), counted(7), estimated(3, 6)),
        (openai(json!({"prompt_tokens": 7, "total_tokens": 9})), counted(7), counted(2)),
        (openai(json!({"completion_tokens": 7})), ASKED, counted(7)),
        (openai(json!({"completion_tokens": 7, "total_tokens": 9})), counted(2), counted(7)),
        // A prompt that was in its cache is not counted by its older versions.
        (ollama("eval_count"), ASKED, counted(7)),
        (ollama("prompt_eval_count"), counted(7), estimated(3, 6)),
        (google(json!({"promptTokenCount": 7})), counted(7), estimated(3, 6)),
        (google(json!({"promptTokenCount": 7, "thoughtsTokenCount": 5})), counted(7), estimated(5, 6)),
        (anthropic(json!({"input_tokens": 7})), counted(7), estimated(3, 6)),
        (anthropic(json!({"output_tokens": 7})), ASKED, counted(7)),
    ] {
        let usage = whole(wire, document.clone()).await;
        assert_eq!((usage.tokens_in, usage.tokens_out), (asked, answered), "{document}");
    }
}

/// Tried by taking what was counted last for the last word: the test failed.
#[tokio::test]
async fn the_count_at_the_beginning_of_anthropics_answer_is_not_that_of_its_end() {
    let bench = Bench::new(Wire::Anthropic).await;
    let whole = Wire::Anthropic.streamed_bytes(&Reply::stream(&["a"; 40], End::Done)).unwrap();
    let whole = String::from_utf8(whole).unwrap();
    let at = whole.rfind("\"usage\"").unwrap();
    let parts = vec![whole[..at].into(), whole[at..].replacen("\"usage\"", "\"other\"", 1).into()];
    bench.fake.reply([Reply::Bytes { parts, cut: false }]);
    let heard = bench.hear(&hello()).await;
    assert!(heard.complete && heard.counted.is_none(), "{heard:?}");
    assert_eq!((heard.usage.tokens_in, heard.usage.tokens_out), (Amount::Counted(10), estimated(10, 40)));
}

/// Tried by taking each count for the last, and by forgetting those that are not: the test failed each time.
#[tokio::test]
async fn what_openais_servers_count_in_each_piece_is_the_count_when_the_answer_has_ended() {
    let piece = |text: &str, finish: Value, so_far: u64| {
        let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": finish});
        let usage = json!({"prompt_tokens": 7, "completion_tokens": so_far});
        format!(
            "data: {}\n\n",
            json!({"object": "chat.completion.chunk", "choices": [choice], "usage": usage})
        )
    };
    let bench = Bench::new(Wire::Openai).await;
    for (finish, answered) in [(Value::Null, estimated(9, 9)), (json!("stop"), Amount::Counted(9))] {
        let parts = vec![piece("a", Value::Null, 8).into(), piece("a", finish, 9).into()];
        bench.fake.reply([Reply::Bytes { parts, cut: false }]);
        let usage = bench.hear(&hello()).await.usage;
        assert_eq!((usage.tokens_in, usage.tokens_out), (Amount::Counted(7), answered));
        bench.rest();
    }
}
