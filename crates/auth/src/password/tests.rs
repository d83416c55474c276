use super::*;

fn cheap(passes: u32) -> PasswordSettings {
    PasswordSettings { memory_kib: 8, passes, ..PasswordSettings::default() }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn ada() -> Email {
    "ada.lovelace@example.org".parse().unwrap()
}

/// What is kept names its parameters: those of OWASP's advice. Tried by other parameters and by Argon2i: the test failed.
#[tokio::test]
async fn what_is_kept_is_argon2id_with_the_advised_parameters() {
    let passwords = Passwords::new(PasswordSettings::default()).unwrap();
    let password = secret("correct horse battery staple");
    let [one, two] =
        [passwords.hash(&password, &ada()).await.unwrap(), passwords.hash(&password, &ada()).await.unwrap()];
    assert!(one.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.expose());
    assert_ne!(one, two, "each has a salt of its own");
    assert!(!format!("{one:?} {passwords:?}").contains("argon2id$"));
    assert_eq!(passwords.compare(&password, Some(&one)).await, Ok(Verdict::Right));
    assert_eq!(
        passwords.compare(&secret("correct horse battery stable"), Some(&one)).await,
        Ok(Verdict::Wrong)
    );
}

/// Tried by leaving out the computation where nothing is kept: the test failed.
#[tokio::test]
async fn as_much_is_computed_whether_or_not_there_is_something_to_compare_with() {
    let passwords = Passwords::new(cheap(1)).unwrap();
    let password = secret("correct horse battery staple");
    let kept = passwords.hash(&password, &ada()).await.unwrap();
    let broken = PasswordHash::new("not in PHC's form".to_owned());
    for (kept, text) in [
        (Some(&kept), "correct horse battery staple"),
        (Some(&kept), "wrong"),
        (None, "any"),
        (Some(&broken), "any"),
    ] {
        let before = passwords.computed();
        let verdict = passwords.compare(&secret(text), kept).await.unwrap();
        assert_eq!(verdict == Verdict::Right, text.starts_with("correct"));
        assert_eq!(passwords.computed() - before, 1, "{text}");
    }
    let before = passwords.computed();
    assert_eq!(passwords.compare(&secret(&"x".repeat(1025)), Some(&kept)).await, Ok(Verdict::Wrong));
    assert_eq!(passwords.compare(&secret(&"x".repeat(10_000_000)), None).await, Ok(Verdict::Wrong));
    assert_eq!(passwords.computed(), before, "nobody has one that is so long");
}

#[tokio::test]
async fn other_parameters_are_noticed_and_still_compared() {
    let (old, new) = (Passwords::new(cheap(1)).unwrap(), Passwords::new(cheap(2)).unwrap());
    let kept = old.hash(&secret("correct horse battery staple"), &ada()).await.unwrap();
    assert_eq!(
        new.compare(&secret("correct horse battery staple"), Some(&kept)).await,
        Ok(Verdict::RightButOld)
    );
    assert_eq!(new.compare(&secret("wrong horse battery staple"), Some(&kept)).await, Ok(Verdict::Wrong));
    let other = kept.expose().replace("argon2id", "argon2i");
    assert_eq!(
        old.compare(&secret("correct horse battery staple"), Some(&PasswordHash::new(other))).await,
        Ok(Verdict::Wrong)
    );
}

/// Tried by hashing texts as they come: the test failed.
#[tokio::test]
async fn a_password_is_the_same_however_its_letters_are_put_together() {
    let passwords = Passwords::new(cheap(1)).unwrap();
    let kept = passwords.hash(&secret("Schl\u{fc}ssel im Gr\u{fc}nen"), &ada()).await.unwrap();
    let other = secret("Schlu\u{308}ssel\u{a0}im Gru\u{308}nen");
    assert_eq!(passwords.compare(&other, Some(&kept)).await, Ok(Verdict::Right));
    assert_eq!(passwords.compare(&secret("Schlussel im Grunen"), Some(&kept)).await, Ok(Verdict::Wrong));
}

#[tokio::test]
async fn what_is_too_short_too_long_or_guessed_first_is_refused_before_anything_is_computed() {
    let passwords = Passwords::new(cheap(1)).unwrap();
    let (long, shrinking) = ("ab cd ef".repeat(128), "u\u{308}".repeat(1025));
    let refused = [
        ("", PasswordError::TooShort),
        ("elevenchars", PasswordError::TooShort),
        ("u\u{308}o\u{308}a\u{308}u\u{308}o\u{308}a\u{308}", PasswordError::TooShort),
        (&format!("{long}x"), PasswordError::TooLong),
        (&shrinking, PasswordError::TooLong),
        (&"x".repeat(10_000_000), PasswordError::TooLong),
        ("aaaaaaaaaaaaaaa", PasswordError::TooSimple),
        ("abababABABABabab", PasswordError::TooSimple),
        ("Password1234!", PasswordError::TooSimple),
        ("passwordpassword", PasswordError::TooSimple),
        ("123456789012", PasswordError::TooSimple),
        ("Ada.Lovelace@Example.org", PasswordError::TooSimple),
    ];
    for (text, expected) in refused {
        assert_eq!(
            passwords.hash(&secret(text), &ada()).await,
            Err(expected),
            "{}",
            &text[..text.len().min(40)]
        );
    }
    assert_eq!(passwords.computed(), 0);
    for text in ["twelve chars", &long, "password of the seven dwarfs", "пароль из слов"] {
        passwords.hash(&secret(text), &ada()).await.unwrap();
    }
}

/// Tried by giving the place back before the computation: the test failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_are_computed_at_once_and_who_waits_in_vain_is_told() {
    let settings = PasswordSettings { at_once: 2, patience: Duration::from_millis(50), ..cheap(1) };
    let passwords = Arc::new(Passwords::new(settings).unwrap());
    let running = Arc::new(AtomicU64::new(0));
    // What is computed ends when the other half of its channel is gone, also when this test fails.
    let slow = || {
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let (passwords, running) = (passwords.clone(), running.clone());
        let work = move |_: &Argon2<'_>| {
            running.fetch_add(1, Ordering::SeqCst);
            let _gone = gate.recv();
        };
        (open, tokio::spawn(async move { passwords.compute(work).await }))
    };
    let [(one, first), (two, second)] = [slow(), slow()];
    while running.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Who goes away leaves what runs to its end.
    first.abort();
    for _ in 0..3 {
        assert_eq!(passwords.compare(&secret("any"), None).await, Err(PasswordError::Busy));
    }
    assert_eq!(passwords.computed(), 2);
    drop((one, two));
    second.await.unwrap().unwrap();
    assert_eq!(passwords.compare(&secret("any"), None).await, Ok(Verdict::Wrong));
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let wrong = [
        PasswordSettings { memory_kib: 1, ..PasswordSettings::default() },
        PasswordSettings { passes: 0, ..PasswordSettings::default() },
        PasswordSettings { lanes: 0, ..PasswordSettings::default() },
        PasswordSettings { at_once: 0, ..PasswordSettings::default() },
    ];
    for settings in wrong {
        assert!(matches!(Passwords::new(settings), Err(PasswordError::Settings(_))), "{settings:?}");
    }
}
