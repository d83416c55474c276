//! Targets that cannot be used are told at once, without their address and their secret.

use cofounder_publish::{LONGEST, WebhookTarget, Webhooks};
use cofounder_testkit::clock::ManualClock;
use std::{sync::Arc, time::Duration};

use crate::{secret, target};

fn told(target: WebhookTarget) -> String {
    Webhooks::new(vec![target], Arc::new(ManualClock::default())).unwrap_err().to_string()
}

#[test]
fn an_unusable_target_is_told_by_its_name() {
    let good = || target("https://example.org/s3cret", true);
    let cases = [
        (WebhookTarget { url: "ftp://example.org/s3cret".parse().unwrap(), ..good() }, "`https:`"),
        (WebhookTarget { url: "file:///s3cret".parse().unwrap(), ..good() }, "`file:`"),
        (WebhookTarget { timeout: Duration::ZERO, ..good() }, "1 to 25000 ms"),
        (WebhookTarget { timeout: LONGEST + Duration::from_millis(1), ..good() }, "25001 ms"),
        (WebhookTarget { secret: secret("whsec_s3cret s3cret"), ..good() }, "base64"),
        (WebhookTarget { secret: secret("whsec_"), ..good() }, "base64"),
    ];
    for (target, said) in cases {
        let told = told(target);
        assert!(told.contains("[webhook.site]") && told.contains(said) && !told.contains("s3cret"), "{told}");
    }
}

#[test]
fn a_targets_secret_is_not_shown() {
    let target = WebhookTarget { secret: secret("s3cret"), ..target("https://example.org/", true) };
    assert!(!format!("{target:?}").contains("s3cret"));
    let webhooks = Webhooks::new(vec![target], Arc::new(ManualClock::default())).unwrap();
    assert!(!format!("{webhooks:?}").contains("s3cret"));
}
