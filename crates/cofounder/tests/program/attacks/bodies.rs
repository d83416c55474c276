//! Bodies that are made to take up memory or time: too large, packed, nested, or never ending. Every operation that takes a
//! body is tried; the description says which do.

use reqwest::{Body, Method, RequestBuilder, header};
use std::time::Duration;
use tokio::time::{Instant, sleep};

use crate::{
    asker::Asker,
    documented::Description,
    serving::{Server, token},
    workbench::Workbench,
};

/// A server, and each operation that takes a body: its name, its request for somebody who may, and the most that it takes.
async fn takers(bench: &Workbench) -> (Server, Vec<(String, RequestBuilder, usize)>) {
    let description = Description::of(bench).await;
    let asker = Asker::of(bench).await;
    let operations = description.operations();
    let takers = operations.iter().filter(|operation| !operation.says["requestBody"].is_null());
    let takers: Vec<_> = takers
        .map(|operation| {
            let most = operation.says["x-limits"]["body_bytes"].as_u64().unwrap() as usize;
            let request = asker.request(operation, &operation.place());
            let forms = operation.says["requestBody"]["content"].as_object().unwrap();
            (operation.to_string(), request.header(header::CONTENT_TYPE, forms.keys().next().unwrap()), most)
        })
        .collect();
    assert!(takers.len() > 7, "only {} operations take a body", takers.len());
    (asker.server, takers)
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// A body that does not say how long it is.
fn endless(most: usize) -> Body {
    let pieces =
        std::iter::repeat_n(Ok::<_, std::convert::Infallible>(vec![b' '; 64 << 10]), most / (64 << 10) + 2);
    Body::wrap_stream(futures_util::stream::iter(pieces))
}

/// Tried without the limit of what comes: the test failed. That of what is announced is tried in `requests.rs`.
#[tokio::test(flavor = "multi_thread")]
async fn no_operation_takes_a_body_that_is_too_large_announced_or_not() {
    let bench = Workbench::new().await;
    let (_server, takers) = takers(&bench).await;
    for (name, request, most) in takers {
        let whole = request.try_clone().unwrap().body(vec![b' '; most + 1]);
        assert_eq!(status(whole).await, 413, "{name}");
        assert_eq!(status(request.body(endless(most))).await, 413, "{name}");
    }
}

/// Nothing is unpacked here, so that nothing can be a bomb. Tried without looking at the header: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn no_operation_unpacks_a_body() {
    let bench = Workbench::new().await;
    let (_server, takers) = takers(&bench).await;
    for (name, request, _) in takers {
        for encoding in ["gzip", "br", "deflate, gzip", "zstd"] {
            let packed = request
                .try_clone()
                .unwrap()
                .header(header::CONTENT_ENCODING, encoding)
                .body(vec![0x1f; 1_000]);
            assert_eq!(status(packed).await, 415, "{name} {encoding}");
        }
    }
}

/// That the bound is the reader's own was tried beside it, in `crates/web/src/api/extract.rs`.
#[tokio::test(flavor = "multi_thread")]
async fn no_operation_reads_a_body_that_is_nested_deeply() {
    let bench = Workbench::new().await;
    let (server, takers) = takers(&bench).await;
    for (name, request, _) in takers {
        // What is no JSON does not nest.
        if name.ends_with("/auth/token") {
            continue;
        }
        for (open, close, before, after) in
            [("[", "]", "", ""), ("[", "]", "{\"reason\":", "}"), ("{\"a\":", "}", "{\"reason\":", "}")]
        {
            let deep = format!("{before}{}1{}{after}", open.repeat(100_000), close.repeat(100_000));
            let status = status(request.try_clone().unwrap().body(deep)).await;
            assert!([400, 422].contains(&status), "{name}: {status}");
        }
    }
    assert_eq!(server.get("/healthz", "").await.status(), 200);
}

/// Tried without a time-out: it went on until the test's own.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_is_refused_when_its_time_is_over() {
    let bench = Workbench::new().await;
    let key = token(&bench, &["--scope", "writer"]).await;
    let server = Server::start(&bench).await;
    let drops = futures_util::stream::unfold((), |()| async {
        sleep(Duration::from_millis(200)).await;
        Some((Ok::<_, std::io::Error>(" "), ()))
    });
    let (begun, request) = (Instant::now(), server.request(Method::POST, "/api/v1/tasks", &key));
    let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::wrap_stream(drops));
    assert_eq!(status(request).await, 408);
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(25) && took < Duration::from_secs(45), "{took:?}");
}
