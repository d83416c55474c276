//! The targets that were configured, checked once, with the clients that reach them.

use cofounder_domain::{Clock, Post};
use cofounder_storage::NewEffect;
use reqwest::Client;
use secrecy::SecretString;
use std::{
    sync::{Arc, Once},
    time::Duration,
};
use url::{Host, Url};

use crate::{announcement, signature::Signer};

/// The kind of these effects.
pub(crate) const KIND: &str = "webhook";
/// The longest time that a target may have to answer: the executor allows a courier a little more.
pub const LONGEST: Duration = Duration::from_secs(25);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept. Servers keep them longer: a request on one that its server is just closing would
/// be one of which nobody knows whether it arrived.
const IDLE: Duration = Duration::from_secs(3);

/// Who is told, as configured.
#[derive(Clone, Debug)]
pub struct WebhookTarget {
    /// Its name in the configuration, which effects keep.
    pub name: String,
    /// Where it is told, by POST.
    pub url: Url,
    /// What its messages are signed with: the text's bytes, or those that stand in base64 behind `whsec_`.
    pub secret: Option<SecretString>,
    /// Whether the receiver takes a second delivery with the same key for the first one.
    pub honours_keys: bool,
    /// How long it may take to answer, connecting included.
    pub timeout: Duration,
}

/// Why targets cannot be used as they are configured. Neither an address nor a secret is in the message.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Another scheme.
    #[error(
        "the address of [webhook.{name}] begins with `{scheme}:`. It must begin with `https:` or `http:`"
    )]
    Scheme {
        /// The target.
        name: String,
        /// What it begins with.
        scheme: String,
    },
    /// It would never be answered, or hold the worker up.
    #[error("[webhook.{name}] may take {} ms to answer. It must be 1 to {} ms", .timeout.as_millis(), LONGEST.as_millis())]
    Timeout {
        /// The target.
        name: String,
        /// How long.
        timeout: Duration,
    },
    /// Behind `whsec_` stand no bytes in base64.
    #[error(
        "the secret of [webhook.{name}] begins with `whsec_`, and what follows is no base64. Copy it again from the receiver"
    )]
    Secret {
        /// The target.
        name: String,
    },
    /// There is no HTTP client.
    #[error("webhooks cannot be sent: {0}")]
    Client(String),
}

/// Tells targets of posts that went live.
#[derive(Debug)]
pub struct Webhooks {
    targets: Vec<Target>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A target that can be sent to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) signer: Option<Signer>,
    pub(crate) honours_keys: bool,
    pub(crate) timeout: Duration,
    pub(crate) client: Client,
}

/// A target as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownTarget<'a> {
    /// Its name in the configuration.
    pub name: &'a str,
    /// Where it is told: without user, password and query.
    pub url: String,
    /// Whether what is sent is signed.
    pub signed: bool,
    /// Whether the receiver takes a second delivery with the same key for the first one.
    pub honours_keys: bool,
}

/// An address without what may be a secret in it: many receivers know their senders by the path alone, so that is cut too.
fn shown(url: &Url) -> String {
    let path = if url.path().len() > 1 { "/…" } else { "/" };
    format!("{}{path}", url.origin().ascii_serialization())
}

impl Webhooks {
    /// Connects to nothing. Messages bear the time of `clock`.
    ///
    /// # Errors
    /// The first target that cannot be used as it is.
    pub fn new(targets: Vec<WebhookTarget>, clock: Arc<dyn Clock>) -> Result<Self, WebhookError> {
        // Made when a target needs one, and shared: one for what is near, which no proxy can reach, one for all others.
        let (mut near, mut far) = (None, None);
        let mut usable = Vec::new();
        for target in targets {
            let is_near = is_near(&target.url);
            let client = if is_near { &mut near } else { &mut far };
            let client = match client {
                Some(client) => client,
                none => none.insert(new_client(is_near)?),
            };
            usable.push(Target::new(target, client.clone())?);
        }
        Ok(Self { targets: usable, clock })
    }

    /// The targets by their names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.targets.iter().map(|target| target.name.clone()).collect()
    }

    /// The targets, without what may be a secret in them.
    pub fn targets(&self) -> impl Iterator<Item = ShownTarget<'_>> {
        self.targets.iter().map(|target| ShownTarget {
            name: &target.name,
            url: shown(&target.url),
            signed: target.signer.is_some(),
            honours_keys: target.honours_keys,
        })
    }

    /// What follows from this post's going live: one effect for each target.
    #[must_use]
    pub fn announcements(&self, post: &Post) -> Vec<NewEffect> {
        self.effects(&announcement::published(post))
    }

    /// What follows from its being taken off the site.
    #[must_use]
    pub fn retractions(&self, post: &Post) -> Vec<NewEffect> {
        self.effects(&announcement::unpublished(post))
    }

    fn effects(&self, payload: &str) -> Vec<NewEffect> {
        let effect = |target: &Target| NewEffect {
            kind: KIND.to_owned(),
            target: target.name.clone(),
            payload: payload.to_owned(),
            keyed: target.honours_keys,
        };
        self.targets.iter().map(effect).collect()
    }

    pub(crate) fn target(&self, name: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.name == name)
    }
}

impl Target {
    fn new(target: WebhookTarget, client: Client) -> Result<Self, WebhookError> {
        let WebhookTarget { name, url, secret, honours_keys, timeout } = target;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(WebhookError::Scheme { name, scheme: url.scheme().to_owned() });
        }
        if timeout.is_zero() || timeout > LONGEST {
            return Err(WebhookError::Timeout { name, timeout });
        }
        let signer = match secret.as_ref().map(Signer::new) {
            Some(None) => return Err(WebhookError::Secret { name }),
            signer => signer.flatten(),
        };
        Ok(Self { name, url, signer, honours_keys, timeout, client })
    }
}

/// Follows no redirects: an announcement goes where it was meant to go.
fn new_client(near: bool) -> Result<Client, WebhookError> {
    static TLS: Once = Once::new();
    // An error means that the program has already chosen a provider of cryptography, which is as good.
    TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let builder = Client::builder()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("cofounder/", env!("CARGO_PKG_VERSION")));
    let builder = if near { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| WebhookError::Client(error.without_url().to_string()))
}

fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
