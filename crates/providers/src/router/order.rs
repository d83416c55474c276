//! In which order targets are tried that no chain orders; and who goes first when another's work is to be judged.

use super::{Need, Router, Target};
use crate::Preference;
use std::{cmp::Reverse, sync::Arc};

impl Router {
    /// Orders targets by what counts. What counts the same keeps the order of the configuration.
    pub(super) fn order(targets: &mut [Arc<Target>], preference: Preference) {
        match preference {
            // A model of an unknown size is taken for a middling one.
            Preference::Fast => targets.sort_by_key(|t| (!t.free, t.tier.unwrap_or(3))),
            Preference::Balanced => targets.sort_by_key(|t| !t.free),
            Preference::Best => targets.sort_by_key(|t| (Reverse(t.tier.unwrap_or(0)), !t.free)),
        }
    }

    /// Puts targets of another family than the writer's first, and the writer itself last. Tells what came of it, if a
    /// writer was named.
    pub(super) fn unlike(&self, targets: &mut [Arc<Target>], need: &Need) -> Option<String> {
        let name = need.unlike.as_deref()?;
        let Some(writer) = self.named(name) else {
            return Some(format!("and nobody knows the writer {name}"));
        };
        targets.sort_by_key(|target| *target == writer);
        let Some(family) = &writer.family else {
            return Some(format!("and nobody says of which family the writer {writer} is"));
        };
        let other = |target: &Arc<Target>| target.family.as_ref().is_some_and(|known| known != family);
        if !targets.iter().any(other) {
            return Some(format!(
                "and no other is known to be of another family than the writer {writer} ({family})"
            ));
        }
        targets.sort_by_key(|target| !other(target));
        Some(format!("of another family than the writer {writer} ({family}) first"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofounder_domain::Price;

    fn target(model: &str, free: bool, tier: Option<u8>) -> Arc<Target> {
        Arc::new(Target {
            provider: "p".to_owned(),
            model: model.to_owned(),
            price: free.then_some(Price::FREE),
            context: None,
            max_output: None,
            free,
            json: true,
            family: None,
            tier,
            abilities: None,
        })
    }

    fn ordered(preference: Preference) -> Vec<String> {
        let mut targets = vec![
            target("paid-large", false, Some(5)),
            target("paid-unknown", false, None),
            target("free-middling", true, Some(3)),
            target("paid-small", false, Some(1)),
            target("free-small", true, Some(1)),
        ];
        Router::order(&mut targets, preference);
        targets.iter().map(|t| t.model.clone()).collect()
    }

    #[test]
    fn each_preference_has_its_order() {
        assert_eq!(
            ordered(Preference::Balanced),
            ["free-middling", "free-small", "paid-large", "paid-unknown", "paid-small"]
        );
        assert_eq!(
            ordered(Preference::Fast),
            ["free-small", "free-middling", "paid-small", "paid-unknown", "paid-large"]
        );
        assert_eq!(
            ordered(Preference::Best),
            ["paid-large", "free-middling", "free-small", "paid-small", "paid-unknown"]
        );
    }
}
