//! Files that are no model.

use cofounder_engine::{EngineError, ServeOptions, serve_blocking};
use cofounder_testkit::gguf::{
    TinyModel, first_key_length, flipped_magic, metadata_count, tensor_count, truncated,
};
use std::{sync::mpsc, time::Duration};

/// Why a file with these bytes is not served.
#[track_caller]
fn refusal(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.gguf");
    std::fs::write(&path, bytes).unwrap();
    let mut options = ServeOptions::new(path, folder.path().join("engine.sock"));
    options.end_with_stdin = false;
    let (send, ended) = mpsc::channel();
    std::thread::spawn(move || send.send(serve_blocking(&options)));
    let error = ended.recv_timeout(Duration::from_secs(30)).expect("an end").unwrap_err();
    assert!(matches!(error, EngineError::Model { .. }), "{error:?}");
    assert!(error.to_string().contains("broken.gguf cannot be used: "), "{error}");
    assert!(!folder.path().join("engine.sock").exists());
    error.to_string()
}

/// The bytes with another key of the same length, and with what lies `behind` it written over.
fn patched(key: &str, other: &str, behind: usize, patch: &[u8]) -> Vec<u8> {
    assert_eq!(key.len(), other.len());
    let mut bytes = TinyModel::default().bytes();
    let at = bytes.windows(key.len()).position(|w| w == key.as_bytes()).unwrap();
    bytes[at..at + key.len()].copy_from_slice(other.as_bytes());
    let behind = at + key.len() + behind;
    bytes[behind..behind + patch.len()].copy_from_slice(patch);
    bytes
}

/// The bytes with another number under a key of the metadata.
fn with(key: &str, value: u32) -> Vec<u8> {
    patched(key, key, 4, &value.to_le_bytes())
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_told() {
    let bytes = TinyModel::default().bytes();
    for count in [0, 3, 4, 8, 23, 24, 100, 2_000, bytes.len() / 2, bytes.len() - 100] {
        refusal(&truncated(&bytes, count));
    }
}

#[test]
fn absurd_numbers_are_told_and_allocate_nothing() {
    let bytes = TinyModel::default().bytes();
    assert!(refusal(&flipped_magic(&bytes)).contains("not a GGUF file"));
    for count in [1 << 20, 1 << 40, u64::MAX] {
        refusal(&tensor_count(&bytes, count));
        refusal(&metadata_count(&bytes, count));
        refusal(&first_key_length(&bytes, count));
    }
    for count in [0, 7, 1 << 24, u32::MAX] {
        for key in
            ["embedding_length", "feed_forward_length", "attention.head_count", "attention.head_count_kv"]
        {
            refusal(&with(&format!("llama.{key}"), count));
        }
        if count != 7 {
            refusal(&with("llama.block_count", count));
        }
    }
    refusal(&with("llama.block_count", 3));
    refusal(&with("llama.rope.dimension_count", 4));
    refusal(&with("llama.context_length", u32::MAX));
    // A tensor that claims more rows than any file has.
    let query = "blk.0.attn_q.weight";
    let told = refusal(&patched(query, query, 12, &(1_u64 << 40).to_le_bytes()));
    assert!(told.contains(query), "{told}");
    refusal(&patched(query, query, 4, &u64::MAX.to_le_bytes()));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 1 << 20, "{peak} KiB");
}

#[test]
fn a_file_that_makes_the_reader_panic_is_told() {
    // Nothing can lie at multiples of nothing.
    let told = refusal(&patched("llama.block_count", "general.alignment", 4, &[0; 4]));
    assert!(told.contains("damaged"), "{told}");
}

#[test]
fn what_is_missing_or_not_supported_is_named() {
    let cases = [
        (patched("tokenizer.ggml.tokens", "tokenizer.ggml.tokenx", 0, &[]), "tokenizer.ggml.tokens"),
        (patched("tokenizer.ggml.model", "tokenizer.ggml.mode1", 0, &[]), "tokenizer.ggml.model"),
        (patched("smollm", "smo11m", 0, &[]), "smo11m"),
        (patched("blk.1.ffn_up.weight", "blk.1.ffn_xp.weight", 0, &[]), "blk.1.ffn_up.weight"),
        (patched("token_embd.weight", "token_embx.weight", 0, &[]), "token_embd.weight"),
        (patched("llama.context_length", "llama.context_lengtx", 0, &[]), "llama.context_length"),
        (TinyModel { architecture: "mamba".into(), ..TinyModel::default() }.bytes(), "`mamba`"),
        (TinyModel { chat_template: Some("{% if".into()), ..TinyModel::default() }.bytes(), "template"),
    ];
    for (bytes, word) in cases {
        let told = refusal(&bytes);
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn a_file_that_is_not_there_and_a_socket_that_cannot_be_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    let serve = |socket: &str| {
        let mut options = ServeOptions::new(path.clone(), folder.path().join(socket));
        options.end_with_stdin = false;
        serve_blocking(&options).unwrap_err()
    };
    assert!(serve("s").to_string().contains("tiny.gguf"));
    TinyModel::default().write(&path).unwrap();
    assert!(matches!(serve(&"long".repeat(50)), EngineError::Socket { .. }));
}
