//! Attention over the tokens seen so far, with keys and values shared between groups of heads.

use candle_core::{Device, Module, Result, Tensor, quantized::QMatMul};
use candle_nn::{
    ops::{rms_norm, softmax_last_dim},
    rotary_emb::{rope, rope_i},
};

use super::{
    config::{Config, Pairs},
    weights::Weights,
};

/// By how many tokens the store of keys and values grows.
const GROWTH: usize = 256;

/// Cosines and sines of every position's angles, `[context, head / 2]` each.
pub(crate) struct Rotation {
    cos: Tensor,
    sin: Tensor,
    pairs: Pairs,
}

impl Rotation {
    pub(crate) fn new(weights: &mut Weights<'_>, config: &Config) -> Result<Self> {
        let half = config.head / 2;
        let speeds: Vec<f32> = (0..half).map(|i| config.rope_base.powf(-(i as f32) / half as f32)).collect();
        let mut speeds = Tensor::from_vec(speeds, (1, half), &Device::Cpu)?;
        // Llama 3.1 and later slow some of them down.
        if let Some(factors) = weights.optional("rope_freqs.weight", half)? {
            speeds = speeds.broadcast_div(&factors)?;
        }
        let context = u32::try_from(config.context).map_err(candle_core::Error::wrap)?;
        let positions = Tensor::arange(0, context, &Device::Cpu)?.to_dtype(candle_core::DType::F32)?;
        let angles = positions.reshape((config.context, 1))?.matmul(&speeds)?;
        Ok(Self { cos: angles.cos()?, sin: angles.sin()?, pairs: config.pairs })
    }

    /// Rotates `[heads, tokens, head]` by the angles of the positions from `start` on.
    fn turn(&self, x: &Tensor, start: usize) -> Result<Tensor> {
        let tokens = x.dim(1)?;
        let (cos, sin) = (self.cos.narrow(0, start, tokens)?, self.sin.narrow(0, start, tokens)?);
        let x = x.unsqueeze(0)?.contiguous()?;
        let turned = match self.pairs {
            Pairs::Neighbours => rope_i(&x, &cos, &sin)?,
            Pairs::Halves => rope(&x, &cos, &sin)?,
        };
        turned.squeeze(0)
    }
}

/// `-inf` wherever a token would look at a later one; nothing for a single token, which looks at all.
pub(crate) fn mask(tokens: usize, seen: usize, device: &Device) -> Result<Option<Tensor>> {
    if tokens == 1 {
        return Ok(None);
    }
    let total = seen + tokens;
    let row = |i: usize| (0..total).map(move |j| if j > seen + i { f32::NEG_INFINITY } else { 0.0 });
    Tensor::from_vec((0..tokens).flat_map(row).collect(), (tokens, total), device).map(Some)
}

/// One layer's attention.
pub(crate) struct Attention {
    q: QMatMul,
    k: QMatMul,
    v: QMatMul,
    out: QMatMul,
    q_bias: Option<Tensor>,
    k_bias: Option<Tensor>,
    v_bias: Option<Tensor>,
    q_norm: Option<Tensor>,
    k_norm: Option<Tensor>,
    norm_eps: f32,
    heads: usize,
    kv_heads: usize,
    head: usize,
    keys: Store,
    values: Store,
}

impl Attention {
    pub(crate) fn load(weights: &mut Weights<'_>, config: &Config, index: usize) -> Result<Self> {
        let weight = |part: &str| format!("blk.{index}.{part}.weight");
        let bias = |part: &str| format!("blk.{index}.{part}.bias");
        let (size, head) = (config.embedding, config.head);
        let (all, shared) = (config.heads * head, config.kv_heads * head);
        Ok(Self {
            q: weights.matrix(&weight("attn_q"), all, size)?,
            k: weights.matrix(&weight("attn_k"), shared, size)?,
            v: weights.matrix(&weight("attn_v"), shared, size)?,
            out: weights.matrix(&weight("attn_output"), size, all)?,
            q_bias: weights.optional(&bias("attn_q"), all)?,
            k_bias: weights.optional(&bias("attn_k"), shared)?,
            v_bias: weights.optional(&bias("attn_v"), shared)?,
            q_norm: weights.optional(&weight("attn_q_norm"), head)?,
            k_norm: weights.optional(&weight("attn_k_norm"), head)?,
            norm_eps: config.norm_eps,
            heads: config.heads,
            kv_heads: config.kv_heads,
            head: config.head,
            keys: Store::default(),
            values: Store::default(),
        })
    }

    pub(crate) fn forward(
        &mut self,
        x: &Tensor,
        seen: usize,
        mask: Option<&Tensor>,
        rotation: &Rotation,
    ) -> Result<Tensor> {
        let tokens = x.dim(0)?;
        let q = self.project(x, &self.q, self.q_bias.as_ref(), self.q_norm.as_ref(), self.heads)?;
        let k = self.project(x, &self.k, self.k_bias.as_ref(), self.k_norm.as_ref(), self.kv_heads)?;
        let v = self.project(x, &self.v, self.v_bias.as_ref(), None, self.kv_heads)?;
        let q = rotation.turn(&q, seen)?;
        let keys = self.keys.put(&rotation.turn(&k, seen)?, seen)?;
        let values = self.values.put(&v.contiguous()?, seen)?;
        // The heads of a group lie next to each other, so that they share their keys without a copy.
        let group = self.heads / self.kv_heads;
        let q = (q.contiguous()? * (1.0 / (self.head as f64).sqrt()))?.reshape((
            self.kv_heads,
            group * tokens,
            self.head,
        ))?;
        let scores = q.matmul(&keys.transpose(1, 2)?)?;
        let scores = match mask {
            None => scores,
            Some(mask) => {
                let total = seen + tokens;
                let apart = scores.reshape((self.kv_heads, group, tokens, total))?.broadcast_add(mask)?;
                apart.reshape((self.kv_heads, group * tokens, total))?
            }
        };
        let mixed = softmax_last_dim(&scores)?.matmul(&values.contiguous()?)?;
        let mixed = mixed.reshape((self.heads, tokens, self.head))?.transpose(0, 1)?;
        self.out.forward(&mixed.reshape((tokens, self.heads * self.head))?)
    }

    /// `[tokens, features]` to `[heads, tokens, head]`.
    fn project(
        &self,
        x: &Tensor,
        by: &QMatMul,
        bias: Option<&Tensor>,
        norm: Option<&Tensor>,
        heads: usize,
    ) -> Result<Tensor> {
        let tokens = x.dim(0)?;
        let mut y = by.forward(x)?;
        if let Some(bias) = bias {
            y = y.broadcast_add(bias)?;
        }
        let mut y = y.reshape((tokens, heads, self.head))?;
        if let Some(norm) = norm {
            y = rms_norm(&y, norm, self.norm_eps)?;
        }
        y.transpose(0, 1)
    }
}

/// Keys or values of the tokens seen, `[heads, capacity, head]`. Grows in steps; what lies behind the tokens seen is
/// written over.
#[derive(Default)]
struct Store(Option<Tensor>);

impl Store {
    /// Puts those of the next tokens behind the first `seen`; returns all of them.
    fn put(&mut self, new: &Tensor, seen: usize) -> Result<Tensor> {
        let (heads, tokens, head) = new.dims3()?;
        let needed = seen + tokens;
        let capacity = self.0.as_ref().map_or(Ok(0), |t| t.dim(1))?;
        if capacity < needed {
            let grown =
                Tensor::zeros((heads, needed.div_ceil(GROWTH) * GROWTH, head), new.dtype(), new.device())?;
            if let Some(old) = self.0.as_ref().filter(|_| seen > 0) {
                grown.slice_set(&old.narrow(1, 0, seen)?.contiguous()?, 1, 0)?;
            }
            self.0 = Some(grown);
        }
        let store = self.0.as_ref().ok_or_else(|| candle_core::Error::msg("the store is empty"))?;
        store.slice_set(&new.contiguous()?, 1, seen)?;
        store.narrow(1, 0, needed)
    }
}
