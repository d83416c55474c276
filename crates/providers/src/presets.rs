//! Providers that people know by name: where they are, what they speak, and in which variable their users keep the key.

use crate::Dialect;
use url::Url;

/// A provider that is known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The name, as in `cofounder provider add NAME`.
    pub name: &'static str,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where it is.
    pub base_url: &'static str,
    /// The environment variable in which its users keep the key; none for those that run on one's own machine.
    pub key: Option<&'static str>,
}

const fn remote(name: &'static str, base_url: &'static str, key: &'static str) -> Preset {
    Preset { name, dialect: Dialect::Openai, base_url, key: Some(key) }
}

const fn near(name: &'static str, dialect: Dialect, base_url: &'static str) -> Preset {
    Preset { name, dialect, base_url, key: None }
}

const fn speaking(preset: Preset, dialect: Dialect) -> Preset {
    Preset { dialect, ..preset }
}

/// Every preset, in the order in which keys of the environment are looked for.
pub const PRESETS: [Preset; 13] = [
    remote("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    speaking(remote("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"), Dialect::Anthropic),
    speaking(
        remote("gemini", "https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY"),
        Dialect::Gemini,
    ),
    remote("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    remote("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    remote("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    remote("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    remote("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    remote("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    speaking(remote("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"), Dialect::Huggingface),
    near("ollama", Dialect::Ollama, "http://127.0.0.1:11434"),
    near("vllm", Dialect::Openai, "http://127.0.0.1:8000/v1"),
    near("llama.cpp", Dialect::Openai, "http://127.0.0.1:8080/v1"),
];

impl Preset {
    /// The preset of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// The address, parsed.
    #[must_use]
    pub fn url(&self) -> Option<Url> {
        Url::parse(self.base_url).ok()
    }

    /// The preset whose users keep their key in this variable.
    pub(crate) fn of_key(key: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.key == Some(key))
    }
}

/// The environment variables to look for: for [`crate::RouterConfig::env_keys`].
pub fn known_env_keys() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().filter_map(|preset| preset.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_preset_has_a_name_and_an_address_of_its_own() {
        let names: HashSet<_> = PRESETS.iter().map(|p| p.name).collect();
        assert_eq!(names.len(), PRESETS.len());
        for preset in PRESETS {
            assert!(preset.url().is_some(), "{}", preset.name);
            assert_eq!(
                preset.key.is_none(),
                crate::local::is_local(&preset.url().unwrap()),
                "{}",
                preset.name
            );
        }
    }
}
