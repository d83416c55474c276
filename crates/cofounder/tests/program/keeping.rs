//! Backups of a running installation, and new installations from them.

use cofounder_testkit::postgres::database;
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    places::SmallDisk,
    serving::Server,
    workbench::{Workbench, names},
};

/// What a person looks at, and the sums of every table: sources' bytes, texts, journals, tokens.
async fn look(bench: &Workbench, place: &[&str]) -> Vec<Value> {
    let mut seen = Vec::new();
    for command in [&["task", "list"][..], &["source", "list"], &["token", "list"], &["post", "list"]] {
        seen.push(bench.json(&[command, place].concat()).await);
    }
    for (kind, list) in [("post", 3), ("source", 1), ("task", 0)] {
        for item in seen[list]["items"].as_array().unwrap().clone() {
            let id = item["id"].as_str().unwrap();
            seen.push(bench.json(&[&[kind, "show", id], place].concat()).await);
        }
    }
    seen
}

/// The sums of the tables that no restoration changes.
fn sums(taken: &Value) -> Vec<&Value> {
    let tables = taken["tables"].as_array().unwrap();
    tables.iter().filter(|table| !["tasks", "effects"].contains(&table["name"].as_str().unwrap())).collect()
}

/// Tried by leaving out the table `blobs`, and `revisions`: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_serves_is_backed_up_and_is_there_again_on_either_database() {
    let bench = Workbench::new().await;
    let written = bench.written().await;
    bench.json(&["task", "approve", written["task_id"].as_str().unwrap()]).await;
    bench.run(&["token", "create", "editor"]).await;
    bench.json(&["task", "create", "Another topic", "--source", &bench.shown("sources")]).await;
    let server = Server::start(&bench).await;
    let file = bench.shown("kept");
    let taken = bench.json(&["backup", &file]).await;
    assert_eq!(server.stop().await.code, Some(0));
    assert_eq!(taken["path"], fs::canonicalize(&file).unwrap().to_str().unwrap());
    assert_eq!(taken["bytes"], fs::metadata(&file).unwrap().len());
    for private in [&file, &bench.shown("data/cofounder.db")] {
        assert_eq!(fs::metadata(private).unwrap().permissions().mode() & 0o777, 0o600, "{private}");
    }
    assert!(
        taken["sha256"].as_str().unwrap().len() == 64 && taken["not_in_it"].as_array().unwrap().len() == 3
    );
    let rows = |name: &str| {
        let found = taken["tables"].as_array().unwrap().iter().find(|table| table["name"] == name);
        found.unwrap()["rows"].as_u64().unwrap()
    };
    assert!(rows("blobs") > 0 && rows("tasks") == 2 && rows("tokens") == 1, "{taken:#}");
    let before = look(&bench, &[]).await;
    let new = bench.shown("new");
    let mut places = vec![vec!["--data-dir".to_owned(), new]];
    places.extend(database().map(|url| vec!["--database-url".to_owned(), url]));
    for place in places {
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        let done = bench.json(&[&["restore", &file], place.as_slice()].concat()).await;
        assert_eq!(done["tables"], taken["tables"]);
        if let ["--data-dir", folder] = place[..] {
            let mode = fs::metadata(format!("{folder}/cofounder.db")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "it is its owner's alone");
        }
        assert_eq!(look(&bench, &place).await, before, "{place:?}");
        let again = bench.shown(&format!("again{}", place[0]));
        let again = bench.json(&[&["backup", &again], place.as_slice()].concat()).await;
        assert_eq!(sums(&again), sums(&taken), "{place:?}");
        bench
            .run(&[&["restore", &file], place.as_slice()].concat())
            .await
            .refused(1, &["is not empty", "tasks (2)"]);
        assert_eq!(look(&bench, &place).await, before, "nothing was touched");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_backed_up_or_restored_is_said_and_changes_nothing() {
    let bench = Workbench::new().await;
    let (file, data) = (bench.shown("kept"), bench.path("data"));
    bench.run(&["backup", &file]).await.refused(1, &["nothing to back up", "--data-dir"]);
    assert!(names(&data).is_empty());
    bench.json(&["task", "create", "A topic", "--source", &bench.shown("sources")]).await;
    bench.run(&["backup"]).await.refused(2, &["<FILE>"]);
    bench.run(&["restore", &file]).await.refused(1, &[&file, "cannot be read"]);
    bench.run(&["backup", &bench.shown("nowhere/kept")]).await.refused(1, &["nowhere", "No backup was made"]);
    let done = bench.run(&["backup", &file]).await;
    assert_eq!(done.code, Some(0));
    for part in ["not in it: the configuration", "not in it: keys", "not in it: local models"] {
        assert!(done.stderr.contains(part), "{done:#?}");
    }
    assert!(done.stdout.contains("sha256 ") && done.stdout.contains("tables, as they were at"), "{done:#?}");
    bench.run(&["backup", &file]).await.refused(1, &["exists", "--force"]);
    assert_eq!(bench.run(&["backup", &file, "--force"]).await.code, Some(0));
    let database = bench.shown("data/cofounder.db");
    bench.run(&["backup", &database, "--force"]).await.refused(1, &["the database itself"]);
    // Nothing is made for a file that is none.
    let new = bench.shown("new");
    let text = bench.write("text", "no backup");
    let shortened = bench.write("short", &fs::read(&file).unwrap()[..40_000]);
    for (file, said) in
        [(&text, "no backup of cofounder"), (&database, "another SQLite database"), (&shortened, "damaged")]
    {
        bench.run(&["restore", file, "--data-dir", &new]).await.refused(1, &[said, "Nothing was restored"]);
    }
    assert!(!bench.path("new").exists());
}

/// Tried by telling a full disk of a backup as one of the database: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_makes_no_backup_and_leaves_the_one_that_was_there() {
    let bench = Workbench::new().await;
    bench.json(&["task", "create", "A topic", "--source", &bench.shown("sources")]).await;
    let Some(disk) = SmallDisk::new(bench.path("small"), "1m") else { return };
    let file = bench.shown("small/kept");
    assert_eq!(bench.run(&["backup", &file]).await.code, Some(0));
    let before = fs::read(&file).unwrap();
    disk.fill();
    let done = bench.run(&["backup", &file, "--force"]).await;
    done.refused(1, &["is full", "No backup was made"]);
    assert_eq!(names(&bench.path("small")), ["filler", "kept"]);
    assert_eq!(fs::read(&file).unwrap(), before);
    disk.clear();
    let again = bench.run(&["restore", &file, "--data-dir", &bench.shown("new")]).await;
    assert_eq!(again.code, Some(0), "{again:#?}");
}
