//! A provider at which people sign in, as an issuer of OpenID Connect and as GitHub, that lies on demand.

mod answers;
mod token;

use bytes::Bytes;
use cofounder_domain::Clock;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

use self::token::Keys;

/// How this program is known there.
pub const CLIENT_ID: &str = "a client & its id";
/// How it shows that it is that.
pub const CLIENT_SECRET: &str = "s3cret/+=%&";

/// Who signs in there next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `sub`; a number, as GitHub has it.
    pub subject: u64,
    /// Their address.
    pub email: String,
    /// Whether it is verified.
    pub verified: bool,
    /// What they are called.
    pub name: String,
}

/// How an ID token is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// With the key that is published.
    #[default]
    Right,
    /// With a key that nobody published, under the name of one that was.
    OtherKey,
    /// Not at all: `alg` is `none`.
    Nothing,
    /// `HS256`, with the published key as the secret.
    PublicKeyAsSecret,
    /// Right, and then changed.
    ChangedLater,
}

/// A status, headers and a body.
pub type Answer = (u16, Vec<(String, String)>, Bytes);

/// Changes a document before it is sent.
pub type Change = Box<dyn Fn(&mut Value) + Send>;

/// How it lies. What is not set is as it should be.
#[derive(Default)]
pub struct Lies {
    /// Changes the claims of ID tokens.
    pub claims: Option<Change>,
    /// Changes their header.
    pub header: Option<Change>,
    /// How they are signed.
    pub signing: Signing,
    /// Changes what a code is exchanged for.
    pub tokens: Option<Change>,
    /// Changes the discovery document.
    pub document: Option<Change>,
    /// Changes what the user info endpoint, or GitHub's `/user`, says.
    pub user: Option<Change>,
    /// Answers every request with this status, these headers, and this body.
    pub instead: Option<Answer>,
    /// Answers only after this time.
    pub late: Option<Duration>,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `POST /token`.
    pub what: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// A form's fields.
    pub form: HashMap<String, String>,
}

struct State {
    account: Account,
    lies: Lies,
    keys: Keys,
    /// Codes that can be exchanged, with what the browser brought along when it got them.
    codes: HashMap<String, HashMap<String, String>>,
    access: HashMap<String, Account>,
    given: usize,
    asked: Vec<Asked>,
}

/// A provider on 127.0.0.1. It stops when it is dropped.
pub struct FakeIdentityProvider {
    state: Arc<Mutex<State>>,
    url: String,
    accepting: JoinHandle<()>,
}

impl fmt::Debug for FakeIdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeIdentityProvider({})", self.url)
    }
}

impl FakeIdentityProvider {
    /// One that tells the truth, and whose time is this clock's.
    ///
    /// # Errors
    /// If there is no free port, or no key can be made.
    pub async fn start(clock: Arc<dyn Clock>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let account = Account {
            subject: 42,
            email: "ada@example.org".to_owned(),
            verified: true,
            name: "Ada".to_owned(),
        };
        let state = State {
            account,
            lies: Lies::default(),
            keys: Keys::new()?,
            codes: HashMap::new(),
            access: HashMap::new(),
            given: 0,
            asked: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let accepting =
            tokio::spawn(serve(listener, Arc::new(Server { state: state.clone(), url: url.clone(), clock })));
        Ok(Self { state, url, accepting })
    }

    /// Where it is, and the issuer's name.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Who signs in from now on.
    pub fn account(&self, account: Account) {
        lock(&self.state).account = account;
    }

    /// Lies like this from now on.
    pub fn lie(&self, lies: Lies) {
        lock(&self.state).lies = lies;
    }

    /// Publishes another key, and signs with that.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn rotate(&self) -> io::Result<()> {
        lock(&self.state).keys.rotate()
    }

    /// Every request so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.state).asked.clone()
    }

    /// How often this was asked: `GET /keys`.
    #[must_use]
    pub fn count(&self, what: &str) -> usize {
        lock(&self.state).asked.iter().filter(|asked| asked.what == what).count()
    }

    /// What a browser brings back that was sent here by this address and whose person said yes: `code`, `state` and, from
    /// an issuer, `iss`.
    ///
    /// # Panics
    /// If the address is not one of here.
    #[must_use]
    pub fn consent(&self, redirect: &str) -> HashMap<String, String> {
        let (address, query) = redirect.split_once('?').unwrap_or((redirect, ""));
        assert!(address.starts_with(&self.url), "{redirect} leads elsewhere");
        let brought = answers::fields(query.as_bytes());
        let mut state = lock(&self.state);
        state.given += 1;
        let code = format!("code-{}", state.given);
        let mut back = HashMap::from([("code".to_owned(), code.clone())]);
        back.extend(brought.get("state").map(|state| ("state".to_owned(), state.clone())));
        if address.ends_with("/authorize") && !address.contains("/login/oauth/") {
            back.insert("iss".to_owned(), self.url.clone());
        }
        state.codes.insert(code, brought);
        back
    }
}

impl Drop for FakeIdentityProvider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Server {
    state: Arc<Mutex<State>>,
    url: String,
    clock: Arc<dyn Clock>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, server: Arc<Server>) {
    // Connections end with this task, when the set is dropped.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let server = server.clone();
        let service = service_fn(move |request| {
            let server = server.clone();
            async move { answer(request, &server).await }
        });
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(request: Request<Incoming>, server: &Server) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let what = format!("{} {}", parts.method, parts.uri.path());
    let asked = Asked { what, headers, form: answers::fields(&body) };
    let late = {
        let mut state = lock(&server.state);
        state.asked.push(asked.clone());
        state.lies.late
    };
    if let Some(late) = late {
        tokio::time::sleep(late).await;
    }
    let (status, headers, body) = {
        let mut state = lock(&server.state);
        match state.lies.instead.clone() {
            Some(instead) => instead,
            None => answers::answer(&asked, &mut state, server),
        }
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Full::new(body)).map_err(io::Error::other)
}
