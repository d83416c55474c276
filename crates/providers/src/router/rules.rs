//! The routing rules: which targets may take a call, in which order, and why the others may not.

use super::{
    EMBEDDED, Need, OLLAMA, Origin, Provider, Route, Router, Target,
    obstacle::{Obstacle, ROLE, nothing, section},
    provider::Key,
};
use crate::{Ability, Preference, ProviderError, Role, Verb, presets::Preset};
use std::{collections::HashSet, sync::Arc};

impl Router {
    /// Where a call may go. What is named by `pin` is never replaced by another.
    ///
    /// # Errors
    /// `UnknownModel`, `NoRoute`, `ContextTooLong`; and for a pinned model also what keeps it from being used.
    pub fn route(&self, role: Role, pin: Option<&str>, need: &Need) -> Result<Route, ProviderError> {
        match pin {
            Some(pin) => self.pinned(pin, need),
            None => self.chain(role, need),
        }
    }

    fn pinned(&self, pin: &str, need: &Need) -> Result<Route, ProviderError> {
        let unknown = || Obstacle::Unknown(self.known());
        let target = self.named(pin).ok_or_else(unknown).map_err(|obstacle| obstacle.error(pin))?;
        if let Some(obstacle) = self.obstacle(&target, need) {
            return Err(obstacle.error(&target.id()));
        }
        let why = format!("{target} was named for this call");
        Ok(Route { targets: vec![target], why, passed_over: Vec::new() })
    }

    fn chain(&self, role: Role, need: &Need) -> Result<Route, ProviderError> {
        let Chain { entries, mut why, preference } = self.entries(role, need);
        let (mut targets, mut passed, mut obstacles) = (Vec::<Arc<Target>>::new(), Vec::new(), Vec::new());
        for (entry, outcome) in entries.into_iter().flat_map(|entry| self.candidates(&entry, need)) {
            match outcome {
                Ok(target) if !targets.contains(&target) => targets.push(target),
                Ok(_) => {}
                Err(obstacle) => {
                    passed.push((entry.clone(), obstacle.text(&entry)));
                    obstacles.push((entry, obstacle));
                }
            }
        }
        passed.extend(self.unused_keys(&targets, &passed));
        if targets.is_empty() {
            passed.extend(self.left_out(&passed));
            return Err(nothing(role, &passed, obstacles));
        }
        if let Some(preference) = preference {
            Self::order(&mut targets, preference);
        }
        if let Some(done) = self.unlike(&mut targets, need) {
            why = format!("{why}, {done}");
        }
        Ok(Route { targets, why, passed_over: passed })
    }

    /// The embedded model, where it is there and takes no part.
    fn left_out(&self, passed: &[(String, String)]) -> Option<(String, String)> {
        let embedded = self.named(EMBEDDED)?.id();
        let why = "it takes part only if router.prefer names it, or if no provider is configured; name it for this call as `embedded`";
        (!passed.iter().any(|(name, _)| *name == embedded)).then(|| (embedded, why.to_owned()))
    }

    /// What to try, by name, and the reason.
    fn entries(&self, role: Role, need: &Need) -> Chain {
        let own = self.section.role.get(&role);
        let preference = need.preference.or(own.and_then(|own| own.preference));
        let preference = preference.unwrap_or(self.section.preference);
        if let Some(own) = own.filter(|own| !own.prefer.is_empty()) {
            let why = format!("router.role.{}.prefer = {}", role.as_str(), own.prefer.join(", "));
            return Chain { entries: own.prefer.clone(), why, preference: None };
        }
        if !self.section.prefer.is_empty() {
            let why = format!("router.prefer = {}", self.section.prefer.join(", "));
            return Chain { entries: self.section.prefer.clone(), why, preference: None };
        }
        if self.configured().next().is_some() {
            let entries = self.configured().map(|p| p.name.clone()).collect();
            let why = match preference {
                Preference::Fast => {
                    "the configured models, those that cost nothing first, then the smaller ones (fast)"
                }
                Preference::Balanced => {
                    "the configured models in their order, those that cost nothing first (balanced)"
                }
                Preference::Best => "the configured models, the most able first (best)",
            };
            return Chain { entries, why: why.to_owned(), preference: Some(preference) };
        }
        let embedded = self.embedded_provider().map(|p| p.name.clone());
        let found = self.provider(OLLAMA).and_then(|p| p.targets().first().map(|t| t.id()));
        let why = match &found {
            Some(model) => format!(
                "no provider is configured; an Ollama runs here, and its {model} goes before the embedded model because it is larger"
            ),
            None => "no provider is configured, so the embedded model is used".to_owned(),
        };
        Chain { entries: found.into_iter().chain(embedded).collect(), why, preference: None }
    }

    /// The targets behind an entry of the chain, each with what stands against it.
    fn candidates(&self, entry: &str, need: &Need) -> Vec<(String, Result<Arc<Target>, Obstacle>)> {
        let targets = match self.provider(entry) {
            Some(provider) if !provider.is_embedded() => provider.targets().to_vec(),
            _ => match self.named(entry) {
                Some(target) => vec![target],
                None => return vec![(entry.to_owned(), Err(Obstacle::Unknown(self.known())))],
            },
        };
        if targets.is_empty() {
            return vec![(entry.to_owned(), Err(Obstacle::NoModelNamed))];
        }
        let judge = |target: Arc<Target>| {
            let paid = (!target.free && !self.section.allow_paid).then_some(Obstacle::Paid);
            // Of a model of which nobody says what it can do, only a chat is expected unless it is named.
            let chats = need.verb == Verb::Chat || target.abilities.is_some();
            let unable =
                need.abilities().next().filter(|_| !chats).map(|ability| self.unable(&target, ability));
            let verdict = self.obstacle(&target, need).or(unable).or(paid);
            (target.id(), verdict.map_or(Ok(target), Err))
        };
        targets.into_iter().map(judge).collect()
    }

    /// What stands against a target, pinned or not.
    fn obstacle(&self, target: &Target, need: &Need) -> Option<Obstacle> {
        let provider = self.provider(&target.provider)?;
        if let Key::Missing(why) = &provider.key {
            return Some(Obstacle::NoKey(why.clone()));
        }
        if let Some(ability) = need.abilities().find(|ability| !target.may(*ability)) {
            return Some(self.unable(target, ability));
        }
        if (self.budget_enforced || need.priced) && target.price.is_none() {
            return Some(Obstacle::NoPrice);
        }
        let wanted = need.context_tokens.saturating_add(u64::from(need.max_tokens.unwrap_or(0)));
        let context = target.context.filter(|context| *context < wanted)?;
        Some(Obstacle::TooLong(format!(
            "its context holds {context} tokens, and the call needs about {wanted}: {} too many",
            wanted - context
        )))
    }

    /// The engine in this program can do what it can do; of others, somebody may know more than is declared.
    fn unable(&self, target: &Target, ability: Ability) -> Obstacle {
        let Target { provider, abilities, .. } = target;
        if self.is_embedded(provider) {
            return Obstacle::Unable(ability, String::new());
        }
        let beside = [Ability::Tools, Ability::Vision].contains(&ability);
        let known = abilities.clone().unwrap_or_default().0.into_iter().filter(|_| beside);
        let names: Vec<&str> = known.chain([ability]).map(Ability::as_str).collect();
        let how = format!("; if it can do that, write abilities = {names:?} in {}", section(&target.id()));
        Obstacle::Unable(ability, how)
    }

    /// The one target of this name: `provider/model`, `embedded`, the embedded model's name, or the name of a model
    /// that only one provider has.
    pub(super) fn named(&self, name: &str) -> Option<Arc<Target>> {
        let name = self.section.alias.get(name).map_or(name, String::as_str);
        if let Some((provider, model)) = name.split_once('/')
            && let Some(provider) = self.provider(provider).or_else(|| self.embedded_alias(provider))
        {
            return provider.target(model).filter(|t| !t.model.is_empty());
        }
        if let Some(provider) = self.embedded_provider() {
            let model = self.embedded.as_ref().map(|e| e.name.as_str());
            let local = self.embedded.iter().flat_map(|e| &e.others).find(|other| *other == name);
            if name == EMBEDDED || name == provider.name || Some(name) == model || local.is_some() {
                let first = provider.section.model.0.first().map(|(name, _)| name.as_str());
                let alone = local.map(String::as_str).or(model.filter(|model| *model == name));
                return alone.or(model).or(first).and_then(|model| provider.target(model));
            }
        }
        let mut same = self.providers.iter().flat_map(Provider::targets).filter(|t| t.model == name);
        same.next().filter(|_| same.next().is_none()).cloned()
    }

    fn embedded_provider(&self) -> Option<&Provider> {
        self.providers.iter().find(|p| p.is_embedded())
    }

    /// `embedded` always means the engine, also when its section has another name.
    fn embedded_alias(&self, name: &str) -> Option<&Provider> {
        self.embedded_provider().filter(|_| name == EMBEDDED)
    }

    /// Every model that can be named, as `provider/model`; aliases as they are.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.providers.iter().flat_map(Provider::targets).map(|t| t.id()).collect();
        names.extend(self.named(EMBEDDED).map(|t| t.id()));
        names.extend(self.section.alias.keys().cloned());
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// What a client names as its model: a role, such as `role:draft`, or one model.
    #[must_use]
    pub fn wanted<'a>(&'a self, name: &'a str) -> Wanted<'a> {
        let meant = self.section.alias.get(name).map_or(name, String::as_str);
        match meant.strip_prefix(ROLE).and_then(Role::from_name) {
            Some(role) => Wanted::Role(role),
            None => Wanted::Model(meant),
        }
    }

    /// What can be named, for messages.
    pub(super) fn known(&self) -> String {
        let mut names = self.names();
        let open = self.providers.iter().filter(|p| p.takes_any_name() && !p.is_embedded());
        names.extend(open.map(|p| format!("{}/…", p.name)));
        if names.is_empty() { "none, because nothing is configured".to_owned() } else { names.join(", ") }
    }

    /// Keys of the environment that lead nowhere in this route.
    fn unused_keys(&self, targets: &[Arc<Target>], passed: &[(String, String)]) -> Vec<(String, String)> {
        let of_key = |key: &String| {
            self.providers
                .iter()
                .find(|p| matches!(&p.section.api_key, Some(crate::Secret::Env(k)) if k == key))
        };
        let used =
            |name: &str| targets.iter().any(|t| t.provider == name) || passed.iter().any(|(p, _)| p == name);
        let unused = self.env_keys.iter().filter_map(|key| Some((key, of_key(key)?)));
        let unused = unused.filter(|(_, p)| p.origin == Origin::Environment && !used(&p.name));
        let text = |name: &str, key: &str| {
            format!(
                "{key} is set and was not asked for; name a model for this call, as {name}/MODEL, or write [provider.{name}]"
            )
        };
        unused.map(|(key, p)| (p.name.clone(), text(&p.name, key))).collect()
    }

    /// An entry of `router.prefer` that can never mean anything is a mistake in the configuration.
    pub(super) fn preference_faults(&self) -> Vec<ProviderError> {
        let may_come = |entry: &String| {
            let provider = entry.split('/').next().unwrap_or(entry.as_str());
            [EMBEDDED, OLLAMA].contains(&provider) || Preset::find(provider).is_some()
        };
        let known =
            |entry: &String| self.provider(entry).is_some() || self.named(entry).is_some() || may_come(entry);
        let own = self.section.role.iter();
        let roles = own.map(|(role, own)| (format!("router.role.{}", role.as_str()), &own.prefer));
        let all = [("router".to_owned(), &self.section.prefer)].into_iter().chain(roles);
        let mut faults = Vec::new();
        for (section, prefer) in all {
            for entry in prefer.iter().filter(|entry| !known(entry)) {
                let why = format!("`prefer` names {entry}, which is not known; known are: {}", self.known());
                faults.push(ProviderError::Configuration { section: section.clone(), why });
            }
        }
        let loose = |(_, meant): &(&String, &String)| match meant.strip_prefix(ROLE) {
            Some(role) => Role::from_name(role).is_none(),
            None => self.section.alias.contains_key(*meant) || !known(meant),
        };
        for (alias, meant) in self.section.alias.iter().filter(loose) {
            let known = self.known();
            let why =
                format!("{alias} stands for {meant}, which is no model and no role; known are: {known}");
            faults.push(ProviderError::Configuration { section: "router.alias".to_owned(), why });
        }
        faults
    }
}

/// What to try for a role, before it is known who may.
struct Chain {
    entries: Vec<String>,
    why: String,
    /// What orders the targets; none if the entries do.
    preference: Option<Preference>,
}

/// What a client asks for by a model's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Whatever model this role's route leads to.
    Role(Role),
    /// This model, by the name that its alias stands for if it was named by one.
    Model(&'a str),
}
