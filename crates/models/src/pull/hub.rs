//! Fetches a file from a model hub, in the words of Hugging Face's: `/{repository}/resolve/main/{file}` redirects
//! to where the bytes are, and says in `X-Linked-Etag` and `X-Linked-Size` what they should be.

use reqwest::{StatusCode, header};
use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};
use url::Url;

use super::{
    Work,
    error::{Miss, PullError},
    finish,
    part::{self, Part},
};
use crate::{HubFile, Installed, Origin};

mod wire;

use wire::{Declared, Hub, Trouble};

/// A connection that brought this many bytes was worth having: the repetitions are counted anew.
const WORTH: u64 = 8 << 20;

/// Fetches, checks and installs a file.
pub(super) async fn fetch(work: &Work<'_>, file: &HubFile) -> Result<Installed, Miss> {
    let url = address(&work.settings.hub, file).ok_or_else(|| {
        Miss::Silent(format!("`{}` cannot be a model hub's address", shown(&work.settings.hub)))
    })?;
    let hub = Hub::new(work.settings, url.clone()).map_err(Miss::Silent)?;
    let origin = shown(&url);
    work.progress.stage(&format!("Fetching {} from {origin}", work.entry.title));
    let mut download = Download { work, hub, origin: origin.clone(), state: None };
    let sum = download.complete().await?;
    let file = work.registry.part(work.entry.name).map_err(|error| Miss::Stop(error.into()))?;
    let installed = finish::install(work, file.clone(), sum, Origin::Hub { url: origin }).await?;
    part::discard(file).await?;
    Ok(installed)
}

struct Download<'a> {
    work: &'a Work<'a>,
    hub: Hub,
    origin: String,
    /// Known as soon as the hub said what it has.
    state: Option<(Declared, Part)>,
}

impl Download<'_> {
    /// Goes on until all is here, and tells the checksum, which is right.
    async fn complete(&mut self) -> Result<String, Miss> {
        let (settings, mut tries) = (self.work.settings, 0);
        loop {
            let before = self.length();
            let reason = match self.attempt().await {
                Ok(()) => return self.checked().await,
                Err(Trouble::For(miss)) => return Err(miss),
                Err(Trouble::Now(reason)) => reason,
                // A connection that does not come about is waited for only if there was one already.
                Err(Trouble::Closed(reason)) if self.length() > 0 && tries < settings.retries => reason,
                Err(Trouble::Closed(reason)) => return Err(self.silent(&reason)),
            };
            tries = if self.length() > before + WORTH { 0 } else { tries };
            if tries >= settings.retries {
                return Err(self.silent(&format!("{reason} (after {tries} repetitions)")));
            }
            tries += 1;
            self.work.progress.stage(&format!("{reason}; trying again ({tries} of {})", settings.retries));
            let rest = tokio::time::sleep(pause(settings.retry_pause, tries));
            self.work.unless_cancelled(rest).await.ok_or_else(|| self.cancelled())?;
        }
    }

    /// One try: asks what there is, if that is not known yet, then reads to the end.
    async fn attempt(&mut self) -> Result<(), Trouble> {
        let (declared, part) = match self.state.take() {
            Some(state) => state,
            None => {
                let declared = self.ask().await?;
                let path = self.work.registry.part(self.work.entry.name);
                let path = path.map_err(|error| Miss::Stop(error.into()))?;
                let part = Part::open(path, &declared.sha256, self.work.cancel).await?;
                (declared, part)
            }
        };
        let (declared, part) = self.state.insert((declared, part));
        let read = read(self.work, &self.hub, declared, part).await;
        // What came must be in the file before anybody may go on from it.
        part.flush().await?;
        read
    }

    /// What the hub declares, if it is what the catalogue pins.
    async fn ask(&self) -> Result<Declared, Trouble> {
        let asked =
            self.work.unless_cancelled(self.hub.declared()).await.ok_or_else(|| self.cancelled())??;
        let pinned = self.work.entry.sha256.map(str::to_owned);
        match (asked.sha256, pinned) {
            (Some(actual), Some(expected)) if actual != expected => {
                Err(Miss::Wrong(PullError::Checksum { origin: self.origin.clone(), expected, actual }).into())
            }
            (Some(sha256), _) | (None, Some(sha256)) => Ok(Declared { sha256, bytes: asked.bytes }),
            (None, None) => {
                let reason = format!("{} declares no SHA-256, and none is pinned", self.origin);
                Err(Miss::Silent(reason).into())
            }
        }
    }

    async fn checked(&mut self) -> Result<String, Miss> {
        let Some((declared, mut part)) = self.state.take() else {
            return Err(Miss::Silent("nothing was fetched".to_owned()));
        };
        let actual = part.finish().await?;
        if actual == declared.sha256 {
            return Ok(actual);
        }
        part.discard().await?;
        let (origin, expected) = (self.origin.clone(), declared.sha256);
        Err(Miss::Wrong(PullError::Checksum { origin, expected, actual }))
    }

    fn length(&self) -> u64 {
        self.state.as_ref().map_or(0, |(_, part)| part.length())
    }

    fn cancelled(&self) -> Miss {
        Miss::Stop(PullError::Cancelled { kept: self.length() })
    }

    fn silent(&self, reason: &str) -> Miss {
        Miss::Silent(format!("{}: {reason}", self.origin))
    }
}

/// Reads what is missing, up to the end or to the first trouble.
async fn read(work: &Work<'_>, hub: &Hub, declared: &Declared, part: &mut Part) -> Result<(), Trouble> {
    if declared.bytes.is_some_and(|bytes| part.length() > bytes) {
        part.restart().await?;
    }
    if declared.bytes == Some(part.length()) {
        return Ok(());
    }
    let kept = part.length();
    let cancelled = |kept| Miss::Stop(PullError::Cancelled { kept });
    let answer = work.unless_cancelled(hub.open(kept)).await.ok_or_else(|| cancelled(kept))??;
    let mut answer = match answer.status() {
        StatusCode::PARTIAL_CONTENT if starts_at(&answer, kept) => answer,
        StatusCode::OK => {
            part.restart().await?;
            answer
        }
        // What is here cannot be the beginning of what is there.
        _ => {
            part.restart().await?;
            return Err(Trouble::Now("the hub sent another part of the file than was asked for".to_owned()));
        }
    };
    let total = declared.bytes.or_else(|| answer.content_length().map(|rest| rest + part.length()));
    loop {
        work.progress.bytes(part.length(), total);
        let chunk = work.unless_cancelled(answer.chunk()).await.ok_or_else(|| cancelled(part.length()))?;
        match chunk.map_err(|error| wire::trouble(&error))? {
            Some(chunk) => part.push(&chunk).await?,
            None => break,
        }
        if total.is_some_and(|total| part.length() > total) {
            break;
        }
    }
    match total {
        Some(total) if part.length() < total => {
            Err(Trouble::Now(format!("the connection ended after {} of {total} bytes", part.length())))
        }
        _ => Ok(()),
    }
}

/// Whether a partial answer begins where it should.
fn starts_at(answer: &reqwest::Response, start: u64) -> bool {
    let range = answer.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {start}-")))
}

/// Where the hub has the file.
fn address(hub: &Url, file: &HubFile) -> Option<Url> {
    let mut url = hub.clone();
    let path = file.repository.split('/').chain(["resolve", "main"]).chain(file.file.split('/'));
    url.path_segments_mut().ok()?.pop_if_empty().extend(path);
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// An address without what may be secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // These fail for addresses that cannot carry a name and password.
    let _ = (url.set_username(""), url.set_password(None));
    url.to_string()
}

/// Twice as long each time, and between half and one and a half of that, lest many come back at once.
fn pause(base: Duration, tries: u32) -> Duration {
    let random = RandomState::new().hash_one(tries) % 1000;
    base * 2_u32.pow(tries.min(6) - 1) * (500 + random as u32) / 1000
}
