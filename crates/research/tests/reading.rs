//! Reading files and directories, good and bad.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what a test relies on fails it")]

use cofounder_domain::FaultKind;
use cofounder_research::{Limits, Reading, ResearchError, read_path};
use std::{
    fs::{self, File},
    os::unix::{fs::PermissionsExt, fs::symlink, net::UnixListener},
    path::Path,
    time::{Duration, Instant},
};

async fn read(path: &Path) -> Result<Reading, ResearchError> {
    tokio::time::timeout(Duration::from_secs(20), read_path(path, &Limits::default()))
        .await
        .expect("it hangs")
}

fn named_pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn names(reading: &Reading) -> Vec<&str> {
    reading.documents.iter().map(|d| d.source.uri.rsplit('/').next().unwrap()).collect()
}

fn why<'a>(reading: &'a Reading, name: &str) -> &'a str {
    let found = reading.skipped.iter().find(|s| s.uri.ends_with(&format!("/{name}")));
    &found.unwrap_or_else(|| panic!("{name} is not in {:?}", reading.skipped)).reason
}

#[tokio::test]
async fn a_file_of_any_name_becomes_a_document() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("my notes.log");
    fs::write(&path, "Storks nest on roofs.\r\nThey return each year.").unwrap();
    let reading = read(&path).await.unwrap();
    let source = &reading.documents[0].source;
    assert_eq!(source.text, "Storks nest on roofs. They return each year.");
    assert_eq!(source.title, "my notes.log");
    assert!(source.uri.starts_with("file:///") && source.uri.ends_with("/my%20notes.log"), "{}", source.uri);
    assert_eq!(source.bytes, reading.documents[0].bytes.len() as u64);
}

#[tokio::test]
async fn a_directory_gives_its_texts_in_order_and_says_what_it_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::create_dir_all(root.join("sub/deeper")).unwrap();
    fs::create_dir_all(root.join(".git")).unwrap();
    for (name, text) in [
        ("b.md", "# B\n\nStorks nest."),
        ("a.txt", "Storks fly."),
        ("sub/deeper/c.html", "<p>Storks eat frogs.</p>"),
        ("copy.txt", "Storks fly."),
        ("empty.md", " \n"),
        ("only-code.md", "<!-- nothing -->"),
        ("image.png", "x"),
        (".hidden.md", "Hidden."),
        (".git/x.md", "Hidden."),
    ] {
        fs::write(root.join(name), text).unwrap();
    }
    fs::write(root.join("binary.txt"), [0u8, 1, 2, 3]).unwrap();
    File::create(root.join("huge.txt")).unwrap().set_len(1 << 30).unwrap();
    named_pipe(&root.join("pipe.txt"));
    let _listener = UnixListener::bind(root.join("socket.txt")).unwrap();
    symlink("..", root.join("sub/loop")).unwrap();
    symlink("/etc/passwd", root.join("outside.txt")).unwrap();
    symlink("nowhere", root.join("dangling.md")).unwrap();

    let reading = read(root).await.unwrap();
    assert_eq!(names(&reading), ["a.txt", "b.md", "c.html"]);
    for (name, reason) in [
        ("copy.txt", "same content"),
        ("empty.md", "no text"),
        ("only-code.md", "no text"),
        ("image.png", "does not end like"),
        ("binary.txt", "binary data"),
        ("huge.txt", "more than 20971520 bytes"),
        ("pipe.txt", "a named pipe"),
        ("socket.txt", "a socket"),
        ("loop", "symbolic link"),
        ("outside.txt", "symbolic link"),
        ("dangling.md", "symbolic link"),
    ] {
        assert!(why(&reading, name).contains(reason), "{name}: {}", why(&reading, name));
    }
    assert_eq!(reading.skipped.len(), 11, "hidden entries are not listed: {:?}", reading.skipped);
    assert_eq!(read(root).await.unwrap(), reading, "twice the same");
}

#[tokio::test]
async fn bad_files_are_each_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("empty"), "").unwrap();
    fs::write(at("blank.md"), "---\ntitle: x\n---\n\n").unwrap();
    fs::write(at("doc.pdf"), "%PDF-1.4 text").unwrap();
    fs::write(at("bin"), [7u8, 0, 255, 3]).unwrap();
    fs::write(at("deep.html"), "<div>".repeat(100_000)).unwrap();
    named_pipe(&at("pipe"));
    let _listener = UnixListener::bind(at("socket")).unwrap();
    symlink("loop", at("loop")).unwrap();
    fs::create_dir(at("void")).unwrap();
    fs::write(at("file"), "Text.").unwrap();

    let cases: [(&str, &str, FaultKind); 10] = [
        ("missing", "does not exist", FaultKind::NotFound),
        ("empty", "holds no text", FaultKind::InvalidInput),
        ("blank.md", "holds no text", FaultKind::InvalidInput),
        ("doc.pdf", "a PDF document", FaultKind::InvalidInput),
        ("bin", "binary data", FaultKind::InvalidInput),
        ("deep.html", "too deep", FaultKind::InvalidInput),
        ("pipe", "a named pipe", FaultKind::InvalidInput),
        ("socket", "a socket", FaultKind::InvalidInput),
        ("loop", "cannot be read", FaultKind::InvalidInput),
        ("void", "nothing that can be used", FaultKind::InvalidInput),
    ];
    for (name, part, kind) in cases {
        let error = read(&at(name)).await.unwrap_err();
        let message = error.to_string();
        assert!(message.contains(part) && message.contains(name), "{name}: {message}");
        assert_eq!(error.kind(), kind, "{name}");
        assert!(message.contains(". "), "it says what to do: {message}");
    }
    assert!(matches!(read(&at("file/below")).await, Err(ResearchError::Unreadable { .. })));
    assert!(matches!(
        read(Path::new("/dev/zero")).await,
        Err(ResearchError::NotAFile { what: "a device", .. })
    ));
}

#[tokio::test]
async fn a_gigabyte_is_refused_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("huge.txt");
    File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let begun = Instant::now();
    let error = read(&path).await.unwrap_err();
    assert!(
        matches!(error, ResearchError::TooLarge { bytes: Some(1_073_741_824), limit: 20_971_520, .. }),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn what_may_not_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("locked.txt");
    fs::write(&path, "Locked.").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser reads everything: then the file is simply read.
    match read(&path).await {
        Ok(_) => assert!(File::open(&path).is_ok()),
        Err(error) => assert!(matches!(error, ResearchError::Unreadable { .. }), "{error}"),
    }
}

#[tokio::test]
async fn the_limits_of_a_directory_hold() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..6 {
        fs::create_dir_all(dir.path().join("d/d/d/d")).unwrap();
        fs::write(dir.path().join(format!("{n}.txt")), format!("Stork {n}. {}", "x".repeat(100))).unwrap();
    }
    fs::write(dir.path().join("d/d/d/d/deep.txt"), "Deep.").unwrap();
    let few = Limits { files: 2, depth: 3, ..Limits::default() };
    let reading = read_path(dir.path(), &few).await.unwrap();
    assert_eq!(names(&reading), ["0.txt", "1.txt"]);
    assert!(why(&reading, "5.txt").contains("research.limits.files"));
    assert!(why(&reading, "d/d/d").contains("levels deep"));
    let small = Limits { total_bytes: 330, ..Limits::default() };
    let reading = read_path(dir.path(), &small).await.unwrap();
    assert_eq!(names(&reading).len(), 3);
    assert!(why(&reading, "3.txt").contains("research.limits.total_bytes"));
}
