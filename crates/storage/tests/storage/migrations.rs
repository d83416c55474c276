//! Schemas: made from nothing, brought up to date from every earlier one, the same on both databases, refused otherwise.

use cofounder_domain::{NanoUsd, Status, TaskId, content_hash};
use cofounder_storage::{
    Account, Act, CallState, Database, LedgerFilter, Location, PoolSettings, StorageError,
};
use cofounder_testkit::{clock::ManualClock, postgres::database};
use std::sync::Arc;

use crate::{Bench, brief, draft, lines, on_both_databases, raw, schema};

on_both_databases! {
    a_newer_schema_is_refused_by_who_opens_it_and_noticed_by_who_has_it_open,
}

type Opened = Result<(Database, i64), StorageError>;

/// Earlier schemas, for SQLite and for PostgreSQL.
const FIRST: [&str; 2] = [
    include_str!("../../migrations/sqlite/0001_foundations.sql"),
    include_str!("../../migrations/postgres/0001_foundations.sql"),
];
const SECOND: [&str; 2] = [
    include_str!("../../migrations/sqlite/0002_queue.sql"),
    include_str!("../../migrations/postgres/0002_queue.sql"),
];
const THIRD: [&str; 2] = [
    include_str!("../../migrations/sqlite/0003_gateway.sql"),
    include_str!("../../migrations/postgres/0003_gateway.sql"),
];

async fn migrate(place: &Location) -> Opened {
    Database::migrate(place, PoolSettings::default(), Arc::new(ManualClock::default())).await
}

async fn open(place: &Location) -> Result<Database, StorageError> {
    Database::open(place, PoolSettings::default(), Arc::new(ManualClock::default())).await
}

/// New, empty databases of both kinds.
fn places(folder: &tempfile::TempDir) -> Vec<Location> {
    let file = Location::Sqlite(folder.path().join("cofounder.db"));
    std::iter::once(file).chain(database().map(|url| url.parse().unwrap())).collect()
}

/// The schema of the first version, as that version left it.
async fn make_first(place: &Location) {
    let book = "CREATE TABLE schema_migrations (
  version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)";
    raw(place, book).await.unwrap();
    step(place, 1, FIRST).await;
}

/// The schema of the second version, from the first one's.
async fn make_second(place: &Location) {
    step(place, 2, SECOND).await;
}

/// The schema of the third version, from the second one's.
async fn make_third(place: &Location) {
    step(place, 3, THIRD).await;
}

async fn step(place: &Location, version: i64, texts: [&str; 2]) {
    let text = texts[usize::from(matches!(place, Location::Postgres(_)))];
    raw(place, text).await.unwrap();
    let sha256 = content_hash(text.as_bytes());
    let row = format!("INSERT INTO schema_migrations VALUES ({version}, 'earlier', '{sha256}', 1)");
    raw(place, &row).await.unwrap();
}

/// Two tasks in the first version's tables, and something in every other table; the journals are interleaved.
async fn fill_first(place: &Location, ids: [TaskId; 2]) {
    let [one, two] = ids;
    let (site, brief) = ("00000000-0000-0000-0000-000000000000", serde_json::to_string(&brief()).unwrap());
    let report =
        serde_json::to_string(&draft("x", cofounder_domain::Gate::Open).report).unwrap().replace('\'', "''");
    let bytes = if matches!(place, Location::Sqlite(_)) { "X'6869'" } else { "'\\x6869'" };
    let text = format!(
        "INSERT INTO tasks (id, site_id, brief, created_at, updated_at) VALUES ('{one}', '{site}', '{brief}', 1000, 1000), ('{two}', '{site}', '{brief}', 2000, 2000);
         UPDATE tasks SET status = 'in_progress', fence = 1, workflow_version = 1 WHERE id = '{one}';
         UPDATE tasks SET status = 'awaiting_approval', fence = 2 WHERE id = '{one}';
         INSERT INTO task_history (task_id, at, old, new, reason) VALUES ('{one}', 1000, NULL, 'pending', 'asked for'), ('{one}', 1001, 'pending', 'in_progress', 'a run began');
         INSERT INTO runs VALUES ('r1', '{one}', 1, 'host:1:x', 1001, 1002, 'awaiting_approval');
         INSERT INTO steps VALUES ('{one}', 'research', 2, 'done', 1, 1001, 1002, '1', '[]', NULL);
         INSERT INTO journal (task_id, fence, at, event, path) VALUES ('{one}', 0, 1000, 'created', ''), ('{two}', 0, 2000, 'created', ''),
           ('{one}', 1, 2001, 'claimed', ''), ('{one}', 1, 2002, 'step_started', 'research'), ('{two}', 0, 2003, 'moved', '');
         INSERT INTO model_calls (call_key, task_id, step, ordinal, state, model, request, answer, started_at) VALUES ('k', '{one}', 'research', 0, 'done', 'a/b', '{{}}', '1', 1001);
         INSERT INTO reservations (site_id, day, amount, settled) VALUES ('{site}', '2026-01-01', 7, 1);
         INSERT INTO blobs VALUES ('h', {bytes});
         INSERT INTO sources VALUES ('s', 'h', 'file:///a', 'A', 2, 'hi', 1000);
         INSERT INTO task_sources VALUES ('{one}', 's', 0, 'file:///a', 'A');
         INSERT INTO posts VALUES ('00000000-0000-7000-8000-000000000001', '{site}', '{one}', 'a', 1, NULL, 1002, 1002);
         INSERT INTO revisions VALUES ('00000000-0000-7000-8000-000000000001', 1, 'T', 'd', '[]', '# T', 'open', '[]', '{report}', 1002)"
    );
    raw(place, &text).await.unwrap();
}

/// The columns of every table that every later schema has, too.
async fn shape(place: &Location) -> Vec<(String, Vec<String>)> {
    let mut shape = Vec::new();
    for table in schema::tables(place).await {
        // The third schema has accounts instead.
        if table != "reservations" {
            let columns = schema::columns(place, &table).await;
            shape.push((table, columns));
        }
    }
    shape
}

/// Every row of these columns, as text.
async fn contents(place: &Location, shape: &[(String, Vec<String>)]) -> Vec<String> {
    let mut all = Vec::new();
    for (table, columns) in shape {
        let columns: Vec<_> =
            columns.iter().map(|c| format!("coalesce(CAST({c} AS TEXT), 'nothing')")).collect();
        let text =
            format!("SELECT '{table} ' || {} AS line FROM {table} ORDER BY 1", columns.join(" || '|' || "));
        let found = lines(place, &text).await;
        assert!(!found.is_empty(), "{table} has a row");
        all.extend(found);
    }
    all
}

/// Tried by leaving out the second migration's update of `tasks.events`, then that of `journal.seq`: the test failed.
#[tokio::test]
async fn data_of_the_first_schema_are_all_there_after_migrating_and_journals_go_on() {
    let folder = tempfile::tempdir().unwrap();
    for place in places(&folder) {
        let ids = [1_700_000_000_000, 1_700_000_000_001]
            .map(|at| TaskId::new(cofounder_domain::Timestamp::from_timestamp_millis(at).unwrap()));
        make_first(&place).await;
        fill_first(&place, ids).await;
        let shape = shape(&place).await;
        assert_eq!(shape.len(), 13, "every table is looked at");
        let before = contents(&place, &shape).await;
        let (db, had) = migrate(&place).await.unwrap();
        assert_eq!(had, 1);
        assert_eq!(contents(&place, &shape).await, before);
        let journals = "SELECT event || ' ' || seq AS line FROM journal ORDER BY task_id, seq";
        let expected = ["created 1", "claimed 2", "step_started 3", "created 1", "moved 2"];
        assert_eq!(lines(&place, journals).await, expected);
        let tasks = "SELECT events || ' ' || ready_at || ' ' || due AS line FROM tasks ORDER BY id";
        assert_eq!(lines(&place, tasks).await, ["3 1000 1", "2 2000 1"]);
        db.by(&Act::OPERATOR).approve(ids[0], None, |_| vec![]).await.unwrap();
        db.by(&Act::OPERATOR).move_task(ids[1], Status::Cancelled, "old").await.unwrap();
        let numbers: Vec<i64> = db.journal(ids[0], 0, 99).await.unwrap().iter().map(|e| e.seq).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        db.check().await.unwrap();
        db.close().await.unwrap();
        assert_eq!(migrate(&place).await.unwrap().1, db.schema(), "once is enough");
    }
}

/// Tried by leaving the reservations out of the accounts, by copying no calls, and by leaving out the index
/// `model_calls_done`: the test failed each time.
#[tokio::test]
async fn money_and_calls_of_the_second_schema_are_all_there_after_migrating() {
    let folder = tempfile::tempdir().unwrap();
    for place in places(&folder) {
        let ids = [1_700_000_000_000, 1_700_000_000_001]
            .map(|at| TaskId::new(cofounder_domain::Timestamp::from_timestamp_millis(at).unwrap()));
        make_first(&place).await;
        fill_first(&place, ids).await;
        make_second(&place).await;
        let site = "00000000-0000-0000-0000-000000000000";
        let text = format!(
            "INSERT INTO reservations (site_id, day, amount, settled) VALUES ('{site}', '2026-01-01', 5, 0), ('{site}', '2026-01-02', 9, 1),
               ('{site}', '2026-01-03', 0, 1);
             INSERT INTO model_calls (call_key, task_id, step, ordinal, state, model, request, error, cost, started_at) VALUES
               ('k', '{one}', 'research', 0, 'started', 'a/b', '{{}}', NULL, 0, 1000), ('l', NULL, 'probe', 0, 'failed', 'a/b', '{{}}', 'no', 3, 1001)",
            one = ids[0]
        );
        raw(&place, &text).await.unwrap();
        let queue = |table: &str| table == "schedules" || table == "effects";
        let shape: Vec<_> = shape(&place).await.into_iter().filter(|(table, _)| !queue(table)).collect();
        let before = contents(&place, &shape).await;
        let (db, had) = migrate(&place).await.unwrap();
        assert_eq!(had, 2);
        assert_eq!(contents(&place, &shape).await, before);
        for (day, money) in [("2026-01-01", 12), ("2026-01-02", 9), ("2026-01-03", 0), ("2026-01-04", 0)] {
            let account = Account { scope: format!("site:{site}"), period: format!("day:{day}") };
            let state = db.account(&account).await.unwrap();
            assert_eq!((state.used, state.spent), (NanoUsd::new(money), NanoUsd::new(money)), "{day}");
        }
        assert_eq!(db.open_slices().await.unwrap(), [], "it is all spent");
        let spent = db.spent(ids[0]).await.unwrap();
        assert_eq!((spent.calls, spent.unfinished), (1, 1));
        let lines = db.ledger(&LedgerFilter::default(), 9, None).await.unwrap().items;
        assert_eq!(lines.iter().map(|line| line.id).collect::<Vec<_>>(), [3, 2, 1]);
        assert!(lines.iter().all(|line| line.call_id.is_none() && line.tokens.measured));
        let again = |key: &str, state: &str| {
            format!(
                "INSERT INTO model_calls (call_key, task_id, step, ordinal, state, model, request, started_at)
                 VALUES ('{key}', '{}', 'research', 0, '{state}', 'a/b', '{{}}', 1)",
                ids[0]
            )
        };
        assert!(raw(&place, &again("k", "done")).await.is_err(), "one answer to a question");
        assert!(raw(&place, &again("m", "other")).await.is_err(), "no state but those that are known");
        raw(&place, &again("k", "abandoned")).await.unwrap();
        let newest = db.ledger(&LedgerFilter::default(), 1, None).await.unwrap().items.remove(0);
        assert!(newest.id > 3 && newest.state == Some(CallState::Abandoned), "{newest:?}");
    }
}

#[tokio::test]
async fn step_by_step_and_from_empty_the_schema_is_the_same() {
    for version in [1, 2, 3] {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        for (new, old) in places(&folders[0]).into_iter().zip(places(&folders[1])) {
            assert_eq!(migrate(&new).await.unwrap().1, 0);
            make_first(&old).await;
            if version >= 2 {
                make_second(&old).await;
            }
            if version == 3 {
                make_third(&old).await;
            }
            assert_ne!(schema::dump(&old).await, schema::dump(&new).await, "there is something to do");
            assert_eq!(migrate(&old).await.unwrap().1, version);
            assert_eq!(schema::dump(&old).await, schema::dump(&new).await);
        }
    }
}

/// Tried by leaving an index, a default, a `NOT NULL` and a column out of one of the two: the test failed each time.
#[tokio::test]
async fn both_databases_have_the_same_tables_columns_keys_indexes_references_and_triggers() {
    let folder = tempfile::tempdir().unwrap();
    let places = places(&folder);
    let [file, server] = places.as_slice() else { return };
    for place in [file, server] {
        migrate(place).await.unwrap();
    }
    let (file, server) = (schema::shape(file).await, schema::shape(server).await);
    assert_eq!(file.difference(&server).collect::<Vec<_>>(), Vec::<&String>::new(), "on SQLite alone");
    assert_eq!(server.difference(&file).collect::<Vec<_>>(), Vec::<&String>::new(), "on PostgreSQL alone");
}

/// Tried by letting `open` migrate a PostgreSQL database: the test failed.
#[tokio::test]
async fn a_server_that_was_not_brought_up_to_date_is_refused_and_not_touched() {
    let Some(url) = database() else { return };
    let place: Location = url.parse().unwrap();
    let refused = |found| {
        let place = place.clone();
        async move {
            let before = schema::dump(&place).await;
            let error = open(&place).await.unwrap_err();
            assert!(matches!(error, StorageError::Older { found: f, .. } if f == found), "{error}");
            assert!(error.to_string().contains("`cofounder migrate`"), "{error}");
            assert_eq!(schema::dump(&place).await, before);
        }
    };
    refused(0).await;
    assert!(schema::tables(&place).await.is_empty());
    make_first(&place).await;
    refused(1).await;
    migrate(&place).await.unwrap();
    open(&place).await.unwrap();
}

/// Tried by leaving out the lock in `migrate`: the test failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_programs_that_migrate_at_once_one_does_and_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    for place in places(&folder) {
        let programs: Vec<_> = (0..6)
            .map(|_| {
                let place = place.clone();
                tokio::spawn(async move { migrate(&place).await.map(|(_, had)| had) })
            })
            .collect();
        let mut had = Vec::new();
        for program in programs {
            had.push(program.await.unwrap().unwrap());
        }
        had.sort_unstable();
        let known = migrate(&place).await.unwrap().0.schema();
        assert_eq!(had, [0, known, known, known, known, known]);
    }
}

/// Tried by running a migration outside the transaction that writes its row: the test failed on PostgreSQL.
#[tokio::test]
async fn a_migration_that_fails_leaves_the_schema_before_it() {
    // The third migration makes a table of this name at its very end; and a row that says it was made may be refused.
    let table = "CREATE TABLE target_health (mine TEXT)";
    let file = "CREATE TRIGGER refuse BEFORE INSERT ON schema_migrations WHEN NEW.version = 3 BEGIN SELECT RAISE(ABORT, 'no'); END";
    let server = "ALTER TABLE schema_migrations ADD CHECK (version < 3)";
    for refused in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        for place in places(&folder) {
            let row = if matches!(place, Location::Sqlite(_)) { file } else { server };
            make_first(&place).await;
            raw(&place, if refused { row } else { table }).await.unwrap();
            let before = schema::dump(&place).await;
            assert!(migrate(&place).await.is_err());
            assert_eq!(schema::dump(&place).await, before);
            let versions = "SELECT CAST(version AS TEXT) AS line FROM schema_migrations";
            assert_eq!(lines(&place, versions).await, ["1"]);
        }
    }
}

/// Tried by leaving out the check for newer rows in `applied`: the test failed.
async fn a_newer_schema_is_refused_by_who_opens_it_and_noticed_by_who_has_it_open(bench: Bench) {
    bench.db.check_schema().await.unwrap();
    bench.raw("INSERT INTO schema_migrations VALUES (999, 'future', 'x', 0)").await.unwrap();
    let before = schema::dump(bench.db.location()).await;
    let place = bench.db.location();
    for error in [
        bench.db.check_schema().await.unwrap_err(),
        bench.db.check().await.unwrap_err(),
        open(place).await.unwrap_err(),
        migrate(place).await.unwrap_err(),
    ] {
        assert!(matches!(error, StorageError::Newer { found: 999, .. }), "{error}");
    }
    assert_eq!(schema::dump(place).await, before);
}
