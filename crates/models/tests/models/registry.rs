//! The registry: what is registered, listed, verified and removed.

use crate::support::{sum, write};
use cofounder_domain::FaultKind;
use cofounder_models::{Ability, Installed, Origin, Placement, Registry, RegistryError};
use cofounder_testkit::gguf::{TinyModel, flipped_magic, truncated};
use std::{fs, path::PathBuf};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

struct Shelf {
    folder: TempDir,
    registry: Registry,
    bytes: Vec<u8>,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::new(folder.path().join("models"));
        Self { folder, registry, bytes: TinyModel::default().bytes() }
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("given.gguf");
        write(&path, bytes);
        path
    }

    fn register(&self, name: &str, bytes: &[u8], placement: Placement) -> Result<Installed, RegistryError> {
        let path = self.file(bytes);
        self.registry.register_file(name, &path, placement, &CancellationToken::new(), |_| {})
    }
}

#[test]
fn a_copied_file_is_the_registrys_own_and_can_be_removed() {
    let shelf = Shelf::new();
    let model = shelf.register("mine", &shelf.bytes, Placement::Copy).unwrap();
    assert_eq!((model.bytes, model.sha256.clone()), (shelf.bytes.len() as u64, sum(&shelf.bytes)));
    assert_eq!(model.licence.as_deref(), Some("apache-2.0"));
    fs::remove_file(shelf.folder.path().join("given.gguf")).unwrap();
    assert_eq!(shelf.registry.get("mine").unwrap(), model);
    assert_eq!(shelf.registry.list().unwrap().models, std::slice::from_ref(&model));
    assert_eq!(shelf.registry.verify("mine", &CancellationToken::new(), |_| {}).unwrap(), model);
    shelf.registry.rm("mine").unwrap();
    assert!(!model.path.exists());
    assert!(shelf.registry.list().unwrap().models.is_empty());
    let error = shelf.registry.rm("mine").unwrap_err();
    assert_eq!(error.kind(), FaultKind::NotFound);
    assert!(error.to_string().contains("cofounder model pull mine"), "{error}");
}

#[test]
fn a_linked_file_stays_where_it_is() {
    let shelf = Shelf::new();
    let model = shelf.register("mine", &shelf.bytes, Placement::Link).unwrap();
    assert!(fs::symlink_metadata(&model.path).unwrap().is_symlink());
    let Origin::File { path } = &model.origin else { panic!("{:?}", model.origin) };
    shelf.registry.rm("mine").unwrap();
    assert_eq!(fs::read(path).unwrap(), shelf.bytes);
}

#[test]
fn a_file_that_is_no_whole_model_is_not_registered() {
    let shelf = Shelf::new();
    let half = truncated(&shelf.bytes, shelf.bytes.len() / 2);
    for wrong in [half, flipped_magic(&shelf.bytes), Vec::new()] {
        let error = shelf.register("mine", &wrong, Placement::Copy).unwrap_err();
        assert!(matches!(error, RegistryError::Unusable { .. }), "{error}");
        assert_eq!(error.kind(), FaultKind::InvalidInput);
        assert!(matches!(shelf.registry.get("mine"), Err(RegistryError::NotInstalled(_))));
    }
}

#[test]
fn a_name_of_the_catalogue_is_not_given_to_another_file() {
    let shelf = Shelf::new();
    let error = shelf.register("smollm2-135m", &shelf.bytes, Placement::Copy).unwrap_err();
    assert!(matches!(error, RegistryError::OtherFile { .. }), "{error}");
    assert!(error.to_string().contains(&sum(&shelf.bytes)), "{error}");
    assert!(shelf.registry.get("smollm2-135m").is_err());
    assert_eq!(fs::read_dir(shelf.registry.folder().join("smollm2-135m")).unwrap().count(), 0);
}

#[test]
fn names_cannot_leave_the_folder() {
    let shelf = Shelf::new();
    for name in ["../x", "", ".locks", "A", "a/b", &"a".repeat(65)] {
        let error = shelf.register(name, &shelf.bytes, Placement::Copy).unwrap_err();
        assert!(matches!(error, RegistryError::Name(_)), "{name}: {error}");
        assert!(matches!(shelf.registry.rm(name), Err(RegistryError::Name(_))), "{name}");
    }
}

#[test]
fn a_model_that_another_process_changes_is_left_alone() {
    let shelf = Shelf::new();
    shelf.register("mine", &shelf.bytes, Placement::Copy).unwrap();
    let lock = fs::File::open(shelf.registry.folder().join(".locks/mine")).unwrap();
    lock.lock().unwrap();
    let error = shelf.registry.rm("mine").unwrap_err();
    assert!(matches!(error, RegistryError::Busy(_)), "{error}");
    assert_eq!(error.kind(), FaultKind::Conflict);
    assert!(shelf.registry.get("mine").is_ok());
    drop(lock);
    shelf.registry.rm("mine").unwrap();
}

#[test]
fn a_file_that_changed_is_noticed() {
    let shelf = Shelf::new();
    let model = shelf.register("mine", &shelf.bytes, Placement::Copy).unwrap();
    let mut changed = shelf.bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&model.path, &changed).unwrap();
    assert!(shelf.registry.get("mine").is_ok());
    let error = shelf.registry.verify("mine", &CancellationToken::new(), |_| {}).unwrap_err();
    assert!(error.to_string().contains(&sum(&changed)), "{error}");
    fs::write(&model.path, truncated(&changed, 100)).unwrap();
    let error = shelf.registry.get("mine").unwrap_err();
    assert!(matches!(error, RegistryError::Damaged { .. }), "{error}");
    let listing = shelf.registry.list().unwrap();
    assert_eq!((listing.models.len(), listing.problems.len()), (0, 1));
}

#[test]
fn a_manifest_that_cannot_be_understood_is_a_problem_of_that_model_alone() {
    let shelf = Shelf::new();
    shelf.register("good", &shelf.bytes, Placement::Copy).unwrap();
    for (text, reason) in
        [("{", "EOF"), (r#"{"manifest": 99}"#, "newer version"), (r#"{"manifest": 1}"#, "missing")]
    {
        write(&shelf.registry.folder().join("bad/manifest.json"), text.as_bytes());
        let listing = shelf.registry.list().unwrap();
        assert_eq!(listing.models.len(), 1);
        assert!(listing.problems[0].to_string().contains(reason), "{:?}", listing.problems);
    }
    shelf.registry.rm("bad").unwrap();
    assert!(shelf.registry.list().unwrap().problems.is_empty());
}

#[test]
fn an_ability_is_kept_until_the_file_is_another() {
    let shelf = Shelf::new();
    shelf.register("mine", &shelf.bytes, Placement::Copy).unwrap();
    let ability = Ability { probe: 1, strategy: "sentences".to_owned(), sentences: 10, supported: 7 };
    shelf.registry.set_ability("mine", ability.clone()).unwrap();
    assert_eq!(shelf.registry.get("mine").unwrap().ability, Some(ability));
    shelf.register("mine", &TinyModel { seed: 2, ..TinyModel::default() }.bytes(), Placement::Copy).unwrap();
    assert_eq!(shelf.registry.get("mine").unwrap().ability, None);
}

#[test]
fn a_cancelled_registration_leaves_nothing_and_the_old_model_as_it_was() {
    let shelf = Shelf::new();
    let old = shelf.register("mine", &shelf.bytes, Placement::Copy).unwrap();
    let (cancel, path) =
        (CancellationToken::new(), shelf.file(&TinyModel { seed: 2, ..TinyModel::default() }.bytes()));
    cancel.cancel();
    let error = shelf.registry.register_file("mine", &path, Placement::Copy, &cancel, |_| {}).unwrap_err();
    assert!(matches!(error, RegistryError::Cancelled), "{error}");
    assert_eq!(shelf.registry.get("mine").unwrap(), old);
    assert_eq!(fs::read_dir(shelf.registry.folder().join("mine")).unwrap().count(), 2);
}
