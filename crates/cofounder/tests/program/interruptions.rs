//! The program is killed, interrupted, or alone no more: nothing acknowledged is lost, no finished call is repeated.

use rustix::process::Signal;
use std::time::{Duration, Instant};

use cofounder_testkit::provider::Reply;

use crate::{
    story,
    workbench::{Workbench, asked, ended, finish, signal, start, strs},
};

async fn only_task(bench: &Workbench, status: &str) -> String {
    let tasks = bench.tasks().await;
    assert_eq!(tasks.len(), 1, "{tasks:?}");
    assert_eq!(tasks[0]["status"], status, "{tasks:?}");
    tasks[0]["id"].as_str().unwrap().to_owned()
}

/// Whatever call is under way, a killed program goes on behind the last finished one.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_goes_on_and_repeats_no_finished_call() {
    let whole = Workbench::new().await;
    whole.written().await;
    let calls = whole.provider.calls();
    assert_eq!(calls, 5, "outline, two sections, review, description");
    for hang in 1..=calls {
        let bench = Workbench::new().await;
        let (mut writer, mut count) = (story::able_writer(), 0);
        bench.provider.script(move |body| {
            count += 1;
            if count >= hang { Reply::Hang } else { writer(body) }
        });
        let args = bench.writing();
        let mut child = start(&bench, &strs(&args));
        bench.hanging(hang).await;
        child.kill().await.unwrap();
        assert!(bench.left().is_empty(), "{:?}", bench.left());

        let task = only_task(&bench, "in_progress").await;
        bench.provider.script(story::able_writer());
        let result = bench.json(&["task", "resume", &task]).await;
        assert_eq!(result["status"], "awaiting_approval");
        assert_eq!(result["gate"], "open", "{result:#}");
        assert_eq!(result["claims"]["total"], 12, "{result:#}");
        assert_eq!(result["calls"]["unfinished"], 1, "what was in flight is told: {result:#}");
        assert_eq!(bench.left().len(), 3);
        let asked = asked(&bench);
        assert_eq!(asked.len(), calls, "{asked:?}");
        assert_eq!(asked.values().filter(|n| **n == 2).count(), 1, "only what was in flight: {asked:?}");
        assert_eq!(asked.values().sum::<usize>(), calls + 1, "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_end_the_program_at_once_and_tell_how_to_go_on() {
    for kind in [Signal::INT, Signal::TERM] {
        let bench = Workbench::new().await;
        bench.hang_at_section(2);
        let args = bench.writing();
        let child = start(&bench, &strs(&args));
        bench.hanging(3).await;
        let since = Instant::now();
        signal(&child, kind);
        let done = ended(child).await;
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());

        let task = only_task(&bench, "pending").await;
        done.refused(1, &["stopped", "kept", &format!("cofounder task resume {task}")]);
        assert!(bench.left().is_empty(), "{:?}", bench.left());
        bench.provider.script(story::able_writer());
        assert_eq!(bench.json(&["task", "resume", &task]).await["gate"], "open");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_program_waits_for_the_first_and_takes_over_when_it_dies() {
    let bench = Workbench::new().await;
    bench.hang_at_section(2);
    let args = bench.writing();
    let mut first = start(&bench, &strs(&args));
    bench.hanging(3).await;
    let task = only_task(&bench, "in_progress").await;
    let second = start(&bench, &["task", "resume", &task, "--json"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bench.provider.calls(), 3, "one task has one worker");

    bench.provider.script(story::able_writer());
    let since = Instant::now();
    first.kill().await.unwrap();
    let done = ended(second).await;
    assert!(since.elapsed() < Duration::from_secs(20), "it takes over at once: {:?}", since.elapsed());
    assert_eq!(done.json()["status"], "awaiting_approval");
    assert!(done.stderr.contains("another process works on this task"), "{done:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_write_their_own_tasks_side_by_side() {
    let bench = Workbench::new().await;
    let mut commands = Vec::new();
    for out in ["one", "two", "three"] {
        let (folder, sources) = (bench.shown(out), bench.shown("sources"));
        let args =
            ["write", story::TOPIC, "--source", &sources, "--words", "120", "--out", &folder, "--json"];
        commands.push(tokio::spawn(finish(bench.command(&args))));
    }
    let mut tasks = std::collections::BTreeSet::new();
    let mut slugs = std::collections::BTreeSet::new();
    for command in commands {
        let result = command.await.unwrap().json();
        tasks.insert(result["task_id"].to_string());
        slugs.insert(result["post"]["slug"].to_string());
    }
    assert_eq!((tasks.len(), slugs.len()), (3, 3), "each its own task and its own address: {slugs:?}");
}
