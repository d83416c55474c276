//! Pulls from a model hub that works, or works after a while.

use crate::support::{Scene, sum};
use cofounder_models::{Origin, PullError};
use cofounder_testkit::hub::Faults;
use std::{fs, time::Duration};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_model_is_pulled_once_and_then_is_here() {
    let scene = Scene::new(Faults::default()).await;
    let installed = scene.pull_well().await;
    assert_eq!(installed.licence.as_deref(), Some("MIT"));
    assert_eq!(installed.architecture, "llama");
    assert_eq!(installed.context_length, Some(512));
    let Origin::Hub { url } = &installed.origin else { panic!("{:?}", installed.origin) };
    assert!(url.ends_with("/owner/tiny-GGUF/resolve/main/tiny.Q8_0.gguf"), "{url}");
    let size = scene.bytes.len();
    let seen = scene.hub.seen();
    assert_eq!((seen.heads, seen.ranges, seen.bytes_sent), (1, vec![None], size));
    assert_eq!(scene.heard.bytes.lock().unwrap().last(), Some(&(size as u64, Some(size as u64))));
    scene.hub.set(Faults::default());
    assert_eq!(scene.pull().await.unwrap(), installed);
    assert_eq!(scene.hub.seen().heads, 0);
}

#[tokio::test]
async fn a_broken_connection_is_resumed_where_it_broke() {
    let scene = Scene::new(Faults { cuts: (2, 5_000), ..Faults::default() }).await;
    scene.pull_well().await;
    let seen = scene.hub.seen();
    assert_eq!(seen.ranges, [None, Some(5_000), Some(10_000)]);
    assert_eq!(seen.bytes_sent, scene.bytes.len());
    assert_eq!(scene.heard.stages.lock().unwrap().iter().filter(|s| s.contains("trying again")).count(), 2);
}

#[tokio::test]
async fn a_hub_that_knows_no_ranges_sends_the_file_again() {
    let scene = Scene::new(Faults { cuts: (1, 5_000), no_ranges: true, ..Faults::default() }).await;
    scene.pull_well().await;
    assert_eq!(scene.hub.seen().ranges, [None, Some(5_000)]);
    assert_eq!(scene.hub.seen().bytes_sent, scene.bytes.len() + 5_000);
}

#[tokio::test]
async fn a_hub_that_stumbles_is_asked_again_but_not_for_ever() {
    let scene = Scene::new(Faults { errors: 3, ..Faults::default() }).await;
    scene.pull_well().await;
    let scene = Scene::new(Faults { errors: 4, ..Faults::default() }).await;
    let error = scene.pull().await.unwrap_err();
    assert!(matches!(error, PullError::OutOfReach { .. }), "{error}");
    assert!(error.to_string().contains("500"), "{error}");
    scene.nothing_is_installed();
}

#[tokio::test]
async fn a_cancelled_pull_keeps_what_came_and_the_next_goes_on_from_there() {
    let scene = Scene::new(Faults { pause: Some(Duration::from_millis(2)), ..Faults::default() }).await;
    let cancel = CancellationToken::new();
    *scene.heard.cancel_at.lock().unwrap() = Some((4_000, cancel.clone()));
    let error = scene.pull_until(&cancel).await.unwrap_err();
    let PullError::Cancelled { kept } = error else { panic!("{error}") };
    assert!((4_000..scene.bytes.len() as u64).contains(&kept), "{kept}");
    assert_eq!(fs::metadata(scene.inside("model.gguf.part")).unwrap().len(), kept);
    scene.nothing_is_installed();
    *scene.heard.cancel_at.lock().unwrap() = None;
    scene.hub.set(Faults::default());
    scene.pull_well().await;
    assert_eq!(scene.hub.seen().ranges, [Some(kept)]);
}

#[tokio::test]
async fn a_download_that_only_lacks_its_name_is_not_fetched_again() {
    let scene = Scene::new(Faults::default()).await;
    crate::support::write(&scene.inside("model.gguf.part"), &scene.bytes);
    fs::write(scene.inside("model.gguf.part.sha256"), sum(&scene.bytes)).unwrap();
    scene.pull_well().await;
    assert_eq!(scene.hub.seen().reads, 0);
}

#[tokio::test]
async fn what_an_older_file_left_is_not_gone_on_with() {
    let scene = Scene::new(Faults::default()).await;
    crate::support::write(&scene.inside("model.gguf.part"), &[7; 3_000]);
    fs::write(scene.inside("model.gguf.part.sha256"), sum(b"another")).unwrap();
    scene.pull_well().await;
    assert_eq!(scene.hub.seen().ranges, [None]);
}

#[tokio::test]
async fn a_model_that_is_not_pinned_is_checked_against_what_the_hub_declares() {
    let mut scene = Scene::new(Faults::default()).await;
    scene.entry.sha256 = None;
    scene.pull_well().await;
}

#[tokio::test]
async fn a_damaged_model_is_fetched_again() {
    let scene = Scene::new(Faults::default()).await;
    scene.pull_well().await;
    fs::write(scene.inside("model.gguf"), b"GGUF").unwrap();
    assert!(scene.registry.get("tiny").is_err());
    scene.pull_well().await;
}

#[tokio::test]
async fn two_pulls_at_once_fetch_once() {
    let scene = Scene::new(Faults { pause: Some(Duration::from_millis(5)), ..Faults::default() }).await;
    let (one, two) = tokio::join!(scene.pull(), scene.pull());
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!(scene.hub.seen().reads, 1);
    assert!(scene.heard.stages.lock().unwrap().iter().any(|stage| stage.contains("Waiting")));
}

#[test]
fn a_pull_may_run_on_any_thread() {
    fn sent<T: Send>(_: T) {}
    let (registry, settings) =
        (cofounder_models::Registry::new("x"), cofounder_models::PullSettings::default());
    sent(cofounder_models::pull("tiny", &registry, &settings, &(), &CancellationToken::new()));
}
