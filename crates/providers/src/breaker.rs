//! A target's health: a breaker that opens after failures in a row, and a pause when the target asks for one.

use crate::TargetState;
use cofounder_domain::Timestamp;
use std::time::Duration;

/// Failures in a row that open it.
const FAILURES: u32 = 3;
/// How long it is open for the first time; each further time twice as long.
const FIRST_REST: Duration = Duration::from_secs(5);
/// And at most.
const LONGEST_REST: Duration = Duration::from_mins(5);
/// No target can keep itself out for longer than a day.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);
/// How long a probe's answer must have been coming, if it has not ended by then, for others to be let in. Nobody waits
/// for the end of a long answer, and a target whose answers break after their first word is asked once at a time.
const TRIAL: Duration = Duration::from_secs(5);

/// What is known of one target.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    /// How often it opened without a success in between.
    opened: u32,
    open_until: Option<Timestamp>,
    probing: bool,
    /// When the probe's answer, if it has begun, will have been coming for long enough.
    proven_at: Option<Timestamp>,
    cooling_until: Option<Timestamp>,
    pub(crate) last_error: Option<String>,
}

/// Whether a target may be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It may.
    Free,
    /// It may, once: the answer decides.
    Probe,
    /// It asked for a pause, for so much longer.
    Cooling(Duration),
    /// It failed too often and rests, for so much longer.
    Open(Duration),
}

impl Breaker {
    /// Whether the target may be asked, without asking.
    pub(crate) fn gate(&self, now: Timestamp) -> Gate {
        if let Some(rest) = left(self.open_until, now, LONGEST_REST) {
            return Gate::Open(rest);
        }
        if let Some(pause) = left(self.cooling_until, now, LONGEST_PAUSE) {
            return Gate::Cooling(pause);
        }
        match (self.open_until, self.probing) {
            (None, _) => Gate::Free,
            (Some(_), false) => Gate::Probe,
            (Some(_), true) if self.proven_at.is_some_and(|at| at <= now) => Gate::Free,
            (Some(_), true) => Gate::Open(Duration::from_secs(1)),
        }
    }

    /// The same for a person.
    pub(crate) fn state(&self, now: Timestamp) -> TargetState {
        match self.gate(now) {
            Gate::Free => TargetState::Ready,
            Gate::Probe => TargetState::Resting(Duration::ZERO),
            Gate::Cooling(left) => TargetState::Cooling(left),
            Gate::Open(left) => TargetState::Resting(left),
        }
    }

    /// Until when it rests or rested, if nothing has shown since that the target is back.
    pub(crate) fn rests_until(&self) -> Option<Timestamp> {
        self.open_until
    }

    /// Whether it says anything that a new one does not say.
    pub(crate) fn matters(&self, now: Timestamp) -> bool {
        self.failures > 0 || self.gate(now) != Gate::Free
    }

    /// Failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// As [`Self::gate`]; a probe is taken, and is to be given back by one of the methods below.
    pub(crate) fn enter(&mut self, now: Timestamp) -> Gate {
        let gate = self.gate(now);
        if gate == Gate::Free && self.open_until.is_some() {
            // The trial is passed, but nothing has ended well yet: the next failure opens it again, for longer.
            self.failures = self.failures.min(FAILURES - 1);
            (self.open_until, self.probing, self.proven_at) = (None, false, None);
        }
        self.probing |= gate == Gate::Probe;
        gate
    }

    /// The probe's answer has begun.
    pub(crate) fn begun(&mut self, now: Timestamp) {
        self.proven_at = Some(now + TRIAL);
    }

    /// The target works: it answered, or refused for a reason that is not its health.
    pub(crate) fn works(&mut self) {
        *self = Self { cooling_until: self.cooling_until, ..Self::default() };
    }

    /// The target failed.
    pub(crate) fn failed(&mut self, probe: bool, error: String, now: Timestamp) {
        self.last_error = Some(error);
        self.failures += 1;
        if probe || (self.failures >= FAILURES && self.open_until.is_none()) {
            let rest = FIRST_REST.saturating_mul(1 << self.opened.min(16)).min(LONGEST_REST);
            self.opened += 1;
            self.open_until = Some(now + rest);
        }
        self.end_probe(probe);
    }

    /// The target asked for a pause: it works.
    pub(crate) fn cool(&mut self, pause: Duration, now: Timestamp) {
        self.works();
        self.cooling_until = Some(now + pause.min(LONGEST_PAUSE));
    }

    /// Nothing was learnt.
    pub(crate) fn unclear(&mut self, probe: bool) {
        self.end_probe(probe);
    }

    fn end_probe(&mut self, probe: bool) {
        if probe {
            (self.probing, self.proven_at) = (false, None);
        }
    }
}

/// The time until then. More than the most that can be is none: the machine's clock was set back, and a day's rest is not
/// what the target has earned.
fn left(until: Option<Timestamp>, now: Timestamp, most: Duration) -> Option<Duration> {
    (until? - now).to_std().ok().filter(|left| !left.is_zero() && *left <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        Timestamp::from_timestamp_millis(1_767_323_045_000).unwrap()
    }

    #[test]
    fn rests_double_up_to_five_minutes_and_a_success_forgets_them() {
        let (mut breaker, mut now) = (Breaker::default(), start());
        for _ in 0..3 {
            assert_eq!(breaker.enter(now), Gate::Free);
            breaker.failed(false, "down".into(), now);
        }
        for seconds in [5, 10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(breaker.enter(now), Gate::Open(Duration::from_secs(seconds)));
            now += Duration::from_secs(seconds);
            assert_eq!(breaker.enter(now), Gate::Probe);
            assert!(matches!(breaker.enter(now), Gate::Open(_)), "one probe at a time");
            breaker.failed(true, "down".into(), now);
        }
        now += Duration::from_mins(5);
        assert_eq!(breaker.enter(now), Gate::Probe);
        breaker.works();
        assert_eq!(breaker.enter(now), Gate::Free);
        breaker.failed(false, "down".into(), now);
        assert_eq!(breaker.enter(now), Gate::Free);
    }

    #[test]
    fn a_probe_that_taught_nothing_is_given_back() {
        let (mut breaker, now) = (Breaker::default(), start());
        (0..3).for_each(|_| breaker.failed(false, "down".into(), now));
        let later = now + Duration::from_secs(5);
        assert_eq!(breaker.enter(later), Gate::Probe);
        breaker.unclear(true);
        assert_eq!(breaker.enter(later), Gate::Probe);
    }

    /// Tried by letting others in at the first word, and by forgetting at the end of the trial what had failed before:
    /// the test failed both times.
    #[test]
    fn a_probe_whose_answer_has_begun_lets_others_in_when_it_has_been_coming_for_a_while() {
        let (mut breaker, now) = (Breaker::default(), start());
        (0..3).for_each(|_| breaker.failed(false, "down".into(), now));
        let probed = now + FIRST_REST;
        assert_eq!(breaker.enter(probed), Gate::Probe);
        breaker.begun(probed);
        assert!(matches!(breaker.enter(probed), Gate::Open(_)), "it may break after its first word");
        breaker.failed(true, "broke".into(), probed);
        assert_eq!(breaker.gate(probed), Gate::Open(FIRST_REST * 2));
        let again = probed + FIRST_REST * 2;
        assert_eq!(breaker.enter(again), Gate::Probe);
        breaker.begun(again);
        let proven = again + TRIAL;
        assert_eq!(breaker.state(proven), TargetState::Ready);
        assert_eq!(
            [breaker.enter(proven), breaker.enter(proven)],
            [Gate::Free; 2],
            "it is still being heard"
        );
        breaker.failed(false, "broke".into(), proven);
        assert_eq!(breaker.gate(proven), Gate::Open(FIRST_REST * 4), "nothing has ended well since");
        assert_eq!(breaker.enter(proven + FIRST_REST * 4), Gate::Probe);
        breaker.works();
        assert!(!breaker.matters(proven + FIRST_REST * 4));
    }

    #[test]
    fn late_failures_of_other_calls_do_not_lengthen_the_rest() {
        let (mut breaker, now) = (Breaker::default(), start());
        (0..7).for_each(|_| breaker.failed(false, "down".into(), now));
        assert_eq!(breaker.gate(now), Gate::Open(FIRST_REST));
    }

    /// Tried without the limit: the test failed.
    #[test]
    fn a_clock_that_is_set_back_lengthens_no_rest() {
        let (mut breaker, now) = (Breaker::default(), start());
        (0..3).for_each(|_| breaker.failed(false, "down".into(), now));
        assert_eq!(breaker.gate(now - Duration::from_hours(24)), Gate::Probe);
        let mut breaker = Breaker::default();
        breaker.cool(Duration::from_secs(2), now);
        assert_eq!(breaker.gate(now - Duration::from_hours(48)), Gate::Free);
    }

    #[test]
    fn pauses_never_open_it() {
        let (mut breaker, now) = (Breaker::default(), start());
        (0..9).for_each(|_| breaker.cool(Duration::from_secs(2), now));
        assert_eq!(breaker.gate(now), Gate::Cooling(Duration::from_secs(2)));
        assert_eq!(breaker.gate(now + Duration::from_secs(2)), Gate::Free);
    }
}
