//! One scenario: who takes part, the gateway over them, and the calls.

use cofounder_testkit::provider::{FakeProvider, Reply, Wire};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{io::AsyncWriteExt, net::TcpListener, task::JoinHandle, time::sleep};

use super::{
    Toll, client,
    fault::{self, FAULTS, Fault, Place},
    judge::{Verdict, error_of, judge, pieces},
};
use crate::{
    serving::{Server, token},
    workbench::Workbench,
};

/// The names of the targets, in the order of the chain.
const NAMES: [&str; 3] = ["a", "b", "c"];
/// How long a breaker rests at first, and a little more.
const REST: Duration = Duration::from_millis(5_300);

/// A scenario, made from its number alone.
#[derive(Debug)]
pub(super) struct Plan {
    number: u64,
    parts: Vec<Part>,
    streamed: bool,
    /// Whether it is watched until the breaker has let a probe through.
    probed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    fault: Option<&'static Fault>,
    wire: Wire,
    mood: Mood,
}

/// When a target shows its fault.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Always,
    First(usize),
    Sometimes,
}

impl Plan {
    pub(super) fn of(number: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(number);
        let (count, first) = (FAULTS.len() as u64, &FAULTS[(number % FAULTS.len() as u64) as usize]);
        let streamed = (number / count + number).is_multiple_of(2);
        let probed = first.trips && (number + number / count).is_multiple_of(3);
        let mood = match rng.random_range(0..4) {
            0 if !probed => Mood::First(rng.random_range(1..4)),
            1 if !probed => Mood::Sometimes,
            _ => Mood::Always,
        };
        let mut parts = vec![Part { fault: Some(first), wire: wire(Some(first), &mut rng), mood }];
        parts.push(Part { fault: None, wire: wire(None, &mut rng), mood });
        if rng.random_bool(0.5) {
            let second = FAULTS.choose(&mut rng);
            let part = Part { fault: second, wire: wire(second, &mut rng), mood: Mood::Always };
            parts.insert(rng.random_range(1..=2), part);
        }
        Self { number, parts, streamed, probed }
    }

    pub(super) fn fault(&self) -> &'static str {
        self.parts[0].fault.map_or("none", |fault| fault.name)
    }
}

fn wire(fault: Option<&Fault>, rng: &mut StdRng) -> Wire {
    match fault.map(|fault| fault.place) {
        Some(Place::Only(wire)) => wire,
        _ => Wire::ALL[rng.random_range(0..Wire::ALL.len())],
    }
}

/// A target as it stands there.
struct Actor {
    url: String,
    wire: Wire,
    timeouts: &'static str,
    requests: Arc<AtomicUsize>,
    _fake: Option<FakeProvider>,
    _stub: Option<Stub>,
}

/// Somebody who is no provider; gone when it is dropped.
struct Stub(JoinHandle<()>);

impl Drop for Stub {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Actor {
    async fn new(name: &'static str, part: Part, number: u64) -> io::Result<Self> {
        let requests = Arc::new(AtomicUsize::new(0));
        let place = part.fault.map_or(Place::Any, |fault| fault.place);
        let (url, fake, stub) = match place {
            Place::Any | Place::Only(_) => {
                let fake = FakeProvider::start_as(part.wire).await?;
                fake.script(script(name, part, number, requests.clone()));
                (fake.url().to_owned(), Some(fake), None)
            }
            Place::NoName => ("http://nowhere.invalid/v1".to_owned(), None, None),
            Place::Refused | Place::HangsUp | Place::NoHttp => {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                let url = format!("http://{}/v1", listener.local_addr()?);
                let counted = requests.clone();
                let stub =
                    (place != Place::Refused).then(|| Stub(tokio::spawn(stub(listener, place, counted))));
                (url, None, stub)
            }
        };
        let timeouts = fault::timeouts(part.fault);
        Ok(Self { url, wire: part.wire, timeouts, requests, _fake: fake, _stub: stub })
    }

    fn section(&self, name: &str) -> String {
        let (dialect, url, timeouts) = (self.wire.as_str(), &self.url, self.timeouts);
        format!(
            "[provider.{name}]\ndialect = \"{dialect}\"\nbase_url = \"{url}\"\ntimeouts = {{ {timeouts} }}\n[provider.{name}.model.m]\n\
             price = {{ input = 1.0, output = 2.0 }}\n"
        )
    }
}

async fn stub(listener: TcpListener, place: Place, requests: Arc<AtomicUsize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        requests.fetch_add(1, Ordering::Relaxed);
        if place == Place::NoHttp {
            drop(stream.write_all(b"220 mail.example.org ESMTP\r\n").await);
        }
    }
}

/// Answers each question with its text, or with the fault.
fn script(
    name: &'static str,
    part: Part,
    number: u64,
    requests: Arc<AtomicUsize>,
) -> impl FnMut(&Value) -> Reply + Send + 'static {
    let mut rng = StdRng::seed_from_u64(number ^ 0x5eed);
    move |body| {
        let so_far = requests.fetch_add(1, Ordering::Relaxed);
        let (Some(asked), fault) = (asked(body), part.fault) else { return Reply::Garbage };
        let pieces = pieces(name, &asked);
        let shown = match part.mood {
            Mood::Always => true,
            Mood::First(count) => so_far < count,
            Mood::Sometimes => rng.random_bool(0.5),
        };
        match fault.filter(|_| shown) {
            Some(fault) => fault::reply(fault, &mut rng, pieces),
            None => Reply::Text(pieces.concat()),
        }
    }
}

/// The name of a question, in whatever dialect it came.
fn asked(body: &Value) -> Option<String> {
    let text = body.to_string();
    let (_, rest) = text.split_once("question-")?;
    Some(rest.chars().take_while(char::is_ascii_alphanumeric).collect())
}

/// A gateway of the real binary over the actors.
struct Gateway {
    bench: Workbench,
    server: Server,
    token: String,
    plan: Plan,
    actors: Vec<Actor>,
    toll: Toll,
}

/// Plays a scenario to its end.
pub(super) async fn play(plan: Plan) -> Toll {
    let mut gateway = Gateway::open(plan).await;
    for _ in 0..4 {
        gateway.calls(1).await;
    }
    gateway.calls(4).await;
    if gateway.plan.probed {
        gateway.probes().await;
    }
    gateway.close().await
}

impl Gateway {
    async fn open(plan: Plan) -> Self {
        let bench = Workbench::new().await;
        let mut actors = Vec::new();
        for (name, part) in NAMES.into_iter().zip(&plan.parts) {
            actors.push(Actor::new(name, *part, plan.number).await.unwrap());
        }
        let chain: Vec<String> = NAMES.iter().take(actors.len()).map(|name| format!("{name:?}")).collect();
        let mut config = format!(
            "[router]\nprefer = [{}]\nallow_paid = true\n[budget]\nday_usd = 1000.0\n",
            chain.join(", ")
        );
        NAMES.iter().zip(&actors).for_each(|(name, actor)| config.push_str(&actor.section(name)));
        bench.write("cofounder.toml", config);
        let token = token(&bench, &["--scope", "gateway"]).await;
        let server = Server::start(&bench).await;
        let toll = Toll { scenarios: 1, ..Toll::default() };
        Self { bench, server, token, plan, actors, toll }
    }

    /// So many calls at the same time.
    async fn calls(&mut self, count: usize) {
        let (number, streamed) = (self.plan.number, self.plan.streamed);
        let asking = (0..count).map(|at| {
            let name = format!("n{number}q{}", self.toll.calls + at);
            let (url, token) = (self.server.url.clone(), self.token.clone());
            async move {
                let question = json!({
                    "model": "role:chat", "stream": streamed, "max_tokens": 200,
                    "messages": [{"role": "user", "content": format!("question-{name}")}],
                });
                let heard = client::ask(&url, &token, &question).await;
                (name, heard)
            }
        });
        for (name, heard) in futures_util::future::join_all(asking).await {
            self.note(&name, heard);
        }
    }

    fn note(&mut self, question: &str, heard: io::Result<client::Heard>) {
        self.toll.calls += 1;
        let verdict =
            heard.as_ref().map_or(Verdict::Silent, |heard| judge(heard, question, self.plan.streamed));
        *self.toll.verdicts.entry(verdict).or_default() += 1;
        if let Ok(heard) = &heard {
            let attempts = heard.headers.get("x-cofounder-attempts").and_then(|n| n.parse().ok());
            self.toll.attempts = self.toll.attempts.max(attempts.unwrap_or_default());
        }
        if !matches!(verdict, Verdict::Good | Verdict::Told) {
            let seen = heard.map(|heard| {
                let body = String::from_utf8_lossy(&heard.body).into_owned();
                (heard.status, error_of(&heard.body), body.chars().take(400).collect::<String>())
            });
            self.toll.notes.push(format!("{verdict:?}, {question}: {seen:?}; {:?}", self.plan));
        }
    }

    /// The first target is left alone by now. After its rest one call asks it, and no other does until it rests again.
    async fn probes(&mut self) {
        sleep(REST).await;
        let requests = self.actors[0].requests.clone();
        let before = requests.load(Ordering::Relaxed);
        self.calls(6).await;
        self.calls(2).await;
        let probes = requests.load(Ordering::Relaxed) - before;
        self.toll.probes = Some(probes);
        if probes > 1 {
            self.toll.notes.push(format!("{probes} probes: {:?}", self.plan));
        }
    }

    async fn close(mut self) -> Toll {
        let done = self.server.stop().await;
        assert_eq!(done.code, Some(0), "{done:#?}");
        let sums = self.bench.json(&["ledger", "sum"]).await;
        let written: u64 =
            sums["items"].as_array().unwrap().iter().filter_map(|sum| sum["calls"].as_u64()).sum();
        self.toll.unwritten = self.toll.calls.abs_diff(written as usize);
        self.toll.requests = self.actors.iter().map(|actor| actor.requests.load(Ordering::Relaxed)).sum();
        self.toll
    }
}
