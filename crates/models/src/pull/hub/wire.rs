//! Requests to a model hub: one client, redirects followed by hand, and what the answers mean.

use reqwest::{
    Client, Method, Response, StatusCode,
    header::{self, HeaderMap},
    redirect::Policy,
};
use std::{error::Error, time::Duration};
use url::Url;

use super::{
    super::{PullSettings, error::Miss},
    shown,
};

/// How long a hub may take to say what it has: longer, and the package is sooner here.
const MAX_PATIENCE: Duration = Duration::from_secs(10);
/// How far redirects are followed.
const MAX_REDIRECTS: usize = 10;

/// What a file should be.
#[derive(Debug)]
pub(super) struct Declared {
    /// Its SHA-256.
    pub(super) sha256: String,
    /// Its size.
    pub(super) bytes: Option<u64>,
}

/// What a hub says of a file; it need not say anything.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) sha256: Option<String>,
    pub(super) bytes: Option<u64>,
}

/// Why a request did not bring what it should.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may be over soon.
    Now(String),
    /// No connection came about, or nobody spoke.
    Closed(String),
    /// It will stay.
    For(Miss),
}

impl From<Miss> for Trouble {
    fn from(miss: Miss) -> Self {
        Self::For(miss)
    }
}

/// A file on a hub.
#[derive(Debug)]
pub(super) struct Hub {
    client: Client,
    url: Url,
    patience: Duration,
}

impl Hub {
    /// Honours the proxies of the environment.
    pub(super) fn new(settings: &PullSettings, url: Url) -> Result<Self, String> {
        // It fails if one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            .redirect(Policy::none())
            .user_agent(concat!("cofounder/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("{}: {}", shown(&url), words(&error)))?;
        Ok(Self { client, url, patience: settings.read_timeout.min(MAX_PATIENCE) })
    }

    /// What the hub says of the file, without fetching it.
    pub(super) async fn declared(&self) -> Result<Said, Trouble> {
        let mut said = Said::default();
        let answer = self.follow(Method::HEAD, None, &mut said).await?;
        if said.sha256.is_none() {
            let headers = answer.headers();
            said.sha256 = sha256(headers, "etag");
            said.bytes = said.bytes.or_else(|| number(headers, "content-length"));
        }
        Ok(said)
    }

    /// Begins to read the file, `start` bytes from its beginning.
    pub(super) async fn open(&self, start: u64) -> Result<Response, Trouble> {
        self.follow(Method::GET, Some(start), &mut Said::default()).await
    }

    /// Asks, and follows redirects; a question that has no start ends as soon as the hub said what it has.
    async fn follow(&self, method: Method, start: Option<u64>, said: &mut Said) -> Result<Response, Trouble> {
        let mut url = self.url.clone();
        for _ in 0..MAX_REDIRECTS {
            let mut request = self.client.request(method.clone(), url.clone());
            match start {
                Some(start @ 1..) => request = request.header(header::RANGE, format!("bytes={start}-")),
                Some(0) => {}
                None => request = request.timeout(self.patience),
            }
            let answer = request.send().await.map_err(|error| trouble(&error))?;
            said.sha256 = said.sha256.take().or_else(|| sha256(answer.headers(), "x-linked-etag"));
            said.bytes = said.bytes.or_else(|| number(answer.headers(), "x-linked-size"));
            if !answer.status().is_redirection() || (start.is_none() && said.sha256.is_some()) {
                return self.accept(answer);
            }
            url = self.next(&url, answer.headers())?;
        }
        Err(Miss::Silent(format!("{} redirects without end", shown(&self.url))).into())
    }

    fn next(&self, url: &Url, headers: &HeaderMap) -> Result<Url, Trouble> {
        let wrong = || Miss::Silent(format!("{} redirects to nowhere", shown(&self.url)));
        let location = headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).ok_or_else(wrong)?;
        let next = url.join(location).map_err(|_| wrong())?;
        // What was asked for in secret is not fetched in the open.
        let open = url.scheme() == "https" && next.scheme() != "https";
        if open { Err(wrong().into()) } else { Ok(next) }
    }

    /// An answer that can be used, or what its status means.
    fn accept(&self, answer: Response) -> Result<Response, Trouble> {
        let status = answer.status();
        match status {
            // The range: who asked for it knows what to do.
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(answer),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                Err(Trouble::Now(format!("the hub answered {status}")))
            }
            _ if status.is_server_error() => Err(Trouble::Now(format!("the hub answered {status}"))),
            _ if status.is_client_error() => {
                Err(Miss::Silent(format!("{}: the hub answered {status}", shown(&self.url))).into())
            }
            _ => Ok(answer),
        }
    }
}

/// What an error of the connection means.
pub(super) fn trouble(error: &reqwest::Error) -> Trouble {
    let reason = words(error);
    if error.is_connect() || error.is_timeout() { Trouble::Closed(reason) } else { Trouble::Now(reason) }
}

/// The innermost cause says it best; the address, which may carry a signature, is left out.
fn words(error: &reqwest::Error) -> String {
    let outer = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(deeper) = cause.and_then(Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| outer.to_owned(), |cause| format!("{outer} ({cause})"))
}

/// An entity tag that is a SHA-256, as it is for large files; for small ones it is something else.
fn sha256(headers: &HeaderMap, name: &str) -> Option<String> {
    let tag = headers.get(name)?.to_str().ok()?.trim_start_matches("W/").trim_matches('"');
    let digits = tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| tag.to_ascii_lowercase())
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}
