//! The same transformer, computed number by number without any library, to compare with. Only for tests.

use cofounder_testkit::gguf::TinyModel;
use std::collections::BTreeMap;

const SIZE: usize = 32;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const HEAD: usize = 8;
const EPSILON: f64 = 1e-5;

/// A model's numbers, and how it rotates pairs.
pub(super) struct Reference {
    numbers: BTreeMap<String, Vec<f64>>,
    blocks: u32,
    neighbours: bool,
}

impl Reference {
    pub(super) fn new(tiny: &TinyModel) -> Self {
        let wide = |(name, numbers): (String, Vec<f32>)| (name, numbers.into_iter().map(f64::from).collect());
        let numbers = tiny.numbers().into_iter().map(wide).collect();
        Self { numbers, blocks: tiny.blocks, neighbours: tiny.architecture == "llama" }
    }

    /// How likely each token is behind these.
    pub(super) fn logits(&self, tokens: &[u32]) -> Vec<f32> {
        let table = &self.numbers["token_embd.weight"];
        let mut xs: Vec<Vec<f64>> =
            tokens.iter().map(|t| table[*t as usize * SIZE..][..SIZE].to_vec()).collect();
        for block in 0..self.blocks {
            let name = |part: &str| format!("blk.{block}.{part}");
            let normed: Vec<_> = xs.iter().map(|x| self.norm(x, &name("attn_norm.weight"))).collect();
            let mixed = self.attention(&normed, &name);
            for (x, mixed) in xs.iter_mut().zip(mixed) {
                add(x, &self.times(&name("attn_output.weight"), &mixed));
                let normed = self.norm(x, &name("ffn_norm.weight"));
                let gate = self.times(&name("ffn_gate.weight"), &normed);
                let up = self.times(&name("ffn_up.weight"), &normed);
                let gated: Vec<f64> = gate.iter().zip(up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
                add(x, &self.times(&name("ffn_down.weight"), &gated));
            }
        }
        let last = self.norm(xs.last().unwrap(), "output_norm.weight");
        self.times("token_embd.weight", &last).into_iter().map(|logit| logit as f32).collect()
    }

    /// What every token takes from itself and those before it.
    fn attention(&self, normed: &[Vec<f64>], name: &impl Fn(&str) -> String) -> Vec<Vec<f64>> {
        let queries = self.heads(normed, &name("attn_q"), true);
        let keys = self.heads(normed, &name("attn_k"), true);
        let values = self.heads(normed, &name("attn_v"), false);
        let one = |at: usize, head: usize| {
            let shared = head / (HEADS / KV_HEADS);
            let score = |j: usize| dot(&queries[at][head], &keys[j][shared]) / (HEAD as f64).sqrt();
            let weights: Vec<f64> = (0..=at).map(|j| score(j).exp()).collect();
            let total: f64 = weights.iter().sum();
            let mut mixed = vec![0.0; HEAD];
            for (j, weight) in weights.iter().enumerate() {
                let part: Vec<f64> = values[j][shared].iter().map(|v| v * weight / total).collect();
                add(&mut mixed, &part);
            }
            mixed
        };
        (0..normed.len()).map(|at| (0..HEADS).flat_map(|head| one(at, head)).collect()).collect()
    }

    /// One projection of every token, by heads.
    fn heads(&self, normed: &[Vec<f64>], part: &str, turned: bool) -> Vec<Vec<Vec<f64>>> {
        let project = |(at, x): (usize, &Vec<f64>)| {
            let mut y = self.times(&format!("{part}.weight"), x);
            if let Some(bias) = self.numbers.get(&format!("{part}.bias")) {
                add(&mut y, bias);
            }
            let head = |head: &[f64]| {
                let norm = format!("{part}_norm.weight");
                let head =
                    if self.numbers.contains_key(&norm) { self.norm(head, &norm) } else { head.to_vec() };
                if turned { self.turn(&head, at) } else { head }
            };
            y.chunks(HEAD).map(head).collect()
        };
        normed.iter().enumerate().map(project).collect()
    }

    fn turn(&self, head: &[f64], at: usize) -> Vec<f64> {
        let mut turned = head.to_vec();
        for pair in 0..HEAD / 2 {
            let (a, b) = if self.neighbours { (2 * pair, 2 * pair + 1) } else { (pair, pair + HEAD / 2) };
            let angle = at as f64 * 10_000_f64.powf(-2.0 * pair as f64 / HEAD as f64);
            turned[a] = head[a] * angle.cos() - head[b] * angle.sin();
            turned[b] = head[a] * angle.sin() + head[b] * angle.cos();
        }
        turned
    }

    fn norm(&self, x: &[f64], weight: &str) -> Vec<f64> {
        let scale = (dot(x, x) / x.len() as f64 + EPSILON).sqrt();
        x.iter().zip(&self.numbers[weight]).map(|(x, w)| x / scale * w).collect()
    }

    fn times(&self, matrix: &str, x: &[f64]) -> Vec<f64> {
        self.numbers[matrix].chunks(x.len()).map(|row| dot(row, x)).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += what);
}
