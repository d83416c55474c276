//! The transformer: Llama, Qwen2 and Qwen3, which differ in biases, norms of the heads and the order of rotation.
//!
//! After the architectures that llama.cpp documents for GGUF files
//! (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>). Tensors are two-dimensional, `[tokens, features]`;
//! there is one sequence.

mod attention;
mod config;
mod weights;

use candle_core::{DType, Device, IndexOp, Module, Tensor, quantized::QMatMul};
use candle_nn::ops::rms_norm;

pub(crate) use config::Config;
pub(crate) use weights::{Weights, open};

use attention::{Attention, Rotation};

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
    pub(crate) fn load(weights: &mut Weights<'_>, config: Config) -> candle_core::Result<Self> {
        let embedding = weights.matrix("token_embd.weight")?;
        // Small models use one table for both ends.
        let output =
            if weights.has("output.weight") { weights.matrix("output.weight")? } else { embedding.clone() };
        let layers = (0..config.layers)
            .map(|index| layer(weights, &config, index))
            .collect::<candle_core::Result<_>>()?;
        let norm = weights.vector("output_norm.weight")?;
        let rotation = Rotation::new(&config, &Device::Cpu)?;
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
    pub(crate) fn forward(&mut self, tokens: &[u32]) -> candle_core::Result<Vec<f32>> {
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

fn layer(weights: &mut Weights<'_>, config: &Config, index: usize) -> candle_core::Result<Layer> {
    let name = |part: &str| format!("blk.{index}.{part}.weight");
    Ok(Layer {
        attention_norm: weights.vector(&name("attn_norm"))?,
        attention: Attention::load(weights, config, index)?,
        feed_norm: weights.vector(&name("ffn_norm"))?,
        gate: weights.matrix(&name("ffn_gate"))?,
        up: weights.matrix(&name("ffn_up"))?,
        down: weights.matrix(&name("ffn_down"))?,
    })
}
