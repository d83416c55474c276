//! Clients' calls: their money, and their lines in the ledger.

use cofounder_domain::{FaultKind, NanoUsd, TokenId};
use cofounder_metering::{Brings, Budgets, CallError, ClientCall, Role, TokenTerms, Verb};
use cofounder_storage::{CallState, LedgerFilter, SumBy};
use cofounder_testkit::provider::{End, Reply};
use prometheus_client::{encoding::text::encode, registry::Registry};
use std::time::Duration;

use crate::bench::{Bench, EACH, HELLO, PRICE, client, daily};

fn token(bench: &Bench) -> TokenTerms {
    TokenTerms {
        id: TokenId::new(bench.db.now()),
        day: None,
        month: None,
        requests_per_minute: None,
        tokens_per_minute: None,
    }
}

/// Waits until no request is open at the provider.
async fn nobody_is_asked(bench: &Bench) {
    tokio::time::timeout(Duration::from_secs(5), async {
        while bench.fake.open() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the provider is not asked any longer");
}

/// Tried by counting the metric before the lost attempts were added: the test failed.
#[tokio::test]
async fn calls_ledger_budget_and_metric_agree_to_the_nano_dollar() {
    let bench = Bench::new(daily(10.0)).await;
    bench.fake.reply([Reply::text("one"), Reply::CutBody, Reply::text("two"), Reply::error(400, "no", None)]);
    let mut told = NanoUsd::ZERO;
    for _ in 0..2 {
        told = told + bench.meter.ask(client(HELLO, Some(token(&bench)))).await.unwrap().cost;
    }
    let error = bench.meter.ask(client(HELLO, Some(token(&bench)))).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::InvalidInput);
    bench.ask(0, "a step's").await.unwrap();
    bench.meter.close().await.unwrap();

    let rows = bench.db.ledger(&LedgerFilter::default(), 50, None).await.unwrap().items;
    let lines: NanoUsd = rows.iter().map(|row| row.cost + row.lost).sum();
    let costs: NanoUsd = rows.iter().filter(|row| row.step == "gateway").map(|row| row.cost).sum();
    assert_eq!(rows.len(), 4);
    assert_eq!(costs, told);
    let lost: NanoUsd = rows.iter().map(|row| row.lost).sum();
    assert!(lost > NanoUsd::ZERO, "one attempt broke off");
    let sums = bench.db.ledger_sums(SumBy::Day, &LedgerFilter::default()).await.unwrap();
    assert_eq!((sums.len(), sums[0].cost), (1, lines));
    assert_eq!(bench.spent_today().await, lines);
    assert_eq!(bench.used_today().await, lines, "what was not spent was given back");
    let mut registry = Registry::default();
    bench.metrics.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    assert!(
        text.contains(&format!("model_cost_nanousd_total{{model=\"acme/large\"}} {}", lines.nano())),
        "{text}"
    );
}

#[tokio::test]
async fn a_line_says_who_asked_why_that_model_and_what_was_said() {
    let bench = Bench::new(Budgets::default()).await;
    let terms = token(&bench);
    bench
        .fake
        .reply([Reply::error(503, "down", None), Reply::text("fine, and my key is sk-0123456789abcdefghij")]);
    let body = HELLO.replace("hello", "mail me@example.org");
    let answered = bench.meter.ask(client(&body, Some(terms))).await.unwrap();
    bench.meter.flush().await;
    let rows = bench
        .db
        .ledger(&LedgerFilter { token: Some(terms.id), ..LedgerFilter::default() }, 9, None)
        .await
        .unwrap();
    let row = &rows.items[0];
    assert_eq!(row.call_id, Some(answered.routed.id));
    assert_eq!(
        (row.state, row.model.as_str(), row.role.as_str()),
        (Some(CallState::Done), "acme/large", "chat")
    );
    assert_eq!(
        (row.tokens.input, row.tokens.cached, row.tokens.output, row.tokens.measured),
        (10, 4, 5, true)
    );
    assert_eq!((row.cost, row.attempts.as_array().unwrap().len()), (EACH, 2));
    assert!(row.route["why"].as_str().unwrap().contains("was named for this call"), "{}", row.route);
    let (request, answer) = bench.db.ledger_texts(answered.routed.id).await.unwrap();
    assert!(request.contains("mail [redacted]") && !request.contains("example.org"), "{request}");
    assert!(answer.unwrap().contains("my key is [redacted]"));
}

/// Tried by dropping the stream without an end: the test failed.
#[tokio::test]
async fn an_abandoned_stream_is_settled_by_what_came_and_says_so() {
    let bench = Bench::new(daily(1.0)).await;
    let body = HELLO.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"");
    bench.fake.reply([Reply::stream(&["some ", "words "], End::StallAfter(2))]);
    let mut stream = bench.meter.open(client(&body, None)).await.unwrap();
    assert!(stream.next().await.unwrap().is_some());
    drop(stream);
    bench.meter.close().await.unwrap();
    let row = bench.db.ledger(&LedgerFilter::default(), 9, None).await.unwrap().items.remove(0);
    assert_eq!((row.state, row.tokens.measured), (Some(CallState::Abandoned), false));
    assert!(row.cost > NanoUsd::ZERO && row.cost < PRICE.worst(200, 100), "{row:?}");
    assert_eq!(bench.used_today().await, row.cost);
    nobody_is_asked(&bench).await;
}

#[tokio::test]
async fn without_a_bound_a_call_gets_the_longest_answer_that_the_money_pays_for() {
    let bench = Bench::new(daily(0.01)).await;
    let body = r#"{"model":"acme/large","messages":[{"role":"user","content":"hello"}]}"#;
    let answered = bench.meter.ask(client(body, None)).await.unwrap();
    let bound = answered.routed.bound.unwrap();
    // The prompt is at most as long as the document and the format's 64 tokens.
    let prompt = body.len() as u64 + 64;
    let most = PRICE.affords(NanoUsd::from_usd(0.01), prompt).unwrap();
    assert!(u64::from(bound) <= most && u64::from(bound) + 20 >= most, "{bound} of {most}");
    assert_eq!(bench.fake.seen()[0].body["max_tokens"], bound);
    let free = Bench::new(Budgets::default()).await;
    free.meter.ask(client(body, None)).await.unwrap();
    assert!(free.fake.seen()[0].body.get("max_tokens").is_none(), "without a budget nothing is added");
}

#[tokio::test]
async fn a_tokens_own_money_and_minute_hold() {
    let bench = Bench::new(Budgets::default()).await;
    let worst = PRICE.worst(HELLO.len() as u64 + 64, 100);
    let poor = TokenTerms { day: Some(worst), ..token(&bench) };
    bench.meter.ask(client(HELLO, Some(poor))).await.unwrap();
    let error = bench.meter.ask(client(HELLO, Some(poor))).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Budget { .. }) && error.to_string().contains("token's budget"),
        "{error}"
    );
    let rich = TokenTerms { id: TokenId::new(bench.db.now()), day: Some(NanoUsd::from_usd(5.0)), ..poor };
    bench.meter.ask(client(HELLO, Some(rich))).await.unwrap();
    let rare = TokenTerms { requests_per_minute: Some(1), ..token(&bench) };
    bench.meter.ask(client(HELLO, Some(rare))).await.unwrap();
    let error = bench.meter.ask(client(HELLO, Some(rare))).await.unwrap_err();
    assert!(
        error.kind() == FaultKind::Limited && error.retry_after().unwrap() > Duration::from_secs(50),
        "{error}"
    );
    let mut unpriced = client(HELLO, Some(rich));
    unpriced.pin = Some("acme/unpriced".to_owned());
    let error = bench.meter.ask(unpriced).await.unwrap_err();
    assert!(error.to_string().contains("no price"), "{error}");
}

/// Tried by not cancelling the work of a client that went away: the test failed.
#[tokio::test]
async fn a_client_that_goes_away_ends_its_call_at_once() {
    let bench = Bench::new(daily(1.0)).await;
    bench.fake.reply([Reply::Hang]);
    let gone = tokio::time::timeout(Duration::from_millis(300), bench.meter.ask(client(HELLO, None))).await;
    assert!(gone.is_err());
    nobody_is_asked(&bench).await;
    bench.meter.close().await.unwrap();
    let row = bench.db.ledger(&LedgerFilter::default(), 9, None).await.unwrap().items.remove(0);
    assert_eq!(row.state, Some(CallState::Abandoned));
    assert_eq!(row.lost, PRICE.worst(HELLO.len() as u64 + 64, 100), "it may have worked on it");
    assert_eq!(bench.used_today().await, row.lost);
}

/// Tried without a limit for the piece that is not taken: the test failed.
#[tokio::test]
async fn a_client_that_takes_nothing_holds_nothing() {
    let bench = Bench::new(daily(1.0)).await;
    let body = HELLO.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"");
    let words = ["word "; 200];
    bench.fake.reply([Reply::stream(&words, End::StallAfter(200))]);
    let call = ClientCall { stall: Duration::from_millis(100), ..client(&body, None) };
    let mut stream = bench.meter.open(call).await.unwrap();
    nobody_is_asked(&bench).await;
    let mut pieces = 0;
    let error = loop {
        match stream.next().await {
            Ok(piece) => pieces += u32::from(piece.expect("it was not the whole").brings == Brings::Content),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CallError::Untaken { .. }), "{error}");
    assert!((1..20).contains(&pieces), "{pieces}");
    bench.meter.flush().await;
    let row = bench.db.ledger(&LedgerFilter::default(), 9, None).await.unwrap().items.remove(0);
    assert_eq!(row.state, Some(CallState::Abandoned));
    assert!(row.error.unwrap().contains("no piece of the answer was taken"));
}

/// Tried by closing without stopping the calls that run: the test failed.
#[tokio::test]
async fn the_end_of_the_program_stops_calls_settles_them_and_writes_them_down() {
    let bench = Bench::new(daily(1.0)).await;
    let body = HELLO.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"");
    bench.fake.reply([Reply::stream(&["some ", "words "], End::StallAfter(2))]);
    let call = ClientCall { cancel: bench.meter.cancellation(), ..client(&body, None) };
    let mut stream = bench.meter.open(call).await.unwrap();
    bench.meter.close().await.unwrap();
    let error = loop {
        match stream.next().await {
            Ok(piece) => drop(piece.expect("it was not the whole")),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CallError::Stopping), "{error}");
    let row = bench.db.ledger(&LedgerFilter::default(), 9, None).await.unwrap().items.remove(0);
    assert_eq!((row.state, row.fault), (Some(CallState::Failed), Some(FaultKind::Unavailable)));
    assert!(row.cost > NanoUsd::ZERO && row.attempts.to_string().contains("being stopped"), "{row:?}");
    assert_eq!(bench.used_today().await, row.cost + row.lost);
    let more = bench.meter.ask(client(HELLO, None)).await.unwrap_err();
    assert!(matches!(more, CallError::Stopping), "{more}");
}

/// Tried by telling all money that is taken as spent: the test failed.
#[tokio::test]
async fn money_that_is_only_set_aside_is_waited_for_and_then_it_is_said_when_to_ask_again() {
    let worst = PRICE.worst(HELLO.len() as u64 + 64, 100);
    let budgets = Budgets { day: Some(NanoUsd::new(worst.nano() * 3 / 2)), ..Budgets::default() };
    let bench = Bench::new(budgets).await;
    bench.fake.reply([Reply::Late(700, "first".into()), Reply::text("second"), Reply::Hang]);
    let patient = ClientCall { patience: Duration::from_secs(20), ..client(HELLO, None) };
    let (first, second) = tokio::join!(bench.meter.ask(client(HELLO, None)), bench.meter.ask(patient));
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    let hanging = client(HELLO, None);
    let end = hanging.cancel.clone();
    let (hung, refused) = tokio::join!(bench.meter.ask(hanging), async {
        while bench.fake.open() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let hasty = ClientCall { patience: Duration::ZERO, ..client(HELLO, None) };
        let refused = bench.meter.ask(hasty).await.unwrap_err();
        end.cancel();
        refused
    });
    assert!(hung.is_err());
    assert_eq!((refused.kind(), refused.retry_after()), (FaultKind::Limited, Some(Duration::from_secs(1))));
    assert!(matches!(refused, CallError::Held { .. }), "{refused}");
}

/// Tried by telling whoever is cancelled as given up by who asked: the test failed.
#[tokio::test]
async fn a_call_that_waits_for_money_is_told_of_the_end_of_the_program() {
    let worst = PRICE.worst(HELLO.len() as u64 + 64, 100);
    let bench = Bench::new(Budgets { day: Some(worst), ..Budgets::default() }).await;
    bench.fake.reply([Reply::Hang]);
    let call = || ClientCall {
        cancel: bench.meter.cancellation(),
        patience: Duration::from_secs(20),
        ..client(HELLO, None)
    };
    let (hung, told) = tokio::join!(bench.meter.ask(call()), async {
        while bench.fake.open() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let end = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            bench.meter.close().await.unwrap();
        };
        tokio::join!(bench.meter.ask(call()), end).0
    });
    for error in [hung.unwrap_err(), told.unwrap_err()] {
        assert!(matches!(error, CallError::Stopping), "{error}");
    }
    assert_eq!(bench.fake.calls(), 1);
}

/// Tried without the check: the test failed.
#[tokio::test]
async fn under_a_budget_nothing_is_asked_for_that_it_cannot_reckon_with() {
    let bench = Bench::new(daily(1.0)).await;
    let with = |more: &str| HELLO.replacen('{', &format!("{{{more},"), 1);
    let dearer = [
        r#""service_tier":"priority""#,
        r#""models":["a/b"]"#,
        r#""n_predict":9999"#,
        r#""modalities":["text","audio"]"#,
        r#""search_parameters":{"mode":"on"}"#,
        r#""audio":{"voice":"a"}"#,
        r#""plugins":[{"id":"web"}]"#,
        r#""web_search_options":{}"#,
    ];
    let parts = [
        r#"{"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}}"#,
        r#"{"type":"f\u0069le","file":{"file_id":"f"}}"#,
        r#"{"type":"video_url","video_url":{"url":"https://a.example/b.mp4"}}"#,
    ];
    let spoken = |part: &str| HELLO.replace(r#""hello""#, &format!("[{part}]"));
    for question in dearer.map(with).into_iter().chain(parts.map(spoken)) {
        let error = bench.meter.ask(client(&question, None)).await.unwrap_err();
        assert_eq!(error.kind(), FaultKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("leave it out"), "{error}");
    }
    assert_eq!(bench.fake.calls(), 0);
    bench
        .meter
        .ask(client(&with(r#""service_tier":"default","models":null,"modalities":["text"]"#), None))
        .await
        .unwrap();
    let free = Bench::new(Budgets::default()).await;
    free.meter.ask(client(&with(r#""service_tier":"priority""#), None)).await.unwrap();
    assert_eq!(free.fake.seen()[0].body["service_tier"], "priority");
}

/// Tried by counting an answer whose length nobody names as none at all: every call was let through.
#[tokio::test]
async fn an_answer_of_unknown_length_takes_the_rest_of_a_tokens_minute_until_it_is_there() {
    let bench = Bench::new(Budgets::default()).await;
    let limited = TokenTerms { tokens_per_minute: Some(1_000), ..token(&bench) };
    let open = HELLO.replace(r#","max_tokens":100"#, "");
    assert_ne!(open, HELLO);
    bench.fake.script(|_| Reply::Late(200, "late".to_owned()));
    let ask = || bench.meter.ask(client(&open, Some(limited)));
    let (first, second, third) = tokio::join!(ask(), ask(), ask());
    let passed = [first, second, third].into_iter().filter(Result::is_ok).count();
    assert_eq!(passed, 1, "one alone, whatever it may come to");
    ask().await.unwrap();
    assert_eq!(bench.fake.calls(), 2, "what it came to in the end leaves room for the next");
}

/// Tried by asking all the same: three such questions rested the model for everybody.
#[tokio::test]
async fn vectors_of_nothing_are_not_asked_for() {
    let bench = Bench::new(Budgets::default()).await;
    for input in ["[]", "\"\"", "null"] {
        let body = format!(r#"{{"model":"acme/able","input":{input}}}"#);
        let call = ClientCall {
            verb: Verb::Embeddings,
            role: Role::Embed,
            pin: Some("acme/able".to_owned()),
            ..client(&body, None)
        };
        let error = bench.meter.ask(call).await.unwrap_err();
        assert!(error.to_string().contains("`input` holds no text"), "{input}: {error}");
    }
    assert_eq!(bench.fake.calls(), 0);
}

/// Tried by counting pieces alone: eight pieces of a megabyte each were held.
#[tokio::test]
async fn of_large_pieces_few_are_read_ahead_of_who_takes_them() {
    let bench = Bench::new(Budgets::default()).await;
    let piece = "x".repeat(1 << 20);
    bench.fake.reply([Reply::stream(&[piece.as_str(); 30], End::Done)]);
    let body = HELLO.replacen('{', r#"{"stream":true,"#, 1);
    let call = ClientCall { stall: Duration::from_millis(200), ..client(&body, None) };
    let mut stream = bench.meter.open(call).await.unwrap();
    nobody_is_asked(&bench).await;
    let mut held = 0;
    while let Ok(Some(chunk)) = stream.next().await {
        held += chunk.data.len();
    }
    assert!((1..3 << 20).contains(&held), "{held} bytes were held for somebody who took nothing");
}
