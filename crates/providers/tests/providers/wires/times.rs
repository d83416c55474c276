//! Every stage of waiting has its own time, in every protocol.

use super::{Bench, Heard, hello, on_every_wire};
use cofounder_providers::{ProviderError, Stage};
use cofounder_testkit::provider::{End, FakeProvider, Reply, Wire};
use tokio::net::TcpListener;

on_every_wire! {
    nothing_is_waited_for_too_long,
}

fn late(stage: Stage) -> Option<ProviderError> {
    Some(ProviderError::Timeout { stage })
}

async fn nothing_is_waited_for_too_long(wire: Wire) {
    let bench =
        Bench::with(wire, "timeouts = { first_token_ms = 400, idle_ms = 400, total_ms = 20000 }").await;
    bench.fake.reply([Reply::Hang, Reply::Hang, Reply::stream(&[], End::StallAfter(0))]);
    assert_eq!(bench.ask(&hello()).await.err(), late(Stage::FirstToken));
    bench.rest();
    assert_eq!(bench.hear(&hello()).await.error, late(Stage::FirstToken));
    bench.rest();
    assert_eq!(bench.hear(&hello()).await.error, late(Stage::FirstToken), "its head is no token");
    bench.rest();

    bench.fake.reply([Reply::StallBody, Reply::stream(&["One ", "two"], End::StallAfter(1))]);
    assert_eq!(bench.ask(&hello()).await.err(), late(Stage::Idle));
    bench.rest();
    let Heard { text, error, complete, .. } = bench.hear(&hello()).await;
    assert_eq!((text.as_str(), error, complete), ("One ", late(Stage::Idle), false));

    let bench =
        Bench::with(wire, "timeouts = { first_token_ms = 900, idle_ms = 20000, total_ms = 1000 }").await;
    bench.fake.reply([Reply::stream(&["One ", "two"], End::StallAfter(1))]);
    assert_eq!(bench.hear(&hello()).await.error, late(Stage::Total));
}

/// A provider that accepts connections and never greets: TLS is part of connecting.
#[tokio::test]
async fn a_connection_is_not_waited_for_too_long() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fake = FakeProvider::start().await.unwrap();
    let base = format!("base_url = \"https://{}/v1\"", silent.local_addr().unwrap());
    let bench = Bench::of(fake, "timeouts = { connect_ms = 150 }", &base, "");
    assert_eq!(bench.ask(&hello()).await.err(), late(Stage::Connect));
    assert_eq!(bench.hear(&hello()).await.error, late(Stage::Connect));
}

/// A drip keeps the idle time and still ends: the whole has a time of its own.
#[tokio::test]
async fn a_drip_ends_with_the_whole_time() {
    let bench =
        Bench::with(Wire::Openai, "timeouts = { first_token_ms = 19000, idle_ms = 1000, total_ms = 400 }")
            .await;
    bench.fake.reply([Reply::stream(&["One ", "two"], End::Drip(5))]);
    assert_eq!(bench.hear(&hello()).await.error, late(Stage::Total));
}
