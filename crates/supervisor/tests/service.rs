//! Services: children that stay.

use cofounder_supervisor::{Backoff, Service, ServiceError, ServiceSpec};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

fn shell(folder: &Path, script: &str) -> ServiceSpec {
    let mut spec = ServiceSpec::new("sh", vec!["-c".into(), script.into()], folder.join("log"));
    spec.env.push(("DIR".into(), folder.into()));
    spec.start_deadline = Duration::from_secs(20);
    spec
}

async fn exists(path: std::path::PathBuf) -> bool {
    path.exists()
}

/// Whether a process runs; one that ended and was not reaped counts as running for our own children.
fn alive(pid: &str) -> bool {
    Path::new("/proc").join(pid.trim()).exists()
}

/// Whether a process runs; one that waits for another's parent to reap it does not.
fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

async fn gone(still: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while still() && start.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    !still()
}

#[tokio::test]
async fn concurrent_callers_share_one_start() {
    let folder = tempfile::tempdir().unwrap();
    let up = folder.path().join("up");
    let script = "echo start >> $DIR/starts; sleep 0.3; touch $DIR/up; cat > /dev/null";
    let service = Arc::new(Service::new(shell(folder.path(), script)));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (service, up) = (service.clone(), up.clone());
            tokio::spawn(async move { service.ready(|| exists(up.clone())).await })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(fs::read_to_string(folder.path().join("starts")).unwrap(), "start\n");
    assert_eq!(service.restarts().await, 0);
    let pid = service.pid().await.unwrap().to_string();
    assert!(alive(&pid));
    service.stop().await;
    assert!(!alive(&pid), "ended and reaped");
    assert_eq!(service.pid().await, None);
}

#[tokio::test]
async fn a_child_that_ends_at_once_is_explained_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::new(shell(folder.path(), "echo loading; echo 'no such model' >&2; exit 7"));
    let error = service.ready(async || false).await.unwrap_err();
    let ServiceError::Crashed { exit, output, .. } = &error else { panic!("{error}") };
    assert_eq!(exit.code, Some(7));
    assert!(output.contains("no such model"), "{output}");
    let told = error.to_string();
    assert!(told.contains("exit code 7") && told.contains("no such model"), "{told}");
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::new(ServiceSpec::new("/no/such/program", Vec::new(), folder.path().join("log")));
    let error = service.ready(async || true).await.unwrap_err();
    assert!(matches!(error, ServiceError::Start { .. }), "{error}");
    assert!(error.to_string().contains("/no/such/program"));
}

#[tokio::test]
async fn a_crashed_child_is_started_again_after_a_growing_delay() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = shell(folder.path(), "echo x >> $DIR/starts; kill -9 $$");
    spec.backoff = Backoff { first: Duration::from_millis(100), cap: Duration::from_millis(350) };
    let service = Service::new(spec);
    let start = Instant::now();
    let mut waited = Vec::new();
    for _ in 0..4 {
        let before = Instant::now();
        let error = service.ready(async || false).await.unwrap_err();
        assert!(error.to_string().contains("signal 9"), "{error}");
        waited.push(before.elapsed());
    }
    assert_eq!(fs::read_to_string(folder.path().join("starts")).unwrap().lines().count(), 4);
    assert_eq!(service.restarts().await, 3);
    assert!(waited[1] >= Duration::from_millis(100), "{waited:?}");
    assert!(waited[2] >= Duration::from_millis(200), "{waited:?}");
    assert!(waited[3] >= Duration::from_millis(350), "{waited:?}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_child_that_crashes_after_it_was_ready_comes_back_with_the_next_call() {
    let folder = tempfile::tempdir().unwrap();
    let up = folder.path().join("up");
    let service = Service::new(shell(folder.path(), "touch $DIR/up; cat > /dev/null"));
    service.ready(|| exists(up.clone())).await.unwrap();
    let pid = service.pid().await.unwrap();
    fs::remove_file(&up).unwrap();
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    assert!(gone(|| alive(&pid.to_string())).await, "reaped although nobody called");
    service.ready(|| exists(up.clone())).await.unwrap();
    assert_ne!(service.pid().await, Some(pid));
    assert_eq!(service.restarts().await, 1);
    service.stop().await;
}

#[tokio::test]
async fn a_child_that_hangs_is_ended_at_its_deadline_with_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec =
        shell(folder.path(), "trap '' TERM; sleep 600 & echo $! > $DIR/grandchild; wait; sleep 600");
    spec.start_deadline = Duration::from_secs(1);
    let service = Service::new(spec);
    let error = service.ready(async || false).await.unwrap_err();
    assert!(matches!(error, ServiceError::NotReady { .. }), "{error}");
    assert_eq!(service.pid().await, None);
    let grandchild = fs::read_to_string(folder.path().join("grandchild")).unwrap();
    assert!(gone(|| runs(&grandchild)).await, "the grandchild is gone too");
}

#[tokio::test]
async fn stop_ends_a_child_that_ignores_being_asked_and_does_not_wait_for_who_waits() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = shell(folder.path(), "trap '' TERM; touch $DIR/up; while :; do sleep 1; done");
    spec.grace = Duration::from_millis(200);
    let service = Arc::new(Service::new(spec));
    let waiting = tokio::spawn({
        let service = service.clone();
        async move { service.ready(async || false).await }
    });
    let up = folder.path().join("up");
    assert!(gone(|| !up.exists()).await);
    let start = Instant::now();
    service.stop().await;
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(matches!(waiting.await.unwrap(), Err(ServiceError::Stopped { .. })));
    assert_eq!(service.pid().await, None);
    service.ready(|| exists(up.clone())).await.expect("it can be started again");
    service.stop().await;
}

#[tokio::test]
async fn dropping_a_service_ends_the_child_and_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::new(shell(
        folder.path(),
        "sleep 600 & echo $! > $DIR/g; mv $DIR/g $DIR/grandchild; sleep 600",
    ));
    let written = folder.path().join("grandchild");
    service.ready(|| exists(written.clone())).await.unwrap();
    let pid = service.pid().await.unwrap().to_string();
    let grandchild = fs::read_to_string(&written).unwrap();
    drop(service);
    assert!(gone(|| alive(&pid)).await, "ended and reaped");
    assert!(gone(|| runs(&grandchild)).await);
}

#[tokio::test]
async fn a_flood_of_output_neither_blocks_the_child_nor_fills_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let up = folder.path().join("up");
    let script =
        "head -c 8000000 /dev/zero | tr '\\0' 'x'; echo; echo the last line; touch $DIR/up; cat > /dev/null";
    let mut spec = shell(folder.path(), script);
    spec.log_cap = 200_000;
    let service = Service::new(spec);
    service.ready(|| exists(up.clone())).await.unwrap();
    service.stop().await;
    let size = |name| fs::metadata(folder.path().join(name)).map_or(0, |m| m.len());
    assert!(size("log") + size("log.old") <= 200_000);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.ends_with("the last line\n"));
}

#[tokio::test]
async fn a_caller_that_gives_up_leaves_the_starting_child_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let up = folder.path().join("up");
    let script = "echo x >> $DIR/starts; sleep 0.5; touch $DIR/up; cat > /dev/null";
    let service = Service::new(shell(folder.path(), script));
    let first = tokio::time::timeout(Duration::from_millis(100), service.ready(|| exists(up.clone()))).await;
    assert!(first.is_err());
    service.ready(|| exists(up.clone())).await.unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("starts")).unwrap().lines().count(), 1);
    service.stop().await;
}

/// Not a test of its own: the parent that the next one kills.
#[tokio::test]
async fn role_of_a_parent() {
    let Some(folder) = std::env::var_os("SUPERVISOR_TEST_PARENT") else { return };
    let folder = Path::new(&folder);
    let up = folder.join("up");
    let service = Service::new(shell(folder, "echo $$ > $DIR/pid; touch $DIR/up; cat > /dev/null"));
    service.ready(|| exists(up.clone())).await.unwrap();
    tokio::time::sleep(Duration::from_secs(600)).await;
}

/// Tried with a child that sleeps instead of reading its input: the test failed.
#[tokio::test]
async fn a_child_ends_when_its_parent_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "role_of_a_parent"])
        .env("SUPERVISOR_TEST_PARENT", folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let up = folder.path().join("up");
    assert!(gone(|| !up.exists()).await, "the parent started its child");
    let child = fs::read_to_string(folder.path().join("pid")).unwrap();
    assert!(runs(&child));
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(gone(|| runs(&child)).await, "the child ended");
}
