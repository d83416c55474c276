//! Starts the embedded model: one engine process per model and data directory, shared by every process that works
//! there. Who holds the lock file runs the engine and has written its socket's path into that file.

use async_trait::async_trait;
use cofounder_models::Registry;
use cofounder_providers::{Launcher, ProviderError};
use cofounder_supervisor::{Service, ServiceSpec};
use std::{
    collections::HashMap,
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{net::UnixStream, sync::Mutex, time::Instant};

/// A Unix socket's path has at most 107 bytes on Linux and 103 on macOS.
const MAX_SOCKET_PATH: usize = 100;
/// How long another process's engine may take to appear.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long an engine may take to say how it is.
const GLANCE: Duration = Duration::from_millis(100);

/// How the engine is to run.
#[derive(Clone, Debug)]
pub(crate) struct EngineSettings {
    pub(crate) threads: Option<usize>,
    pub(crate) context: u64,
}

/// Launches engines as children of this process.
#[derive(Debug)]
pub(crate) struct EngineLauncher {
    registry: Registry,
    folder: PathBuf,
    settings: EngineSettings,
    engines: Mutex<HashMap<String, Arc<Engine>>>,
}

/// How the engine of a model is.
#[derive(Clone, Debug)]
pub(crate) struct EngineState {
    pub(crate) model: String,
    /// Its process, if it runs.
    pub(crate) pid: Option<u32>,
    /// How often it was started after the first time.
    pub(crate) restarts: u64,
}

#[derive(Debug)]
struct Engine {
    service: Service,
    socket: PathBuf,
    /// Held as long as this process runs the engine.
    _lock: File,
}

impl EngineLauncher {
    /// Engines keep their sockets, locks and logs in `<data-dir>/run`.
    pub(crate) fn new(registry: Registry, data_dir: &Path, settings: EngineSettings) -> Self {
        Self { registry, folder: data_dir.join("run"), settings, engines: Mutex::new(HashMap::new()) }
    }

    /// Ends the engines of this process.
    pub(crate) async fn stop(&self) {
        for (_, engine) in self.engines.lock().await.drain() {
            engine.service.stop().await;
        }
    }

    /// The engines that this process has started.
    pub(crate) async fn states(&self) -> Vec<EngineState> {
        let engines: Vec<(String, Arc<Engine>)> =
            self.engines.lock().await.iter().map(|(model, engine)| (model.clone(), engine.clone())).collect();
        let mut states = Vec::new();
        for (model, engine) in engines {
            // One that is being started is not asked: whoever waits for it holds it.
            let asked = async { (engine.service.pid().await, engine.service.restarts().await) };
            if let Ok((pid, restarts)) = tokio::time::timeout(GLANCE, asked).await {
                states.push(EngineState { model, pid, restarts });
            }
        }
        states.sort_by(|a, b| a.model.cmp(&b.model));
        states
    }

    /// Whether this process runs an engine for it now.
    pub(crate) async fn runs(&self, model: &str) -> bool {
        match self.own(model).await {
            Some(engine) => {
                let pid = tokio::time::timeout(GLANCE, engine.service.pid()).await;
                pid.is_ok_and(|pid| pid.is_some())
            }
            None => false,
        }
    }

    async fn own(&self, model: &str) -> Option<Arc<Engine>> {
        self.engines.lock().await.get(model).cloned()
    }

    /// This process's engine, if the lock is free; else the socket of the process that holds it.
    async fn claim(&self, model: &str) -> Result<Claim, ProviderError> {
        fs::create_dir_all(&self.folder).map_err(launch)?;
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700)).map_err(launch)?;
        let path = self.folder.join(format!("engine-{model}.lock"));
        let mut lock =
            File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(launch)?;
        if lock.try_lock().is_err() {
            let mut socket = String::new();
            lock.read_to_string(&mut socket).map_err(launch)?;
            return Ok(Claim::Other(PathBuf::from(socket.trim())));
        }
        let installed = self.registry.get(model).map_err(launch)?;
        let socket = self.socket_path(model);
        lock.set_len(0).map_err(launch)?;
        lock.seek(SeekFrom::Start(0)).map_err(launch)?;
        write!(lock, "{}", socket.display()).map_err(launch)?;
        let service = Service::new(self.spec(model, &installed.path, &socket)?);
        Ok(Claim::Own(Arc::new(Engine { service, socket, _lock: lock })))
    }

    fn socket_path(&self, model: &str) -> PathBuf {
        let near = self.folder.join(format!("engine-{model}.sock"));
        if near.as_os_str().len() <= MAX_SOCKET_PATH {
            return near;
        }
        let name = cofounder_domain::content_hash(near.as_os_str().as_encoded_bytes());
        std::env::temp_dir().join(format!("cofounder-{}", &name[..16])).join("engine.sock")
    }

    fn spec(&self, model: &str, file: &Path, socket: &Path) -> Result<ServiceSpec, ProviderError> {
        let program = std::env::current_exe().map_err(launch)?;
        let mut args: Vec<std::ffi::OsString> =
            vec!["engine".into(), "text".into(), "--model".into(), file.into()];
        args.extend([
            "--name".into(),
            model.into(),
            "--socket".into(),
            socket.into(),
            "--context".into(),
            self.settings.context.to_string().into(),
        ]);
        let mut spec = ServiceSpec::new(program, args, self.folder.join(format!("engine-{model}.log")));
        if let Some(threads) = self.settings.threads {
            spec.env.push(("RAYON_NUM_THREADS".into(), threads.to_string().into()));
        }
        Ok(spec)
    }
}

enum Claim {
    Own(Arc<Engine>),
    Other(PathBuf),
}

#[async_trait]
impl Launcher for EngineLauncher {
    async fn socket(&self, model: &str) -> Result<PathBuf, ProviderError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(engine) = self.own(model).await {
                let socket = engine.socket.clone();
                engine.service.ready(|| answers(socket.clone())).await.map_err(launch)?;
                return Ok(engine.socket.clone());
            }
            let mut engines = self.engines.lock().await;
            if engines.contains_key(model) {
                continue;
            }
            match self.claim(model).await? {
                Claim::Own(engine) => {
                    engines.insert(model.to_owned(), engine);
                    continue;
                }
                Claim::Other(socket) if answers(socket.clone()).await => return Ok(socket),
                Claim::Other(_) if Instant::now() > deadline => {
                    return Err(launch(
                        "another process holds the engine's lock and its engine does not answer",
                    ));
                }
                Claim::Other(_) => {}
            }
            drop(engines);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Whether somebody listens on the socket: the engine binds it when the model is loaded.
async fn answers(socket: PathBuf) -> bool {
    UnixStream::connect(socket).await.is_ok()
}

fn launch(error: impl std::fmt::Display) -> ProviderError {
    ProviderError::launch(error)
}
