//! A recurring task as people and programs read it.

use cofounder_domain::Brief;
use cofounder_storage::Schedule;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Moment, Sample, at, task::sample_brief};

/// A rule by which tasks are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub struct ScheduleDocument {
    /// Its name.
    pub name: String,
    /// When, as a cron expression: minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// The time zone in which its hours count (IANA).
    pub zone: String,
    /// What is asked for each time.
    pub brief: Brief,
    /// The tasks' priority.
    pub priority: i32,
    /// What the tasks' worker must have, such as `gpu`; empty for most.
    pub needs: String,
    /// The next time; absent if there is none.
    pub next_at: Option<Moment>,
    /// The last time.
    pub last_at: Option<Moment>,
    /// The task that was made then.
    pub last_task: Option<String>,
}

impl From<Schedule> for ScheduleDocument {
    fn from(schedule: Schedule) -> Self {
        let Schedule { name, cron, zone, brief, priority, needs, next_at, last_at, last_task, .. } = schedule;
        let (next_at, last_at) = (next_at.map(Moment), last_at.map(Moment));
        Self { name, cron, zone, brief, priority, needs, next_at, last_at, last_task }
    }
}

impl Sample for ScheduleDocument {
    fn sample() -> Self {
        Self {
            name: "every Monday".to_owned(),
            cron: "30 7 * * MON".to_owned(),
            zone: "Europe/Berlin".to_owned(),
            brief: sample_brief(),
            priority: 0,
            needs: String::new(),
            next_at: Some(at(120)),
            last_at: None,
            last_task: None,
        }
    }
}
