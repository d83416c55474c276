//! How often may be asked: so many requests a minute for each caller who is known, and for each address of those who are
//! not. Who has used up theirs gets 429 with `Retry-After`; every answer says what is left (draft-ietf-httpapi-ratelimit-headers).
//!
//! The gateway is left out: a token's own limits hold there, and are kept with its budget. Counts are in bounded memory, and
//! each process counts for itself. Whoever is known is never refused because of others at the same address.

mod buckets;
mod client;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use cofounder_auth::{Identity, Scope, Who};
use cofounder_domain::{FaultKind, PersonId, TokenId};
use ipnet::IpNet;
use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use crate::{
    Place, Problem,
    connections::Peer,
    gateway,
    shown::{Doors, Shown},
};
use buckets::{Buckets, Standing};

/// Limits of asking; 0 is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateSettings {
    /// Requests a minute of each caller who is known.
    pub known: u32,
    /// Requests a minute of all callers at an address who are not.
    pub unknown: u32,
    /// Whose word on where a request comes from is taken.
    pub proxies: Vec<IpNet>,
}

impl Default for RateSettings {
    /// 6,000 a minute for who is known, 600 for who is not; no proxies.
    fn default() -> Self {
        Self { known: 6_000, unknown: 600, proxies: Vec::new() }
    }
}

/// Counts requests.
#[derive(Debug)]
pub struct Rates {
    settings: RateSettings,
    known: Buckets<Caller>,
    unknown: Buckets<IpAddr>,
}

/// Somebody who is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Caller {
    Token(TokenId),
    Person(PersonId),
}

/// What is left to whoever sent a request, once it is known who that is; nothing for those who are not counted.
#[derive(Clone, Debug, Default)]
struct Left(Arc<OnceLock<Option<Told>>>);

impl Left {
    /// A request has one caller; what was told first is so.
    fn set(&self, told: Option<Told>) {
        self.0.get_or_init(|| told);
    }
}

#[derive(Clone, Copy, Debug)]
struct Told {
    of: &'static str,
    quota: u32,
    standing: Standing,
}

impl Rates {
    /// Counts by these limits.
    #[must_use]
    pub fn new(settings: RateSettings) -> Self {
        let (known, unknown) = (Buckets::new(settings.known), Buckets::new(settings.unknown));
        Self { settings, known, unknown }
    }

    /// Counts a request of somebody who is known, for what needs this scope.
    pub(crate) fn admit(&self, parts: &Parts, who: &Identity, needed: Option<Scope>) -> Result<(), Problem> {
        let caller = match who.who {
            Who::Token(token) => Caller::Token(token),
            Who::Person { person, .. } => Caller::Person(person),
        };
        let Some(left) = parts.extensions.get::<Left>() else { return Ok(()) };
        let counted = || self.known.take(&caller, Instant::now());
        let standing = if needed == Some(Scope::Gateway) { None } else { counted() };
        let told = standing.map(|standing| Told { of: "caller", quota: self.settings.known, standing });
        left.set(told);
        standing.and_then(|standing| standing.wait).map_or(Ok(()), |wait| Err(limited(wait)))
    }

    /// Whether an address has nothing left for callers who are not known.
    fn is_spent(&self, from: IpAddr) -> bool {
        self.unknown.is_spent(&network(from), Instant::now())
    }

    /// Counts a request of somebody who is not.
    fn admit_unknown(&self, from: IpAddr, left: &Left) -> Result<(), Problem> {
        let Some(standing) = self.unknown.take(&network(from), Instant::now()) else { return Ok(()) };
        left.set(Some(Told { of: "address", quota: self.settings.unknown, standing }));
        standing.wait.map_or(Ok(()), |wait| Err(limited(wait)))
    }
}

/// Who has one address of IPv6 mostly has all of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = u128::from(address);
            IpAddr::V6((bits & !u128::from(u64::MAX)).into())
        }
        address => address,
    }
}

fn limited(wait: Duration) -> Problem {
    let words = "too many requests in a short time; nothing was changed. Ask again when the time in `Retry-After` has passed, or have `server.requests_per_minute` raised";
    Problem::new(FaultKind::Limited, words).after(Some(wait))
}

/// Addresses that tell whether the program works: who watches it must not be sent away.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Finds out where a request comes from, counts it if nobody is known by it, and says what is left.
pub(crate) async fn counted(
    State(rates): State<Arc<Rates>>,
    State(place): State<Place>,
    State(doors): State<Doors>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| *address);
    let Some(from) = peer.map(|peer| client::of(peer, request.headers(), &rates.settings.proxies)) else {
        return next.run(request).await;
    };
    let left = Left::default();
    request.extensions_mut().insert(Peer(from));
    request.extensions_mut().insert(left.clone());
    let probe = PROBES.contains(&request.uri().path());
    let gateway = request.uri().path().starts_with("/v1/");
    let refused =
        |problem: Problem| if gateway { gateway::refused(problem) } else { problem.into_response() };
    let shown = Shown::of(request.headers(), &place);
    let known = match shown {
        Shown::Nothing => false,
        // Where an address has asked too much, what it shows must be somebody's before anything is done.
        ref shown if rates.is_spent(from) => shown.identity(&doors).await.is_ok(),
        _ => true,
    };
    if !known
        && !probe
        && let Err(problem) = rates.admit_unknown(from, &left)
    {
        return told(refused(problem), &left);
    }
    let response = next.run(request).await;
    // What was shown was nobody's, or was not looked at: it counts, and what was done is told as it was.
    if !probe && left.0.get().is_none() {
        drop(rates.admit_unknown(from, &left));
    }
    told(response, &left)
}

/// The answer, with what is left.
fn told(mut response: Response, left: &Left) -> Response {
    if let Some(Some(told)) = left.0.get() {
        tell(response.headers_mut(), *told);
    }
    response
}

fn tell(headers: &mut HeaderMap, told: Told) {
    let Told { of, quota, standing } = told;
    let full = standing.full_in.as_millis().div_ceil(1_000);
    for (name, value) in [
        ("ratelimit-policy", format!("\"{of}\";q={quota};w=60")),
        ("ratelimit", format!("\"{of}\";r={};t={full}", standing.left)),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}
