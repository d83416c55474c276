//! The composition root: where things are, and how the parts are put together.

use cofounder_domain::{Clock, SystemClock, TaskId};
use cofounder_executor::{Executor, Finished, Permits, Progress};
use cofounder_models::Registry;
use cofounder_pipeline::{Settings, Strategy, WritePost};
use cofounder_publish::{WebhookTarget, Webhooks};
use cofounder_research::Fetcher;
use cofounder_storage::{Database, Location, Owner, StorageError, patiently};
use std::{
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Global,
    config::{self, Config},
    failure::Failure,
    studio::Studio,
};

/// Where things are, and how the program is set.
pub(crate) struct Files {
    pub(crate) config: Config,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) data_dir: PathBuf,
    pub(crate) database: Location,
    pub(crate) registry: Registry,
}

impl Files {
    /// Flags, then the environment, then the configuration file, then defaults.
    pub(crate) fn find(global: &Global) -> Result<Self, Failure> {
        let (files, problems) = Self::look(global)?;
        Failure::of_all(problems, Vec::new(), "nothing was done").map_or(Ok(files), Err)
    }

    /// The same with defaults in place of what cannot be used, and everything that cannot.
    pub(crate) fn look(global: &Global) -> Result<(Self, Vec<String>), Failure> {
        let config_file = config_file(global)?;
        let text = config_file.as_deref().map(config::text).transpose()?.unwrap_or_default();
        let (config, mut problems) = Config::told(&text, config_file.as_deref(), variables());
        let data_dir = global.data_dir.clone().or_else(|| dirs::data_dir().map(|d| d.join("cofounder")));
        let data_dir = data_dir.ok_or_else(|| {
            Failure::usage("no home folder is known. Name a data directory with --data-dir")
        })?;
        let url = global.database_url.as_ref().or(config.database.url.as_ref());
        let database = url.map(|url| url.parse::<Location>()).transpose().unwrap_or_else(|problem| {
            problems.push(problem.to_string());
            None
        });
        let database = database.unwrap_or_else(|| Location::Sqlite(data_dir.join("cofounder.db")));
        let models = std::env::var_os("COFOUNDER_MODEL_DIR").map(PathBuf::from);
        let models = models.or_else(|| dirs::cache_dir().map(|d| d.join("cofounder/models")));
        let registry = Registry::new(models.unwrap_or_else(|| data_dir.join("models")));
        Ok((Self { config, config_file, data_dir, database, registry }, problems))
    }

    /// The same with the configuration as it stands now.
    pub(crate) fn reread(self) -> Result<Self, Failure> {
        let config_file = self.config_file.or_else(own_config_file).filter(|file| file.is_file());
        let config = Config::read(config_file.as_deref(), variables())?;
        Ok(Self { config, config_file, ..self })
    }

    fn owners(&self) -> PathBuf {
        self.data_dir.join("run/owners")
    }
}

/// The environment, as far as it is text.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
}

/// The configuration in the user's own folder.
pub(crate) fn own_config_file() -> Option<PathBuf> {
    dirs::config_dir().map(|folder| folder.join("cofounder/config.toml"))
}

fn config_file(global: &Global) -> Result<Option<PathBuf>, Failure> {
    if let Some(named) = &global.config {
        let exists = named.is_file();
        return if exists {
            Ok(Some(named.clone()))
        } else {
            Err(Failure::usage(format!("there is no configuration {}", named.display())))
        };
    }
    let here = Path::new("cofounder.toml").to_owned();
    Ok([Some(here), own_config_file()].into_iter().flatten().find(|f| f.is_file()))
}

/// What most commands work on.
pub(crate) struct App {
    pub(crate) files: Files,
    pub(crate) db: Arc<Database>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl App {
    /// Opens the database, making it if there is none.
    pub(crate) async fn open(files: Files) -> Result<Self, Failure> {
        Self::open_within(files, Duration::ZERO, &CancellationToken::new()).await
    }

    /// The same, waiting so long for a database that does not answer.
    pub(crate) async fn open_within(
        files: Files,
        patience: Duration,
        cancel: &CancellationToken,
    ) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        private(&files.data_dir)?;
        let pool = files.config.database.pool();
        let opened = patiently(patience, cancel, || Database::open(&files.database, pool, clock.clone()));
        let db = Arc::new(opened.await?);
        Ok(Self { files, db, clock })
    }

    /// The parts that make model calls. Connects to nothing but, to see whether it is there, a local Ollama.
    pub(crate) async fn studio(&self) -> Result<Studio, Failure> {
        Studio::open(self).await
    }

    /// Runs one task in this process.
    pub(crate) async fn run(
        &self,
        task: TaskId,
        studio: &Studio,
        strategy: Strategy,
        progress: Arc<dyn Progress>,
        cancel: &CancellationToken,
    ) -> Result<Finished, Failure> {
        let workflow = self.workflow(studio, strategy);
        Ok(self.executor()?.run(task, &workflow, progress, cancel).await?)
    }

    /// The steps of an article.
    pub(crate) fn workflow(&self, studio: &Studio, strategy: Strategy) -> WritePost {
        WritePost {
            db: self.db.clone(),
            meter: studio.meter.clone(),
            fetcher: Arc::new(Fetcher::new(self.files.config.research.clone())),
            settings: Settings { strategy, rails: Default::default() },
        }
    }

    /// Who is told when a post goes live. Connects to nothing.
    pub(crate) fn webhooks(&self) -> Result<Arc<Webhooks>, Failure> {
        let sections = self.files.config.webhook.iter();
        let targets: Vec<WebhookTarget> =
            sections.map(|(name, s)| s.target(name)).collect::<Result<_, _>>()?;
        let webhooks = Webhooks::new(targets, self.clock.clone()).map_err(Failure::usage)?;
        Ok(Arc::new(webhooks))
    }

    /// A name for this process, by which others see whether it lives.
    pub(crate) fn owner(&self) -> Result<Owner, Failure> {
        Owner::new(&self.files.owners()).map_err(|error| {
            Failure::failed(format!(
                "{} cannot be written: {error}. Name another folder with --data-dir",
                self.files.data_dir.display()
            ))
        })
    }

    /// What runs tasks in this process.
    pub(crate) fn executor(&self) -> Result<Executor, Failure> {
        let owner = self.owner()?;
        let worker = &self.files.config.worker;
        let permits = Permits::new(worker.permits.clone());
        Ok(Executor::new(self.db.clone(), owner, worker.runs()).with_permits(permits))
    }
}

/// Makes the data directory, which nobody but its owner may read.
pub(crate) fn private(folder: &Path) -> Result<(), Failure> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        Failure::failed(format!(
            "the data directory {} cannot be made: {error}. Name another with --data-dir",
            folder.display()
        ))
    })
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        if let StorageError::Bug(bug) = &error {
            tracing::error!(%bug, backtrace = %bug.backtrace(), "a defect of this program");
        }
        Self::of(error.kind(), error)
    }
}
