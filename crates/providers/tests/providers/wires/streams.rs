//! Streams that break: unseen before the first word, an error after it, and never more or less than was said.

use super::{Bench, Heard, hello, on_every_wire, until};
use cofounder_providers::{Need, ProviderError as E, Role, TargetState};
use cofounder_testkit::provider::{End, FakeProvider, Reply, Wire};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

on_every_wire! {
    what_breaks_after_a_word_is_an_error_and_never_complete,
    what_breaks_before_a_word_goes_to_the_next_unseen,
    after_a_word_nobody_else_is_asked,
    a_stream_that_nobody_hears_is_closed_at_once,
    sockets_are_back_to_idle_after_the_router_is_closed,
    a_slow_stream_loses_nothing,
    what_came_with_the_break_is_told_before_it,
    a_probe_that_is_answered_in_pieces_lets_others_in_when_it_has_been_heard_for_a_while,
}

/// Whether an error is the one that is due.
type Expected = fn(&E) -> bool;

/// Tried by taking the end of the body for the end of the answer: `NoEnd` passed as complete.
async fn what_breaks_after_a_word_is_an_error_and_never_complete(wire: Wire) {
    let bench = Bench::new(wire).await;
    let ends: [(End, &str, Expected); 6] = [
        (End::CutAfter(1), "One ", |e| matches!(e, E::Truncated)),
        (End::CutAfter(2), "One two", |e| matches!(e, E::Truncated)),
        (End::HalfEvent, "One ", |e| matches!(e, E::Truncated | E::Malformed { .. })),
        (End::ErrorEvent, "One two", |e| matches!(e, E::Unavailable { .. })),
        (End::NoEnd, "One two", |e| matches!(e, E::Truncated)),
        (End::JunkEvent, "One two", |e| matches!(e, E::Malformed { .. } | E::Truncated)),
    ];
    for (end, said, expected) in ends {
        bench.fake.reply([Reply::stream(&["One ", "two"], end)]);
        let Heard { text, error, complete, reason, .. } = bench.hear(&hello()).await;
        let error = error.unwrap_or_else(|| panic!("{end:?} passed"));
        assert!(expected(&error), "{end:?}: {error:?}");
        assert_eq!((text.as_str(), complete, reason), (said, false, None), "{end:?}");
        bench.rest();
    }
}

/// Two targets: `p`, which is to break, and `q` beside it.
async fn pair(wire: Wire) -> (Bench, FakeProvider) {
    let (fake, other) =
        (FakeProvider::start_as(wire).await.unwrap(), FakeProvider::start_as(wire).await.unwrap());
    let second = format!(
        "[provider.q]\ndialect = \"{}\"\nbase_url = \"{}\"\n[provider.q.model.m]\nprice = {{ input = 1.0, output = 1.0 }}\n",
        wire.as_str(),
        other.url()
    );
    (Bench::of(fake, "", "", &second), other)
}

/// Tried by handing the stream out before its first word: the client saw the error.
async fn what_breaks_before_a_word_goes_to_the_next_unseen(wire: Wire) {
    let (bench, other) = pair(wire).await;
    let route = bench.router.route(Role::Chat, None, &Need::default()).unwrap();
    other.script(|_| Reply::text("From the other."));
    let silent = |end| Reply::stream(&[], end);
    let breaks = [
        Reply::Overloaded,
        Reply::Garbage,
        silent(End::ErrorEvent),
        silent(End::CutAfter(0)),
        silent(End::HalfEvent),
        silent(End::NoEnd),
        silent(End::JunkEvent),
    ];
    for reply in breaks {
        bench.fake.reply([reply.clone()]);
        let opened = bench.open_along(&route, &hello()).await.unwrap();
        assert_eq!((opened.target.id().as_str(), opened.attempts.len()), ("q/m", 2), "{reply:?}");
        let Heard { text, error, complete, .. } = Heard::of(opened.stream).await;
        assert_eq!((text.as_str(), error, complete), ("From the other.", None, true), "{reply:?}");
        bench.rest();
    }
}

async fn after_a_word_nobody_else_is_asked(wire: Wire) {
    let (bench, other) = pair(wire).await;
    let route = bench.router.route(Role::Chat, None, &Need::default()).unwrap();
    for end in [End::CutAfter(1), End::ErrorEvent] {
        bench.fake.reply([Reply::stream(&["One "], end)]);
        let opened = bench.open_along(&route, &hello()).await.unwrap();
        let Heard { text, error, complete, usage, .. } = Heard::of(opened.stream).await;
        assert!(error.is_some() && !complete, "{end:?}");
        assert_eq!((text.as_str(), other.calls()), ("One ", 0), "{end:?}");
        let (asked, answered) = (usage.tokens_in.likely(), usage.tokens_out);
        assert!(!answered.is_counted() && asked > 0 && answered.likely() > 0, "{end:?}: {usage:?}");
        bench.rest();
    }
}

/// Tried by forgetting the stream instead of dropping it: the connection stayed.
async fn a_stream_that_nobody_hears_is_closed_at_once(wire: Wire) {
    let bench = Bench::new(wire).await;
    bench.fake.reply([Reply::stream(&["One ", "two"], End::StallAfter(1))]);
    let mut stream = bench.open(&hello()).await.unwrap();
    while !stream
        .next()
        .await
        .unwrap()
        .is_some_and(|chunk| String::from_utf8_lossy(&chunk.data).contains("One "))
    {}
    assert_eq!((bench.fake.open(), bench.fake.connections()), (1, 1));
    drop(stream);
    until("the connection is closed", || bench.fake.connections() == 0).await;
    assert_eq!(bench.fake.open(), 0);
}

async fn sockets_are_back_to_idle_after_the_router_is_closed(wire: Wire) {
    let bench = Bench::new(wire).await;
    for _ in 0..3 {
        bench.ask(&hello()).await.unwrap();
        assert!(bench.hear(&hello()).await.complete);
    }
    bench.router.list_models("p", Duration::from_secs(20)).await.unwrap();
    assert!(bench.fake.connections() >= 1, "one is kept for the next call");
    bench.router.close();
    until("no socket is left", || bench.fake.connections() == 0).await;
    bench.ask(&hello()).await.unwrap();
}

async fn a_slow_stream_loses_nothing(wire: Wire) {
    let bench = Bench::new(wire).await;
    bench.fake.reply([Reply::stream(&["Ä ", "ö"], End::Drip(0))]);
    let heard = bench.hear(&hello()).await;
    assert_eq!((heard.text.as_str(), heard.error, heard.complete), ("Ä ö", None, true));
}

/// Tried by telling the break at once: the word that came with it was missing.
async fn what_came_with_the_break_is_told_before_it(wire: Wire) {
    let bench = Bench::new(wire).await;
    let whole = wire.streamed_bytes(&Reply::stream(&["One ", "two"], End::Done)).unwrap();
    let text = String::from_utf8(whole).unwrap();
    let (one, two) = (text.find("One ").unwrap(), text.find("two").unwrap());
    let line_end = |from: usize| from + text[from..].find('\n').unwrap();
    let (first, second) =
        (&text[..=line_end(one) + usize::from(wire != Wire::Ollama)], &text[..line_end(two)]);
    let second = &second[first.len()..];
    let junk = if wire == Wire::Ollama { "\n{\"half\": \n" } else { "\n\ndata: {\"half\": \n\n" };
    for end in ["", junk] {
        let parts = vec![first.as_bytes().to_vec(), format!("{second}{end}").into_bytes()];
        bench.fake.reply([Reply::Bytes { parts, cut: false }]);
        let Heard { text, error, complete, .. } = bench.hear(&hello()).await;
        assert_eq!((text.as_str(), complete), ("One two", false), "{end}");
        assert!(matches!(error, Some(E::Truncated | E::Malformed { .. })), "{end}: {error:?}");
        bench.rest();
    }
}

fn state(bench: &Bench) -> TargetState {
    bench.router.health()[0].targets[0].state
}

/// Tried by letting the probe last until the end of its answer, by letting others in at its first word, and by telling
/// nobody that it is back: the test failed each time.
async fn a_probe_that_is_answered_in_pieces_lets_others_in_when_it_has_been_heard_for_a_while(wire: Wire) {
    let bench = Bench::new(wire).await;
    let told: Arc<Mutex<Vec<TargetState>>> = Arc::default();
    let notes = Arc::clone(&told);
    bench.router.watch(move |change| notes.lock().unwrap().push(change.state));
    bench.fake.script(|_| Reply::Overloaded);
    for _ in 0..3 {
        bench.ask(&hello()).await.unwrap_err();
    }
    assert!(matches!(state(&bench), TargetState::Resting(_)), "{:?}", state(&bench));
    bench.rest();
    let calls = bench.fake.calls();
    bench.fake.reply([Reply::stream(&["One "], End::CutAfter(1))]);
    assert!(bench.hear(&hello()).await.error.is_some());
    bench.ask(&hello()).await.unwrap_err();
    assert_eq!(bench.fake.calls(), calls + 1, "a target whose answers break is asked once");

    bench.rest();
    bench.fake.reply([Reply::stream(&["One ", "two"], End::StallAfter(1)), Reply::text("Me too.")]);
    let probe = bench.open(&hello()).await.unwrap();
    bench.ask(&hello()).await.unwrap_err();
    bench.clock.advance(Duration::from_secs(5));
    assert_eq!(
        bench.ask(&hello()).await.unwrap().text,
        "Me too.",
        "nobody waits for the end of a long answer"
    );
    drop(probe);
    assert_eq!(state(&bench), TargetState::Ready);
    let told =
        told.lock().unwrap().iter().map(|state| matches!(state, TargetState::Resting(_))).collect::<Vec<_>>();
    assert_eq!(told, [true, true, false], "{told:?}");
}
