//! Fetching from servers that behave well, badly, and with intent.

use crate::server::{Answer, Server, head, ok, status};
use cofounder_domain::FaultKind;
use cofounder_research::{Fetcher, Limits, ResearchError, Settings, Timeouts};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const PAGE: &str = "<!doctype html><html><head><title>Storks</title></head><body><article><h1>Storks</h1>\
    <p>The white stork is a large bird that breeds in Europe and winters in Africa.</p></article></body></html>";

fn local() -> Settings {
    Settings {
        allow_private_addresses: true,
        limits: Limits { file_bytes: 100_000, ..Limits::default() },
        timeouts: Timeouts { connect_ms: 2_000, first_byte_ms: 400, idle_ms: 400, total_ms: 3_000 },
        ..Settings::default()
    }
}

async fn fetch(url: &str) -> Result<cofounder_research::Document, ResearchError> {
    Fetcher::new(local()).fetch(url, &CancellationToken::new()).await
}

#[tokio::test]
async fn a_page_becomes_a_document_with_hash_title_and_text() {
    let server = Server::start(vec![
        ("/storks", vec![ok("text/html; charset=utf-8", PAGE)]),
        ("/notes.md", vec![ok("text/plain", "# Notes\n\nStorks *nest* on roofs.")]),
        (
            "/untyped",
            vec![Answer::Bytes(
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{PAGE}", PAGE.len()).into_bytes(),
            )],
        ),
    ])
    .await;
    let document = fetch(&server.url("/storks#top")).await.unwrap();
    assert_eq!(document.source.uri, server.url("/storks"));
    assert_eq!(document.source.title, "Storks");
    assert_eq!(document.bytes, PAGE.as_bytes());
    assert_eq!(document.source.sha256, cofounder_domain::content_hash(PAGE.as_bytes()));
    assert!(document.source.text.contains("The white stork is a large bird"), "{}", document.source.text);
    let request = server.seen()[0].to_lowercase();
    assert!(request.contains("user-agent: cofounder/"), "{request}");
    assert!(!request.contains("accept-encoding"), "{request}");
    let markdown = fetch(&server.url("/notes.md")).await.unwrap();
    assert_eq!(markdown.source.text, "# Notes\n\nStorks nest on roofs.");
    assert_eq!(fetch(&server.url("/untyped")).await.unwrap().source.title, "Storks");
}

#[tokio::test]
async fn private_addresses_are_refused_as_literals_as_names_and_behind_redirects() {
    let server =
        Server::start(vec![("/*", vec![ok("text/plain", "Secret text that nobody may read.")])]).await;
    let port = server.base.rsplit(':').next().unwrap();
    let fetcher = Fetcher::new(Settings { allow_private_addresses: false, ..local() });
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "127.1",
    ] {
        let url = format!("http://{host}:{port}/x");
        let error = fetcher.fetch(&url, &CancellationToken::new()).await.unwrap_err();
        assert!(matches!(error, ResearchError::PrivateAddress { .. }), "{url}: {error}");
        assert_eq!(error.kind(), FaultKind::InvalidInput);
    }
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "https://192.168.1.1/",
        "http://[fd00::1]/",
    ] {
        let error = fetcher.fetch(url, &CancellationToken::new()).await.unwrap_err();
        assert!(matches!(error, ResearchError::PrivateAddress { .. }), "{url}: {error}");
    }
    assert!(server.seen().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn a_redirect_from_a_host_that_may_be_asked_to_one_that_may_not_is_refused() {
    let secret =
        Server::start(vec![("/*", vec![ok("text/plain", "Secret text that nobody may read.")])]).await;
    let port = secret.base.rsplit(':').next().unwrap();
    let to = |host: &str| vec![status(302, &format!("Location: http://{host}:{port}/x\r\n"))];
    let routes = [("/name", "localhost"), ("/v6", "[::1]"), ("/other", "127.0.0.2"), ("/none", "0.0.0.0")];
    let server = Server::start(routes.into_iter().map(|(path, host)| (path, to(host))).collect()).await;
    let settings = Settings {
        allow_private_addresses: false,
        allow_private_hosts: vec!["127.0.0.1".to_owned()],
        ..local()
    };
    let fetcher = Fetcher::new(settings);
    for (path, _) in routes {
        let error = fetcher.fetch(&server.url(path), &CancellationToken::new()).await.unwrap_err();
        assert!(matches!(error, ResearchError::PrivateAddress { .. }), "{path}: {error}");
    }
    assert_eq!(server.seen().len(), routes.len());
    assert!(secret.seen().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn redirects_are_followed_a_few_times_and_only_to_the_web() {
    let server = Server::start(vec![
        ("/a", vec![status(301, "Location: b\r\n")]),
        ("/b", vec![status(302, "Location: /c#part\r\n")]),
        ("/c", vec![ok("text/plain", "It was here all the time, said the stork.")]),
        ("/loop", vec![status(302, "Location: /loop\r\n")]),
        ("/file", vec![status(302, "Location: file:///etc/passwd\r\n")]),
        ("/nowhere", vec![status(302, "")]),
        ("/secret", vec![status(302, "Location: http://user:secret@127.0.0.1/\r\n")]),
    ])
    .await;
    assert_eq!(fetch(&server.url("/a")).await.unwrap().source.uri, server.url("/c"));
    for (path, reason) in [
        ("/loop", "more than 5 times"),
        ("/file", "`file`"),
        ("/nowhere", "nowhere"),
        ("/secret", "password"),
    ] {
        let error = fetch(&server.url(path)).await.unwrap_err();
        assert!(
            matches!(error, ResearchError::Redirect { .. }) && error.to_string().contains(reason),
            "{error}"
        );
    }
    assert_eq!(server.seen().iter().filter(|r| r.starts_with("GET /loop ")).count(), 6);
}

#[tokio::test]
async fn slow_endless_and_truncated_bodies_end_in_time_with_their_own_error() {
    let server = Server::start(vec![
        ("/mute", vec![Answer::Stall(Vec::new())]),
        ("/stalls", vec![Answer::Stall(head())]),
        ("/drips", vec![Answer::Drip(head(), Duration::from_millis(50))]),
        ("/endless", vec![Answer::Endless(head(), vec![b'x'; 8192])]),
        (
            "/declared",
            vec![Answer::Stall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 999999999\r\n\r\n".to_vec(),
            )],
        ),
        (
            "/short",
            vec![Answer::Bytes(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 500\r\n\r\nonly this"
                    .to_vec(),
            )],
        ),
        ("/garbage", vec![Answer::Bytes(b"\x00\x01\x02 no http at all\r\n\r\n".to_vec())]),
    ])
    .await;
    let begun = std::time::Instant::now();
    let phase = |path: &str| {
        let url = server.url(path);
        async move {
            match fetch(&url).await.unwrap_err() {
                ResearchError::TimedOut { phase, .. } => phase,
                other => panic!("{other}"),
            }
        }
    };
    assert_eq!(phase("/mute").await, "the first answer");
    assert_eq!(phase("/stalls").await, "a pause in the page");
    assert_eq!(phase("/drips").await, "all of it");
    assert!(matches!(fetch(&server.url("/endless")).await, Err(ResearchError::TooLarge { bytes: None, .. })));
    assert!(matches!(
        fetch(&server.url("/declared")).await,
        Err(ResearchError::TooLarge { bytes: Some(999_999_999), .. })
    ));
    assert!(matches!(fetch(&server.url("/short")).await, Err(ResearchError::Truncated { .. })));
    assert!(matches!(fetch(&server.url("/garbage")).await, Err(ResearchError::Unreachable { .. })));
    assert!(begun.elapsed() < Duration::from_secs(25));
}

#[tokio::test]
async fn what_is_no_readable_text_is_refused() {
    let server = Server::start(vec![
        ("/pdf", vec![ok("application/pdf", "%PDF-1.7")]),
        ("/lies", vec![ok("text/html", "%PDF-1.7 \0\0")]),
        ("/empty", vec![ok("text/html", "<html><body><script>go()</script></body></html>")]),
        ("/gzip", vec![Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b".to_vec())]),
        ("/deep", vec![ok("text/html", "<div>".repeat(15_000))]),
    ])
    .await;
    let error = fetch(&server.url("/pdf")).await.unwrap_err();
    assert!(
        matches!(&error, ResearchError::MediaType { media_type, .. } if media_type == "application/pdf"),
        "{error}"
    );
    assert!(matches!(
        fetch(&server.url("/lies")).await,
        Err(ResearchError::Binary { looks_like: "a PDF document", .. })
    ));
    assert!(matches!(fetch(&server.url("/empty")).await, Err(ResearchError::Empty { .. })));
    assert!(matches!(fetch(&server.url("/gzip")).await, Err(ResearchError::Encoded { .. })));
    assert!(matches!(fetch(&server.url("/deep")).await, Err(ResearchError::TooComplex { .. })));
}

#[tokio::test]
async fn a_wrong_charset_is_seen_through() {
    let server = Server::start(vec![
        ("/latin", vec![ok("text/plain; charset=utf-8", b"Die gr\xf6\xdften St\xf6rche \xfcberwintern in Afrika.")]),
        ("/utf8", vec![ok("text/plain; charset=iso-8859-1", "Die größten Störche überwintern in Afrika.")]),
        ("/meta", vec![ok("text/html", b"<meta charset=windows-1251><p>\xc0\xe8\xf1\xf2 - \xef\xf2\xe8\xf6\xe0, \xee\xed \xeb\xe5\xf2\xe0\xe5\xf2.</p>")]),
    ])
    .await;
    for path in ["/latin", "/utf8"] {
        let text = fetch(&server.url(path)).await.unwrap().source.text;
        assert_eq!(text, "Die größten Störche überwintern in Afrika.");
    }
    assert_eq!(fetch(&server.url("/meta")).await.unwrap().source.text, "Аист - птица, он летает.");
}

#[tokio::test]
async fn statuses_keep_their_meaning_and_what_may_pass_is_asked_twice() {
    let page = ok("text/plain", "The stork has come back to its nest.");
    let server = Server::start(vec![
        ("/busy", vec![status(429, "Retry-After: 7\r\n")]),
        ("/down", vec![status(503, "Retry-After: 3\r\n")]),
        ("/hiccup", vec![status(502, ""), page.clone()]),
        ("/cut", vec![Answer::Bytes(Vec::new()), page]),
        ("/broken", vec![status(500, "")]),
        ("/private", vec![status(403, "")]),
    ])
    .await;
    let asked = |path: &str| server.seen().iter().filter(|r| r.starts_with(&format!("GET {path} "))).count();
    let cases = [
        ("/busy", FaultKind::Limited, Some(7), 1),
        ("/down", FaultKind::Unavailable, Some(3), 1),
        ("/broken", FaultKind::Unavailable, None, 2),
        ("/private", FaultKind::InvalidInput, None, 1),
        ("/missing", FaultKind::NotFound, None, 1),
    ];
    for (path, kind, wait, times) in cases {
        let error = fetch(&server.url(path)).await.unwrap_err();
        assert_eq!((error.kind(), error.retry_after().map(|d| d.as_secs())), (kind, wait), "{error}");
        assert_eq!(asked(path), times, "{path}");
    }
    for path in ["/hiccup", "/cut"] {
        assert!(fetch(&server.url(path)).await.is_ok(), "{path}");
        assert_eq!(asked(path), 2);
    }
    let secure = server.url("/hiccup").replace("http:", "https:");
    let error = fetch(&secure).await.unwrap_err();
    assert!(matches!(error, ResearchError::Unreachable { .. }), "no TLS is spoken there: {error}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = fetch(&format!("http://{closed}/")).await.unwrap_err();
    assert!(matches!(error, ResearchError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn cancelling_ends_a_fetch_at_once() {
    let server = Server::start(vec![("/mute", vec![Answer::Stall(Vec::new())])]).await;
    let patient = Settings {
        timeouts: Timeouts { first_byte_ms: 60_000, total_ms: 60_000, ..local().timeouts },
        ..local()
    };
    let fetcher = Fetcher::new(patient);
    let cancel = CancellationToken::new();
    let url = server.url("/mute");
    let (done, ()) =
        tokio::join!(tokio::time::timeout(Duration::from_secs(5), fetcher.fetch(&url, &cancel)), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            cancel.cancel();
        });
    assert!(matches!(done.unwrap(), Err(ResearchError::Cancelled { .. })));
}
