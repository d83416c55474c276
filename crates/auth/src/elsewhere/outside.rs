//! Requests to a provider: over TLS unless it is on this machine, within their time, of a bounded answer, never redirected,
//! and with no word of a secret in what is said of them.

use reqwest::{Client, RequestBuilder, StatusCode, redirect::Policy};
use serde::de::DeserializeOwned;
use std::{sync::Once, time::Duration};
use url::{Host, Url};

/// The largest answer that is read, in bytes.
const LARGEST: usize = 512 * 1024;

/// How long a provider may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// To be connected to.
    pub connect: Duration,
    /// To answer a request, in all.
    pub total: Duration,
}

impl Default for Deadlines {
    /// 5 s to be connected to, 10 s in all.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(10) }
    }
}

/// Why there is no answer that can be used: in words that say nothing of what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unanswered(pub(crate) String);

/// The door to one provider.
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    client: Client,
    total: Duration,
    near: bool,
}

/// An answer, with its whole body.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Outside {
    /// A door to the provider at this address.
    ///
    /// # Errors
    /// What the library said.
    pub(crate) fn new(at: &Url, deadlines: Deadlines) -> Result<Self, String> {
        static TLS: Once = Once::new();
        // An error means that the program has already chosen a provider of cryptography, which is as good.
        TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let near = is_near(at);
        let builder = Client::builder()
            .connect_timeout(deadlines.connect)
            .timeout(deadlines.total)
            .redirect(Policy::none())
            .user_agent(concat!("cofounder/", env!("CARGO_PKG_VERSION")));
        let builder = if near { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|error| error.without_url().to_string())?;
        Ok(Self { client, total: deadlines.total, near })
    }

    /// A request to an address that a provider named. What is not on this machine is asked over TLS only.
    pub(crate) fn get(&self, url: &Url) -> Result<RequestBuilder, Unanswered> {
        self.may_ask(url).map(|()| self.client.get(url.clone()))
    }

    /// The same with a form.
    pub(crate) fn post(&self, url: &Url, form: &[(&str, &str)]) -> Result<RequestBuilder, Unanswered> {
        self.may_ask(url)?;
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request =
            self.client.post(url.clone()).header("content-type", "application/x-www-form-urlencoded");
        Ok(request.body(body))
    }

    /// Refuses an address that is not asked, and to which no browser is sent.
    pub(crate) fn may_ask(&self, url: &Url) -> Result<(), Unanswered> {
        if is_safe(url, self.near) {
            return Ok(());
        }
        let words =
            format!("it names `{}://{}`, which is not asked: https is needed", url.scheme(), shown(url));
        Err(Unanswered(words))
    }

    /// Sends it, and reads the answer to its end.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, Unanswered> {
        let exchange = async {
            let mut answer = request.header("accept", "application/json").send().await?;
            let (status, mut body) = (answer.status(), Vec::new());
            while let Some(piece) = answer.chunk().await? {
                body.extend_from_slice(&piece);
                if body.len() > LARGEST {
                    return Ok(None);
                }
            }
            Ok(Some(Answer { status, body }))
        };
        let late = || Unanswered(format!("it did not answer within {} ms", self.total.as_millis()));
        match tokio::time::timeout(self.total, exchange).await.map_err(|_| late())? {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(Unanswered(format!("its answer is larger than {} KiB", LARGEST >> 10))),
            Err(error) if reqwest::Error::is_timeout(&error) => Err(late()),
            Err(error) => Err(Unanswered(format!("it cannot be asked: {}", deepest(&error.without_url())))),
        }
    }

    /// Sends it, and reads what must be an answer of status 200 and of this shape.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Unanswered> {
        let Answer { status, body } = self.send(request).await?;
        if status != StatusCode::OK {
            return Err(Unanswered(format!("it answered {}", status.as_u16())));
        }
        parse(&body)
    }
}

/// A document of this shape, or where it is another; nothing of its values is repeated.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unanswered> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (place, inner) = (error.path().to_string(), error.inner());
        let what = if inner.is_data() { "is not of the expected shape" } else { "is no JSON" };
        Unanswered(format!(
            "its answer {what} (at `{place}`, line {}, column {})",
            inner.line(),
            inner.column()
        ))
    })
}

/// Whether it can be asked: over TLS, or on this machine if the provider is on it.
pub(crate) fn is_safe(url: &Url, near: bool) -> bool {
    let plain = url.username().is_empty() && url.password().is_none() && url.host().is_some();
    plain && (url.scheme() == "https" || near && url.scheme() == "http" && is_near(url))
}

/// Whether it is on this machine.
pub(crate) fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn shown(url: &Url) -> String {
    url.host_str().unwrap_or_default().chars().take(100).collect()
}

fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
