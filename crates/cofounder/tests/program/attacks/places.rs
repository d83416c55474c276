//! Addresses that lead elsewhere, and line breaks that would end a header.

use reqwest::Method;

use crate::{
    asker::Asker,
    documented::Description,
    serving::{Server, token},
    workbench::Workbench,
};

/// As they stand in an address, already written so that they arrive.
const ELSEWHERE: [&str; 10] = [
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fcofounder.db",
    "..%5c..%5ccofounder.toml",
    "%2fetc%2fpasswd",
    "....%2f%2f....%2f%2fetc%2fpasswd",
    "none%00.md",
    "%252e%252e%252fetc%252fpasswd",
    "file:%2f%2f%2fetc%2fpasswd",
    "%c0%ae%c0%ae%2fetc%2fpasswd",
    "..%2fcofounder.toml",
];

/// Every path parameter of every operation. Tried by serving a file where a post was named: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn no_address_leads_out_of_its_place() {
    let bench = Workbench::new().await;
    let description = Description::of(&bench).await;
    let asker = Asker::of(&bench).await;
    let mut tried = 0;
    for operation in description.operations().iter().filter(|operation| operation.path.contains('{')) {
        for elsewhere in ELSEWHERE {
            let place =
                operation.path.split('/').map(|part| if part.starts_with('{') { elsewhere } else { part });
            let place = place.collect::<Vec<_>>().join("/");
            let answer = asker.request(operation, &place).json(&serde_json::json!({})).send();
            let answer = answer.await.unwrap();
            let (status, said) = (answer.status().as_u16(), answer.text().await.unwrap());
            assert!([400, 404, 422, 428].contains(&status), "{operation} {elsewhere}: {status} {said}");
            for inside in ["root:", "[router]", "SQLite format"] {
                assert!(!said.contains(inside), "{operation} {elsewhere}: {said}");
            }
            tried += 1;
        }
    }
    assert!(tried > 80, "only {tried} were tried");
}

/// Whatever of a request comes back in a header or in words. Tried by repeating a name with its control characters: the test
/// failed.
#[tokio::test(flavor = "multi_thread")]
async fn no_line_break_of_a_request_begins_a_header() {
    let bench = Workbench::new().await;
    let key = token(&bench, &["--scope", "admin"]).await;
    let server = Server::start(&bench).await;
    let breaks = "%0d%0aset-cookie:%20owned=1%0d%0a%0d%0a%1b[31m<script>";
    for (method, path) in [
        (Method::GET, format!("/api/v1/posts/{breaks}")),
        (Method::GET, format!("/api/v1/tasks/{breaks}")),
        (Method::GET, format!("/api/v1/tasks?cursor={breaks}")),
        (Method::GET, format!("/api/v1/tasks?status={breaks}")),
        (Method::GET, format!("/v1/models/{breaks}")),
        (Method::GET, format!("/v1/{breaks}")),
        (Method::GET, format!("/{breaks}")),
    ] {
        let answer = server.request(method, &path, &key).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
        assert!(!answer.headers().contains_key("set-cookie"), "{path}");
        let form = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(form.contains("json"), "{path}: {form}");
        let said = answer.text().await.unwrap();
        assert!(!said.contains(['\r', '\n', '\u{1b}']) && !said.contains("\\u001b"), "{path}: {said}");
    }
    let model = "acme/large\r\nset-cookie: owned=1";
    let body = serde_json::json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
    let answer = server.post("/v1/chat/completions", &key, body.to_string()).await;
    assert_eq!(answer.status(), 400);
    assert!(!answer.headers().contains_key("set-cookie"));
}
