//! A line of the audit log, as people and programs read it.

use cofounder_storage::{ActorKind, AuditLine};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Moment, Sample,
    sample::{PERSON, TASK, at},
};

/// Who changed what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct AuditItem {
    /// Grows with each line.
    pub id: i64,
    /// When.
    pub at: Moment,
    /// What kind of somebody it was: `operator` (the machine's command line), `program` (this program itself), `token`,
    /// `person`, or `visitor` (somebody unknown).
    pub actor: String,
    /// The id of the token or the person.
    pub actor_id: Option<String>,
    /// Their name then.
    pub actor_name: String,
    /// What was done: `task.approve`, `token.create`, ….
    pub action: String,
    /// To what kind of thing.
    pub kind: String,
    /// To which: its id or its name.
    pub object: String,
    /// What about it, in words. It holds no secret.
    pub detail: String,
    /// The network address from which it was asked; empty if nobody knows.
    pub address: String,
    /// The request by which it was asked, as it stands in the program's log; empty if there was none.
    pub request: String,
}

impl From<AuditLine> for AuditItem {
    fn from(line: AuditLine) -> Self {
        let actor = match line.actor {
            ActorKind::Operator => "operator",
            ActorKind::Program => "program",
            ActorKind::Token => "token",
            ActorKind::Person => "person",
            ActorKind::Visitor => "visitor",
        };
        Self {
            id: line.id,
            at: line.at.into(),
            actor: actor.to_owned(),
            actor_id: line.actor_id,
            actor_name: line.actor_name,
            action: line.action,
            kind: line.kind,
            object: line.object,
            detail: line.detail,
            address: line.address,
            request: line.request,
        }
    }
}

impl Sample for AuditItem {
    fn sample() -> Self {
        Self {
            id: 17,
            at: at(300),
            actor: "person".to_owned(),
            actor_id: Some(PERSON.to_owned()),
            actor_name: "Ada".to_owned(),
            action: "task.approve".to_owned(),
            kind: "task".to_owned(),
            object: TASK.to_owned(),
            detail: "approved".to_owned(),
            address: "192.0.2.7".to_owned(),
            request: "019ac9d8-e2b0-7d41-8f60-1a2b3c4d5e06".to_owned(),
        }
    }
}
