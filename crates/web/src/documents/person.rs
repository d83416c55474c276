//! People, their sessions, and the links by which they come, as people and programs read them.

use cofounder_auth::{Identity, Who};
use cofounder_domain::{PersonId, Role, SessionId, TokenId};
use cofounder_storage::{Link, LinkPurpose, Person, Session};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Moment, Sample,
    sample::{PERSON, SESSION, at, read},
};

/// A person who may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct PersonDocument {
    /// Their id.
    pub id: PersonId,
    /// Where mail reaches them; no two have the same.
    #[schema(format = "email")]
    pub email: String,
    /// What others call them.
    pub name: String,
    /// What they are here, and with that what they may.
    pub role: Role,
    /// Whether they have a password.
    pub has_password: bool,
    /// Since when they are here.
    pub created_at: Moment,
    /// When something of this last changed.
    pub updated_at: Moment,
    /// Since when they cannot sign in; absent if they can.
    pub disabled_at: Option<Moment>,
    /// Grows with each change; the same as the `ETag`.
    pub version: u64,
}

/// A person's being signed in, in one browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct SessionItem {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub created_at: Moment,
    /// When it was last used, to within a minute.
    pub last_seen_at: Moment,
    /// It ends then, if nobody uses it before.
    pub idle_until: Moment,
    /// It ends then in any case.
    pub expires_at: Moment,
    /// The network address at which it began.
    pub address: String,
    /// What the browser called itself then.
    pub agent: String,
    /// Whether it is the one in which this was asked.
    pub here: bool,
}

/// A link that a person opens once. Its address is told when it is made, and never again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct LinkDocument {
    /// Where to open it. Whoever has it can use it.
    pub address: String,
    /// What it is for: `invitation` or `password`.
    pub purpose: String,
    /// Whom it is for.
    pub email: Option<String>,
    /// What they will be, if it is an invitation.
    pub role: Option<Role>,
    /// It can be used until then.
    pub expires_at: Moment,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct IdentityDocument {
    /// What people call them.
    pub name: String,
    /// What they may.
    pub scopes: Vec<String>,
    /// The token's id, if a program asks.
    pub token_id: Option<TokenId>,
    /// The person's id, if a person asks.
    pub person_id: Option<PersonId>,
    /// The session's id, if a person asks.
    pub session_id: Option<SessionId>,
    /// From when on they are not known any more, unless the session is used until then.
    pub expires_at: Moment,
    /// What a session's changes carry as `X-CSRF-Token` where no browser says where they come from; absent for a program.
    pub form_key: Option<String>,
}

impl From<Person> for PersonDocument {
    fn from(person: Person) -> Self {
        Self {
            id: person.id,
            email: person.email.as_str().to_owned(),
            name: person.name,
            role: person.role,
            has_password: person.has_password,
            created_at: person.created_at.into(),
            updated_at: person.updated_at.into(),
            disabled_at: person.disabled_at.map(Moment),
            version: person.version,
        }
    }
}

impl SessionItem {
    /// Of a session, as somebody sees it who asks in the session `here`.
    #[must_use]
    pub fn of(session: Session, here: Option<SessionId>) -> Self {
        Self {
            here: here == Some(session.id),
            id: session.id,
            created_at: session.created_at.into(),
            last_seen_at: session.last_seen_at.into(),
            idle_until: session.idle_until.into(),
            expires_at: session.expires_at.into(),
            address: session.address,
            agent: session.agent,
        }
    }
}

impl LinkDocument {
    /// Of a link that was made, with its address.
    #[must_use]
    pub fn of(link: Link, address: String) -> Self {
        let purpose = match link.purpose {
            LinkPurpose::Owner => "owner",
            LinkPurpose::Invitation => "invitation",
            LinkPurpose::Password => "password",
        };
        Self {
            address,
            purpose: purpose.to_owned(),
            email: link.email.map(|email| email.as_str().to_owned()),
            role: link.role,
            expires_at: link.expires_at.into(),
        }
    }
}

impl IdentityDocument {
    /// Of whoever asks; `form_key` if they show a session.
    #[must_use]
    pub fn of(identity: &Identity, form_key: Option<String>) -> Self {
        let (token_id, person_id, session_id) = match identity.who {
            Who::Token(token) => (Some(token), None, None),
            Who::Person { person, session } => (None, Some(person), Some(session)),
        };
        Self {
            name: identity.name.clone(),
            scopes: identity.scopes.iter().map(ToString::to_string).collect(),
            token_id,
            person_id,
            session_id,
            expires_at: identity.expires_at.into(),
            form_key,
        }
    }
}

impl Sample for PersonDocument {
    fn sample() -> Self {
        Self {
            id: read(PERSON),
            email: "ada@example.org".to_owned(),
            name: "Ada".to_owned(),
            role: Role::Editor,
            has_password: true,
            created_at: at(0),
            updated_at: at(60),
            disabled_at: None,
            version: 2,
        }
    }
}

impl Sample for SessionItem {
    fn sample() -> Self {
        Self {
            id: read(SESSION),
            created_at: at(60),
            last_seen_at: at(300),
            idle_until: Moment(read("2026-12-12T09:35:00Z")),
            expires_at: Moment(read("2027-02-26T09:31:00Z")),
            address: "192.0.2.7".to_owned(),
            agent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".to_owned(),
            here: true,
        }
    }
}

impl Sample for LinkDocument {
    /// An invitation.
    fn sample() -> Self {
        Self {
            address: "http://127.0.0.1:8000/link/col_…".to_owned(),
            purpose: "invitation".to_owned(),
            email: Some("bo@example.org".to_owned()),
            role: Some(Role::Editor),
            expires_at: Moment(read("2026-12-05T09:30:00Z")),
        }
    }
}

impl LinkDocument {
    /// A link to a new password.
    pub(crate) fn sample_password() -> Self {
        let (purpose, expires_at) = ("password".to_owned(), Moment(read("2026-11-28T10:30:00Z")));
        Self { purpose, role: None, expires_at, ..Self::sample() }
    }
}

impl Sample for IdentityDocument {
    /// A person who is signed in.
    fn sample() -> Self {
        Self {
            name: "Ada".to_owned(),
            scopes: vec!["editor".to_owned()],
            token_id: None,
            person_id: Some(read(PERSON)),
            session_id: Some(read(SESSION)),
            expires_at: Moment(read("2026-12-12T09:35:00Z")),
            form_key: Some("3c0f6f8a6b5d4e21".to_owned()),
        }
    }
}
