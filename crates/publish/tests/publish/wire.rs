//! What a receiver gets: the event, its headers, its signature.

use base64::{Engine, prelude::BASE64_STANDARD};
use cofounder_domain::format_timestamp;
use cofounder_publish::WebhookTarget;
use cofounder_storage::{Delivery, DueEffect};
use cofounder_testkit::receiver::{FakeReceiver, Received};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Bench, carry, receiver, secret, target};

/// HMAC-SHA256 as RFC 2104 writes it down, apart from the library that the program uses.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

async fn sent(bench: &Bench, receiver: &FakeReceiver, target: WebhookTarget) -> (DueEffect, Received) {
    let webhooks = bench.webhooks(vec![target]);
    let due = bench.due(&webhooks).await;
    assert_eq!(carry(&webhooks, &due).await, Delivery::Done("204".into()));
    (due, receiver.seen().pop().unwrap())
}

/// Tried by leaving `size_hint` out of the body: it was sent in chunks, and the test failed.
#[tokio::test]
async fn a_receiver_gets_the_event_with_its_key() {
    let (bench, receiver) = (Bench::sqlite().await, receiver().await);
    let (due, seen) = sent(&bench, &receiver, target(receiver.url(), true)).await;

    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/hook"));
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(seen.headers["content-length"], seen.body.len().to_string());
    assert_eq!(seen.headers["idempotency-key"], due.id);
    assert_eq!(seen.headers["webhook-id"], due.id);
    assert_eq!(seen.headers["webhook-timestamp"], "1767323045", "the clock's, in seconds");
    assert!(!seen.headers.contains_key("webhook-signature"), "{seen:?}");
    assert!(seen.headers["user-agent"].starts_with("cofounder/"), "{seen:?}");

    let post = bench.db.task_post(due.task).await.unwrap().unwrap();
    let at = format_timestamp(post.published_at.unwrap());
    let event: Value = serde_json::from_slice(&seen.body).unwrap();
    let data = json!({"post_id": post.id, "task_id": due.task, "slug": "why-sqlite", "title": "Why “SQLite”",
                      "description": "Because it is there.", "tags": ["sqlite"], "published_at": at});
    assert_eq!(event, json!({"type": "post.published", "timestamp": at, "data": data}));
}

/// Tried by signing with the secret's text where it begins with `whsec_`: the test failed.
#[tokio::test]
async fn a_signature_is_one_that_a_receiver_computes_for_itself() {
    let long = "k".repeat(100);
    let keys: [(&str, &[u8]); 3] =
        [("sesame, open", b"sesame, open"), ("whsec_AAECA/8=", &[0, 1, 2, 3, 255]), (&long, long.as_bytes())];
    for (text, key) in keys {
        let (bench, receiver) = (Bench::sqlite().await, receiver().await);
        let target = WebhookTarget { secret: secret(text), ..target(receiver.url(), true) };
        let (_, seen) = sent(&bench, &receiver, target).await;
        let (id, at) = (&seen.headers["webhook-id"], &seen.headers["webhook-timestamp"]);
        let signed = [format!("{id}.{at}.").as_bytes(), &seen.body].concat();
        let expected = format!("v1,{}", BASE64_STANDARD.encode(hmac(key, &signed)));
        assert_eq!(seen.headers["webhook-signature"], expected, "{text}");
    }
}

/// RFC 4231, test case 2: the computation above is what it says it is.
#[test]
fn the_tests_own_computation_is_right() {
    let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hex::encode(hmac(b"Jefe", b"what do ya want for nothing?")), known);
}

/// Each target has an effect of its own, with a key of its own.
#[tokio::test]
async fn every_target_is_told() {
    let (bench, receiver) = (Bench::sqlite().await, FakeReceiver::honouring_keys().await.unwrap());
    let other = WebhookTarget { name: "other".into(), ..target(receiver.url(), false) };
    let webhooks = bench.webhooks(vec![target(receiver.url(), true), other]);
    bench.approved(&webhooks).await;
    let due = bench.claim(&bench.owner()).await;
    let mut names: Vec<_> = due.iter().map(|d| (d.effect.target.as_str(), d.effect.keyed)).collect();
    names.sort_unstable();
    assert_eq!(names, [("other", false), ("site", true)]);
    for due in &due {
        assert_eq!(carry(&webhooks, due).await, Delivery::Done("204".into()));
    }
    assert_eq!(receiver.accepted(), 2);
}
