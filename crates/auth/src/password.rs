//! Passwords: which are taken, what is kept of them, and how one is compared.
//!
//! Argon2id with the parameters of OWASP's password storage cheat sheet: 19 MiB, two passes, one lane
//! (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>). Only so many are computed at
//! once, so that a flood of sign-ins takes a bounded amount of memory. Where there is nothing to compare with, as much is
//! computed all the same: how long an answer takes does not tell who is here.

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{Error as HashError, phc},
};
use cofounder_domain::{Email, FaultKind};
use cofounder_storage::PasswordHash;
use rand::{TryRngCore, rngs::OsRng};
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

/// The fewest characters of a password.
pub const MIN_PASSWORD_CHARS: usize = 12;
/// The most characters of a password.
pub const MAX_PASSWORD_CHARS: usize = 1024;
/// What those take at the most, before they are put together. Longer texts are not looked at.
const MAX_BYTES: usize = 16 * MAX_PASSWORD_CHARS;
/// The fewest characters of a password that differ from each other.
const MIN_DIFFERENT: usize = 5;
/// What people take who are asked for twelve characters and more. Those that are shorter are refused anyway.
const COMMON: [&str; 12] = [
    "0123456789",
    "1234567890",
    "1q2w3e4r5t6y",
    "abcdefghijkl",
    "administrator",
    "changeme",
    "iloveyou",
    "letmein",
    "password",
    "passwort",
    "qwertyuiop",
    "qwertzuiop",
];
/// What is hashed where there is nothing to compare with.
const NOBODY: &[u8; 16] = b"nobody is here!!";

/// How passwords are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordSettings {
    /// Memory of one computation, in KiB.
    pub memory_kib: u32,
    /// How often it is gone over.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// How many are computed at once.
    pub at_once: usize,
    /// How long one waits for its turn.
    pub patience: Duration,
}

impl Default for PasswordSettings {
    /// 19 MiB, two passes, one lane; two at once, which wait for 10 s.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1, at_once: 2, patience: Duration::from_secs(10) }
    }
}

/// A password was not taken, or could not be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It has too few characters.
    #[error(
        "a password has at least {MIN_PASSWORD_CHARS} characters. Nothing was changed; some words in a row are easy to keep in mind"
    )]
    TooShort,
    /// It has too many.
    #[error("a password has at most {MAX_PASSWORD_CHARS} characters. Nothing was changed")]
    TooLong,
    /// It is among the first that are guessed.
    #[error(
        "that password is among the first that are guessed. Nothing was changed; take some words that do not belong together"
    )]
    TooSimple,
    /// The parameters make no sense.
    #[error("passwords cannot be hashed like that: {0}")]
    Settings(String),
    /// Too many others come at the same time.
    #[error("too many people sign in at the moment. Nothing was changed; try again in a few seconds")]
    Busy,
    /// It could not be computed here.
    #[error("the password could not be computed ({0}). Nothing was changed; try again")]
    Failed(String),
}

impl PasswordError {
    /// The kind of error, for the program's edges.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::TooShort | Self::TooLong | Self::TooSimple | Self::Settings(_) => FaultKind::InvalidInput,
            Self::Busy | Self::Failed(_) => FaultKind::Unavailable,
        }
    }
}

/// What came of comparing a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// It is right, and what is kept of it was made with other parameters.
    RightButOld,
}

/// Hashes passwords and compares them.
#[derive(Debug)]
pub struct Passwords {
    argon2: Argon2<'static>,
    places: Arc<Semaphore>,
    patience: Duration,
    computed: AtomicU64,
}

impl Passwords {
    /// Hashes with these parameters.
    ///
    /// # Errors
    /// [`PasswordError::Settings`] if they make no sense.
    pub fn new(settings: PasswordSettings) -> Result<Self, PasswordError> {
        let params = Params::new(settings.memory_kib, settings.passes, settings.lanes, None)
            .map_err(|error| PasswordError::Settings(error.to_string()))?;
        if settings.at_once == 0 || settings.at_once > Semaphore::MAX_PERMITS {
            return Err(PasswordError::Settings(format!("{} at once", settings.at_once)));
        }
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let places = Arc::new(Semaphore::new(settings.at_once));
        Ok(Self { argon2, places, patience: settings.patience, computed: AtomicU64::new(0) })
    }

    /// What is kept of a new password of the person with this address.
    ///
    /// # Errors
    /// [`PasswordError`] if it is not taken, before anything is computed; or if it could not be computed.
    pub async fn hash(&self, password: &SecretString, email: &Email) -> Result<PasswordHash, PasswordError> {
        self.make(checked(password, email)?).await
    }

    /// What is kept anew of a password that is one already, whatever would be asked of a new one.
    ///
    /// # Errors
    /// [`PasswordError`] if it could not be computed.
    pub(crate) async fn hash_again(&self, password: &SecretString) -> Result<PasswordHash, PasswordError> {
        self.make(normal(password).ok_or(PasswordError::TooLong)?).await
    }

    async fn make(&self, password: SecretString) -> Result<PasswordHash, PasswordError> {
        let mut salt = [0; 16];
        OsRng.try_fill_bytes(&mut salt).map_err(|error| PasswordError::Failed(error.to_string()))?;
        let hash = move |argon2: &Argon2<'_>| -> Result<phc::PasswordHash, HashError> {
            argon2.hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
        };
        let hashed = self.compute(hash).await?.map_err(|error| PasswordError::Failed(error.to_string()))?;
        Ok(PasswordHash::new(hashed.to_string()))
    }

    /// Compares a password with what is kept of one, and computes as much if nothing is.
    ///
    /// # Errors
    /// [`PasswordError::Busy`], [`PasswordError::Failed`]; it says nothing of the password.
    pub(crate) async fn compare(
        &self,
        password: &SecretString,
        kept: Option<&PasswordHash>,
    ) -> Result<Verdict, PasswordError> {
        // Nobody has one that is longer. One that is too short may be of an earlier time.
        let Some(password) = normal(password) else { return Ok(Verdict::Wrong) };
        let kept = kept.and_then(|kept| phc::PasswordHash::new(kept.expose()).ok());
        let compare = move |argon2: &Argon2<'_>| match &kept {
            Some(kept) => argon2
                .verify_password(password.expose_secret().as_bytes(), kept)
                .map(|()| judge(argon2, kept)),
            None => {
                let nothing: Result<phc::PasswordHash, _> =
                    argon2.hash_password_with_salt(password.expose_secret().as_bytes(), NOBODY);
                nothing.map(|_| Verdict::Wrong)
            }
        };
        match self.compute(compare).await? {
            Ok(verdict) => Ok(verdict),
            Err(HashError::PasswordInvalid) => Ok(Verdict::Wrong),
            Err(error) => Err(PasswordError::Failed(error.to_string())),
        }
    }

    /// How many hashes were computed.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// Computes where nothing else waits for it, when it is its turn. It keeps its place until it has ended, also if nobody
    /// waits for it any more.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = tokio::time::timeout(self.patience, self.places.clone().acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(PasswordError::Busy) };
        self.computed.fetch_add(1, Ordering::Relaxed);
        let argon2 = self.argon2.clone();
        let computed = tokio::task::spawn_blocking(move || {
            let done = work(&argon2);
            drop(place);
            done
        });
        computed.await.map_err(|error| PasswordError::Failed(error.to_string()))
    }
}

/// Whether what is kept was made as it would be made now.
fn judge(argon2: &Argon2<'_>, kept: &phc::PasswordHash) -> Verdict {
    let now = argon2.params();
    let same = Params::try_from(kept).is_ok_and(|then| {
        (then.m_cost(), then.t_cost(), then.p_cost()) == (now.m_cost(), now.t_cost(), now.p_cost())
    });
    let same =
        same && kept.algorithm == Algorithm::Argon2id.ident() && kept.version == Some(Version::V0x13.into());
    if same { Verdict::Right } else { Verdict::RightButOld }
}

/// A password that may be set.
fn checked(password: &SecretString, email: &Email) -> Result<SecretString, PasswordError> {
    let normal = normal(password).ok_or(PasswordError::TooLong)?;
    let text = normal.expose_secret();
    if text.chars().count() < MIN_PASSWORD_CHARS {
        return Err(PasswordError::TooShort);
    }
    let lower = text.to_lowercase();
    let different = lower.chars().collect::<HashSet<_>>().len();
    // A word that everybody knows is still one with some digits behind it, or twice.
    let rest = COMMON.iter().find_map(|word| lower.strip_prefix(word).map(|rest| rest.replace(word, "")));
    let common =
        rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c.is_ascii_punctuation()));
    if different < MIN_DIFFERENT || common || lower == email.as_str().to_lowercase() {
        return Err(PasswordError::TooSimple);
    }
    Ok(normal)
}

/// A password as it is hashed: the same however a keyboard puts its letters together (RFC 8265, section 4.2: other spaces
/// are spaces, and NFC). Nothing if it is longer than any.
fn normal(password: &SecretString) -> Option<SecretString> {
    let text = password.expose_secret();
    if text.len() > MAX_BYTES {
        return None;
    }
    // As long as it can get, so that no copy of it is left behind when it grows.
    let mut normal = String::with_capacity(3 * text.len());
    normal.extend(text.chars().map(|c| if is_space(c) { ' ' } else { c }).nfc());
    let fits = normal.chars().count() <= MAX_PASSWORD_CHARS;
    let normal = SecretString::from(normal);
    fits.then_some(normal)
}

/// Unicode's other spaces (category Zs).
const fn is_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

#[cfg(test)]
mod tests;
