//! The transformer: Llama, Qwen2 and Qwen3, which differ in biases, norms of the heads and the order of rotation.
//!
//! After the architectures that llama.cpp documents for GGUF files
//! (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>). Tensors are two-dimensional, `[tokens, features]`;
//! there is one sequence.

mod attention;
mod config;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
mod weights;

use candle_core::{
    DType, Device, IndexOp, Module, Result, Tensor,
    quantized::{QMatMul, gguf_file::Content},
};
use candle_nn::ops::rms_norm;
use std::{
    ops::Range,
    path::Path,
    thread::{self, ScopedJoinHandle},
};

pub(crate) use config::Config;
pub(crate) use weights::open;

use attention::{Attention, Rotation};
use weights::Weights;

struct Layer {
    attention_norm: Tensor,
    attention: Attention,
    feed_norm: Tensor,
    gate: QMatMul,
    up: QMatMul,
    down: QMatMul,
}

/// A loaded model with the keys and values of the tokens it has seen.
pub(crate) struct Model {
    config: Config,
    embedding: QMatMul,
    layers: Vec<Layer>,
    norm: Tensor,
    output: QMatMul,
    rotation: Rotation,
    seen: usize,
}

impl Model {
    /// Loads the model whose header is `content` and whose vocabulary has so many words. Parts of it are loaded at the
    /// same time.
    pub(crate) fn load(path: &Path, content: &Content, config: Config, words: usize) -> Result<Self> {
        let mut weights = Weights::new(path, content)?;
        let norm = weights.vector("output_norm.weight", config.embedding)?;
        let (layers, tables) = thread::scope(|scope| {
            let at_once = thread::available_parallelism().map_or(1, usize::from);
            let size = config.layers.div_ceil(at_once);
            let parts = (0..config.layers).step_by(size).map(|first| {
                let (config, last) = (&config, config.layers.min(first + size));
                scope.spawn(move || layers(path, content, config, first..last))
            });
            let parts: Vec<_> = parts.collect();
            let tables = tables(&mut weights, words, config.embedding);
            (parts.into_iter().map(joined).collect::<Result<Vec<_>>>(), tables)
        });
        let (embedding, output) = tables?;
        let layers = layers?.into_iter().flatten().collect();
        // The layers have shown that the size of a head is true.
        let rotation = Rotation::new(&mut weights, &config)?;
        Ok(Self { config, embedding, layers, norm, output, rotation, seen: 0 })
    }

    /// How many tokens it has keys and values of.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    /// Forgets all tokens but the first `keep`.
    pub(crate) fn truncate(&mut self, keep: usize) {
        self.seen = self.seen.min(keep);
    }

    /// Takes in the next tokens; tells how likely each token of the vocabulary is behind the last of them.
    pub(crate) fn forward(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
        let ids = Tensor::new(tokens, &Device::Cpu)?;
        let mut x = self.embedding.embedding(&ids)?.to_dtype(DType::F32)?;
        let mask = attention::mask(tokens.len(), self.seen, &Device::Cpu)?;
        let eps = self.config.norm_eps;
        for layer in &mut self.layers {
            let normed = rms_norm(&x, &layer.attention_norm, eps)?;
            x = (layer.attention.forward(&normed, self.seen, mask.as_ref(), &self.rotation)? + x)?;
            let normed = rms_norm(&x, &layer.feed_norm, eps)?;
            let gated = (layer.gate.forward(&normed)?.silu()? * layer.up.forward(&normed)?)?;
            x = (layer.down.forward(&gated)? + x)?;
        }
        self.seen += tokens.len();
        let last = x.i(tokens.len() - 1..)?.contiguous()?;
        let logits = self.output.forward(&rms_norm(&last, &self.norm, eps)?)?;
        logits.i(0)?.to_vec1::<f32>()
    }
}

/// From tokens to numbers, and back. Small models use one table for both ends.
fn tables(weights: &mut Weights<'_>, words: usize, size: usize) -> Result<(QMatMul, QMatMul)> {
    let embedding = weights.matrix("token_embd.weight", words, size)?;
    let output = if weights.has("output.weight") {
        weights.matrix("output.weight", words, size)?
    } else {
        embedding.clone()
    };
    Ok((embedding, output))
}

fn layers(path: &Path, content: &Content, config: &Config, indices: Range<usize>) -> Result<Vec<Layer>> {
    let mut weights = Weights::new(path, content)?;
    indices.map(|index| layer(&mut weights, config, index)).collect()
}

fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| candle_core::bail!("reading its tensors failed"))
}

fn layer(weights: &mut Weights<'_>, config: &Config, index: usize) -> Result<Layer> {
    let name = |part: &str| format!("blk.{index}.{part}.weight");
    let (size, feed) = (config.embedding, config.feed);
    Ok(Layer {
        attention_norm: weights.vector(&name("attn_norm"), size)?,
        attention: Attention::load(weights, config, index)?,
        feed_norm: weights.vector(&name("ffn_norm"), size)?,
        gate: weights.matrix(&name("ffn_gate"), feed, size)?,
        up: weights.matrix(&name("ffn_up"), feed, size)?,
        down: weights.matrix(&name("ffn_down"), size, feed)?,
    })
}
