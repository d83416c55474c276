//! A provider that speaks one of the protocols that there are, after its documentation, and misbehaves on demand.

mod perform;
mod reply;
mod server;
mod wire;

pub use reply::{End, Reply};
pub use wire::Wire;

use serde_json::Value;
use server::{State, lock};
use std::{
    collections::BTreeMap,
    fmt, io,
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::{
    net::{TcpListener, UnixListener},
    task::JoinHandle,
};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `POST`.
    pub method: String,
    /// `/v1/chat/completions`.
    pub path: String,
    /// What stands behind the `?`.
    pub query: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Null if it was no JSON.
    pub body: Value,
    /// The same to the byte.
    pub bytes: Vec<u8>,
}

/// A provider on 127.0.0.1 or on a Unix socket. It stops when it is dropped.
pub struct FakeProvider {
    state: Arc<Mutex<State>>,
    url: String,
    accepting: JoinHandle<()>,
}

impl fmt::Debug for FakeProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeProvider").field("url", &self.url).finish_non_exhaustive()
    }
}

impl FakeProvider {
    /// Listens on a free port of 127.0.0.1 and speaks the protocol of OpenAI.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start() -> io::Result<Self> {
        Self::start_as(Wire::Openai).await
    }

    /// Listens on a free port of 127.0.0.1 and speaks this protocol.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start_as(wire: Wire) -> io::Result<Self> {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
        let url = format!("http://{}{}", listener.local_addr()?, wire.base());
        let state = State::shared(wire);
        let accepting = server::accept(Arc::clone(&state), move || {
            let listener = Arc::clone(&listener);
            async move { listener.accept().await.map(|(stream, _)| stream) }
        });
        Ok(Self { state, url, accepting })
    }

    /// Listens on a Unix socket and speaks the protocol of OpenAI.
    ///
    /// # Errors
    /// If the socket cannot be made there.
    pub fn start_unix(path: &Path) -> io::Result<Self> {
        let listener = Arc::new(UnixListener::bind(path)?);
        let state = State::shared(Wire::Openai);
        let accepting = server::accept(Arc::clone(&state), move || {
            let listener = Arc::clone(&listener);
            async move { listener.accept().await.map(|(stream, _)| stream) }
        });
        Ok(Self { state, url: "http://localhost/v1".to_owned(), accepting })
    }

    /// The base address as a configuration has it; that of OpenAI ends in `/v1`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The protocol it speaks.
    #[must_use]
    pub fn wire(&self) -> Wire {
        lock(&self.state).wire
    }

    /// Answers the next requests with these, in order, before anything else.
    pub fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.state).queue.extend(replies);
    }

    /// Answers every request that finds no reply in the queue.
    pub fn script(&self, script: impl FnMut(&Value) -> Reply + Send + 'static) {
        lock(&self.state).script = Box::new(script);
    }

    /// What its list of models holds.
    pub fn models(&self, names: &[&str]) {
        lock(&self.state).models = names.iter().map(|name| (*name).to_owned()).collect();
    }

    /// How many models it lists at once, where the protocol has pages.
    pub fn page(&self, models: usize) {
        lock(&self.state).page = models;
    }

    /// Every request so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }

    /// How many chats were asked for.
    #[must_use]
    pub fn calls(&self) -> usize {
        lock(&self.state).chats
    }

    /// How many requests are being answered now; one that the client gave up ends at once.
    #[must_use]
    pub fn open(&self) -> usize {
        lock(&self.state).open
    }

    /// How many connections there are now.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// How many connections there were, those that are gone included.
    #[must_use]
    pub fn accepted(&self) -> usize {
        lock(&self.state).accepted
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
