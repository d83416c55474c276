//! Limits of tokens: so many calls and tokens in any minute.

use cofounder_domain::TokenId;
use cofounder_providers::{Limiter, Limits, Place, ProviderError, Route, Wish};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{TokenTerms, worst::Size};

/// Tokens whose minutes are remembered. One that is forgotten begins a new minute.
const MOST: usize = 4_096;

/// The limiters of the tokens that were seen.
#[derive(Debug, Default)]
pub(crate) struct Turnstile(Mutex<HashMap<TokenId, (Limits, Arc<Limiter>)>>);

impl Turnstile {
    /// Lets a call through, or says how long none is. An answer counts as its longest until it is there; one of which nobody
    /// says how long it may be takes the rest of the minute at the most.
    pub(crate) async fn pass(
        &self,
        terms: &TokenTerms,
        size: Size,
        route: &Route,
    ) -> Result<Option<Place>, ProviderError> {
        let limits = Limits {
            requests_per_minute: terms.requests_per_minute,
            tokens_per_minute: terms.tokens_per_minute,
            ..Limits::default()
        };
        if limits == Limits::default() {
            return Ok(None);
        }
        let wish = Wish {
            caller: Arc::from(""),
            model: String::new(),
            prompt: size.likely,
            tokens: size.likely.saturating_add(size.answer.unwrap_or(0).saturating_mul(size.answers)),
            perhaps: match size.answer {
                Some(_) => 0,
                None => size.longest_of(&route.targets).saturating_mul(size.answers),
            },
            until: None,
        };
        let entered = self.limiter(terms.id, limits).enter(&wish).await;
        entered.map(Some).map_err(|error| match error {
            ProviderError::Limited { retry_after, .. } => {
                let why =
                    "the requests or tokens of this minute that the token may have are used up".to_owned();
                ProviderError::Limited { retry_after, why }
            }
            other => other,
        })
    }

    fn limiter(&self, token: TokenId, limits: Limits) -> Arc<Limiter> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((old, limiter)) = known.get(&token)
            && *old == limits
        {
            return Arc::clone(limiter);
        }
        if known.len() >= MOST {
            known.clear();
        }
        let limiter = Limiter::unbounded(limits);
        known.insert(token, (limits, Arc::clone(&limiter)));
        limiter
    }
}
