//! Backups: all of a database as it was at one instant, put into a database of either kind.

use cofounder_domain::{CallId, Gate, Source, SourceId, Status, StepPath, content_hash};
use cofounder_storage::{
    Act, Backup, BackupFile, Database, FinishedCall, Location, NOT_CARRIED, NewSource, Patience,
    PoolSettings, Restored, StorageError, Terms,
};
use cofounder_testkit::postgres::database;
use serde_json::json;
use std::{collections::BTreeMap, path::Path, time::Duration};
use tokio_util::sync::CancellationToken;

use crate::{
    Bench,
    accounts::{account, money, spend, take},
    brief, calls, draft, effects, got, health, ledger, lines, on_both_databases, posts, schedules, schema,
    steps, tokens,
};

on_both_databases! {
    every_row_is_there_again_in_a_database_of_either_kind,
    every_table_is_carried_or_is_said_not_to_be,
    a_backup_that_is_taken_while_others_write_is_of_one_instant,
    numbers_go_on_behind_the_largest_that_was_restored,
    what_processes_held_is_found_as_after_a_crash_and_they_write_nothing_more,
    the_schema_is_the_same_after_a_restoration,
}

/// How far fences go ahead.
const AHEAD: i64 = 1_000_000;
const LEASE: Duration = Duration::from_secs(60);

/// The size of a large source's bytes, and of one that is not.
const LARGE: usize = 1_500_000;
pub(crate) const SMALL: usize = 2_000;

/// A database with something of everything, and three sources of this size.
pub(crate) async fn rich(bench: &Bench, size: usize) {
    let db = &bench.db;
    every_status(bench).await;
    running(bench, size).await;
    effects::published(bench, 1, 1).await;
    let due = db.claim_effects(&bench.owner(), LEASE, &["search".to_owned()], 9).await.unwrap();
    assert_eq!(due.len(), 1);
    for number in 0..3 {
        let task = posts::waiting(bench, Gate::Open).await;
        db.by(&Act::OPERATOR).move_task(task, Status::Pending, "again").await.unwrap();
        let again = got(db.claim(task, &bench.owner(), LEASE, 1).await.unwrap());
        db.save_draft(&again, &draft(&format!("Second thoughts {number}"), Gate::Blocked)).await.unwrap();
    }
    db.by(&Act::OPERATOR).add_schedule(&schedules::rule("weekly", Some(db.now() + LEASE))).await.unwrap();
    let token = db.by(&Act::OPERATOR).create_token(&tokens::new(bench, "ci")).await.unwrap();
    db.by(&Act::OPERATOR).create_token(&tokens::new(bench, "other")).await.unwrap();
    db.by(&Act::OPERATOR).revoke_token(token.id).await.unwrap();
    let (site, task) = (account("site:1"), account("task:1"));
    take(db, &site, "me", 100).await;
    take(db, &site, "crashed", 1_000).await;
    take(db, &task, "me", 7).await;
    let line = ledger::call(db.now(), 90);
    db.record_calls("me", std::slice::from_ref(&line), &[spend(&site, 90), spend(&task, 3)]).await.unwrap();
    db.save_health("me", &[health::seen(bench, "a/b", "open", 3)]).await.unwrap();
}

/// A task that runs: with steps, a journalled call and one that is under way, and sources whose bytes are many and any.
async fn running(bench: &Bench, size: usize) {
    let db = &bench.db;
    let sources: Vec<NewSource> = (1..=3).map(|number| source(number, size)).collect();
    let task = db.by(&Act::OPERATOR).create_task(&brief(), &sources, &Terms::default()).await.unwrap().id;
    let run = got(db.claim(task, &bench.owner(), LEASE, 1).await.unwrap());
    steps::step(db, &run, &StepPath::new("research")).await.unwrap();
    db.begin_step(&run, &StepPath::new("outline")).await.unwrap();
    let (request, answer) = (json!({"q": "Ünïcode ∅ \u{1F980} ' \" \\ |"}), json!("yes"));
    let entry = db.begin_call(&calls::start("k", Some(&run), &request)).await.unwrap();
    let done = FinishedCall { answer: &answer, end: calls::end(CallId::new(db.now()), &[]) };
    db.finish_call(entry, Some(&run), &done).await.unwrap();
    db.begin_call(&calls::start("l", Some(&run), &request)).await.unwrap();
}

/// A source whose bytes are no text.
fn source(number: u8, size: usize) -> NewSource {
    let mut state = u32::from(number);
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(size)
    .collect();
    let sha256 = content_hash(&bytes);
    let text = "Ein längerer Text. ".repeat(size / 40 * usize::from(number));
    let source = Source {
        id: SourceId::from_sha256(&sha256),
        uri: format!("file:///{number}.bin"),
        title: format!("Source {number}"),
        bytes: size as u64,
        sha256,
        text,
    };
    NewSource { source, bytes }
}

/// One task of each status, where the table of moves leads.
async fn every_status(bench: &Bench) {
    let walks: [&[&str]; 9] = [
        &[],
        &["in_progress"],
        &["in_progress", "awaiting_approval"],
        &["in_progress", "awaiting_approval", "approved"],
        &["in_progress", "awaiting_approval", "approved", "published"],
        &["in_progress", "awaiting_approval", "rejected"],
        &["failed"],
        &["on_hold"],
        &["cancelled"],
    ];
    for walk in walks {
        let task = bench.task().await.id;
        for status in walk {
            bench.raw(&format!("UPDATE tasks SET status = '{status}' WHERE id = '{task}'")).await.unwrap();
        }
    }
    let found = bench.lines("SELECT DISTINCT status AS line FROM tasks").await;
    assert_eq!(found.len(), Status::ALL.len(), "{found:?}");
}

/// New, empty databases of both kinds.
pub(crate) fn targets(folder: &Path) -> Vec<Location> {
    let file = Location::Sqlite(folder.join("new/cofounder.db"));
    std::iter::once(file).chain(database().map(|url| url.parse().unwrap())).collect()
}

pub(crate) async fn backup(bench: &Bench, name: &str) -> BackupFile {
    bench.db.backup(&bench.folder.path().join(name), false, &()).await.unwrap()
}

pub(crate) async fn empty(bench: &Bench, place: &Location) -> Database {
    Database::open_empty(place, PoolSettings::default(), bench.clock.clone()).await.unwrap()
}

/// Restores a backup into a new database at this place.
async fn restored(bench: &Bench, file: &Path, place: &Location) -> (Database, Restored) {
    let opened = Backup::open(file, bench.clock.clone(), &()).await.unwrap();
    let db = empty(bench, place).await;
    let done = db.restore(&opened, &()).await.unwrap();
    (db, done)
}

/// Every row of every table that is carried, as text; as it is to be after a restoration, if that is asked for.
pub(crate) async fn contents(place: &Location, restored: bool) -> BTreeMap<String, Vec<String>> {
    let bytes = if matches!(place, Location::Sqlite(_)) { "hex(data)" } else { "upper(encode(data, 'hex'))" };
    let mut all = BTreeMap::new();
    for table in schema::tables(place).await {
        if NOT_CARRIED.iter().any(|(name, _)| *name == table) {
            continue;
        }
        let columns = schema::columns(place, &table).await;
        let leases = columns.iter().any(|c| c == "lease_until");
        let shown = columns.iter().map(|column| match column.as_str() {
            "data" => bytes.to_owned(),
            "fence" if restored && leases => format!("'=' || CAST(fence + {AHEAD} AS TEXT)"),
            "lease_until" if restored => {
                "CASE WHEN owner IS NOT NULL AND lease_until IS NOT NULL THEN '=0' ELSE '=' || CAST(lease_until AS TEXT) END".to_owned()
            }
            other => format!("'=' || CAST({other} AS TEXT)"),
        });
        let shown: Vec<String> = shown.map(|text| format!("coalesce({text}, '-')")).collect();
        let mut rows =
            lines(place, &format!("SELECT {} AS line FROM {table}", shown.join(" || '|' || "))).await;
        rows.sort();
        all.insert(table, rows);
    }
    all
}

/// Tried by leaving out the last batch of each table, and by keeping the fences as they were: the test failed each time.
async fn every_row_is_there_again_in_a_database_of_either_kind(bench: Bench) {
    rich(&bench, LARGE).await;
    let taken = backup(&bench, "one").await;
    assert_eq!(taken.strange, Vec::<String>::new());
    let expected = contents(bench.db.location(), true).await;
    let filled = expected.values().filter(|rows| !rows.is_empty()).count();
    assert!(filled >= 15, "{filled} tables have rows");
    let counts: BTreeMap<String, u64> =
        taken.info.tables.iter().map(|table| (table.name.clone(), table.rows)).collect();
    assert_eq!(counts, expected.iter().map(|(table, rows)| (table.clone(), rows.len() as u64)).collect());
    for place in targets(bench.folder.path()) {
        let (db, done) = restored(&bench, &taken.path, &place).await;
        assert_eq!(done.info, taken.info);
        let found = contents(&place, false).await;
        for (table, rows) in &expected {
            assert!(found[table] == *rows, "{place}: {table} is another one");
        }
        db.check().await.unwrap();
        db.close().await.unwrap();
    }
}

/// Tried by passing over tables without rows, and by copying no table whose name begins with `t`: the test failed.
async fn every_table_is_carried_or_is_said_not_to_be(bench: Bench) {
    let taken = backup(&bench, "one").await;
    let mut named: Vec<String> = taken.info.tables.iter().map(|table| table.name.clone()).collect();
    named.extend(NOT_CARRIED.iter().map(|(name, _)| (*name).to_owned()));
    let mut there = schema::tables(bench.db.location()).await;
    there.push("schema_migrations".to_owned());
    named.sort();
    there.sort();
    assert_eq!(named, there, "a table is in every backup, or its reason is in NOT_CARRIED");
    // What is no table of ours is named, and not kept.
    bench.raw("CREATE TABLE notes (text TEXT, at DATE)").await.unwrap();
    assert_eq!(backup(&bench, "two").await.strange, ["notes"]);
}

/// Writes as workers and the gateway do until it is told to stop; tells how often.
async fn write_on(bench: &Bench, stop: CancellationToken) -> u64 {
    let (db, site) = (bench.another().await, account("site:1"));
    let run = {
        let task = db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.unwrap().id;
        got(db.claim(task, &bench.owner(), LEASE, 1).await.unwrap())
    };
    let mut written = 0;
    while !stop.is_cancelled() {
        steps::step(&db, &run, &StepPath::new(format!("draft/section-{}", written % 7))).await.unwrap();
        db.take_slice(&site, "writer", money(5), money(5), money(u64::MAX)).await.unwrap();
        let line = ledger::call(db.now(), 10);
        db.record_calls("writer", std::slice::from_ref(&line), &[spend(&site, 3)]).await.unwrap();
        db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.unwrap();
        written += 1;
    }
    written
}

/// What is always so of a database, as lines that say what is wrong.
const WRONG: &str = "
    SELECT 'account ' || scope AS line FROM accounts a WHERE used <>
      (SELECT coalesce(sum(amount), 0) FROM slices s WHERE s.scope = a.scope AND s.period = a.period)
    UNION ALL SELECT 'slice ' || scope FROM slices s WHERE NOT EXISTS
      (SELECT 1 FROM accounts a WHERE s.scope = a.scope AND s.period = a.period)
    UNION ALL SELECT 'journal of ' || id FROM tasks t WHERE events <> (SELECT count(*) FROM journal j WHERE j.task_id = t.id)
      OR events <> (SELECT coalesce(max(seq), 0) FROM journal j WHERE j.task_id = t.id)
    UNION ALL SELECT 'history of ' || id FROM tasks t WHERE NOT EXISTS (SELECT 1 FROM task_history h WHERE h.task_id = t.id)";

/// Tried by reading each table in a transaction of its own, and on PostgreSQL with the default isolation: the test failed.
async fn a_backup_that_is_taken_while_others_write_is_of_one_instant(bench: Bench) {
    let stop = CancellationToken::new();
    let take_some = async {
        let mut taken = Vec::new();
        for number in 0..5 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            taken.push(backup(&bench, &format!("b{number}")).await);
        }
        stop.cancel();
        taken
    };
    let (written, taken) = tokio::join!(write_on(&bench, stop.clone()), take_some);
    let rows = |taken: &BackupFile| taken.info.tables.iter().map(|table| table.rows).sum::<u64>();
    assert!(written > 5 && rows(&taken[0]) < rows(&taken[4]), "it was written all the time: {written}");
    for taken in &taken {
        let file = Location::Sqlite(taken.path.clone());
        assert_eq!(lines(&file, WRONG).await, Vec::<String>::new());
    }
    for place in targets(bench.folder.path()) {
        restored(&bench, &taken[4].path, &place).await.0.close().await.unwrap();
        assert_eq!(lines(&place, WRONG).await, Vec::<String>::new());
    }
}

/// Tried by not advancing the numbers: the test failed on PostgreSQL.
async fn numbers_go_on_behind_the_largest_that_was_restored(bench: Bench) {
    rich(&bench, SMALL).await;
    let taken = backup(&bench, "one").await;
    for place in targets(bench.folder.path()) {
        let (db, _) = restored(&bench, &taken.path, &place).await;
        let task = db.by(&Act::OPERATOR).create_task(&brief(), &[], &Terms::default()).await.unwrap().id;
        let run = got(db.claim(task, &bench.owner(), LEASE, 1).await.unwrap());
        steps::step(&db, &run, &StepPath::new("research")).await.unwrap();
        db.record_calls("me", &[ledger::call(db.now(), 10)], &[]).await.unwrap();
        assert_eq!(lines(&place, WRONG).await, Vec::<String>::new());
        db.close().await.unwrap();
    }
}

/// Tried by keeping leases as they were, and by keeping fences: the test failed each time.
async fn what_processes_held_is_found_as_after_a_crash_and_they_write_nothing_more(bench: Bench) {
    let owner = bench.owner();
    let task = bench.task().await.id;
    let run = got(bench.db.claim(task, &owner, LEASE, 1).await.unwrap());
    let site = account("site:1");
    take(&bench.db, &site, "me", 100).await;
    bench.db.record_calls("me", &[], &[spend(&site, 40)]).await.unwrap();
    let taken = backup(&bench, "one").await;
    let open = bench.db.open_slices().await.unwrap();
    for place in targets(bench.folder.path()) {
        let (db, done) = restored(&bench, &taken.path, &place).await;
        assert_eq!(done.leases_ended, 1);
        // It lives on, and finds another database where its own was.
        for refused in [db.heartbeat(&run, LEASE).await, db.still_mine(&run).await] {
            assert!(matches!(refused, Err(StorageError::Stale)), "{refused:?}");
        }
        let patience = Patience { runs: 9, pause: Duration::ZERO };
        let other = cofounder_storage::Owner::new(&bench.folder.path().join("others")).unwrap();
        assert_eq!(db.recover(&other, patience).await.unwrap().waiting, [task]);
        let again = got(db.claim(task, &other, LEASE, 1).await.unwrap());
        assert!(again.fence > run.fence + AHEAD, "{again:?}");
        assert_eq!(db.open_slices().await.unwrap(), open, "it counts as used until it is reconciled");
        assert_eq!(db.account(&site).await.unwrap().used, money(100));
        db.close().await.unwrap();
    }
}

/// Tried by not putting back the triggers, and not the references: the test failed each time.
async fn the_schema_is_the_same_after_a_restoration(bench: Bench) {
    rich(&bench, SMALL).await;
    let taken = backup(&bench, "one").await;
    for place in targets(bench.folder.path()) {
        empty(&bench, &place).await.close().await.unwrap();
        let mut before = schema::dump(&place).await;
        restored(&bench, &taken.path, &place).await.0.close().await.unwrap();
        let mut after = schema::dump(&place).await;
        before.sort();
        after.sort();
        assert_eq!(before, after);
        let begun = "INSERT INTO tasks (id, site_id, brief, status, created_at, updated_at)
                     VALUES ('x', '00000000-0000-0000-0000-000000000000', '{}', 'published', 1, 1)";
        let refused = crate::raw(&place, begun).await.unwrap_err().to_string();
        assert!(refused.contains("illegal transition"), "{refused}");
    }
}
