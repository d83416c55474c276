//! The GGUF reader, on a tiny model that is whole, cut off or damaged.

use cofounder_domain::FaultKind;
use cofounder_models::{GgufError, GgufHeader, read_gguf_from};
use cofounder_testkit::gguf::{
    TinyModel, Weights, first_key_length, flipped_magic, metadata_count, tensor_count, truncated,
};
use std::io::Cursor;

fn read(bytes: &[u8]) -> Result<GgufHeader, GgufError> {
    read_gguf_from(Cursor::new(bytes), bytes.len() as u64)
}

#[test]
fn a_whole_file_says_what_it_is() {
    for weights in [Weights::F32, Weights::Q8_0] {
        let bytes = TinyModel { weights, ..TinyModel::default() }.bytes();
        let header = read(&bytes).unwrap();
        assert_eq!((header.version, header.architecture.as_str()), (3, "llama"));
        assert_eq!(header.name.as_deref(), Some("Tiny"));
        assert_eq!(header.licence.as_deref(), Some("apache-2.0"));
        assert_eq!(header.context_length, Some(512));
        assert!(header.tokenizer && header.chat_template);
        assert_eq!(header.tensors, 2 * 9 + 2);
        // Embeddings of 283 tokens, two blocks, and the last norm.
        assert_eq!(header.parameters, 283 * 32 + 2 * (3 * 64 * 32 + 2 * 32 * 32 + 2 * 16 * 32 + 2 * 32) + 32);
        assert_eq!(header.needed_bytes, bytes.len() as u64);
    }
}

#[test]
fn a_file_without_a_chat_template_says_so() {
    let bytes = TinyModel { chat_template: None, ..TinyModel::default() }.bytes();
    assert!(!read(&bytes).unwrap().chat_template);
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    let bytes = TinyModel { blocks: 1, ..TinyModel::default() }.bytes();
    for length in (0..bytes.len()).step_by(37).chain([bytes.len() - 1]) {
        match read(&truncated(&bytes, length)) {
            Err(GgufError::NotGguf) => assert!(length < 4, "{length}"),
            Err(GgufError::Truncated { needed, actual }) => {
                assert!(needed > actual && actual == length as u64, "{length}: {needed} {actual}");
            }
            // A list that goes beyond the end is seen before it is read.
            Err(GgufError::Damaged(reason)) => assert!(reason.contains("list"), "{length}: {reason}"),
            other => panic!("{length}: {other:?}"),
        }
    }
}

#[test]
fn another_kind_of_file_and_another_version_are_told_apart() {
    let bytes = TinyModel::default().bytes();
    let error = read(&flipped_magic(&bytes)).unwrap_err();
    assert!(matches!(error, GgufError::NotGguf), "{error}");
    assert_eq!(error.kind(), FaultKind::InvalidInput);
    let mut old = bytes;
    old[4] = 1;
    assert!(matches!(read(&old), Err(GgufError::Version(1))));
}

#[test]
fn absurd_counts_and_lengths_are_refused_before_memory_is_taken() {
    let bytes = TinyModel::default().bytes();
    for count in [u64::MAX, 1 << 40, 70_000, 0] {
        let error = read(&tensor_count(&bytes, count)).unwrap_err();
        assert!(matches!(error, GgufError::Damaged(_)), "{count}: {error}");
    }
    for count in [u64::MAX, 70_000] {
        assert!(matches!(read(&metadata_count(&bytes, count)), Err(GgufError::Damaged(_))), "{count}");
    }
    for length in [u64::MAX, 1 << 40] {
        assert!(read(&first_key_length(&bytes, length)).is_err(), "{length}");
    }
}

#[test]
fn a_byte_that_is_wrong_anywhere_in_the_header_never_panics() {
    let bytes = TinyModel { blocks: 1, ..TinyModel::default() }.bytes();
    let header = bytes.len() - read_weights(&bytes);
    let mut refused = 0;
    for at in 0..header {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0xA5;
        refused += usize::from(read(&wrong).is_err());
    }
    assert!(refused > header / 10, "{refused} of {header}");
}

/// How many bytes the weights take: all after the header.
fn read_weights(bytes: &[u8]) -> usize {
    let plain = TinyModel { blocks: 1, ..TinyModel::default() };
    assert_eq!(plain.bytes().len(), bytes.len());
    let tokens = 283 * 34;
    tokens + 3 * 64 * 34 + 2 * 32 * 34 + 2 * 16 * 34 + 3 * 128
}
