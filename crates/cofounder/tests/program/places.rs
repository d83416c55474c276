//! Where the program keeps things: data directories that cannot be used, databases that are not its own, full disks.

use std::{fs, path::PathBuf, process::Command, sync::Arc};

use crate::{
    story,
    workbench::{Workbench, finish, names, strs},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_that_cannot_be_made() {
    let bench = Workbench::new().await;
    let file = bench.write("file", "not a folder");
    let below = format!("{file}/data");
    let mut args = bench.writing();
    args.extend(["--data-dir".to_owned(), below.clone()]);
    bench.run(&strs(&args)).await.refused(1, &[&below, "cannot be made", "--data-dir"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "not a folder");
    assert!(bench.left().is_empty() && bench.provider.seen().is_empty());
    let doctor = bench.run(&["doctor", "--data-dir", &below, "--json"]).await;
    assert_eq!(doctor.code, Some(1), "{doctor:#?}");
    let checks: serde_json::Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!(state(&checks, "data directory"), "problem", "{checks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_out_folder_that_cannot_be_made_is_told_before_any_work() {
    let bench = Workbench::new().await;
    let file = bench.write("file", "not a folder");
    let (below, sources) = (format!("{file}/out"), bench.shown("sources"));
    let done = bench.run(&["write", story::TOPIC, "--source", &sources, "--out", &below]).await;
    done.refused(1, &[&below, "--out"]);
    assert!(bench.provider.seen().is_empty() && bench.tasks().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_database_of_this_program_are_not_touched() {
    let bench = Workbench::new().await;
    let database = bench.path("data/cofounder.db");
    fs::write(&database, "this is a letter, not a database. ".repeat(200)).unwrap();
    let before = fs::read(&database).unwrap();
    let args = bench.writing();
    bench
        .run(&strs(&args))
        .await
        .refused(1, &["cofounder.db", "not a usable database", "not touched", "--data-dir"]);
    assert_eq!(fs::read(&database).unwrap(), before);
    assert!(bench.left().is_empty() && bench.provider.seen().is_empty());
}

/// Runs SQL with whichever of Python and SQLite's own shell is here. False if neither is.
fn sql(database: &PathBuf, statement: &str) -> bool {
    let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute(sys.argv[2])\nc.commit()\nc.close()";
    let python = Command::new("python3").args(["-c", script]).arg(database).arg(statement).status();
    python.is_ok_and(|s| s.success())
        || Command::new("sqlite3").arg(database).arg(statement).status().is_ok_and(|s| s.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_version_is_refused_and_not_touched() {
    let bench = Workbench::new().await;
    bench.written().await;
    let database = bench.path("data/cofounder.db");
    if !sql(&database, "INSERT INTO schema_migrations VALUES (9999, 'future', 'x', 0)") {
        eprintln!(
            "skipped: neither python3 with sqlite3 nor the sqlite3 shell is here to prepare the database"
        );
        return;
    }
    let args = bench.writing();
    bench.run(&strs(&args)).await.refused(1, &["newer version", "9999", "not touched", "--data-dir"]);
    bench.run(&["task", "list"]).await.refused(1, &["newer version"]);
    assert!(sql(&database, "DELETE FROM schema_migrations WHERE version = 9999"));
    assert_eq!(bench.tasks().await.len(), 1, "all is there again");
}

/// A small file system of its own, which can be filled; unmounted when it is dropped.
#[derive(Clone)]
pub(crate) struct SmallDisk(Arc<Mounted>);

pub(crate) struct Mounted(PathBuf);

impl SmallDisk {
    /// None where this process may not mount.
    pub(crate) fn new(path: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        let options = format!("size={size}");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&path).status();
        if status.is_ok_and(|s| s.success()) {
            return Some(Self(Arc::new(Mounted(path))));
        }
        eprintln!("skipped: this process may not mount a small file system");
        None
    }

    /// Leaves no byte free.
    pub(crate) fn fill(&self) {
        use std::io::Write;
        let mut file = fs::File::options().create(true).append(true).open(self.0.0.join("filler")).unwrap();
        for size in [65_536, 4_096, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    pub(crate) fn clear(&self) {
        fs::remove_file(self.0.0.join("filler")).unwrap();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let status = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(status.is_ok_and(|s| s.success()), "{} is still mounted", self.0.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_below_out_keeps_the_article_and_leaves_no_half_file() {
    let bench = Workbench::new().await;
    let Some(disk) = SmallDisk::new(bench.path("out"), "256k") else { return };
    disk.fill();
    let args = bench.writing();
    let done = bench.run(&strs(&args)).await;
    done.refused(1, &["out", "kept"]);
    assert_eq!(bench.left(), ["filler"]);
    let tasks = bench.tasks().await;
    assert_eq!(tasks.len(), 1, "{tasks:?}");
    disk.clear();
    let calls = bench.provider.calls();
    let result = bench.json(&["task", "resume", tasks[0]["id"].as_str().unwrap()]).await;
    assert_eq!(result["status"], "awaiting_approval");
    assert_eq!(bench.left().len(), 3);
    assert_eq!(bench.provider.calls(), calls, "the article was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_in_the_middle_of_a_draft_loses_nothing() {
    let bench = Workbench::new().await;
    let Some(disk) = SmallDisk::new(bench.path("small"), "8m") else { return };
    let (mut writer, full) = (story::able_writer(), disk.clone());
    bench.provider.script(move |body| {
        if story::prompt(body).contains("Write section 2") {
            full.fill();
        }
        writer(body)
    });
    let mut args = bench.writing();
    args.extend(["--data-dir".to_owned(), bench.shown("small/data")]);
    let done = finish(bench.command(&strs(&args))).await;
    done.refused(1, &["full", "Make room", "cofounder task resume"]);
    assert!(bench.left().is_empty(), "{:?}", bench.left());

    disk.clear();
    bench.provider.script(story::able_writer());
    let small = bench.shown("small/data");
    let tasks = bench.json(&["task", "list", "--data-dir", &small]).await;
    let id = tasks["items"][0]["id"].as_str().unwrap();
    let result = bench.json(&["task", "resume", id, "--data-dir", &small]).await;
    assert_eq!(
        (&result["status"], &result["gate"]),
        (&"awaiting_approval".into(), &"open".into()),
        "{result:#}"
    );
    let outlines = bench.prompts().iter().filter(|p| p.starts_with("Plan an article")).count();
    assert_eq!(outlines, 1, "finished steps are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_from_the_start_makes_no_task() {
    let bench = Workbench::new().await;
    let Some(disk) = SmallDisk::new(bench.path("small"), "8m") else { return };
    let small = bench.shown("small/data");
    bench.json(&["task", "list", "--data-dir", &small]).await;
    disk.fill();
    let mut args = bench.writing();
    args.extend(["--data-dir".to_owned(), small.clone()]);
    bench.run(&strs(&args)).await.refused(1, &["full", "Make room"]);
    disk.clear();
    assert_eq!(
        bench.json(&["task", "list", "--data-dir", &small]).await["items"].as_array().unwrap().len(),
        0
    );
    assert!(bench.provider.seen().is_empty());
    assert!(names(&bench.path("out")).is_empty());
}

fn state<'a>(checks: &'a serde_json::Value, name: &str) -> &'a str {
    let items = checks["items"].as_array().unwrap();
    items.iter().find(|c| c["name"] == name).unwrap()["state"].as_str().unwrap()
}
