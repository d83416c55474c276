//! The command line of models and the places where they are.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// List the models that are here and those that can be had
    List,
    /// Fetch a model, or register a GGUF file that is already here
    Pull {
        /// The model's name
        name: String,
        /// A GGUF file to register under that name
        #[arg(long, value_name = "PATH")]
        file: Option<PathBuf>,
    },
    /// Remove a model
    Rm {
        /// The model's name
        name: String,
    },
    /// Show where calls of a role go
    Route {
        /// research, outline, draft, critic, verify, seo, embed, image or chat
        role: String,
        /// Say why each model was chosen or passed over
        #[arg(long)]
        explain: bool,
        /// What counts: fast, balanced or best (default: router.preference of the configuration)
        #[arg(long, value_name = "NAME")]
        preference: Option<String>,
        /// Tokens of the question, which must fit
        #[arg(long, value_name = "N", default_value_t = 0)]
        tokens: u64,
        /// The longest answer in tokens, which must fit too
        #[arg(long, value_name = "N")]
        max_tokens: Option<u32>,
        /// The model whose work a critic judges
        #[arg(long, value_name = "ID")]
        unlike: Option<String>,
        /// One model, as with `write --model`
        #[arg(long, value_name = "ID")]
        model: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// Write a provider into the configuration and try it
    Add {
        /// openai, anthropic, gemini, openrouter, groq, mistral, deepseek, xai, together, huggingface, ollama, vllm,
        /// llama.cpp; or a name of your own, with --url
        name: String,
        #[command(flatten)]
        place: ProviderArgs,
    },
    /// Ask a provider what models it has; with --model, ask that model something
    Test {
        /// The provider's name
        name: String,
        /// A model of it; what it is asked may cost a fraction of a cent
        #[arg(long, value_name = "ID")]
        model: Option<String>,
    },
    /// List providers and how their models are
    List,
}

#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    /// Where it is, up to /v1
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<url::Url>,
    /// What it speaks: openai, anthropic, gemini, ollama or huggingface
    #[arg(long, value_name = "NAME")]
    pub(crate) dialect: Option<String>,
    /// The environment variable in which its key is
    #[arg(long, value_name = "NAME", conflicts_with = "key_file")]
    pub(crate) key_env: Option<String>,
    /// A file that holds its key and nothing else
    #[arg(long, value_name = "PATH")]
    pub(crate) key_file: Option<PathBuf>,
    /// A model to use of it; may be given more than once
    #[arg(long = "model", value_name = "ID")]
    pub(crate) models: Vec<String>,
    /// Let it cost money without being named with --model
    #[arg(long)]
    pub(crate) allow_paid: bool,
    /// Write it without trying it
    #[arg(long)]
    pub(crate) no_test: bool,
}
