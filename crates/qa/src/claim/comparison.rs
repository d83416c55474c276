//! Comparisons that a claim turns around: `A is faster than B` against `B is faster than A`.

use std::collections::BTreeSet;

use super::evidence::Evidence;
use crate::words::stems;

/// The share of a comparison's words that a line must have to be about the same.
const SAME: f32 = 0.5;

pub(super) fn check(folded: &str, evidence: &Evidence) -> Result<(), String> {
    let Some(own) = Sides::of(folded) else { return Ok(()) };
    let lines: Vec<Sides> = evidence.lines.iter().filter_map(|l| Sides::of(&l.folded)).collect();
    // "B is slower than A" turns "A is faster than B" around and says the same.
    let about: Vec<&Sides> = lines.iter().filter(|l| l.by == own.by && own.shared(l) >= SAME).collect();
    let turned = |line: &&&Sides| own.crossed(line) > own.straight(line);
    if about.is_empty() || !about.iter().all(|line| turned(&line)) {
        return Ok(());
    }
    Err("it turns around what a cited passage compares".to_owned())
}

/// The words of meaning on either side of `than`, without those that stand on both.
struct Sides {
    /// What is compared by: `faster`, `more`.
    by: Option<String>,
    left: BTreeSet<String>,
    right: BTreeSet<String>,
}

impl Sides {
    fn of(folded: &str) -> Option<Self> {
        let (left, right) = folded.split_once(" than ")?;
        let by = left.rsplit(' ').find(|word| is_comparative(word)).map(str::to_owned);
        let (left, right) = (stems(left), stems(right));
        let both: BTreeSet<String> = left.intersection(&right).cloned().collect();
        let without =
            |side: BTreeSet<String>| side.into_iter().filter(|s| !both.contains(s)).collect::<BTreeSet<_>>();
        Some(Self { by, left: without(left), right: without(right) })
    }

    fn straight(&self, other: &Self) -> usize {
        self.left.intersection(&other.left).count() + self.right.intersection(&other.right).count()
    }

    fn crossed(&self, other: &Self) -> usize {
        self.left.intersection(&other.right).count() + self.right.intersection(&other.left).count()
    }

    fn shared(&self, other: &Self) -> f32 {
        let all = self.left.len() + self.right.len();
        (self.straight(other) + self.crossed(other)) as f32 / all.max(1) as f32
    }
}

fn is_comparative(word: &str) -> bool {
    matches!(word, "more" | "less" | "fewer" | "better" | "worse") || (word.len() > 4 && word.ends_with("er"))
}

#[cfg(test)]
mod tests {
    use super::Sides;

    #[test]
    fn a_turned_comparison_crosses_more_words_than_it_keeps() {
        let source =
            Sides::of("wal mode is significantly faster than the rollback journal in most situations.")
                .unwrap();
        let turned =
            Sides::of("in most situations, the rollback journal is significantly faster than the wal mode.")
                .unwrap();
        assert!(turned.crossed(&source) > turned.straight(&source));
        let kept = Sides::of("in most situations, wal mode is faster than the rollback journal.").unwrap();
        assert!(kept.straight(&source) > kept.crossed(&source));
    }
}
