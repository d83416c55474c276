//! Chooses the next token.

use rand::{Rng, SeedableRng, rngs::StdRng};

/// Tokens of the answer that the penalty looks back on.
const LOOK_BACK: usize = 128;
/// A temperature below this takes the likeliest token.
const COLD: f32 = 1e-3;

/// How tokens are chosen. The same seed chooses the same tokens.
pub(crate) struct Sampler {
    temperature: f32,
    top_p: f32,
    repeat_penalty: f32,
    random: StdRng,
}

impl Sampler {
    pub(crate) fn new(
        temperature: Option<f32>,
        top_p: Option<f32>,
        repeat_penalty: Option<f32>,
        seed: Option<u64>,
    ) -> Self {
        Self {
            temperature: temperature.unwrap_or(0.7).clamp(0.0, 2.0),
            top_p: top_p.unwrap_or(0.95).clamp(0.01, 1.0),
            repeat_penalty: repeat_penalty.unwrap_or(1.1).clamp(1.0, 2.0),
            random: StdRng::seed_from_u64(seed.unwrap_or_default()),
        }
    }

    /// The next token behind those written so far. A token whose score is `-inf` is never chosen.
    pub(crate) fn choose(&mut self, mut scores: Vec<f32>, written: &[u32]) -> Option<u32> {
        self.penalise(&mut scores, written);
        if self.temperature < COLD {
            return likeliest(&scores);
        }
        let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if !top.is_finite() {
            return None;
        }
        // Tokens below this share of the likeliest one's probability cannot matter.
        let floor = top - 12.0 * self.temperature;
        let mut left: Vec<(u32, f32)> = (0_u32..)
            .zip(&scores)
            .filter(|(_, s)| **s >= floor)
            .map(|(token, s)| (token, ((s - top) / self.temperature).exp()))
            .collect();
        left.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let total: f32 = left.iter().map(|(_, p)| p).sum();
        let mut kept = 0.0;
        let count = left.iter().position(|(_, p)| {
            kept += p;
            kept >= self.top_p * total
        });
        left.truncate(count.map_or(left.len(), |c| c + 1));
        let mut point = self.random.random::<f32>() * left.iter().map(|(_, p)| p).sum::<f32>();
        let chosen = left.iter().find(|(_, p)| {
            point -= p;
            point <= 0.0
        });
        chosen.or(left.last()).map(|(token, _)| *token)
    }

    /// Makes tokens that were written lately less likely (<https://arxiv.org/abs/1909.05858>, section 4.1).
    fn penalise(&self, scores: &mut [f32], written: &[u32]) {
        let mut lately: Vec<u32> = written.iter().rev().take(LOOK_BACK).copied().collect();
        lately.sort_unstable();
        lately.dedup();
        for token in lately {
            if let Some(score) = scores.get_mut(token as usize) {
                *score =
                    if *score > 0.0 { *score / self.repeat_penalty } else { *score * self.repeat_penalty };
            }
        }
    }
}

fn likeliest(scores: &[f32]) -> Option<u32> {
    let best = (0_u32..)
        .zip(scores)
        .filter(|(_, s)| s.is_finite())
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    best.map(|(token, _)| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_chooses_the_same_tokens_and_another_one_others() {
        let scores: Vec<f32> = (0..100).map(|i| (i as f32 * 0.37).sin()).collect();
        let draw = |seed| {
            let mut sampler = Sampler::new(Some(1.5), Some(1.0), None, Some(seed));
            (0..20).map(|_| sampler.choose(scores.clone(), &[]).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn forbidden_tokens_are_never_chosen_and_cold_takes_the_likeliest() {
        let mut scores = vec![f32::NEG_INFINITY; 10];
        assert_eq!(Sampler::new(Some(1.0), None, None, None).choose(scores.clone(), &[]), None);
        scores[3] = -50.0;
        assert_eq!(Sampler::new(Some(2.0), None, None, None).choose(scores.clone(), &[]), Some(3));
        scores[7] = 1.0;
        assert_eq!(Sampler::new(Some(0.0), None, None, None).choose(scores.clone(), &[]), Some(7));
        scores[3] = 0.95;
        assert_eq!(
            Sampler::new(Some(0.0), None, Some(1.3), None).choose(scores, &[7]),
            Some(3),
            "7 was written"
        );
    }
}
