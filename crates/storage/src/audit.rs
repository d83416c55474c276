//! Who changed what: a line that is written in the same transaction as the change, and never again.
//!
//! What people and programs change goes through [`Database::by`], which asks who they are; so no change can be added
//! that leaves no line.

use cofounder_domain::{PersonId, SiteId, Timestamp, TokenId};
use sea_orm::Value;
use serde::{Deserialize, Serialize};

use crate::{
    Database, Page, StorageError,
    sql::{self, Row, Sql, signed, values, word},
};

/// The most characters that a line keeps of a name or a detail.
const MAX_CHARS: usize = 1_000;

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Whoever has the machine's command line.
    Operator,
    /// This program by itself, for example when a task's time has come.
    Program,
    /// A program, by its token.
    Token(TokenId, String),
    /// A person who is signed in, and their name.
    Person(PersonId, String),
    /// Somebody whom nobody knows yet, for example with an invitation.
    Visitor,
}

/// Somebody's doing: who, from where, and what they had seen of what they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Who.
    pub actor: Actor,
    /// The versions of the thing that they decided about, of which it must be one; absent if they decide whatever it is by
    /// now.
    pub seen: Option<Vec<u64>>,
    /// Where they asked from: a network address, or empty.
    pub address: String,
    /// The request by which they asked, as it stands in the log; or empty.
    pub request: String,
}

/// The kinds of [`Actor`], as they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// The machine's command line.
    Operator,
    /// This program by itself.
    Program,
    /// A program with a token.
    Token,
    /// A person who is signed in.
    Person,
    /// Somebody unknown.
    Visitor,
}

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditLine {
    /// Grows with each line.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// What kind of somebody it was.
    pub actor: ActorKind,
    /// The id of the token or the person.
    pub actor_id: Option<String>,
    /// Their name then.
    pub actor_name: String,
    /// What was done: `task.approve`, `token.create`, ….
    pub action: String,
    /// To what kind of thing.
    pub kind: String,
    /// To which.
    pub object: String,
    /// What about it, in words a person reads. It holds no secret.
    pub detail: String,
    /// Where they asked from; empty if nobody knows.
    pub address: String,
    /// The request by which they asked; empty if there was none.
    pub request: String,
}

/// Which lines are listed; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// The id of who did it.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// To which thing.
    pub object: Option<String>,
}

/// A database in somebody's hands: the only door to changes that somebody is answerable for.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a> {
    pub(crate) db: &'a Database,
    pub(crate) act: &'a Act,
}

impl Act {
    /// By whoever has the machine's command line.
    pub const OPERATOR: Self = Self::of(Actor::Operator);
    /// By this program itself.
    pub const PROGRAM: Self = Self::of(Actor::Program);
    /// By somebody whom nobody knows yet.
    pub const VISITOR: Self = Self::of(Actor::Visitor);

    /// By somebody, from nowhere in particular.
    #[must_use]
    pub const fn of(actor: Actor) -> Self {
        Self { actor, seen: None, address: String::new(), request: String::new() }
    }

    /// The same about the thing as it was at this version.
    #[must_use]
    pub fn seeing(self, version: u64) -> Self {
        Self { seen: Some(vec![version]), ..self }
    }

    /// The same by somebody who turned out to be this person.
    pub(crate) fn as_person(&self, person: PersonId, name: &str) -> Self {
        match &self.actor {
            Actor::Visitor => Self { actor: Actor::Person(person, name.to_owned()), ..self.clone() },
            _ => self.clone(),
        }
    }

    /// The person who acts, if a person does.
    pub(crate) const fn person(&self) -> Option<PersonId> {
        match &self.actor {
            Actor::Person(person, _) => Some(*person),
            _ => None,
        }
    }

    /// Refuses a change of something that is not any more what they had seen.
    pub(crate) fn still(
        &self,
        what: &'static str,
        id: impl ToString,
        version: u64,
    ) -> Result<(), StorageError> {
        match &self.seen {
            Some(seen) if !seen.contains(&version) => Err(StorageError::Changed { what, id: id.to_string() }),
            _ => Ok(()),
        }
    }

    /// Writes the line of a change; `object` is what was changed: its kind and its id.
    pub(crate) async fn note(
        &self,
        sql: &Sql<'_>,
        action: &str,
        (kind, object): (&str, impl ToString),
        detail: impl AsRef<str>,
    ) -> Result<(), StorageError> {
        let (actor, id, name) = self.actor.told();
        let text = "INSERT INTO audit_log (site_id, at, actor, actor_id, actor_name, action, kind, object, detail, address, request)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let row = values![
            SiteId::DEFAULT.to_string(),
            sql.db.millis(),
            word(&actor)?,
            id,
            short(name),
            action,
            kind,
            short(&object.to_string()),
            short(detail.as_ref()),
            short(&self.address),
            short(&self.request)
        ];
        sql.run(text, row).await.map(drop)
    }
}

impl Actor {
    /// How others call them.
    pub(crate) fn name(&self) -> &str {
        self.told().2
    }

    fn told(&self) -> (ActorKind, Option<String>, &str) {
        match self {
            Self::Operator => (ActorKind::Operator, None, "command line"),
            Self::Program => (ActorKind::Program, None, "cofounder"),
            Self::Token(id, name) => (ActorKind::Token, Some(id.to_string()), name),
            Self::Person(id, name) => (ActorKind::Person, Some(id.to_string()), name),
            Self::Visitor => (ActorKind::Visitor, None, "unknown"),
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

impl Database {
    /// The database in somebody's hands, for what they change.
    #[must_use]
    pub const fn by<'a>(&'a self, act: &'a Act) -> Acting<'a> {
        Acting { db: self, act }
    }

    /// Lines of the audit log, the newest first.
    ///
    /// # Errors
    /// [`StorageError::Cursor`]; [`StorageError`] if the database does not answer.
    pub async fn audit(
        &self,
        limit: u64,
        cursor: Option<&str>,
        filter: &AuditFilter,
    ) -> Result<Page<AuditLine>, StorageError> {
        let AuditFilter { actor, action, object } = filter.clone();
        let before = sql::cursor::<i64>(cursor)?.map(|id| id.parse::<i64>()).transpose();
        let known = [
            ("actor_id =", actor.map(Value::from)),
            ("action =", action.map(Value::from)),
            ("object =", object.map(Value::from)),
            ("id <", before.map_err(StorageError::bug)?.map(Value::from)),
        ];
        let (condition, mut row) = sql::conditions(known);
        row.push(Value::from(signed(limit).saturating_add(1)));
        let text = format!("SELECT * FROM audit_log WHERE {condition} ORDER BY id DESC LIMIT ${}", row.len());
        let rows = self.read().all(&text, row).await?;
        let lines = rows.iter().map(line_of).collect::<Result<_, _>>()?;
        Ok(Page::cut(lines, limit, |line: &AuditLine| line.id.to_string()))
    }
}

fn line_of(row: &Row) -> Result<AuditLine, StorageError> {
    Ok(AuditLine {
        id: row.get("id")?,
        at: row.time("at")?,
        actor: row.word("actor")?,
        actor_id: row.get("actor_id")?,
        actor_name: row.get("actor_name")?,
        action: row.get("action")?,
        kind: row.get("kind")?,
        object: row.get("object")?,
        detail: row.get("detail")?,
        address: row.get("address")?,
        request: row.get("request")?,
    })
}
