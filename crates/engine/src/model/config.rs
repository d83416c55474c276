//! The shape of a model, as its file declares it. Everything is checked before it is used as a size.

use candle_core::quantized::gguf_file::{Content, Value};

/// How a pair of numbers that is rotated together lies in a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairs {
    /// Neighbours (Llama).
    Neighbours,
    /// One from each half (Qwen).
    Halves,
}

/// A model's shape.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    /// Numbers in a head.
    pub(crate) head: usize,
    /// Numbers that stand for a token between the layers.
    pub(crate) embedding: usize,
    /// Numbers between the two halves of a feed-forward part.
    pub(crate) feed: usize,
    pub(crate) norm_eps: f32,
    pub(crate) rope_base: f32,
    pub(crate) pairs: Pairs,
    /// Tokens that prompt and answer may have together.
    pub(crate) context: usize,
}

impl Config {
    /// Reads the shape; `wanted` limits the context.
    pub(crate) fn read(content: &Content, wanted: Option<usize>) -> Result<Self, String> {
        let architecture = text(content, "general.architecture")?;
        let pairs = match architecture.as_str() {
            "llama" => Pairs::Neighbours,
            "qwen2" | "qwen3" => Pairs::Halves,
            other => return Err(format!("its architecture `{other}` is not one of llama, qwen2 and qwen3")),
        };
        let size = |key: &str| number(content, &format!("{architecture}.{key}"));
        let float = |key: &str| {
            let value = content.metadata.get(&format!("{architecture}.{key}"));
            value.and_then(|v| v.to_f32().ok())
        };
        let heads = some(&size, "attention.head_count")?;
        let embedding = some(&size, "embedding_length")?;
        let head =
            size("attention.key_length").or_else(|_| embedding.checked_div(heads).ok_or_else(String::new));
        let head = head.ok().filter(|h| *h > 0 && h % 2 == 0).ok_or("its heads have no even size")?;
        let kv_heads = size("attention.head_count_kv").unwrap_or(heads);
        if kv_heads == 0 || heads % kv_heads != 0 {
            return Err(format!("its {heads} heads cannot share {kv_heads} keys"));
        }
        if size("rope.dimension_count").is_ok_and(|rotated| rotated != head) {
            return Err("only a part of each head is rotated, which is not supported".to_owned());
        }
        let scaling = content.metadata.get(&format!("{architecture}.rope.scaling.type"));
        if let Some(kind) = scaling.and_then(|v| v.to_string().ok()).filter(|kind| *kind != "none") {
            return Err(format!("it scales positions as `{kind}`, which is not supported"));
        }
        Ok(Self {
            layers: some(&size, "block_count")?,
            heads,
            kv_heads,
            head,
            embedding,
            feed: some(&size, "feed_forward_length")?,
            norm_eps: float("attention.layer_norm_rms_epsilon")
                .ok_or("it declares no epsilon for its norms")?,
            rope_base: float("rope.freq_base").unwrap_or(10_000.0),
            pairs,
            context: wanted.unwrap_or(4096).min(size("context_length")?),
        })
    }
}

/// A size that is not nothing.
fn some(size: &impl Fn(&str) -> Result<usize, String>, key: &str) -> Result<usize, String> {
    size(key).and_then(|n| if n == 0 { Err(format!("its `{key}` is nothing")) } else { Ok(n) })
}

pub(crate) fn text(content: &Content, key: &str) -> Result<String, String> {
    let value = content.metadata.get(key).ok_or_else(|| format!("it declares no `{key}`"))?;
    value.to_string().cloned().map_err(|_| format!("its `{key}` is no text"))
}

pub(crate) fn number(content: &Content, key: &str) -> Result<usize, String> {
    let value = content.metadata.get(key).ok_or_else(|| format!("it declares no `{key}`"))?;
    let number = match value {
        Value::U64(n) => Some(*n),
        Value::I64(n) => u64::try_from(*n).ok(),
        other => other
            .to_u32()
            .ok()
            .map(u64::from)
            .or_else(|| other.to_i32().ok().and_then(|n| u64::try_from(n).ok())),
    };
    let sane = number.filter(|n| *n <= 1 << 24).and_then(|n| usize::try_from(n).ok());
    sane.ok_or_else(|| format!("its `{key}` is no sensible number"))
}

impl Config {
    /// A token's number that the file declares under `key`.
    pub(crate) fn token(content: &Content, key: &str) -> Option<u32> {
        number(content, key).ok().and_then(|id| u32::try_from(id).ok())
    }
}
