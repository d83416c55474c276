//! Tasks that come again and again: when, by a cron expression and a time zone.

use chrono_tz::Tz;
use cofounder_domain::Timestamp;
use cofounder_storage::{Database, StorageError};
use croner::{
    Cron,
    parser::{CronParser, Seconds},
};
use std::str::FromStr;

/// The time zone or the cron expression says nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RuleError {
    /// No such zone.
    #[error("`{0}` is no time zone. Write one of the IANA database, such as Europe/Berlin or UTC")]
    Zone(String),
    /// It does not parse.
    #[error(
        "`{cron}` is no cron expression ({reason}). Write minute, hour, day of the month, month, day of the week, such as `30 7 * * MON-FRI`"
    )]
    Cron {
        /// The expression.
        cron: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It parses, and no day fits it.
    #[error("`{0}` never comes: no date fits it. Nothing was stored")]
    Never(String),
}

/// A rule by which times follow each other.
#[derive(Clone, Debug)]
pub struct Rule {
    cron: Cron,
    zone: Tz,
}

impl Rule {
    /// Reads a cron expression of five fields, and the zone in which its hours count. A local time that a change of
    /// clocks leaves out comes at the change; one that comes twice counts once.
    ///
    /// # Errors
    /// [`RuleError`] says which part is wrong, also if no time after `now` fits.
    pub fn new(cron: &str, zone: &str, now: Timestamp) -> Result<Self, RuleError> {
        let zone = Tz::from_str(zone).map_err(|_| RuleError::Zone(zone.to_owned()))?;
        let parsed = CronParser::builder().seconds(Seconds::Disallowed).build().parse(cron);
        let parsed = parsed.map_err(|e| RuleError::Cron { cron: cron.to_owned(), reason: e.to_string() })?;
        let rule = Self { cron: parsed, zone };
        rule.after(now).map(|_| rule).ok_or_else(|| RuleError::Never(cron.to_owned()))
    }

    /// The next time after `moment`; none if there is none.
    #[must_use]
    pub fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        // The parts of a second would be those of the time that is found.
        let moment = Timestamp::from_timestamp(moment.timestamp(), 0)?;
        let next = self.cron.find_next_occurrence(&moment.with_timezone(&self.zone), false);
        next.ok().map(|at| at.to_utc())
    }
}

/// Makes the tasks whose time has come. A time that passed while no worker ran is made up for once.
pub(crate) async fn fire(db: &Database) -> Result<(), StorageError> {
    for schedule in db.due_schedules().await? {
        let now = db.now();
        let next = Rule::new(&schedule.cron, &schedule.zone, now).ok().and_then(|rule| rule.after(now));
        if next.is_none() {
            tracing::warn!(schedule = schedule.name, "it does not come again");
        }
        db.fire_schedule(&schedule, next).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn hours_count_in_the_zone_and_across_a_change_of_clocks() {
        let now = at("2026-03-28T12:00:00Z");
        let rule = Rule::new("30 7 * * *", "Europe/Berlin", now).unwrap();
        let first = rule.after(now).unwrap();
        assert_eq!(first, at("2026-03-29T05:30:00Z"), "summer time began that night");
        let winter = Rule::new("30 7 * * *", "Europe/Berlin", now).unwrap().after(at("2026-03-27T12:00:00Z"));
        assert_eq!(winter.unwrap(), at("2026-03-28T06:30:00Z"));
        // 02:30 does not exist on 29 March in Berlin.
        let skipped = Rule::new("30 2 * * *", "Europe/Berlin", now).unwrap().after(now).unwrap();
        assert!(skipped >= at("2026-03-29T01:00:00Z") && skipped <= at("2026-03-29T01:30:00Z"), "{skipped}");
        // 02:30 comes twice on 25 October.
        let october = at("2026-10-24T12:00:00Z");
        let rule = Rule::new("30 2 * * *", "Europe/Berlin", october).unwrap();
        let once = rule.after(october).unwrap();
        assert_eq!(once, at("2026-10-25T00:30:00Z"));
        assert_eq!(rule.after(once).unwrap(), at("2026-10-26T01:30:00Z"));
    }

    /// Tried by leaving the parts of a second as they are: the times had them too.
    #[test]
    fn a_time_is_a_whole_second_and_is_not_named_again_within_it() {
        let rule = Rule::new("30 7 * * *", "UTC", at("2026-03-28T12:00:00Z")).unwrap();
        let first = at("2026-03-29T07:30:00Z");
        assert_eq!(rule.after(at("2026-03-29T07:29:59.999Z")), Some(first));
        assert_eq!(rule.after(at("2026-03-28T12:00:00.25Z")), Some(first));
        assert_eq!(rule.after(at("2026-03-29T07:30:00.999Z")), Some(at("2026-03-30T07:30:00Z")));
    }

    #[test]
    fn what_says_nothing_is_refused_in_words() {
        let now = at("2026-01-01T00:00:00Z");
        assert!(matches!(Rule::new("0 0 30 2 *", "UTC", now), Err(RuleError::Never(_))));
        assert!(matches!(Rule::new("hello", "UTC", now), Err(RuleError::Cron { .. })));
        assert!(matches!(Rule::new("0 0 * * * *", "UTC", now), Err(RuleError::Cron { .. })), "six fields");
        assert!(matches!(Rule::new("61 * * * *", "UTC", now), Err(RuleError::Cron { .. })));
        assert!(matches!(Rule::new("* * * * *", "Mars/Base", now), Err(RuleError::Zone(_))));
    }
}
