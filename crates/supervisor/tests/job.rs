//! Jobs: children that end by themselves.

use cofounder_supervisor::{JobError, JobSpec, run_job};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

fn shell(script: &str) -> JobSpec {
    let mut spec = JobSpec::new("sh", vec!["-c".into(), script.into()]);
    spec.deadline = Duration::from_secs(30);
    spec
}

fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

async fn eventually(is: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !is() && start.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    is()
}

#[tokio::test]
async fn lines_come_as_they_are_written_and_the_exit_code_is_told() {
    let mut seen = Vec::new();
    let mut spec = shell("pwd; echo $WORD; echo oops >&2; printf unfinished; exit 3");
    let folder = tempfile::tempdir().unwrap();
    spec.cwd = Some(folder.path().to_owned());
    spec.env.push(("WORD".into(), "hello".into()));
    let result = run_job(spec, &CancellationToken::new(), |line| seen.push(line.to_owned())).await.unwrap();
    assert_eq!(result.exit.code, Some(3));
    assert!(!result.truncated);
    for line in ["hello", "oops", "unfinished"] {
        assert!(seen.iter().any(|s| s == line), "{seen:?}");
    }
    assert!(result.output.contains("oops"));
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    assert!(seen.iter().any(|s| s.ends_with(name)), "it runs in its folder: {seen:?}");
}

#[tokio::test]
async fn a_job_reads_no_input() {
    let result = run_job(shell("cat; echo done"), &CancellationToken::new(), |_| {}).await.unwrap();
    assert_eq!((result.exit.success(), result.output.as_str()), (true, "done\n"));
}

#[tokio::test]
async fn a_flood_is_read_to_its_end_and_its_end_is_kept() {
    let mut longest = 0;
    let mut spec = shell("head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo last");
    spec.log_cap = 1000;
    let result =
        run_job(spec, &CancellationToken::new(), |line| longest = longest.max(line.len())).await.unwrap();
    assert!(result.exit.success());
    assert!(result.truncated);
    assert!(result.output.len() <= 1000 && result.output.ends_with("x\nlast\n"));
    assert!(longest <= 16 << 10, "{longest}");
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_ended_with_what_it_started_although_it_ignores_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = shell("trap '' TERM; sleep 600 & echo $! > $DIR/pid; echo working; wait; sleep 600");
    spec.env.push(("DIR".into(), folder.path().into()));
    spec.deadline = Duration::from_millis(800);
    spec.grace = Duration::from_millis(100);
    let error = run_job(spec, &CancellationToken::new(), |_| {}).await.unwrap_err();
    let JobError::Deadline { output, .. } = &error else { panic!("{error}") };
    assert_eq!(output, "working\n");
    let grandchild = fs::read_to_string(folder.path().join("pid")).unwrap();
    assert!(eventually(|| !runs(&grandchild)).await);
}

#[tokio::test]
async fn cancelling_and_dropping_end_a_job_with_what_it_started() {
    for drop_it in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pids");
        let mut spec = shell("sleep 600 & echo $! $$ > $DIR/p; mv $DIR/p $DIR/pids; wait");
        spec.env.push(("DIR".into(), folder.path().into()));
        let cancel = CancellationToken::new();
        {
            let job = run_job(spec, &cancel, |_| {});
            tokio::pin!(job);
            tokio::select! {
                _ = &mut job => panic!("it does not end by itself"),
                there = eventually(|| file.exists()) => assert!(there),
            }
            if !drop_it {
                cancel.cancel();
                assert!(matches!(job.await, Err(JobError::Cancelled { .. })));
            }
        }
        let pids = fs::read_to_string(&file).unwrap();
        for pid in pids.split_whitespace() {
            assert!(eventually(|| !runs(pid)).await, "dropped: {drop_it}");
        }
        let own = pids.split_whitespace().last().unwrap().to_owned();
        assert!(eventually(|| !Path::new("/proc").join(&own).exists()).await, "reaped");
    }
}

#[tokio::test]
async fn what_a_job_leaves_behind_is_ended_when_it_ends() {
    let mut left = String::new();
    let start = Instant::now();
    let result =
        run_job(shell("sleep 600 & echo $!"), &CancellationToken::new(), |line| left = line.to_owned()).await;
    assert!(result.unwrap().exit.success());
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(eventually(|| !runs(&left)).await);
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named() {
    let spec = JobSpec::new("/no/such/program", Vec::new());
    let error = run_job(spec, &CancellationToken::new(), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("/no/such/program"), "{error}");
}
