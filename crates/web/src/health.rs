//! `/healthz`: the process answers. `/readyz`: what is ready, what is degraded, and why.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::documents::Sample;

/// How long an answer is good for: anybody may ask, and the database is not asked each time.
const FRESH: Duration = Duration::from_secs(1);
/// How long a part may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// One part of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: ComponentState,
    /// Why, in words.
    pub why: String,
}

impl Component {
    /// A part that is like this.
    pub fn new(name: impl Into<String>, state: ComponentState, why: impl Into<String>) -> Self {
        Self { name: name.into(), state, why: why.into() }
    }

    /// What `look` finds, if it does so in time. A part that does not say how it is, is down.
    pub async fn within(name: &str, look: impl Future<Output = (ComponentState, String)>) -> Self {
        let late = |_| (ComponentState::Down, format!("did not answer within {} s", PATIENCE.as_secs()));
        let (state, why) = tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(late);
        Self::new(name, state, why)
    }
}

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComponentState {
    /// It works.
    Ready,
    /// It works in part, and the program goes on.
    Degraded,
    /// It is switched off.
    Off,
    /// It does not work, and the program cannot do without it.
    Down,
}

impl ComponentState {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Off => "off",
            Self::Down => "down",
        }
    }
}

/// What was found, and when.
type Seen = (Instant, Vec<Component>);
type Look = Arc<dyn Fn() -> BoxFuture<'static, Vec<Component>> + Send + Sync>;

/// Looks at the parts of the program when it is asked to, and not more often than once a second.
#[derive(Clone)]
pub struct Readiness {
    look: Look,
    seen: Arc<Mutex<Option<Seen>>>,
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readiness")
    }
}

impl Readiness {
    /// What `look` finds, which has a time-out of its own: [`Component::within`].
    pub fn new(look: impl Fn() -> BoxFuture<'static, Vec<Component>> + Send + Sync + 'static) -> Self {
        Self { look: Arc::new(look), seen: Arc::default() }
    }

    async fn components(&self) -> Vec<Component> {
        let mut seen = self.seen.lock().await;
        if let Some((at, components)) = seen.as_ref()
            && at.elapsed() < FRESH
        {
            return components.clone();
        }
        let components = (self.look)().await;
        *seen = Some((Instant::now(), components.clone()));
        components
    }
}

/// How the program is.
#[derive(Serialize, ToSchema)]
#[schema(examples(Self::sample))]
pub(crate) struct Ready {
    /// `ready`, `degraded`, or `down` if a part that is needed does not work.
    status: &'static str,
    /// Its parts.
    components: Vec<Component>,
}

/// The program answers.
#[derive(Serialize, ToSchema)]
#[schema(examples(Self::sample))]
pub(crate) struct Alive {
    /// `ok`.
    status: &'static str,
}

/// Ask whether the program answers
///
/// Looks at nothing else: `/readyz` tells whether its parts work.
#[utoipa::path(get, path = "/healthz", tag = "program", responses((status = 200, description = "It answers", body = Alive)))]
pub(crate) async fn alive() -> Json<Alive> {
    Json(Alive::sample())
}

/// Ask whether the program's parts work
///
/// Each part is ready, degraded, off or down, and why. Looked at once a second at the most.
#[utoipa::path(
    get, path = "/readyz", tag = "program",
    responses(
        (status = 200, description = "It works, perhaps in part", body = Ready),
        (status = 503, description = "A part that is needed does not work", body = Ready, example = down)
    )
)]
pub(crate) async fn ready(State(readiness): State<Readiness>) -> Response {
    let components = readiness.components().await;
    let any = |state| components.iter().any(|c| c.state == state);
    let (code, status) = match () {
        () if any(ComponentState::Down) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
        () if any(ComponentState::Degraded) => (StatusCode::OK, "degraded"),
        () => (StatusCode::OK, "ready"),
    };
    (code, Json(Ready { status, components })).into_response()
}

impl Sample for Alive {
    fn sample() -> Self {
        Self { status: "ok" }
    }
}

impl Sample for Ready {
    fn sample() -> Self {
        let ready = |name, why: &str| Component { name, state: ComponentState::Ready, why: why.to_owned() };
        Self {
            status: "ready",
            components: vec![
                ready("database".to_owned(), "SQLite"),
                ready("worker".to_owned(), "takes tasks from the queue"),
            ],
        }
    }
}

/// Without its database.
fn down() -> Ready {
    let why = "did not answer within 1 s".to_owned();
    Ready {
        status: "down",
        components: vec![Component { name: "database".to_owned(), state: ComponentState::Down, why }],
    }
}
