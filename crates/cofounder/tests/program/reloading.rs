//! SIGHUP: the log and the limits change while the program runs, and nothing else does.

use rustix::process::Signal;
use serde_json::json;
use std::{
    fs,
    os::unix::net::UnixDatagram,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    serving::{Server, hello, token, until},
    workbench::{Workbench, signal},
};

const FREE: &str = "price = { input = 0.0, output = 0.0 }\n";

/// Writes the configuration with these sections and has the server read it; returns what it says then.
async fn reread(bench: &Workbench, server: &Server, sections: &str) -> String {
    bench.configure(&format!("{FREE}{sections}"));
    reread_text(server).await
}

async fn reread_text(server: &Server) -> String {
    let before = server.said().len();
    signal(&server.child, Signal::HUP);
    let told = || server.said()[before..].iter().any(|line| line.contains("was read again"));
    until("it was read again", || async { told() }).await;
    server.said()[before..].join("\n")
}

async fn answers(stream: &mut TcpStream, within: Duration) -> bool {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
    hears(stream, within).await
}

async fn hears(stream: &mut TcpStream, within: Duration) -> bool {
    let mut answer = [0; 1024];
    matches!(timeout(within, stream.read(&mut answer)).await, Ok(Ok(read)) if read > 0)
}

/// Tried without changing the log, the gateway's limits, and the number of connections (up, then down): the test failed
/// each time.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_and_the_limits_change_without_a_restart() {
    let bench = Workbench::new().await;
    bench.configure(FREE);
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    let chatty = |server: &Server| server.said().iter().filter(|line| line.contains("model request")).count();
    assert_eq!(server.chat(&key, &hello("acme/large")).await.0, 200);
    assert_eq!(chatty(&server), 0);
    let told = reread(&bench, &server, "[log]\nlevel = \"debug\"\n").await;
    assert!(told.contains("log.level changed") && !told.contains("restart"), "{told}");
    assert_eq!(server.chat(&key, &hello("acme/large")).await.0, 200);
    until("it says more", || async { chatty(&server) == 1 }).await;

    let mut large = hello("acme/large");
    large["messages"][0]["content"] = json!("x".repeat(3 << 20));
    assert_eq!(server.chat(&key, &large).await.0, 400, "it is read, and too long for the model");
    let told = reread(&bench, &server, "[gateway]\nbody_mib = 2\n").await;
    assert!(told.contains("gateway.body_mib"), "{told}");
    assert_eq!(server.chat(&key, &large).await.0, 413);

    // The server's own client keeps a connection.
    let told = reread(&bench, &server, "[server]\nconnections = 2\n").await;
    assert!(told.contains("server.connections"), "{told}");
    let connect = || TcpStream::connect(server.url.strip_prefix("http://").unwrap());
    let (mut first, mut second) = (connect().await.unwrap(), connect().await.unwrap());
    let soon = Duration::from_secs(15);
    assert!(answers(&mut first, soon).await);
    assert!(!answers(&mut second, Duration::from_millis(400)).await, "two are open");
    reread(&bench, &server, "[server]\nconnections = 3\n").await;
    assert!(hears(&mut second, soon).await, "there is a place more");
    reread(&bench, &server, "[server]\nconnections = 1\n").await;
    assert!(answers(&mut second, soon).await, "who is in stays");
    drop((first, second));
    assert_eq!(server.stop().await.code, Some(0));
}

/// Tried by taking over what is not understood, and by naming nothing: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_configuration_changes_nothing_and_what_needs_a_restart_is_named() {
    let bench = Workbench::new().await;
    bench.configure(FREE);
    let key = token(&bench, &[]).await;
    let server = Server::start(&bench).await;
    let told = reread(
        &bench,
        &server,
        "[log]\nlevel = \"debug\"\n[gateway]\nbody_mib = \"much\"\n[budget]\nday_usd = -1\n",
    )
    .await;
    for part in ["`gateway.body_mib`", "budget.day_usd is -1", "what held before holds on"] {
        assert!(told.contains(part), "`{part}`: {told}");
    }
    bench.write("cofounder.toml", "no = [toml");
    assert!(reread_text(&server).await.contains("is not valid TOML"));
    fs::remove_file(bench.path("cofounder.toml")).unwrap();
    assert!(reread_text(&server).await.contains("there is no configuration"));
    assert_eq!(server.chat(&key, &hello("acme/large")).await.0, 200);
    assert!(!server.said().iter().any(|line| line.contains("model request")), "the level is as it was");

    let sections = "[server]\nbind = \"127.0.0.1:1\"\nhead_ms = 9000\n[worker]\nconcurrency = 7\n[webhook.site]\nurl = \"http://127.0.0.1:1/?key=secret\"\n";
    let told = reread(&bench, &server, sections).await;
    assert!(told.contains("needs a restart: server.bind, webhook.site.url, worker.concurrency"), "{told}");
    assert!(told.contains("server.head_ms changed") && !told.contains("secret"), "{told}");
    let told = reread(&bench, &server, sections).await;
    assert!(told.contains("nothing changes") && !told.contains("restart"), "{told}");
    assert_eq!(server.stop().await.code, Some(0));
}

/// Tried without each of the notifications: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_is_told_when_it_is_ready_reloads_and_stops() {
    let bench = Workbench::new().await;
    let path = bench.shown("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let heard = || {
        let mut text = [0; 256];
        let read = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..read]).into_owned()
    };
    let server = Server::start_in(&bench, &[], &[("NOTIFY_SOCKET", &path)]).await;
    assert!(heard().contains("READY=1"));
    signal(&server.child, Signal::HUP);
    let reloading = heard();
    assert!(reloading.contains("RELOADING=1") && reloading.contains("MONOTONIC_USEC="), "{reloading}");
    assert!(heard().contains("READY=1"));
    let begun = Instant::now();
    assert_eq!(server.stop().await.code, Some(0));
    assert!(heard().contains("STOPPING=1"));
    assert!(begun.elapsed() < Duration::from_secs(20));
}
