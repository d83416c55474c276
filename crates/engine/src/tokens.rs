//! The vocabulary: from text to tokens and back. Marks of the chat format are tokens only where the template puts them;
//! inside a message they are letters like any others, so that no text can speak for another.

use candle_core::quantized::{gguf_file::Content, tokenizer::TokenizerFromGguf};
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};
use std::{collections::HashMap, sync::Arc};
use tokenizers::{
    Tokenizer,
    pre_tokenizers::{byte_level::ByteLevel, digits::Digits, sequence::Sequence},
};

use crate::model::Config;

/// Marks that end an answer, in the chat formats of the supported models.
const ENDS: [&str; 4] = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "</s>"];

pub(crate) struct Vocabulary {
    /// Reads marks as tokens.
    marked: Tokenizer,
    /// Reads marks as letters.
    plain: Tokenizer,
    /// What each token stands for; nothing for a mark.
    bytes: Vec<Vec<u8>>,
    ends: Vec<u32>,
    pub(crate) bos: Option<String>,
    pub(crate) eos: Option<String>,
    trie: TokEnv,
}

impl Vocabulary {
    pub(crate) fn read(content: &Content) -> Result<Self, String> {
        let mut marked = Tokenizer::from_gguf(content).map_err(|e| e.to_string())?;
        split_as_declared(&mut marked, content)?;
        let mut plain = marked.clone();
        plain.set_encode_special_tokens(true);
        let words = strings(content, "tokenizer.ggml.tokens")?;
        let is_mark = |index: usize| matches!(kind(content, index), Some(2..=5));
        let letters = letters();
        let spell = |(index, word): (usize, &String)| {
            if is_mark(index) { Vec::new() } else { spelled(word, &letters) }
        };
        let bytes: Vec<Vec<u8>> = words.iter().enumerate().map(spell).collect();
        let id = |key: &str| Config::token(content, key).filter(|id| (*id as usize) < words.len());
        let mut ends: Vec<u32> = ENDS.iter().filter_map(|end| marked.token_to_id(end)).collect();
        ends.extend(id("tokenizer.ggml.eos_token_id"));
        ends.sort_unstable();
        ends.dedup();
        let eos = id("tokenizer.ggml.eos_token_id")
            .or(ends.first().copied())
            .ok_or("it declares no end of text")?;
        let trie = trie(&words, &bytes, eos);
        let word = |id: Option<u32>| id.and_then(|id| words.get(id as usize).cloned());
        Ok(Self {
            marked,
            plain,
            ends,
            bos: word(id("tokenizer.ggml.bos_token_id")),
            eos: word(Some(eos)),
            bytes,
            trie,
        })
    }

    /// Tokens of a piece of the template.
    pub(crate) fn marked(&self, text: &str) -> Result<Vec<u32>, String> {
        self.marked.encode_fast(text, false).map(|e| e.get_ids().to_vec()).map_err(|e| e.to_string())
    }

    /// Tokens of a message.
    pub(crate) fn plain(&self, text: &str) -> Result<Vec<u32>, String> {
        self.plain.encode_fast(text, false).map(|e| e.get_ids().to_vec()).map_err(|e| e.to_string())
    }

    /// How many tokens there are.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// What a token stands for.
    pub(crate) fn bytes(&self, token: u32) -> &[u8] {
        self.bytes.get(token as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn is_end(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// Marks that are not an end: an answer never holds them.
    pub(crate) fn other_marks(&self) -> impl Iterator<Item = u32> + '_ {
        let marks = self.bytes.iter().enumerate().filter(|(_, b)| b.is_empty());
        marks.filter_map(|(index, _)| u32::try_from(index).ok()).filter(|id| !self.is_end(*id))
    }

    /// The vocabulary as grammars see it.
    pub(crate) fn trie(&self) -> &TokEnv {
        &self.trie
    }
}

/// candle knows how some vocabularies split text and splits all others like GPT-2 with a space before the text.
/// SmolLM takes digits one by one, and no such vocabulary adds a space.
fn split_as_declared(tokenizer: &mut Tokenizer, content: &Content) -> Result<(), String> {
    let pre = content
        .metadata
        .get("tokenizer.ggml.pre")
        .and_then(|v| v.to_string().ok())
        .map_or("gpt-2", String::as_str);
    match pre {
        "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" => {
            let steps = vec![Digits::new(true).into(), ByteLevel::new(false, true, true).into()];
            tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
        }
        "gpt-2" | "gpt2" | "default" => {
            tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
        }
        "qwen2" | "llama3" | "llama-bpe" | "smaug-bpe" | "lfm2" => {}
        other => return Err(format!("its vocabulary splits text as `{other}`, which is not supported")),
    }
    Ok(())
}

fn trie(words: &[String], bytes: &[Vec<u8>], eos: u32) -> TokEnv {
    let marker = [TokTrie::SPECIAL_TOKEN_MARKER];
    let seen = |(word, bytes): (&String, &Vec<u8>)| {
        if bytes.is_empty() { [&marker, word.as_bytes()].concat() } else { bytes.clone() }
    };
    let table: Vec<Vec<u8>> = words.iter().zip(bytes).map(seen).collect();
    let info = TokRxInfo::new(u32::try_from(table.len()).unwrap_or(u32::MAX), eos);
    Arc::new(ApproximateTokEnv::new(TokTrie::from(&info, &table)))
}

fn strings(content: &Content, key: &str) -> Result<Vec<String>, String> {
    let values = content
        .metadata
        .get(key)
        .and_then(|v| v.to_vec().ok())
        .ok_or_else(|| format!("it has no `{key}`"))?;
    values
        .iter()
        .map(|v| v.to_string().cloned().map_err(|_| format!("its `{key}` holds something that is no text")))
        .collect()
}

/// The token's type: 2 unknown, 3 control, 4 user-defined, 5 unused; 1 normal, 6 byte.
fn kind(content: &Content, index: usize) -> Option<i32> {
    let kinds = content.metadata.get("tokenizer.ggml.token_type")?.to_vec().ok()?;
    kinds.get(index)?.to_i32().ok()
}

/// Bytes that byte-level vocabularies write as other letters, as GPT-2's `bytes_to_unicode` has it.
fn letters() -> HashMap<char, u8> {
    let own = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 256_u32;
    let mut letters = HashMap::new();
    for byte in 0..=255_u8 {
        let letter = if own(byte) {
            char::from(byte)
        } else {
            next += 1;
            char::from_u32(next - 1).unwrap_or('\u{fffd}')
        };
        letters.insert(letter, byte);
    }
    letters
}

fn spelled(word: &str, letters: &HashMap<char, u8>) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = word.chars().map(|c| letters.get(&c).copied()).collect();
    bytes.unwrap_or_else(|| word.as_bytes().to_vec())
}

#[cfg(test)]
mod tests;
