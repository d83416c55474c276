//! One sentence against its passages: what must be found, and what must pass.

use cofounder_domain::{Check, Passage, SourceId, Verdict};
use cofounder_qa::{Rules, check_claim, supported};

pub(crate) fn passage(number: u32, text: &str) -> Passage {
    Passage {
        number,
        source: SourceId::from_text("s"),
        start: 0,
        end: text.len(),
        text: text.into(),
        headings: vec![],
    }
}

fn checks(claim: &str, passages: &[&str]) -> Vec<Check> {
    let passages: Vec<Passage> = passages.iter().enumerate().map(|(i, t)| passage(i as u32 + 1, t)).collect();
    check_claim(claim, &passages.iter().collect::<Vec<_>>(), &Rules::default())
}

const HISTORY: &str = "D. Richard Hipp began to write SQLite in the year 2000. At that time Hipp worked on software for the United States Navy, under a contract of General Dynamics.";
const VERSIONS: &str = "SQLite version 1.0 was released in August 2000. SQLite version 2.0, released in September 2001, replaced gdbm with an own B-tree implementation, which made transactions possible.";
const LIMITS: &str = "The maximum size of a database is 281 terabytes. A program that inserts 1,000 rows should start a transaction, insert all rows, and commit once.";
const SERVER: &str = "SQLite needs no server. It is self-contained, and it works without any other library besides the C standard library.";
const PEOPLE: &str =
    "Anna Berg wrote the library in 1998, and Carl Dahl maintains it. Carl Dahl joined in 2003.";
const BRIDGE: &str =
    "Its steel arch spans 503 metres and carries eight lanes of road and two railway tracks.";
const QUOTED: &str = "The authors say: the library is small, and it's easy to embed. More than one trillion databases are in active use.";
const FASTER: &str =
    "SQLite is 35% faster than the file system, and Postgres is slower than SQLite for local reads.";

/// (claim, passages, the check that must fail)
const FALSE: &[(&str, &[&str], &str)] = &[
    // Numbers, dates, units.
    ("D. Richard Hipp began to write SQLite in 2001.", &[HISTORY], "numbers"),
    ("SQLite 2.0 was released in September 2000.", &[VERSIONS], "numbers"),
    ("SQLite version 2.0 was released in August 2000.", &[VERSIONS], "numbers"),
    ("SQLite version 2.3 was released in September 2001.", &[VERSIONS], "numbers"),
    ("SQLite version 23 was released in September 2001.", &[VERSIONS], "numbers"),
    ("A database can have a maximum size of 281 gigabytes.", &[LIMITS], "numbers"),
    ("A database can have a maximum size of 218 terabytes.", &[LIMITS], "numbers"),
    ("A program that inserts 10,000 rows should commit once.", &[LIMITS], "numbers"),
    ("The arch carries two lanes of road and eight railway tracks.", &[BRIDGE], "numbers"),
    ("The steel arch spans 503 feet.", &[BRIDGE], "numbers"),
    ("The arch carries nine lanes of road.", &[BRIDGE], "numbers"),
    ("More than one billion databases are in active use.", &[QUOTED], "numbers"),
    ("SQLite is 53% faster than the file system.", &[FASTER], "numbers"),
    ("Carl Dahl joined the library in 1998.", &[PEOPLE], "numbers"),
    // Names.
    ("Linus Torvalds began to write SQLite in the year 2000.", &[HISTORY], "names"),
    ("Hipp worked on software for the United States Army.", &[HISTORY], "names"),
    ("Richard Stallman began to write SQLite in 2000.", &[HISTORY], "names"),
    ("Oracle began to write SQLite in the year 2000.", &[HISTORY], "names"),
    ("Anna Dahl wrote the library in 1998.", &[PEOPLE], "names"),
    ("Carl Dahl wrote the library.", &[PEOPLE], "names"),
    ("For local reads SQLite is slower than Postgres.", &[FASTER], "names"),
    ("SQLite 2.0 replaced gdbm with FTS5.", &[VERSIONS], "names"),
    // Denial and opposites.
    ("SQLite needs a server.", &[SERVER], "support"),
    ("SQLite is not self-contained.", &[SERVER], "support"),
    ("SQLite 2.0 did not make transactions possible.", &[VERSIONS], "support"),
    ("The minimum size of a database is 281 terabytes.", &[LIMITS], "support"),
    ("Fewer than one trillion databases are in active use.", &[QUOTED], "support"),
    // Words that no passage has.
    ("SQLite encrypts every page with a hardware key.", &[SERVER], "support"),
    ("Penguins enjoy cold weather and swim long distances.", &[LIMITS], "support"),
    // Quotations.
    ("The authors say: “the library is tiny, and it's easy to embed”.", &[QUOTED], "quote"),
    ("The authors say “the library is small.", &[QUOTED], "quote"),
    ("The authors say \"databases are never small\".", &[QUOTED], "quote"),
];

/// (claim, passages)
const TRUE: &[(&str, &[&str])] = &[
    ("In 2000, D. Richard Hipp began writing SQLite.", &[HISTORY]),
    ("Hipp started SQLite in 2000 while he worked on software for the US Navy.", &[HISTORY]),
    ("Richard Hipp’s work on SQLite began in the year 2000.", &[HISTORY]),
    ("The first version, SQLite 1.0, was released in August 2000.", &[VERSIONS]),
    ("Version 1.0 was released in August 2000, and version 2.0 followed in September 2001.", &[VERSIONS]),
    ("Transactions became possible with the B-tree implementation of SQLite 2.0.", &[VERSIONS]),
    ("A database has a maximum size of 281 TB.", &[LIMITS]),
    ("Programs that insert 1000 rows should do so in one transaction and commit once.", &[LIMITS]),
    ("Eight lanes of road and 2 railway tracks are carried by the arch, which spans 503 m.", &[BRIDGE]),
    ("The arch carries 8 lanes of road.", &[BRIDGE]),
    ("SQLite works without a server.", &[SERVER]),
    ("A server isn't needed by SQLite, and the library is self-contained.", &[SERVER]),
    ("SQLite is self-contained.", &[SERVER]),
    ("Besides the C standard library, SQLite needs no other library.", &[SERVER]),
    ("The authors say “the library is small” and “it’s easy to embed.”", &[QUOTED]),
    ("Over 1 trillion databases are actively in use.", &[QUOTED]),
    ("Over a trillion databases are in active use.", &[QUOTED]),
    ("Anna Berg's library was written in 1998.", &[PEOPLE]),
    ("Carl Dahl, who joined in 2003, maintains the library.", &[PEOPLE]),
    ("Anna Berg wrote the library in 1998, while Carl Dahl maintains it.", &[PEOPLE]),
    ("SQLite is faster than the file system by 35 percent.", &[FASTER]),
    ("For local reads Postgres is slower than SQLite.", &[FASTER]),
    ("Hipp wrote for the Navy in 2000; version 1.0 followed in August 2000.", &[HISTORY, VERSIONS]),
];

#[test]
fn what_the_passages_do_not_say_is_found() {
    let mut wrong = Vec::new();
    for (claim, passages, check) in FALSE {
        let found = checks(claim, passages);
        let failed: Vec<_> =
            found.iter().filter(|c| c.verdict == Verdict::Fail).map(|c| c.name.as_str()).collect();
        if !failed.contains(check) || supported(&found) {
            wrong.push(format!("{claim}: {check} did not fail, but {failed:?}"));
        }
        assert!(found.iter().all(|c| (c.verdict == Verdict::Pass) == c.reason.is_empty()), "{found:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_passages_say_in_other_words_passes() {
    let mut wrong = Vec::new();
    for (claim, passages) in TRUE {
        let found = checks(claim, passages);
        if !supported(&found) {
            let failed: Vec<_> =
                found.iter().filter(|c| c.verdict != Verdict::Pass).map(|c| &c.reason).collect();
            wrong.push(format!("{claim}: {failed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_claim_without_a_passage_fails_once_and_skips_the_rest() {
    let found = checks("SQLite is small.", &[]);
    let names: Vec<_> = found.iter().map(|c| (c.name.as_str(), c.verdict)).collect();
    let skipped = |n| (n, Verdict::Skipped);
    assert_eq!(
        names,
        [
            ("citation", Verdict::Fail),
            skipped("quote"),
            skipped("numbers"),
            skipped("names"),
            skipped("support")
        ]
    );
    assert!(found.iter().all(|c| !c.reason.is_empty()) && !supported(&found) && !supported(&[]));
}

#[test]
fn allowed_names_and_headings_need_no_evidence() {
    let text = passage(1, "It reads and writes an ordinary file.");
    let rules = Rules { allowed_names: vec!["A history of SQLite".into()], ..Rules::default() };
    let claim = "SQLite reads and writes an ordinary file.";
    assert!(supported(&check_claim(claim, &[&text], &rules)));
    assert!(!supported(&check_claim(claim, &[&text], &Rules::default())));
    let headed = Passage { headings: vec!["SQLite in short".into()], ..text };
    assert!(supported(&check_claim(claim, &[&headed], &Rules::default())));
}

#[test]
fn an_attribution_is_not_part_of_what_is_said() {
    let title = "Why SQLite is not a toy: 10 reasons";
    let rules = Rules { allowed_names: vec![title.into()], ..Rules::default() };
    let source = passage(1, "SQLite is a toy in the eyes of some. It reads and writes an ordinary file.");
    for lead in ["puts it this way", "says", "notes"] {
        let claim = format!("{title} {lead}: “It reads and writes an ordinary file.”");
        let found = check_claim(&claim, &[&source], &rules);
        assert!(supported(&found), "{found:?}");
    }
    let words = format!("In the words of {title}: “It reads and writes no ordinary file.”");
    assert!(!supported(&check_claim(&words, &[&source], &rules)));
}
