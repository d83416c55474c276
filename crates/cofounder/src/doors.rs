//! Everything that knows who asks: tokens, sessions, people, and the links by which people come.

use cofounder_auth::{Links, PasswordSettings, Passwords, People, SessionSettings, Sessions, Tokens};
use std::sync::Arc;

use crate::{app::App, failure::Failure};

/// Who may come in, and by what.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) people: Arc<People>,
    pub(crate) links: Arc<Links>,
}

impl Doors {
    pub(crate) fn new(app: &App) -> Result<Self, Failure> {
        let (db, clock) = (&app.db, &app.clock);
        let passwords = Passwords::new(PasswordSettings::default());
        let passwords = Arc::new(passwords.map_err(|error| Failure::failed(error.to_string()))?);
        let sessions = Arc::new(Sessions::new(db.clone(), clock.clone(), SessionSettings::default()));
        let people = People::new(db.clone(), clock.clone(), passwords.clone(), sessions.clone());
        let links = Links::new(db.clone(), clock.clone(), passwords, sessions.clone());
        Ok(Self {
            tokens: Arc::new(Tokens::new(db.clone(), clock.clone())),
            sessions,
            people: Arc::new(people),
            links: Arc::new(links),
        })
    }

    /// Writes down when tokens and sessions were last used; what cannot be written now is written the next time.
    pub(crate) async fn flush(&self) {
        if let Err(error) = self.tokens.flush_used().await {
            tracing::warn!(%error, "when tokens were last used could not be written down");
        }
        if let Err(error) = self.sessions.flush_seen().await {
            tracing::warn!(%error, "when sessions were last used could not be written down");
        }
    }
}
