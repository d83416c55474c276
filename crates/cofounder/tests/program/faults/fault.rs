//! The faults that providers have, each as a scripted reply or as an address where no provider is.

use cofounder_domain::{Clock, SystemClock};
use cofounder_testkit::provider::{End, Reply, Wire};
use rand::{Rng, rngs::StdRng};
use serde_json::json;
use std::time::Duration;

/// A fault by the name that the table has for it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) place: Place,
    /// The breaker opens when it goes on: it speaks against the target's health.
    pub(super) trips: bool,
}

/// Where it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// With a provider of any dialect.
    Any,
    /// With those of one dialect.
    Only(Wire),
    /// Nobody listens at the address.
    Refused,
    /// The address has a name that nobody knows.
    NoName,
    /// Whoever listens hangs up at once.
    HangsUp,
    /// Whoever listens speaks no HTTP.
    NoHttp,
}

const fn fault(name: &'static str, trips: bool) -> Fault {
    Fault { name, place: Place::Any, trips }
}

const fn at(place: Place, name: &'static str, trips: bool) -> Fault {
    Fault { name, place, trips }
}

pub(super) const FAULTS: [Fault; 40] = [
    fault("429", false),
    fault("429, retry-after 1", false),
    fault("429, retry-after 0", false),
    fault("429, retry-after a date", false),
    fault("429, retry-after nonsense", false),
    fault("429, retry-after-ms 300", false),
    at(Place::Only(Wire::Gemini), "429, retryDelay", false),
    fault("500", true),
    fault("502 with a page", true),
    fault("503 overloaded", true),
    fault("504", true),
    at(Place::Only(Wire::Huggingface), "503 loading", false),
    fault("408", true),
    fault("revoked key", true),
    fault("no money left", true),
    fault("no such model", false),
    fault("a redirect", false),
    fault("hangs", true),
    fault("too late", true),
    fault("stalls in the body", true),
    fault("stalls in the stream", true),
    fault("slow drip", true),
    fault("reset in the body", true),
    fault("reset in the stream", true),
    fault("half an event", true),
    fault("no end of the stream", true),
    fault("an event that is no JSON", true),
    fault("an error in the stream", true),
    fault("an error as a success", true),
    fault("an empty stream", true),
    fault("an empty body", true),
    fault("no choice", true),
    fault("no JSON", true),
    fault("another shape", true),
    fault("100 MB", true),
    fault("100 MB of one event", true),
    at(Place::Refused, "connection refused", true),
    at(Place::NoName, "no such host", true),
    at(Place::HangsUp, "hangs up", true),
    at(Place::NoHttp, "no HTTP", true),
];

/// Time enough for whoever answers at once, whatever else the machine does.
const AMPLE: &str = "connect_ms = 20000, first_token_ms = 20000, idle_ms = 20000, total_ms = 40000";

/// The time-outs of a target with this fault. Only faults of time have short ones, so that a time-out is always staged.
pub(super) fn timeouts(fault: Option<&Fault>) -> &'static str {
    match fault.map(|fault| (fault.name, fault.place)) {
        Some(("hangs" | "too late" | "stalls in the body" | "stalls in the stream", _)) => {
            "connect_ms = 20000, first_token_ms = 1000, idle_ms = 1000, total_ms = 3000"
        }
        // Every byte is in time, and the whole takes twice as long at the least.
        Some(("slow drip", _)) => {
            "connect_ms = 20000, first_token_ms = 20000, idle_ms = 1000, total_ms = 2000"
        }
        Some((_, Place::NoName)) => {
            "connect_ms = 500, first_token_ms = 20000, idle_ms = 20000, total_ms = 40000"
        }
        _ => AMPLE,
    }
}

/// What a fault answers to a question that a healthy target would answer with these pieces.
pub(super) fn reply(fault: &Fault, rng: &mut StdRng, pieces: Vec<String>) -> Reply {
    let broken = |end| Reply::Stream { pieces: pieces.clone(), end };
    let some = |rng: &mut StdRng| rng.random_range(1..pieces.len());
    match fault.name {
        "hangs" => Reply::Hang,
        "too late" => Reply::Late(2_000, pieces.concat()),
        "stalls in the body" => Reply::StallBody,
        "stalls in the stream" => broken(End::StallAfter(some(rng))),
        "slow drip" => broken(End::Drip(20)),
        "reset in the body" => Reply::CutBody,
        "reset in the stream" => broken(End::CutAfter(some(rng))),
        "half an event" => broken(End::HalfEvent),
        "no end of the stream" => broken(End::NoEnd),
        "an event that is no JSON" => broken(End::JunkEvent),
        "an error in the stream" => broken(End::ErrorEvent),
        "an error as a success" => {
            Reply::Json(json!({"error": {"message": "overloaded", "type": "overloaded_error", "code": 503}}))
        }
        "an empty stream" => Reply::Stream { pieces: Vec::new(), end: End::NoEnd },
        "an empty body" => Reply::Bytes { parts: Vec::new(), cut: false },
        "no choice" => Reply::EmptyChoices,
        "no JSON" => Reply::Garbage,
        "another shape" => Reply::WrongShape,
        "100 MB" => Reply::Huge(100 << 20),
        "100 MB of one event" => Reply::Bytes { parts: large_event(), cut: false },
        name => refusal(name),
    }
}

fn large_event() -> Vec<Vec<u8>> {
    let begun = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"".to_vec();
    [begun].into_iter().chain((0..100).map(|_| vec![b'x'; 1 << 20])).collect()
}

/// Faults that are told by a status.
fn refusal(name: &str) -> Reply {
    let limited = |wait: String| Reply::RateLimited { retry_after: Some(wait) };
    let headed = |status, name: &str, value: &str| {
        let body = json!({"error": {"message": "slow down", "type": "rate_limit_error"}}).to_string();
        Reply::Status(status, vec![(name.to_owned(), value.to_owned())], body)
    };
    match name {
        "429" => Reply::RateLimited { retry_after: None },
        "429, retry-after 1" | "429, retryDelay" => limited("1".to_owned()),
        "429, retry-after 0" => limited("0".to_owned()),
        "429, retry-after a date" => {
            let date = SystemClock.now() + Duration::from_secs(2);
            headed(429, "retry-after", &date.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        }
        "429, retry-after nonsense" => limited("soon".to_owned()),
        "429, retry-after-ms 300" => headed(429, "retry-after-ms", "300"),
        "500" => Reply::error(500, "a mistake of ours", None),
        "502 with a page" => Reply::Status(502, Vec::new(), "<html>Bad gateway</html>".to_owned()),
        "503 overloaded" => Reply::Overloaded,
        "504" => Reply::error(504, "a time-out of ours", None),
        "503 loading" => Reply::Loading { seconds: 2.0 },
        "408" => Reply::error(408, "you were too slow", None),
        "revoked key" => Reply::Unauthorised,
        "no money left" => {
            let body = json!({"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": "insufficient_quota"}});
            Reply::Status(429, Vec::new(), body.to_string())
        }
        "no such model" => Reply::error(404, "there is no such model", None),
        "a redirect" => headed(302, "location", "http://127.0.0.1:1/elsewhere"),
        other => panic!("{other} has no reply"),
    }
}
