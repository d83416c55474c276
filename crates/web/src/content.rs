//! `GET /api/v1/metrics/content`: what came of the work, day by day. Counted anew once a minute at the most, whoever asks
//! and however often; while the database is away nothing is told, and no zeros.

use axum::{Json, extract::State, response::Response};
use chrono::{DateTime, NaiveDate};
use cofounder_auth::Tokens;
use cofounder_storage::{Database, DayCounts, StorageError};
use serde::{Deserialize, Serialize};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::{
    Problem,
    access::{Caller, ReadMetrics},
    api::{Has, Paged, Part, Query, Tag},
    documents::{Moment, Sample, at},
};

/// How long what was counted holds.
const FRESH: Duration = Duration::from_mins(1);

/// What was counted, and when.
#[derive(Debug, Default)]
pub(crate) struct Content(Mutex<Option<Counted>>);

#[derive(Clone, Debug)]
struct Counted {
    /// The newest first.
    days: Arc<Vec<DayItem>>,
    at: Moment,
    looked: Instant,
}

/// A day's work.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DayItem {
    /// The day (UTC).
    #[schema(value_type = String, format = Date)]
    day: NaiveDate,
    /// Tasks that were asked for.
    asked: u64,
    /// Drafts that came to wait for approval; one that was reworked counts again.
    drafted: u64,
    /// Posts that went live.
    published: u64,
    /// Tasks that were said no to.
    rejected: u64,
    /// Tasks that failed.
    failed: u64,
    /// Tasks that were cancelled.
    cancelled: u64,
    /// Model calls that ended.
    calls: u64,
    /// Of those, the ones of which nobody says what they cost.
    unpriced: u64,
    /// Prompt tokens.
    tokens_in: u64,
    /// Answer tokens.
    tokens_out: u64,
    /// What the calls cost, with what is assumed for attempts that failed.
    cost_usd: f64,
}

/// Days of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub(crate) struct ContentDocument {
    /// When this was counted: at most a minute ago.
    counted_at: Moment,
    /// The page.
    #[serde(flatten)]
    days: Paged<DayItem>,
}

impl Sample for DayItem {
    fn sample() -> Self {
        let counts = DayCounts {
            asked: 4,
            drafted: 3,
            published: 2,
            calls: 41,
            tokens_in: 63_000,
            tokens_out: 11_800,
            ..DayCounts::default()
        };
        let (day, cost_usd) = (at(0).0.date_naive(), 0.0866);
        Self { cost_usd, ..Self::of(day, counts) }
    }
}

impl Sample for ContentDocument {
    fn sample() -> Self {
        Self { counted_at: at(300), days: Paged::sample() }
    }
}

/// Show what came of the work
///
/// Day by day (UTC), the newest first; days on which nothing happened are left out. Counted at most once a minute from what
/// is written down of tasks and calls; while the database does not answer, 503.
#[utoipa::path(
    get, path = "/api/v1/metrics/content", tag = "program", params(Part), security(("token" = ["viewer"])),
    responses((status = 200, description = "A page of days", body = ContentDocument))
)]
pub(crate) async fn show(
    _caller: Caller<ReadMetrics>,
    State(content): State<Arc<Content>>,
    State(db): State<Arc<Database>>,
    State(tokens): State<Arc<Tokens>>,
    has: Has,
    Query(part): Query<Part>,
) -> Result<Response, Problem> {
    let limit = usize::try_from(part.limit()?).unwrap_or(usize::MAX);
    let before = part
        .cursor()
        .map(|cursor| cursor.parse::<NaiveDate>().map_err(|_| StorageError::Cursor(cursor.to_owned())));
    let before = before.transpose()?;
    let counted = content.counted(&db, || tokens.now().into()).await?;
    let mut days = counted.days.iter().filter(|day| before.is_none_or(|before| day.day < before));
    let items: Vec<DayItem> = days.by_ref().take(limit).copied().collect();
    let more = days.next().is_some();
    let next_cursor = items.last().filter(|_| more).map(|day| day.day.to_string());
    let document = ContentDocument { counted_at: counted.at, days: Paged { items, next_cursor } };
    Ok(has.answer(Tag(counted.at.0.timestamp_millis()), Json(document)))
}

impl Content {
    /// What was counted lately. Whoever comes while it is counted waits for the same count.
    async fn counted(&self, db: &Database, now: impl Fn() -> Moment) -> Result<Counted, StorageError> {
        let mut last = self.0.lock().await;
        if let Some(counted) = last.as_ref().filter(|counted| counted.looked.elapsed() < FRESH) {
            return Ok(counted.clone());
        }
        // What is old is not told as new: if this fails, there is nothing.
        *last = None;
        let (at, looked) = (now(), Instant::now());
        let days = db.days().await?.into_iter().rev().filter_map(|(day, counts)| item(day, counts));
        let counted = Counted { days: Arc::new(days.collect()), at, looked };
        *last = Some(counted.clone());
        Ok(counted)
    }
}

fn item(day: i64, counts: DayCounts) -> Option<DayItem> {
    let day = DateTime::from_timestamp(day.checked_mul(86_400)?, 0)?.date_naive();
    Some(DayItem::of(day, counts))
}

impl DayItem {
    fn of(day: NaiveDate, counts: DayCounts) -> Self {
        let DayCounts { asked, drafted, published, rejected, failed, cancelled, calls, unpriced, .. } =
            counts;
        let (tokens_in, tokens_out, cost_usd) = (counts.tokens_in, counts.tokens_out, counts.cost.as_usd());
        Self {
            day,
            asked,
            drafted,
            published,
            rejected,
            failed,
            cancelled,
            calls,
            unpriced,
            tokens_in,
            tokens_out,
            cost_usd,
        }
    }
}
