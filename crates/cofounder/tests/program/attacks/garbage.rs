//! Anything at all, in every place of a request that is read: the answer is one that is described, and the program goes on.

use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use reqwest::header::{HeaderName, HeaderValue};

use crate::{
    documented::{Description, Operation},
    serving::{Server, token},
    workbench::Workbench,
};

/// Headers that are read.
const HEADERS: [&str; 9] = [
    "authorization",
    "cookie",
    "if-none-match",
    "if-match",
    "idempotency-key",
    "last-event-id",
    "content-type",
    "x-forwarded-for",
    "origin",
];

/// Texts that are nearly what is expected, and others that are not.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        "[ -~]{0,40}".prop_map(String::into_bytes),
        "(W/)?\"[0-9]{0,30}\"(, *\"[0-9]*\")*".prop_map(String::into_bytes),
        "-?[0-9]{1,25}(\\.[0-9]+)?".prop_map(String::into_bytes),
        "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}".prop_map(String::into_bytes),
        "Bearer co[fs]_[A-Za-z0-9_-]{0,60}".prop_map(String::into_bytes),
        "\\PC{0,20}".prop_map(String::into_bytes),
    ]
}

/// Written so that it arrives as it is.
fn escaped(text: &[u8]) -> String {
    text.iter().map(|byte| format!("%{byte:02x}")).collect()
}

/// One address of an operation, with garbage for each of its parameters; every other one names something that is there.
fn place(operation: &Operation<'_>, real: [&str; 2], mut garbage: impl FnMut() -> Vec<u8>) -> String {
    let there = garbage().len().is_multiple_of(2);
    let mut filled = |part: &str| match part {
        "{id}" if there && operation.path.starts_with("/api/v1/tasks") => real[0].to_owned(),
        "{slug}" if there => real[1].to_owned(),
        part if part.starts_with('{') => escaped(&garbage()),
        part => part.to_owned(),
    };
    let parts: Vec<_> = operation.path.split('/').map(&mut filled).collect();
    let parameters = operation.says["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.filter(|parameter| parameter["in"] == "query");
    let query = parameters
        .map(|parameter| format!("{}={}", parameter["name"].as_str().unwrap(), escaped(&garbage())));
    format!("{}?{}", parts.join("/"), query.collect::<Vec<_>>().join("&"))
}

/// Tried with a reader of `Last-Event-ID` that takes what is no number for granted: the connection broke.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_the_answer_is_a_described_one() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    let real = [written["task_id"].as_str().unwrap(), written["post"]["slug"].as_str().unwrap()];
    let description = Description::of(&bench).await;
    let key = token(&bench, &["--scope", "admin"]).await;
    let server = Server::start(&bench).await;
    let mut runner = TestRunner::deterministic();
    let mut sent = 0;
    for operation in description.operations() {
        for _ in 0..16 {
            let mut garbage = || texts().new_tree(&mut runner).unwrap().current();
            let place = place(&operation, real, &mut garbage);
            let mut request = server.request(operation.method.clone(), &place, &key);
            for name in HEADERS {
                let often = usize::from(garbage().len() % 3 == 0);
                let values = std::iter::repeat_with(|| HeaderValue::from_bytes(&garbage())).take(often);
                for value in values.flatten().collect::<Vec<_>>() {
                    request = request.header(HeaderName::from_static(name), value);
                }
            }
            if operation.method != reqwest::Method::GET {
                request = request.body(garbage());
            }
            let answer =
                request.send().await.unwrap_or_else(|error| panic!("{operation} {place}: {error:?}"));
            let status = answer.status().as_u16();
            let known = operation.says["responses"].get(status.to_string()).is_some();
            // An address with an empty part is another one, perhaps with other methods.
            let elsewhere = place.contains("//") || place.contains("/?");
            assert!(known || elsewhere && [404, 405].contains(&status), "{operation} {place}: {status}");
            assert!(status < 500, "{operation} {place}: {status}");
            sent += 1;
        }
    }
    eprintln!("{sent} requests");
    assert_eq!(server.get("/healthz", "").await.status(), 200);
}
