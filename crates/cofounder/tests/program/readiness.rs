//! What `/readyz` says of the parts.

use cofounder_testkit::postgres::Cluster;
use serde_json::{Value, json};
use std::{
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    serving::{Server, until},
    workbench::Workbench,
};

async fn asked(server: &Server) -> (u16, Value) {
    let answer = server.get("/readyz", "").await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Somebody in the database server's place who takes connections and says nothing.
fn silent_socket(url: &str) -> (UnixListener, PathBuf) {
    let folder = url.split_once("host=").unwrap().1;
    let socket = Path::new(folder).join(".s.PGSQL.5432");
    (UnixListener::bind(&socket).unwrap(), socket)
}

/// Tried with a longer time-out for each part: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_or_silent_is_named_soon() {
    let Some(cluster) = Cluster::start("") else { return };
    let bench = Workbench::on(cluster.database()).await;
    let server = Server::start(&bench).await;
    assert_eq!(asked(&server).await.0, 200);
    for silent in [false, true] {
        cluster.stop();
        let socket = silent.then(|| silent_socket(&bench.database_url()));
        // What was seen is good for a second.
        until("it is seen", || async { asked(&server).await.0 == 503 }).await;
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let begun = Instant::now();
        let (status, told) = asked(&server).await;
        assert!(begun.elapsed() < Duration::from_secs(4), "silent {silent}: {:?}", begun.elapsed());
        assert_eq!((status, &told["status"]), (503, &json!("down")), "{told}");
        let parts = told["components"].as_array().unwrap();
        let part = |name: &str| parts.iter().find(|part| part["name"] == name).unwrap();
        assert_eq!(part("database")["state"], "down", "{told}");
        if silent {
            assert_eq!(part("database")["why"], "did not answer within 1 s", "{told}");
        }
        assert_eq!(part("models")["state"], "ready", "the others are told as well: {told}");
        assert_eq!(server.get("/healthz", "").await.status(), 200);
        if let Some((listener, socket)) = socket {
            drop(listener);
            std::fs::remove_file(socket).unwrap();
        }
        cluster.resume();
        until("it is there again", || async { asked(&server).await.0 == 200 }).await;
    }
    assert_eq!(server.stop().await.code, Some(0));
}
