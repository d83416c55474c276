//! Signing in at providers, played by one that tells the truth or lies.

mod arriving;
mod attacks;
mod audit;
mod lies;
mod linking;
mod outside;

use cofounder_auth::{
    Admission, Deadlines, Elsewhere, ElsewhereError, ElsewhereParts, Finished, Opened, Outcome, ProviderKind,
    ProviderSettings, ReturnTo, Returned, Role, Welcome,
};
use cofounder_domain::PersonId;
use cofounder_testkit::identity::{Account, CLIENT_ID, CLIENT_SECRET, FakeIdentityProvider, Lies};
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use url::Url;

use crate::{Bench, email, secret, shown, visitor};
use cofounder_auth::Visitor;

/// This site, as browsers see it.
pub(crate) const SITE: &str = "https://here.example";

/// An installation at which people sign in by `acme`, an issuer, and by `github`, both played by one server.
pub(crate) struct Doors {
    pub(crate) bench: Bench,
    pub(crate) provider: FakeIdentityProvider,
    pub(crate) elsewhere: Elsewhere,
    /// How many came so far, each from a place of their own.
    came: AtomicU32,
}

/// A browser that was sent to a provider.
pub(crate) struct Away {
    pub(crate) redirect: Url,
    pub(crate) cookie: String,
    pub(crate) back: HashMap<String, String>,
}

impl Doors {
    pub(crate) async fn new(bench: Bench) -> Self {
        Self::with(bench, &[]).await
    }

    /// With these on the list of who may join.
    pub(crate) async fn with(bench: Bench, allowed: &[&str]) -> Self {
        let provider = FakeIdentityProvider::start(bench.clock.clone()).await.unwrap();
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let admission = Admission::new(&allowed, Role::Viewer).unwrap();
        let providers =
            vec![issuer("acme", provider.url()), github(provider.url()), issuer("other", provider.url())];
        let elsewhere = Elsewhere::new(parts(&bench, providers, admission)).unwrap();
        Self { bench, provider, elsewhere, came: AtomicU32::new(0) }
    }

    /// Somebody from a place from which nobody came yet.
    pub(crate) fn visitor(&self) -> Visitor {
        let number = self.came.fetch_add(1, Ordering::SeqCst);
        Visitor::new(std::net::Ipv4Addr::from(0x0a00_0000 + (number << 8)).into(), "Firefox")
    }

    /// Sends a browser away, and lets its person say yes.
    pub(crate) async fn away(&self, provider: &str, linking: Option<PersonId>) -> Away {
        let begun =
            self.elsewhere.begin(provider, None, &to("/tasks"), linking, &self.visitor()).await.unwrap();
        let back = self.provider.consent(begun.redirect.as_str());
        Away { redirect: begun.redirect, cookie: begun.browser.expose_secret().to_owned(), back }
    }

    /// Takes it back.
    pub(crate) async fn back(&self, provider: &str, away: &Away) -> Result<Finished, ElsewhereError> {
        self.elsewhere.finish(provider, &away.returned(), Some(&away.cookie), None, &self.visitor()).await
    }

    /// Signs in whoever the provider says it is.
    pub(crate) async fn sign_in(&self, provider: &str) -> Result<Welcome, ElsewhereError> {
        let away = self.away(provider, None).await;
        match self.back(provider, &away).await?.outcome {
            Outcome::SignedIn(welcome) => Ok(welcome),
            Outcome::Linked(linked) => panic!("{linked:?}"),
        }
    }

    /// The same while the provider lies like this, which must not work.
    pub(crate) async fn refused(&self, lies: Lies) -> ElsewhereError {
        self.provider.lie(lies);
        let error = self.sign_in("acme").await.unwrap_err();
        self.provider.lie(Lies::default());
        self.empty().await;
        error
    }

    /// Nobody is here.
    pub(crate) async fn empty(&self) {
        assert_eq!(self.bench.db.people(9, None).await.unwrap().items, []);
    }

    /// Somebody signs in there next.
    pub(crate) fn account(&self, subject: u64, name: &str) {
        let email = email(name).to_string();
        self.provider.account(Account { subject, email, verified: true, name: name.to_owned() });
    }
}

impl Away {
    /// What the browser brings back.
    pub(crate) fn returned(&self) -> Returned {
        let field = |name: &str| self.back.get(name).cloned();
        Returned {
            state: field("state"),
            code: field("code").map(SecretString::from),
            error: field("error"),
            issuer: field("iss"),
        }
    }

    /// What it took along.
    pub(crate) fn brought(&self, name: &str) -> String {
        let found = self.redirect.query_pairs().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("no {name}: {}", self.redirect)).1.into_owned()
    }
}

pub(crate) fn parts(bench: &Bench, providers: Vec<ProviderSettings>, admission: Admission) -> ElsewhereParts {
    ElsewhereParts {
        db: bench.db.clone(),
        clock: bench.clock.clone(),
        sessions: bench.sessions.clone(),
        site: SITE.parse().unwrap(),
        providers,
        admission,
    }
}

pub(crate) fn settings(name: &str, kind: ProviderKind) -> ProviderSettings {
    ProviderSettings {
        name: name.to_owned(),
        kind,
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(secret(CLIENT_SECRET)),
        deadlines: Deadlines { connect: Duration::from_secs(2), total: Duration::from_millis(800) },
    }
}

pub(crate) fn issuer(name: &str, url: &str) -> ProviderSettings {
    settings(name, ProviderKind::Issuer(url.parse().unwrap()))
}

pub(crate) fn github(url: &str) -> ProviderSettings {
    let api = format!("{url}/api").parse().unwrap();
    settings("github", ProviderKind::GitHub { base_url: Some(url.parse().unwrap()), api_url: Some(api) })
}

pub(crate) fn to(path: &str) -> ReturnTo {
    ReturnTo::parse(path).unwrap()
}

/// The session is theirs and valid.
pub(crate) async fn is_signed_in(bench: &Bench, person: PersonId, opened: &Opened) -> bool {
    let known = bench.sessions.verify(shown(opened)).await.unwrap();
    known.person() == Some((person, opened.session.id))
}
