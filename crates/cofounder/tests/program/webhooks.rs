//! Others are told when a post goes live: by a worker, once.

use cofounder_testkit::receiver::{Answer, FakeReceiver};
use serde_json::Value;

use crate::workbench::Workbench;

const PRICE: &str = "price = { input = 0.0, output = 0.0 }\n";

fn configure(bench: &Workbench, section: &str) {
    bench.configure(&format!("{PRICE}[webhook.site]\n{section}\n"));
}

/// What the receiver was told, after a worker has done all there was to do.
async fn told(bench: &Workbench, receiver: &FakeReceiver) -> Vec<Value> {
    let done = bench.run(&["worker", "--until-idle"]).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
    receiver.seen().iter().map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect()
}

/// Tried by approving without effects, and by a worker without a courier: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_tells_of_an_approved_post_once() {
    let (bench, receiver) = (Workbench::new().await, FakeReceiver::honouring_keys().await.unwrap());
    let (url, secret) = (receiver.url(), bench.write("secret", "whsec_AAECA/8=\n"));
    configure(&bench, &format!("url = \"{url}\"\nsecret = {{ file = \"{secret}\" }}\nhonours_keys = true"));
    let written = bench.written().await;
    assert!(told(&bench, &receiver).await.is_empty(), "a draft is told to nobody");

    let task = written["task_id"].as_str().unwrap();
    let approved = bench.run(&["task", "approve", task]).await;
    assert_eq!(approved.code, Some(0), "{approved:#?}");
    assert!(approved.stderr.contains("a worker tells site of it"), "{approved:#?}");
    assert!(receiver.seen().is_empty(), "approving waits for nobody");

    // Its answer is lost the first time.
    receiver.answer([Answer::Close]);
    for _ in 0..20 {
        if told(&bench, &receiver).await.len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    let events = told(&bench, &receiver).await;
    assert_eq!((events.len(), receiver.accepted()), (2, 1), "{events:#?}");
    assert_eq!(events[0], events[1]);
    let post = &bench.json(&["post", "list"]).await["items"][0];
    let event = &events[0];
    assert_eq!((&event["type"], &event["data"]["task_id"]), (&"post.published".into(), &written["task_id"]));
    for part in ["slug", "title", "published_at"] {
        assert_eq!(event["data"][part], post[part], "{part}: {post:#}");
    }
    for seen in receiver.seen() {
        assert!(seen.headers["webhook-signature"].starts_with("v1,"), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_webhook_is_told_before_anything_is_approved() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let task = written["task_id"].as_str().unwrap();
    let url = "url = \"http://127.0.0.1:1/\"";
    for (section, said) in [
        ("url = \"ftp://127.0.0.1/\"".to_owned(), "`ftp:`"),
        (format!("{url}\ntimeout_ms = 60000"), "60000 ms"),
        (format!("{url}\nsecret = {{ env = \"COFOUNDER_NO_SUCH_SECRET\" }}"), "COFOUNDER_NO_SUCH_SECRET"),
        (format!("{url}\nsecret = {{ file = \"{}\" }}", bench.write("bad", "whsec_s3cret s3cret")), "base64"),
    ] {
        configure(&bench, &section);
        for command in [vec!["task", "approve", task], vec!["worker", "--until-idle"]] {
            let done = bench.run(&command).await;
            done.refused(2, &["[webhook.site]", said]);
            assert!(!done.stderr.contains("s3cret"), "{done:#?}");
        }
    }
    assert_eq!(bench.tasks().await[0]["status"], "awaiting_approval");
}
