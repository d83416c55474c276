//! Each answer, and each lack of one, to a receiver that honours keys and to one that does not.

use cofounder_executor::Courier;
use cofounder_publish::WebhookTarget;
use cofounder_storage::Delivery;
use cofounder_testkit::receiver::Answer;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Bench, carry, receiver, target};

const SHORT: Duration = Duration::from_millis(300);

/// What comes of one answer, within at most `allowed`.
async fn after(answer: Answer, keyed: bool, allowed: Duration) -> Delivery {
    let (bench, receiver) = (Bench::sqlite().await, receiver().await);
    receiver.answer([answer]);
    let webhooks = bench.webhooks(vec![WebhookTarget { timeout: allowed, ..target(receiver.url(), keyed) }]);
    let delivery = carry(&webhooks, &bench.due(&webhooks).await).await;
    assert_eq!(receiver.seen().len(), 1, "one request for one attempt");
    delivery
}

async fn plainly(answer: Answer, keyed: bool) -> Delivery {
    after(answer, keyed, Duration::from_secs(20)).await
}

/// Where nobody listens.
async fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

fn again(delivery: Delivery, said: &str) -> Duration {
    let Delivery::Again(why, pause) = delivery else { panic!("not again: {delivery:?}") };
    assert!(why.contains(said), "{why}");
    pause
}

fn failed(delivery: Delivery, said: &str) {
    let Delivery::Failed(why) = delivery else { panic!("not failed: {delivery:?}") };
    assert!(why.contains(said), "{why}");
}

fn unknown(delivery: Delivery, said: &str) {
    let Delivery::Unknown(why) = delivery else { panic!("not unknown: {delivery:?}") };
    assert!(why.contains(said) && why.contains("nobody knows"), "{why}");
}

#[tokio::test]
async fn what_was_taken_is_done_and_a_little_of_the_answer_is_kept() {
    assert_eq!(plainly(Answer::status(202), false).await, Delivery::Done("202".into()));
    let body = format!("taken\r\n\0\u{1b}[31m   {}", "ü".repeat(400));
    let Delivery::Done(receipt) = plainly(Answer::body(200, body), true).await else { panic!("not done") };
    assert_eq!(receipt.chars().count(), "200: ".len() + 200, "{receipt}");
    assert!(receipt.starts_with("200: taken [31m üü"), "{receipt:?}");
    assert_eq!(plainly(Answer::body(200, vec![0xff; 3]), true).await, Delivery::Done("200: ���".into()));
}

/// Tried by reading to the end: it took the whole time, and the test failed.
#[tokio::test]
async fn an_endless_answer_is_read_for_a_while_and_is_an_answer() {
    let began = Instant::now();
    assert!(matches!(plainly(Answer::Endless, false).await, Delivery::Done(_)));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let stalled = after(Answer::Stall, false, Duration::from_secs(1)).await;
    assert!(matches!(stalled, Delivery::Done(_)), "the status was there: {stalled:?}");
}

/// Tried by taking every broken connection for one that may have carried something: the test failed.
#[tokio::test]
async fn what_never_left_is_sent_again_whoever_receives_it() {
    for keyed in [true, false] {
        let bench = Bench::sqlite().await;
        let webhooks = bench.webhooks(vec![target(&closed().await, keyed)]);
        again(carry(&webhooks, &bench.due(&webhooks).await).await, "nothing was sent: Connection refused");

        // A server that accepts connections and never begins to speak TLS.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", silent.local_addr().unwrap());
        let webhooks = bench.webhooks(vec![WebhookTarget { timeout: SHORT, ..target(&url, keyed) }]);
        again(carry(&webhooks, &bench.due(&webhooks).await).await, "nothing was sent: there was no answer");
    }
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_pause_gets_it() {
    let date = "Fri, 02 Jan 2026 03:05:05 GMT";
    let cases = [
        (Answer::status(429), 0),
        (Answer::status(503), 0),
        (Answer::pause(429, "7"), 7),
        (Answer::pause(503, "7"), 7),
        (Answer::pause(503, date), 60),
        (Answer::pause(429, "999999"), 3600),
        (Answer::pause(429, "Wed, 21 Oct 2099 07:28:00 GMT"), 3600),
        (Answer::pause(429, "Wed, 21 Oct 2015 07:28:00 GMT"), 0),
        (Answer::pause(429, "-5"), 0),
        (Answer::pause(429, "soon"), 0),
    ];
    for (answer, seconds) in cases {
        let pause = again(plainly(answer.clone(), false).await, "asks for a pause");
        assert_eq!(pause, Duration::from_secs(seconds), "{answer:?}");
    }
}

/// Tried by sending again without keys: the test failed.
#[tokio::test]
async fn what_may_have_arrived_is_sent_again_only_to_one_that_honours_keys() {
    let answers = [
        (Answer::body(500, "oops"), "500: oops"),
        (Answer::status(502), "502"),
        (Answer::Hang, "no answer within 300 ms"),
        (Answer::Late(Duration::from_secs(9)), "no answer within 300 ms"),
        (Answer::Close, ""),
    ];
    for (answer, said) in answers {
        let allowed = if matches!(answer, Answer::Hang | Answer::Late(_)) { SHORT } else { SHORT * 60 };
        again(after(answer.clone(), true, allowed).await, said);
        unknown(after(answer, false, allowed).await, said);
    }
    again(plainly(Answer::pause(500, "9"), true).await, "500");
}

#[tokio::test]
async fn what_was_refused_is_not_sent_again() {
    for keyed in [true, false] {
        for status in [400, 401, 404, 408, 410, 422] {
            failed(
                plainly(Answer::body(status, "no such hook"), keyed).await,
                &format!("{status}: no such hook"),
            );
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = receiver().await;
    let location = vec![("location".to_owned(), elsewhere.url().to_owned())];
    for status in [301, 302, 307, 308] {
        let answer = Answer::Status(status, location.clone(), Default::default());
        failed(plainly(answer, true).await, "redirects are not followed");
    }
    assert!(elsewhere.seen().is_empty());
}

/// Tried by not looking at the token: it took the whole time, and the test failed.
#[tokio::test]
async fn being_told_to_stop_ends_it() {
    for keyed in [true, false] {
        let (bench, receiver) = (Bench::sqlite().await, receiver().await);
        receiver.answer([Answer::Hang]);
        let webhooks = bench.webhooks(vec![target(receiver.url(), keyed)]);
        let (due, cancel, began) = (bench.due(&webhooks).await, CancellationToken::new(), Instant::now());
        let (delivery, ()) = tokio::join!(webhooks.carry(&due, &cancel), async {
            receiver.until_seen(1).await;
            cancel.cancel();
        });
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        if keyed {
            again(delivery, "broken off");
        } else {
            unknown(delivery, "broken off");
        }

        let stopped = webhooks.carry(&due, &cancel).await;
        again(stopped, "nothing was sent");
        assert_eq!(receiver.seen().len(), 1, "what is told to stop before it begins sends nothing");
    }
}

#[tokio::test]
async fn a_target_that_is_not_configured_here_waits_for_one_where_it_is() {
    let (bench, receiver) = (Bench::sqlite().await, receiver().await);
    let webhooks = bench.webhooks(vec![target(receiver.url(), true)]);
    let due = bench.due(&webhooks).await;
    let other = bench.webhooks(vec![WebhookTarget { name: "other".into(), ..target(receiver.url(), true) }]);
    again(carry(&other, &due).await, "no [webhook.site] is configured here");
    assert!(receiver.seen().is_empty());
}

/// It honoured keys when the post went live; whoever configured it has learned otherwise since. Tried by asking the
/// effect alone: the test failed.
#[tokio::test]
async fn a_receiver_that_is_trusted_no_more_gets_nothing_twice() {
    let (bench, receiver) = (Bench::sqlite().await, receiver().await);
    let due = bench.due(&bench.webhooks(vec![target(receiver.url(), true)])).await;
    receiver.answer([Answer::Close]);
    unknown(carry(&bench.webhooks(vec![target(receiver.url(), false)]), &due).await, "");
}

/// An address often is a secret. Tried by leaving the address in the error: the test failed.
#[tokio::test]
async fn no_message_tells_the_address() {
    let (bench, receiver) = (Bench::sqlite().await, receiver().await);
    receiver.answer([Answer::Close, Answer::status(404)]);
    let secret = format!("{}/s3cret?token=s3cret", receiver.url());
    let refused = format!("{}s3cret", closed().await);
    for url in [&secret, &secret, &refused] {
        let webhooks = bench.webhooks(vec![target(url, true)]);
        let delivery = carry(&webhooks, &bench.due(&webhooks).await).await;
        assert!(!format!("{delivery:?}").contains("s3cret"), "{delivery:?}");
    }
}
