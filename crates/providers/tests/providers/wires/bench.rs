//! One provider of one protocol behind a router, and what a streamed answer comes to.

use crate::stand::{call, config};
use async_trait::async_trait;
use cofounder_providers::{
    Answer, Attempt, Brings, Call, ChatStream, Document, Finish, Need, NoEngine, Opened, ProviderError,
    Question, Role, Route, Router, Target, Usage, Verb, Witness,
};
use cofounder_testkit::{
    clock::ManualClock,
    provider::{FakeProvider, Reply, Wire},
};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The key that the router is given.
pub(crate) const KEY: &str = "sk-of-the-tests";

pub(crate) struct Bench {
    pub(crate) wire: Wire,
    pub(crate) fake: FakeProvider,
    pub(crate) router: Router,
    pub(crate) clock: Arc<ManualClock>,
    _folder: TempDir,
}

impl Bench {
    pub(crate) async fn new(wire: Wire) -> Self {
        Self::with(wire, "").await
    }

    /// With more lines for the provider's section.
    pub(crate) async fn with(wire: Wire, more: &str) -> Self {
        Self::of(FakeProvider::start_as(wire).await.unwrap(), more, "", "")
    }

    /// With more lines for the provider's section, the model's section, and the file.
    pub(crate) fn of(fake: FakeProvider, more: &str, model: &str, file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, KEY).unwrap();
        let wire = fake.wire();
        let text = format!(
            "[provider.p]\ndialect = \"{}\"\nbase_url = \"{}\"\napi_key = {{ file = \"{}\" }}\n{more}\n[provider.p.model.m]\nabilities = [\"chat\", \"stream\", \"json\", \"embeddings\", \"images\", \"tools\", \"vision\"]\n{model}\n{file}\n[router]\nallow_paid = true\n",
            wire.as_str(),
            fake.url(),
            key.display(),
        );
        let clock = Arc::new(ManualClock::default());
        let router = Router::new(config(&text), Arc::new(NoEngine), clock.clone()).unwrap();
        Self { wire, fake, router, clock, _folder: folder }
    }

    pub(crate) fn route(&self) -> Route {
        self.router.route(Role::Chat, Some("p/m"), &Need::default()).unwrap()
    }

    /// A whole answer, from one try.
    pub(crate) async fn ask(&self, document: &Value) -> Result<Answer, ProviderError> {
        self.ask_for(Verb::Chat, document).await
    }

    pub(crate) async fn ask_for(&self, verb: Verb, document: &Value) -> Result<Answer, ProviderError> {
        self.ask_with(verb, &parsed(document), &self.route()).await
    }

    /// A whole answer from this route.
    pub(crate) async fn ask_with(
        &self,
        verb: Verb,
        document: &Document,
        route: &Route,
    ) -> Result<Answer, ProviderError> {
        let cancel = CancellationToken::new();
        let call = call(route, Question::Document(verb, document), &cancel);
        self.router.ask(&call, &mut Nobody).await.map(|answered| answered.answer)
    }

    /// As [`Self::ask`], but it waits for what can be waited for.
    pub(crate) async fn ask_patiently(&self, document: &Value) -> Result<Answer, ProviderError> {
        let (document, route, cancel) = (parsed(document), self.route(), CancellationToken::new());
        let call = Call {
            patience: Duration::from_secs(5),
            deadline: Some(Instant::now() + Duration::from_secs(60)),
            ..call(&route, Question::Document(Verb::Chat, &document), &cancel)
        };
        self.router.ask(&call, &mut Nobody).await.map(|answered| answered.answer)
    }

    /// A streamed answer, from one try at each target.
    pub(crate) async fn open(&self, document: &Value) -> Result<ChatStream, ProviderError> {
        self.open_along(&self.route(), document).await.map(|opened| opened.stream)
    }

    pub(crate) async fn open_along(&self, route: &Route, document: &Value) -> Result<Opened, ProviderError> {
        let (document, cancel) = (parsed(document), CancellationToken::new());
        let call = call(route, Question::Document(Verb::Chat, &document), &cancel);
        self.router.open(&call, &mut Nobody).await
    }

    /// What comes of a streamed answer, to its end.
    pub(crate) async fn hear(&self, document: &Value) -> Heard {
        match self.open(document).await {
            Ok(stream) => Heard::of(stream).await,
            Err(error) => Heard { error: Some(error), ..Heard::default() },
        }
    }

    /// The error that this reply becomes, whole and streamed. The breaker forgets it.
    pub(crate) async fn errors(&self, reply: &Reply) -> [ProviderError; 2] {
        self.fake.reply([reply.clone(), reply.clone()]);
        let whole = self.ask(&hello()).await.unwrap_err();
        self.rest();
        let streamed = self.hear(&hello()).await.error.expect("an error");
        self.rest();
        [whole, streamed]
    }

    /// Time passes, so that no breaker and no pause is left.
    pub(crate) fn rest(&self) {
        self.clock.advance(Duration::from_hours(2));
    }

    /// Whether the protocol is OpenAI's own, so that documents go on as they came.
    pub(crate) fn passes_on(&self) -> bool {
        matches!(self.wire, Wire::Openai | Wire::Huggingface)
    }
}

fn parsed(document: &Value) -> Document {
    Document::parse(document.to_string().as_bytes()).unwrap()
}

/// Whoever is told of attempts and does nothing about them.
pub(crate) struct Nobody;

#[async_trait]
impl Witness for Nobody {
    async fn before(&mut self, _target: &Target) -> Result<(), ProviderError> {
        Ok(())
    }

    fn after(&mut self, _attempt: &Attempt) {}
}

pub(crate) fn hello() -> Value {
    json!({"model": "any", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]})
}

/// What came of a streamed answer.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// As a client puts it together.
    pub(crate) text: String,
    pub(crate) reasoning: String,
    /// Names and arguments of the tools that are called.
    pub(crate) calls: Vec<(String, String)>,
    /// What the pieces say of why it ended.
    pub(crate) reason: Option<String>,
    /// What the pieces say of the usage.
    pub(crate) counted: Option<Value>,
    pub(crate) usage: Usage,
    pub(crate) finish: Option<Finish>,
    pub(crate) complete: bool,
    pub(crate) error: Option<ProviderError>,
}

impl Heard {
    pub(crate) async fn of(mut stream: ChatStream) -> Self {
        let mut heard = Self::default();
        loop {
            match stream.next().await {
                Ok(Some(chunk)) => {
                    let document: Value = serde_json::from_slice(&chunk.data).unwrap();
                    assert_eq!(document["object"], "chat.completion.chunk");
                    heard.piece(&document, chunk.brings);
                }
                Ok(None) => break,
                Err(error) => {
                    heard.error = Some(error);
                    break;
                }
            }
        }
        assert_eq!(heard.text, stream.text(), "what is kept is what was said");
        (heard.usage, heard.finish, heard.complete) = (stream.usage(), stream.finish(), stream.is_complete());
        heard
    }

    fn piece(&mut self, document: &Value, brings: Brings) {
        if document["usage"].is_object() {
            self.counted = Some(document["usage"].clone());
        }
        // A second answer to the same question has pieces of its own.
        let Some(choice) = document["choices"].get(0).filter(|choice| choice["index"] == 0) else { return };
        let delta = &choice["delta"];
        let text = delta["content"].as_str().unwrap_or_default();
        let reasoning = delta["reasoning_content"].as_str().unwrap_or_default();
        self.text.push_str(text);
        self.reasoning.push_str(reasoning);
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            if let Some(name) = call["function"]["name"].as_str() {
                assert!(call["id"].as_str().is_some_and(|id| !id.is_empty()), "a call has a name: {call}");
                self.calls.push((name.to_owned(), String::new()));
            }
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            self.calls[index].1.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.reason = Some(reason.to_owned());
        }
        let says = !text.is_empty() || !reasoning.is_empty() || delta["tool_calls"].is_array();
        assert_eq!(brings == Brings::Content, says, "{document}");
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}
