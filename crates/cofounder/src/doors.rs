//! Everything that knows who asks: tokens, sessions, people, and the links by which people come.

use cofounder_auth::{
    Elsewhere, ElsewhereParts, Grants, Links, PasswordSettings, Passwords, People, SessionSettings, Sessions,
    Tokens,
};
use std::{net::SocketAddr, sync::Arc};

use crate::{app::App, failure::Failure};

/// Who may come in, and by what.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) people: Arc<People>,
    pub(crate) links: Arc<Links>,
    pub(crate) grants: Arc<Grants>,
}

impl Doors {
    pub(crate) fn new(app: &App) -> Result<Self, Failure> {
        let (db, clock) = (&app.db, &app.clock);
        let passwords = Passwords::new(PasswordSettings::default());
        let passwords = Arc::new(passwords.map_err(|error| Failure::failed(error.to_string()))?);
        let sessions = Arc::new(Sessions::new(db.clone(), clock.clone(), SessionSettings::default()));
        let people = People::new(db.clone(), clock.clone(), passwords.clone(), sessions.clone());
        let links = Links::new(db.clone(), clock.clone(), passwords, sessions.clone());
        let tokens = Arc::new(Tokens::new(db.clone(), clock.clone()));
        Ok(Self {
            grants: Arc::new(Grants::new(db.clone(), clock.clone(), tokens.clone())),
            tokens,
            sessions,
            people: Arc::new(people),
            links: Arc::new(links),
        })
    }

    /// The providers at which people sign in, for a program that listens here. Connects to nothing.
    pub(crate) fn elsewhere(&self, app: &App, bound: SocketAddr) -> Result<Arc<Elsewhere>, Failure> {
        let (auth, public) = (&app.files.config.auth, app.files.config.server.public_url.as_ref());
        let parts = ElsewhereParts {
            db: app.db.clone(),
            clock: app.clock.clone(),
            sessions: self.sessions.clone(),
            site: auth.site(public, bound)?,
            providers: auth.providers()?,
            admission: auth.admission()?,
        };
        Elsewhere::new(parts).map(Arc::new).map_err(Failure::usage)
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
