//! A tiny model with random weights, as a GGUF file: made on the spot, so that no test needs a real one.
//!
//! It is a whole llama model with SmolLM2's tokenizer, special tokens and chat template in small. What it says is
//! noise, but the same noise for the same seed. Every weight is a whole number of 512ths, which `F32` and `Q8_0`
//! hold exactly: the same seed means the same numbers in either. `Q4_1` has coarser ones. As `qwen2` it has biases,
//! as `qwen3` norms of the heads.

use std::{collections::BTreeMap, fs, io, path::Path};

mod tensor;
mod write;

use tensor::{Tensor, XorShift};
use write::{Metadata, pad};

const EMBEDDING: usize = 32;
const HEADS: u32 = 4;
const KV_HEADS: u32 = 2;
const HEAD: usize = 8;
const FEED_FORWARD: usize = 64;

const SPECIALS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const MERGES: [&str; 24] = [
    "t h", "th e", "i n", "Ġ t", "h e", "Ġt he", "Ġ a", "a n", "an d", "Ġ and", "Ġ an", "e r", "o n", "r e",
    "in g", "Ġ o", "Ġo f", "i s", "Ġ is", "e n", "a t", "Ġ in", "o r", "Ġ m",
];
const CHAT_TEMPLATE: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\
{{ '<|im_start|>system\nYou are a tiny model that is used in tests<|im_end|>\n' }}{% endif %}\
{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// How the large tensors are stored; the norms are always 32-bit floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// 32-bit floats.
    F32,
    /// Blocks of 32 bytes with a common scale.
    Q8_0,
    /// Blocks of 32 four-bit numbers with a common scale and a common start.
    Q4_1,
}

/// A model that can be written.
#[derive(Clone, Debug)]
pub struct TinyModel {
    /// Where the random numbers begin.
    pub seed: u64,
    /// How its weights are stored.
    pub weights: Weights,
    /// How many blocks it has.
    pub blocks: u32,
    /// The most tokens that it takes.
    pub context: u32,
    /// What it says its architecture is; its keys begin with it.
    pub architecture: String,
    /// Its chat template, if it has one.
    pub chat_template: Option<String>,
}

impl Default for TinyModel {
    fn default() -> Self {
        Self {
            seed: 1,
            weights: Weights::Q8_0,
            blocks: 2,
            context: 512,
            architecture: "llama".to_owned(),
            chat_template: Some(CHAT_TEMPLATE.to_owned()),
        }
    }
}

impl TinyModel {
    /// Writes it to a file.
    ///
    /// # Errors
    /// What the system said.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        fs::write(path, self.bytes())
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let vocabulary = vocabulary();
        let metadata = self.metadata(&vocabulary);
        let tensors = self.tensors(vocabulary.len());
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend((tensors.len() as u64).to_le_bytes());
        out.extend(metadata.count.to_le_bytes());
        out.extend(metadata.bytes);
        let mut data = Vec::new();
        let mut random = XorShift::new(self.seed);
        for tensor in &tensors {
            tensor.describe(&mut out, data.len());
            tensor.fill(&mut data, &mut random);
            pad(&mut data);
        }
        pad(&mut out);
        out.extend(data);
        out
    }

    /// The numbers of every tensor, by its name, row by row.
    #[must_use]
    pub fn numbers(&self) -> BTreeMap<String, Vec<f32>> {
        let mut random = XorShift::new(self.seed);
        let tensors = self.tensors(vocabulary().len());
        tensors.into_iter().map(|t| (t.name.clone(), t.numbers(&mut random))).collect()
    }

    fn metadata(&self, vocabulary: &[String]) -> Metadata {
        let mut m = Metadata::default();
        let own = |key: &str| format!("{}.{key}", self.architecture);
        m.text("general.architecture", &self.architecture);
        m.text("general.type", "model");
        m.text("general.name", "Tiny");
        m.text("general.license", "apache-2.0");
        m.u32(&own("block_count"), self.blocks);
        m.u32(&own("context_length"), self.context);
        m.u32(&own("embedding_length"), EMBEDDING as u32);
        m.u32(&own("feed_forward_length"), FEED_FORWARD as u32);
        m.u32(&own("attention.head_count"), HEADS);
        m.u32(&own("attention.head_count_kv"), KV_HEADS);
        m.f32(&own("rope.freq_base"), 10_000.0);
        m.f32(&own("attention.layer_norm_rms_epsilon"), 1e-5);
        m.u32("general.file_type", self.weights.file_type());
        m.u32(&own("vocab_size"), vocabulary.len() as u32);
        m.u32(&own("rope.dimension_count"), HEAD as u32);
        m.flag("tokenizer.ggml.add_space_prefix", false);
        m.flag("tokenizer.ggml.add_bos_token", false);
        m.text("tokenizer.ggml.model", "gpt2");
        m.text("tokenizer.ggml.pre", "smollm");
        m.texts("tokenizer.ggml.tokens", vocabulary);
        let kinds = (0..vocabulary.len()).map(|id| if id < SPECIALS.len() { 3 } else { 1 });
        m.numbers("tokenizer.ggml.token_type", kinds);
        m.texts("tokenizer.ggml.merges", &MERGES);
        m.u32("tokenizer.ggml.bos_token_id", 1);
        m.u32("tokenizer.ggml.eos_token_id", 2);
        m.u32("tokenizer.ggml.unknown_token_id", 0);
        m.u32("tokenizer.ggml.padding_token_id", 2);
        if let Some(template) = &self.chat_template {
            m.text("tokenizer.chat_template", template);
        }
        m.u32("general.quantization_version", 2);
        m
    }

    /// Without an output matrix: the embedding serves for both.
    fn tensors(&self, vocabulary: usize) -> Vec<Tensor> {
        let (kv, weights) = (KV_HEADS as usize * HEAD, self.weights);
        let mut tensors = vec![Tensor::matrix("token_embd.weight", EMBEDDING, vocabulary, weights)];
        for block in 0..self.blocks {
            let name = |part: &str| format!("blk.{block}.{part}.weight");
            let matrix = |part: &str, from, to| Tensor::matrix(name(part), from, to, weights);
            tensors.push(Tensor::vector(name("attn_norm"), EMBEDDING));
            tensors.push(matrix("ffn_down", FEED_FORWARD, EMBEDDING));
            tensors.push(matrix("ffn_gate", EMBEDDING, FEED_FORWARD));
            tensors.push(matrix("ffn_up", EMBEDDING, FEED_FORWARD));
            tensors.push(Tensor::vector(name("ffn_norm"), EMBEDDING));
            tensors.push(matrix("attn_k", EMBEDDING, kv));
            tensors.push(matrix("attn_output", EMBEDDING, EMBEDDING));
            tensors.push(matrix("attn_q", EMBEDDING, EMBEDDING));
            tensors.push(matrix("attn_v", EMBEDDING, kv));
            if self.architecture == "qwen2" {
                let sizes = [("attn_q", EMBEDDING), ("attn_k", kv), ("attn_v", kv)];
                tensors.extend(
                    sizes.map(|(part, size)| Tensor::vector(format!("blk.{block}.{part}.bias"), size)),
                );
            }
            if self.architecture == "qwen3" {
                tensors.extend(["attn_q_norm", "attn_k_norm"].map(|part| Tensor::vector(name(part), HEAD)));
            }
        }
        tensors.push(Tensor::vector("output_norm.weight", EMBEDDING));
        tensors
    }
}

/// The first `count` bytes, as an interrupted download leaves them.
#[must_use]
pub fn truncated(bytes: &[u8], count: usize) -> Vec<u8> {
    bytes[..count.min(bytes.len())].to_vec()
}

/// As `bytes`, but beginning with `FUGG`: another kind of file.
#[must_use]
pub fn flipped_magic(bytes: &[u8]) -> Vec<u8> {
    patched(bytes, 0, b"FUGG")
}

/// As `bytes`, but claiming to have `count` tensors.
#[must_use]
pub fn tensor_count(bytes: &[u8], count: u64) -> Vec<u8> {
    patched(bytes, 8, &count.to_le_bytes())
}

/// As `bytes`, but claiming to have `count` pairs of metadata.
#[must_use]
pub fn metadata_count(bytes: &[u8], count: u64) -> Vec<u8> {
    patched(bytes, 16, &count.to_le_bytes())
}

/// As `bytes`, but claiming that the first key has `length` bytes.
#[must_use]
pub fn first_key_length(bytes: &[u8], length: u64) -> Vec<u8> {
    patched(bytes, 24, &length.to_le_bytes())
}

fn patched(bytes: &[u8], at: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

/// The special tokens, GPT-2's 256 symbols for bytes in its order, and what the merges make.
fn vocabulary() -> Vec<String> {
    let shown = |byte: &u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let (printable, hidden): (Vec<u32>, Vec<u32>) = (0..256).partition(shown);
    let symbols = printable.into_iter().chain((0..hidden.len() as u32).map(|index| 256 + index));
    let symbols = symbols.filter_map(char::from_u32).map(String::from);
    let merged = MERGES.iter().map(|merge| merge.replace(' ', ""));
    SPECIALS.iter().map(|special| (*special).to_owned()).chain(symbols).chain(merged).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_merge_joins_tokens_that_are_there_and_no_token_is_there_twice() {
        let tokens = vocabulary();
        let distinct: HashSet<&str> = tokens.iter().map(String::as_str).collect();
        assert_eq!(distinct.len(), tokens.len());
        assert_eq!(tokens.len(), 3 + 256 + MERGES.len());
        for part in MERGES.iter().flat_map(|merge| merge.split(' ')) {
            assert!(distinct.contains(part), "{part}");
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_file_and_another_seed_another() {
        let tiny = TinyModel::default();
        assert_eq!(tiny.bytes(), tiny.bytes());
        assert_ne!(tiny.bytes(), TinyModel { seed: 2, ..tiny }.bytes());
    }
}
