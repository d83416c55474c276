//! What stands against a target, and what is said of it.

use crate::{Ability, ProviderError, Role};

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
            Self::NoModelNamed => format!("it has no models in the configuration; name one with --model {name}/MODEL"),
            Self::TooLong(what) => what.clone(),
            Self::NoKey(why) => format!("its key is missing: {why}"),
            Self::Unable(ability, how) => format!("its `abilities` do not name `{}`{how}", ability.as_str()),
            Self::Paid => format!("it may cost money; set router.allow_paid = true, or name it with --model {name}"),
            Self::NoPrice => {
                "it has no price, so no budget can hold; write price = { input = …, output = … }, or take the budget away".to_owned()
            }
        }
    }

    pub(super) fn error(self, name: &str) -> ProviderError {
        match self {
            Self::Unknown(known) => unknown(name, known),
            Self::NoKey(why) => ProviderError::Unauthorised { why },
            Self::TooLong(why) => ProviderError::ContextTooLong { why: format!("{name}: {why}") },
            other => ProviderError::no_route(format!("{name}: {}", other.text(name))),
        }
    }
}

/// A name that leads nowhere, with the nearest one that does: a model, an alias, or a role.
fn unknown(name: &str, known: String) -> ProviderError {
    let near = |candidate: &String| strsim::jaro_winkler(candidate, name);
    let models = known.split(", ").filter(|known| !known.ends_with('…')).map(str::to_owned);
    let roles = Role::ALL.into_iter().map(|role| format!("role:{}", role.as_str()));
    let nearest = models.chain(roles).max_by(|a, b| near(a).total_cmp(&near(b)));
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
    let list: Vec<String> = passed.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    let list = if list.is_empty() { "nothing is configured".to_owned() } else { list.join("; ") };
    let help = "write a [provider.NAME] section, or install the embedded model";
    ProviderError::no_route(format!("{} needs one. {list}. To mend it: {help}", role.as_str()))
}
