//! What stands against a target, and what is said of it.

use crate::{Ability, ProviderError, Role, Verb};

/// What the name of a role begins with where a model is named.
pub(super) const ROLE: &str = "role:";

/// Why a target may not take a call.
#[derive(Clone, Debug)]
pub(super) enum Obstacle {
    Unknown(String),
    NoModelNamed,
    NoKey(String),
    /// What it lacks, and how that is declared.
    Unable(Ability, String),
    Paid,
    NoPrice,
    TooLong(String),
}

impl Obstacle {
    pub(super) fn text(&self, name: &str) -> String {
        match self {
            Self::Unknown(known) => format!("it is not known; known are: {known}"),
            Self::NoModelNamed => format!("it has no models in the configuration; name one for this call, as {name}/MODEL"),
            Self::TooLong(what) => what.clone(),
            Self::NoKey(why) => format!("its key is missing: {why}"),
            Self::Unable(ability, how) => format!("its `abilities` do not name `{}`{how}", ability.as_str()),
            Self::Paid => format!("it may cost money; set router.allow_paid = true, or name {name} for this call"),
            Self::NoPrice => {
                "it has no price, so no budget can hold; write price = { input = …, output = … }, or take the budget away".to_owned()
            }
        }
    }

    pub(super) fn error(self, name: &str) -> ProviderError {
        match self {
            Self::Unknown(known) => unknown(name, known),
            Self::NoKey(why) => ProviderError::KeyMissing { why: format!("{why} (for {name})") },
            Self::TooLong(why) => ProviderError::ContextTooLong { why: format!("{name}: {why}") },
            other => ProviderError::no_route(format!("{name}: {}", other.text(name))),
        }
    }
}

/// A name that leads nowhere, with the nearest one that does: a model, an alias, or a role.
fn unknown(name: &str, known: String) -> ProviderError {
    let roles: Vec<String> = Role::ALL.iter().map(|role| format!("role:{}", role.as_str())).collect();
    // Of two roles only what stands behind their common beginning says how near they are.
    let (beginning, candidates, known) = match name.starts_with(ROLE) {
        true => (ROLE.len(), roles.clone(), roles.join(", ")),
        false => {
            let models = known.split(", ").filter(|known| !known.ends_with('…')).map(str::to_owned);
            (0, models.chain(roles).collect(), known)
        }
    };
    let near = |candidate: &String| strsim::jaro_winkler(&candidate[beginning..], &name[beginning..]);
    let nearest = candidates.into_iter().max_by(|a, b| near(a).total_cmp(&near(b)));
    let nearest = nearest.filter(|nearest| near(nearest) > 0.7);
    ProviderError::UnknownModel { name: name.to_owned(), nearest, known }
}

/// Nothing may take the call: one obstacle speaks for itself, several are listed.
pub(super) fn nothing(
    role: Role,
    passed: &[(String, String)],
    mut obstacles: Vec<(String, Obstacle)>,
) -> ProviderError {
    let all_too_long = obstacles.iter().all(|(_, o)| matches!(o, Obstacle::TooLong(_)));
    if let Some((name, obstacle)) = obstacles.pop().filter(|_| all_too_long) {
        return obstacle.error(&name);
    }
    let list = if passed.is_empty() { "nothing is configured".to_owned() } else { together(passed) };
    let help = match role.verb() {
        Verb::Chat => "write a [provider.NAME] section, or install the embedded model",
        Verb::Embeddings => "write a [provider.NAME] section with a model that makes embeddings",
        Verb::Images => "write a [provider.NAME] section with a model that makes images",
    };
    ProviderError::no_route(format!("{} needs one. {list}. To mend it: {help}", role.as_str()))
}

/// A model's section of the configuration.
pub(super) fn section(target: &str) -> String {
    let (provider, model) = target.split_once('/').unwrap_or((target, "NAME"));
    format!("[provider.{provider}.model.{model:?}]")
}

/// What stands against whom; several with the same against them are named together.
fn together(passed: &[(String, String)]) -> String {
    let mut reasons: Vec<(String, Vec<&(String, String)>)> = Vec::new();
    for entry in passed {
        let alike = entry.1.replace(&section(&entry.0), "its section of the configuration");
        match reasons.iter_mut().find(|(known, _)| *known == alike) {
            Some((_, entries)) => entries.push(entry),
            None => reasons.push((alike, vec![entry])),
        }
    }
    let list = reasons.into_iter().map(|(alike, entries)| match entries.as_slice() {
        [(name, why)] => format!("{name}: {why}"),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            format!("{}: {alike}", names.join(", "))
        }
    });
    list.collect::<Vec<_>>().join("; ")
}
