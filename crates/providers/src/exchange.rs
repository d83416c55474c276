//! One request to one target over HTTP, within its time-outs: whole, or piece by piece. Dropping the future, or the
//! stream, drops the connection.

use crate::{
    Answer, Finish, ProviderError, Stage, Usage,
    config::Patience,
    dialect::{Ask, Brings, Chunk, Heard, Reader, Refusal, Spoken, Wire, Words, refusal, retry_after},
    http,
    sse::Frames,
};
use cofounder_domain::Timestamp;
use futures_util::FutureExt;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use std::{collections::VecDeque, time::Duration};
use tokio::time::{Instant, timeout, timeout_at};

/// Bytes of pieces that are held back before the model has said anything, at the most.
const HELD_BACK: usize = 1 << 20;

/// How long the end of a body may take behind the end of the answer.
const BODY_END: Duration = Duration::from_secs(1);

/// What every request of a provider shares.
pub(crate) struct Line<'a> {
    pub(crate) client: &'a reqwest::Client,
    pub(crate) words: &'static dyn Words,
    /// Further headers from the configuration.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) patience: Patience,
    /// The largest answer that is read, in bytes.
    pub(crate) largest: usize,
    pub(crate) now: Timestamp,
    /// Is shown the headers of each answer.
    pub(crate) heard: &'a (dyn Fn(&HeaderMap) + Sync),
}

impl Line<'_> {
    /// The request in the target's words. Nothing is asked yet.
    pub(crate) fn request(&self, ask: &Ask<'_>) -> Result<Wire, ProviderError> {
        let mut wire = self.words.request(ask).map_err(|error| match error {
            // Others may understand it.
            ProviderError::WrongQuestion { why } => ProviderError::Inexpressible { why },
            other => other,
        })?;
        for (name, value) in self.headers {
            wire.headers.insert(name, value.clone());
        }
        Ok(wire)
    }

    /// Asks once, and waits for the whole answer.
    pub(crate) async fn whole(&self, ask: &Ask<'_>, wire: Wire) -> Result<Answer, ProviderError> {
        let exchange = async {
            let answer = self.send(wire).await?;
            let body = http::bounded(answer, self.patience.idle, self.largest).await?;
            self.words.answer(ask, body)
        };
        let late = |_| Err(ProviderError::Timeout { stage: Stage::Total });
        let answer = timeout(self.patience.total, exchange).await.unwrap_or_else(late);
        answer.map_err(|error| error.cleaned(shown(ask.key)))
    }

    /// Asks once, and waits until the model has said something.
    pub(crate) async fn open(&self, ask: &Ask<'_>, wire: Wire) -> Result<Source, ProviderError> {
        let until = Instant::now() + self.patience.total;
        let begun = async {
            let mut source = Source {
                answer: Some(self.send(wire).await?),
                frames: Frames::new(self.words.framing()),
                reader: self.words.reader(ask),
                heard: Heard::default(),
                ready: VecDeque::new(),
                idle: self.patience.idle,
                waiting_since: None,
                until,
                key: ask.key.cloned(),
                asked: ask.estimate(Spoken::default()),
                ended: false,
                failed: None,
            };
            source.begin().await?;
            Ok(source)
        };
        let first = Instant::now() + self.patience.first_token;
        let stage = if first < until { Stage::FirstToken } else { Stage::Total };
        let late = |_| Err(ProviderError::Timeout { stage });
        let opened = timeout_at(first.min(until), begun).await.unwrap_or_else(late);
        opened.map_err(|error| error.cleaned(shown(ask.key)))
    }

    /// The head of an answer whose status is success.
    async fn send(&self, wire: Wire) -> Result<reqwest::Response, ProviderError> {
        let sent = self.client.post(wire.url).headers(wire.headers).body(wire.body).send();
        let late = |_| ProviderError::Timeout { stage: Stage::FirstToken };
        let answer = match self.patience.first_byte {
            Some(patience) => timeout(patience, sent).await.map_err(late)?,
            None => sent.await,
        };
        let answer = answer.map_err(http::sending)?;
        (self.heard)(answer.headers());
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let wait = retry_after(answer.headers(), self.now);
        // The status tells enough, should the document that goes with it not arrive.
        let body = http::bounded(answer, self.patience.idle, http::MAX_REFUSAL).await.unwrap_or_default();
        Err(refusal(status.as_u16(), &Refusal::of_bytes(&body), wait))
    }
}

fn shown(key: Option<&SecretString>) -> &str {
    key.map_or("", ExposeSecret::expose_secret)
}

/// An answer that comes piece by piece.
pub(crate) struct Source {
    /// Until its end.
    answer: Option<reqwest::Response>,
    frames: Frames,
    reader: Box<dyn Reader>,
    heard: Heard,
    ready: VecDeque<Chunk>,
    idle: Duration,
    /// Since when it is waited for what comes next; whoever waits may stop and begin again.
    waiting_since: Option<Instant>,
    until: Instant,
    key: Option<SecretString>,
    /// What the question takes, estimated.
    asked: Usage,
    ended: bool,
    /// What went wrong behind the pieces that are ready.
    failed: Option<ProviderError>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("heard", &self.heard)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// The next piece; none when the answer is complete.
    pub(crate) async fn next(&mut self) -> Result<Option<Chunk>, ProviderError> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            if self.ended {
                return Ok(None);
            }
            let (idle, until) =
                (*self.waiting_since.get_or_insert_with(Instant::now) + self.idle, self.until);
            let stage = if idle < until { Stage::Idle } else { Stage::Total };
            let late = |_| Err(ProviderError::Timeout { stage });
            let more = timeout_at(idle.min(until), self.more()).await.unwrap_or_else(late);
            // What came before it, and with it, is told first.
            self.failed = more.err().map(|error| error.cleaned(shown(self.key.as_ref())));
        }
    }

    /// What it took: as far as the provider has said it, else an estimate of what came.
    pub(crate) fn usage(&self) -> Usage {
        let estimate = Usage { tokens_out: self.heard.spoken.tokens(), ..self.asked };
        self.heard.usage.unwrap_or_default().or(|| estimate)
    }

    pub(crate) fn finish(&self) -> Option<Finish> {
        self.heard.finish
    }

    pub(crate) fn model(&self) -> Option<&str> {
        self.heard.model.as_deref()
    }

    pub(crate) fn text(&self) -> &str {
        &self.heard.text
    }

    /// Reads until the model has said something, or the answer is complete without a word.
    async fn begin(&mut self) -> Result<(), ProviderError> {
        let (mut seen, mut held) = (0, 0);
        while !self.ended {
            self.more().await?;
            for chunk in self.ready.range(seen..) {
                if chunk.brings == Brings::Content {
                    return Ok(());
                }
                held += chunk.data.len();
            }
            seen = self.ready.len();
            if held > HELD_BACK {
                return Err(ProviderError::malformed("it has no beginning"));
            }
        }
        Ok(())
    }

    /// Reads what comes next.
    async fn more(&mut self) -> Result<(), ProviderError> {
        let Some(answer) = &mut self.answer else { return self.close() };
        let bytes = answer.chunk().await.map_err(|_| ProviderError::Truncated)?;
        let Some(bytes) = bytes else { return self.close() };
        self.waiting_since = None;
        self.frames.feed(&bytes)?;
        while let Some(event) = self.frames.next() {
            self.read(&event)?;
            if self.ended {
                break;
            }
        }
        Ok(())
    }

    fn read(&mut self, event: &[u8]) -> Result<(), ProviderError> {
        self.reader.event(event, &mut self.heard)?;
        self.ready.extend(self.heard.chunks.drain(..));
        // Done without a reason is believed only of a model that said something.
        if self.heard.done && self.heard.finish.is_none() && self.heard.spoken.chars == 0 {
            return Err(ProviderError::Truncated);
        }
        self.ended = self.heard.done;
        if self.ended
            && let Some(answer) = self.answer.take()
        {
            finish_body(answer);
        }
        Ok(())
    }

    /// The connection ended: the answer is complete only if it said why it ended.
    fn close(&mut self) -> Result<(), ProviderError> {
        if let Some(event) = self.frames.end()? {
            self.read(&event)?;
        }
        self.ended = true;
        if self.heard.done || self.heard.finish.is_some() { Ok(()) } else { Err(ProviderError::Truncated) }
    }
}

/// Reads the end of a body behind the protocol's own end, so that the connection can be used again. Mostly it is there
/// already; if not, it is waited for beside.
fn finish_body(mut answer: reqwest::Response) {
    if answer.chunk().now_or_never().is_some() {
        return;
    }
    tokio::spawn(async move {
        // Whoever sends more than an end does not get its connection back.
        drop(timeout(BODY_END, answer.chunk()).await);
    });
}
