//! Connections themselves: slow heads, too many of them, idle ones, and no room for more.

use cofounder_testkit::provider::Reply;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    serving::{Server, hello, token, until},
    workbench::Workbench,
};

/// Much longer than what is waited for, and shorter than any default.
const SOON: Duration = Duration::from_secs(15);
const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n";

async fn server(settings: &str) -> (Workbench, Server) {
    let bench = Workbench::new().await;
    bench.configure(&format!("[server]\n{settings}\n"));
    let server = Server::start(&bench).await;
    (bench, server)
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Asks how the server is; whether it said so within this time.
async fn answered(connection: &mut TcpStream, within: Duration) -> bool {
    connection.write_all(HEALTH).await.unwrap();
    heard(connection, within).await
}

async fn heard(connection: &mut TcpStream, within: Duration) -> bool {
    let mut answer = [0; 1024];
    match timeout(within, connection.read(&mut answer)).await {
        Ok(read) => {
            let read = read.unwrap();
            assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{read} bytes");
            true
        }
        Err(_) => false,
    }
}

/// Waits for the end of a connection on which nothing is said any more.
async fn cut_off(connection: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    matches!(timeout(SOON, connection.read_to_end(&mut rest)).await, Ok(Ok(0)))
}

/// Tried without the time-out of HTTP/1 and without that of the first request: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_send_a_whole_head_is_cut_off_and_nobody_else() {
    let (bench, server) = server("head_ms = 400").await;
    let key = token(&bench, &[]).await;
    bench.provider.reply([Reply::Late(1_200, "a long thought".to_owned())]);
    let heads: [&[u8]; 5] =
        [b"", b"P", b"PRI * HTTP/2.0\r\n", b"GET /healthz HTTP/1.1\r\nhost: h", b"GET /healthz HTTP/1.1\r\n"];
    let cut = async {
        for head in heads {
            let mut connection = connect(&server).await;
            connection.write_all(head).await.unwrap();
            assert!(cut_off(&mut connection).await, "{:?}", str::from_utf8(head));
        }
        // The second head of a connection as well.
        let mut connection = connect(&server).await;
        assert!(answered(&mut connection, SOON).await);
        connection.write_all(heads[3]).await.unwrap();
        assert!(cut_off(&mut connection).await);
    };
    let others = async {
        let (status, answer) = server.chat(&key, &hello("acme/large")).await;
        assert_eq!(status, 200, "an answer may take longer than a head: {answer}");
        assert_eq!(server.get("/healthz", "").await.status(), 200);
    };
    tokio::join!(cut, others);
}

/// Tried without a limit, and with places that are not given back: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_beyond_the_limit_is_served_when_another_ends() {
    let (_bench, server) = server("connections = 2").await;
    let mut first = connect(&server).await;
    let mut second = connect(&server).await;
    assert!(answered(&mut first, SOON).await && answered(&mut second, SOON).await);
    let mut third = connect(&server).await;
    assert!(!answered(&mut third, Duration::from_millis(500)).await, "there are two already");
    assert!(answered(&mut first, SOON).await, "who is in is served");
    drop(first);
    assert!(heard(&mut third, SOON).await, "its question waits for it");
    assert!(answered(&mut second, SOON).await);
    // What waits for a place does not hold a stop up.
    let _fourth = connect(&server).await;
    assert_eq!(server.stop().await.code, Some(0));
}

/// Tried by cutting connections off as long after they began, and by keeping idle ones: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_between_two_requests_and_pools_do_not_notice() {
    let (_bench, server) = server("head_ms = 1000").await;
    let mut connection = connect(&server).await;
    for _ in 0..4 {
        assert!(answered(&mut connection, SOON).await);
        sleep(Duration::from_millis(500)).await;
    }
    assert!(cut_off(&mut connection).await, "it is closed when it is idle for as long");
    let http2 = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    for client in [&server.client, &http2] {
        for wait in [1_300, 0] {
            let answer = client.get(format!("{}/healthz", server.url)).send().await.unwrap();
            assert_eq!(answer.json::<Value>().await.unwrap()["status"], "ok");
            sleep(Duration::from_millis(wait)).await;
        }
    }
}

/// Tried by ending at an error: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_file_descriptors_takes_connections_again_when_it_has_some() {
    let (_bench, server) = server("grace_ms = 100").await;
    assert_eq!(server.get("/healthz", "").await.status(), 200);
    let pid = Pid::from_raw(i32::try_from(server.child.id().unwrap()).unwrap()).unwrap();
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).unwrap().count() as u64;
    let limit = |current| Rlimit { current: Some(current), maximum: Some(4_096) };
    prlimit(Some(pid), Resource::Nofile, limit(descriptors)).unwrap();
    let mut waiting = Vec::new();
    // Some are left between those that are open.
    for _ in 0..16 {
        waiting.push(connect(&server).await);
    }
    let last = waiting.last_mut().unwrap();
    assert!(!answered(last, Duration::from_millis(700)).await, "it has none left");
    prlimit(Some(pid), Resource::Nofile, limit(4_096)).unwrap();
    assert!(heard(last, SOON).await);
    until("new ones are taken", || async { server.get("/healthz", "").await.status() == 200 }).await;
}
