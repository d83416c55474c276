//! What is in `deploy/`, as far as the tools that judge it are here; and the health check that it names.

use serde_json::Value;
use std::{fs, path::PathBuf, process::Command};

use crate::{
    serving::Server,
    workbench::{Workbench, finish},
};

fn file(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)).unwrap()
}

/// Tried with a misspelt setting, and with less protection: systemd-analyze refused it each time.
#[test]
fn the_unit_is_one_that_systemd_takes_and_finds_well_fenced() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("cofounder.service");
    fs::write(
        &unit,
        file("cofounder.service").replace("/usr/local/bin/cofounder", env!("CARGO_BIN_EXE_cofounder")),
    )
    .unwrap();
    let analyze = |args: &[&str]| Command::new("systemd-analyze").args(args).arg(&unit).output();
    let Ok(verified) = analyze(&["verify", "--man=no", "--recursive-errors=no"]) else {
        return eprintln!("skipped: there is no systemd-analyze here");
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success() && said.is_empty(), "{said}");
    let judged = analyze(&["security", "--offline=true", "--threshold=20", "--no-pager"]).unwrap();
    assert!(
        judged.status.success(),
        "{}{}",
        String::from_utf8_lossy(&judged.stdout),
        String::from_utf8_lossy(&judged.stderr)
    );
}

/// Every command that the unit and the image run is one that the program knows.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_run_there_is_a_command_of_the_program() {
    let bench = Workbench::new().await;
    let (unit, image) = (file("cofounder.service"), file("Containerfile"));
    let start =
        unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/cofounder ")).unwrap();
    let quoted = |line: &str| line.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let serve = quoted(image.lines().find(|line| line.starts_with("CMD ")).unwrap());
    let health = quoted(image.lines().find(|line| line.starts_with("HEALTHCHECK ")).unwrap());
    let start: Vec<String> = start.split(' ').map(str::to_owned).collect();
    for args in [&start[..1], &serve[..1], &health[1..]] {
        let args: Vec<&str> = args.iter().map(String::as_str).chain(["--help"]).collect();
        let done = finish(bench.bare(&args)).await;
        assert_eq!(done.code, Some(0), "{args:?}: {done:#?}");
    }
    assert!(image.contains("\nUSER 10001:10001\n"), "nobody is root");
}

/// Tried by taking every answer for a good one: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn the_health_check_tells_how_the_server_is() {
    let Some(cluster) = cofounder_testkit::postgres::Cluster::start("") else { return };
    let bench = Workbench::on(cluster.database()).await;
    let server = Server::start(&bench).await;
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let done = bench.run(&["health", "--address", &address]).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
    assert!(done.stdout.contains("models: ready (acme/large"), "{done:#?}");
    cluster.stop();
    let mut down = done;
    for _ in 0..40 {
        down = bench.run(&["health", "--address", &address, "--json"]).await;
        if down.code == Some(1) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let told: Value = serde_json::from_str(&down.stdout).unwrap();
    assert_eq!((down.code, &told["status"]), (Some(1), &"down".into()), "{down:#?}");
    assert_eq!(server.stop().await.code, Some(0));
    bench
        .run(&["health", "--address", &address])
        .await
        .refused(1, &[&address, "does not answer", "cofounder serve"]);
}
