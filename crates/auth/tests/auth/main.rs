//! Tokens, sessions, people and links through the public door, on a database of their own for each test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is how a failure is told"
)]

mod elsewhere;
mod granting;
mod issuing;
mod links;
mod remembering;
mod sessions;
mod signing_in;
mod verifying;

use cofounder_auth::{
    Issued, Links, Opened, Order, PasswordSettings, Passwords, People, Role, Scope, SessionSettings,
    Sessions, Tokens, Visitor,
};
use cofounder_domain::Email;
use cofounder_storage::{Act, Database, Failure, Faults, Location, Moment, NewPerson, Person, PoolSettings};
use cofounder_testkit::{clock::ManualClock, postgres};
use sea_orm::ConnectionTrait;
use secrecy::{ExposeSecret, SecretString};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

/// Runs each body on SQLite and on PostgreSQL. A body that is not listed is unused, which the compiler refuses.
macro_rules! on_both_databases {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::Bench::sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { if let Some(bench) = crate::Bench::postgres().await { super::$name(bench).await; } })*
        }
    };
}
pub(crate) use on_both_databases;

/// Counts what the database is asked, and can take it away.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) away: AtomicBool,
    asked: AtomicUsize,
}

impl Line {
    /// How much was asked since the last time.
    pub(crate) fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

impl Faults for Line {
    fn strike(&self, _: &str, moment: Moment) -> Option<Failure> {
        self.asked.fetch_add(usize::from(moment == Moment::Before), Ordering::SeqCst);
        self.away.load(Ordering::SeqCst).then_some(Failure::Lost)
    }
}

pub(crate) struct Bench {
    pub(crate) tokens: Tokens,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) people: People,
    pub(crate) links: Links,
    pub(crate) db: Arc<Database>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) line: Arc<Line>,
    _folder: TempDir,
}

impl Bench {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Location::Sqlite(folder.path().join("cofounder.db"));
        Self::at(&place, folder).await
    }

    async fn postgres() -> Option<Self> {
        let place = postgres::database()?.parse().unwrap();
        Some(Self::at(&place, tempfile::tempdir().unwrap()).await)
    }

    async fn at(place: &Location, folder: TempDir) -> Self {
        let (clock, line) = (Arc::new(ManualClock::default()), Arc::new(Line::default()));
        let db = Database::migrate(place, PoolSettings::default(), clock.clone()).await.unwrap().0;
        let watched = Arc::new(db.clone().with_faults(line.clone()));
        let tokens = Tokens::new(watched.clone(), clock.clone());
        let passwords = Arc::new(Passwords::new(CHEAP).unwrap());
        let sessions = Arc::new(Sessions::new(watched.clone(), clock.clone(), SessionSettings::default()));
        let people = People::new(watched.clone(), clock.clone(), passwords.clone(), sessions.clone());
        let links = Links::new(watched, clock.clone(), passwords.clone(), sessions.clone());
        Self { tokens, passwords, sessions, people, links, db: Arc::new(db), clock, line, _folder: folder }
    }

    /// The same installation, as another process sees it.
    pub(crate) fn elsewhere(&self) -> Sessions {
        Sessions::new(self.db.clone(), self.clock.clone(), SessionSettings::default())
    }

    /// A person whose password is [`PASSWORD`].
    pub(crate) async fn person(&self, name: &str, role: Role) -> Person {
        let email = email(name);
        let password_hash = Some(self.passwords.hash(&secret(PASSWORD), &email).await.unwrap());
        let new = NewPerson { email, name: name.to_owned(), role, password_hash };
        self.db.by(&Act::OPERATOR).create_person(&new).await.unwrap()
    }

    /// A statement behind the program's back.
    pub(crate) async fn raw(&self, text: &str) {
        let url = match self.db.location() {
            Location::Sqlite(path) => format!("sqlite://{}", path.display()),
            Location::Postgres(url) => url.clone(),
        };
        let raw = sea_orm::Database::connect(url).await.unwrap();
        raw.execute_unprepared(text).await.unwrap();
        raw.close().await.unwrap();
    }

    /// The clock's time, in seconds.
    pub(crate) fn clock_seconds(&self) -> i64 {
        cofounder_domain::Clock::now(&*self.clock).timestamp()
    }

    /// A session of theirs.
    pub(crate) async fn session(&self, person: &Person) -> Opened {
        let opened = self.sessions.begin(person, &visitor()).await.unwrap();
        self.line.asked();
        opened
    }

    pub(crate) async fn issue(&self, order: &Order) -> Issued {
        let issued = self.tokens.issue(&Act::OPERATOR, order).await.unwrap();
        self.line.asked();
        issued
    }
}

pub(crate) fn order() -> Order {
    Order { name: "ci".to_owned(), scopes: vec![Scope::Gateway], ..Order::default() }
}

pub(crate) fn text(issued: &Issued) -> &str {
    issued.secret.expose_secret()
}

pub(crate) const PASSWORD: &str = "some words that nobody guesses";

/// Hashes that cost next to nothing: what they cost is looked at elsewhere.
pub(crate) const CHEAP: PasswordSettings =
    PasswordSettings { memory_kib: 8, passes: 1, lanes: 1, at_once: 2, patience: Duration::from_secs(60) };

pub(crate) fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

pub(crate) fn email(name: &str) -> Email {
    format!("{name}@example.org").parse().unwrap()
}

pub(crate) fn visitor() -> Visitor {
    visitor_at("198.51.100.7")
}

pub(crate) fn visitor_at(address: &str) -> Visitor {
    Visitor::new(address.parse().unwrap(), "Firefox")
}

pub(crate) fn shown(opened: &Opened) -> &str {
    opened.secret.expose_secret()
}

/// Longer than anything that was learnt holds.
pub(crate) async fn a_second() {
    tokio::time::sleep(Duration::from_millis(1050)).await;
}
