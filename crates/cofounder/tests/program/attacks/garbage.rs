//! Anything at all, in every place of a request that is read: the answer is one that is described, and the program goes on.

use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
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

/// One address of an operation, with garbage for each of its parameters.
fn place(operation: &Operation<'_>, mut garbage: impl FnMut() -> Vec<u8>) -> String {
    let parts = operation.path.split('/');
    let parts: Vec<_> =
        parts.map(|part| if part.starts_with('{') { escaped(&garbage()) } else { part.to_owned() }).collect();
    let parameters = operation.says["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.filter(|parameter| parameter["in"] == "query");
    let query: Vec<_> = parameters
        .map(|parameter| format!("{}={}", parameter["name"].as_str().unwrap(), escaped(&garbage())))
        .collect();
    format!("{}?{}", parts.join("/"), query.join("&"))
}

/// Tried with a reader of `Last-Event-ID` that takes what is no number for granted: the connection broke.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_the_answer_is_a_described_one() {
    let bench = Workbench::new().await;
    let description = Description::of(&bench).await;
    let key = token(&bench, &["--scope", "admin"]).await;
    let server = Server::start(&bench).await;
    let mut runner = TestRunner::deterministic();
    assert_eq!(runner.config().cases, Config::default().cases);
    let mut sent = 0;
    for operation in description.operations() {
        for _ in 0..12 {
            let mut garbage = || texts().new_tree(&mut runner).unwrap().current();
            let place = place(&operation, &mut garbage);
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
