//! Writes a `[provider.NAME]` section into the configuration, leaving what stands there as it is.

use cofounder_domain::SystemClock;
use cofounder_providers::{NoEngine, PRESETS, Preset, Router, is_embedding_model};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};

use crate::{
    app::{Files, own_config_file, variables},
    cli::ProviderArgs,
    config::Config,
    failure::Failure,
    studio::router_config,
};

/// What was written, and where.
pub(crate) fn add(files: &Files, name: &str, place: &ProviderArgs) -> Result<String, Failure> {
    let (file, mut document) = open(files)?;
    if document.get("provider").and_then(|p| p.get(name)).is_some() {
        return Err(Failure::usage(format!(
            "{} has a section [provider.{name}] already. Nothing was changed; edit it there, or choose another name",
            file.display()
        )));
    }
    let section = section(name, place)?;
    let providers = document.entry("provider").or_insert_with(|| implicit().into());
    let providers = providers
        .as_table_mut()
        .ok_or_else(|| Failure::usage("`provider` is no table. Nothing was changed"))?;
    providers.insert(name, Item::Table(section));
    if place.allow_paid {
        let router = document.entry("router").or_insert_with(|| Table::new().into());
        router["allow_paid"] = value(true);
    }
    write(files, &file, &document.to_string())?;
    Ok(format!("[provider.{name}] is written into {}", file.display()))
}

/// Writes models that cost nothing into a section that is there.
pub(crate) fn add_models(files: &Files, name: &str, models: &[String]) -> Result<(), Failure> {
    let (file, mut document) = open(files)?;
    let mut tables = implicit();
    for model in models {
        let mut table = Table::new();
        // Said in so many words: under a budget a model without a price is not used.
        let mut price = InlineTable::new();
        price.extend([("input", 0.0), ("output", 0.0)]);
        table["price"] = value(price);
        if is_embedding_model(model) {
            table["abilities"] = value(["embeddings"].into_iter().collect::<Array>());
        }
        tables.insert(model, Item::Table(table));
    }
    document["provider"][name]["model"] = Item::Table(tables);
    write(files, &file, &document.to_string())
}

fn open(files: &Files) -> Result<(PathBuf, DocumentMut), Failure> {
    let file = files.config_file.clone().map_or_else(own_file, Ok)?;
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::failed(format!("{} cannot be read: {error}", file.display()))),
    };
    let document = text.parse().map_err(|error| {
        Failure::usage(format!("{} is not valid TOML: {error}. Nothing was changed", file.display()))
    })?;
    Ok((file, document))
}

fn section(name: &str, place: &ProviderArgs) -> Result<Table, Failure> {
    let preset = Preset::find(name);
    let mut section = Table::new();
    let dialect = match (&place.dialect, preset) {
        (Some(dialect), _) => dialect.clone(),
        (None, Some(preset)) => preset.dialect.as_str().to_owned(),
        (None, None) => "openai".to_owned(),
    };
    section["dialect"] = value(dialect);
    let url = place.url.as_ref().map(ToString::to_string).or(preset.map(|p| p.base_url.to_owned()));
    let url = url.ok_or_else(|| {
        let known: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        Failure::usage(format!(
            "where is {name}? Name its address with --url, or take one of: {}",
            known.join(", ")
        ))
    })?;
    section["base_url"] = value(url);
    let key = match (&place.key_env, &place.key_file) {
        (Some(env), _) => Some(("env", env.clone())),
        (None, Some(file)) => Some(("file", absolute(file)?)),
        (None, None) => {
            preset.filter(|_| place.url.is_none()).and_then(|p| p.key).map(|env| ("env", env.to_owned()))
        }
    };
    if let Some((how, what)) = key {
        let mut table = InlineTable::new();
        table.insert(how, what.into());
        section["api_key"] = value(table);
    }
    if !place.models.is_empty() {
        let mut models = implicit();
        for model in &place.models {
            models.insert(model, Item::Table(Table::new()));
        }
        section.insert("model", Item::Table(models));
    }
    Ok(section)
}

/// A table of tables, which has no header of its own.
fn implicit() -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table
}

fn absolute(file: &Path) -> Result<String, Failure> {
    let file =
        std::path::absolute(file).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    Ok(file.display().to_string())
}

/// The configuration of this user, if there is none to add to.
fn own_file() -> Result<PathBuf, Failure> {
    own_config_file()
        .ok_or_else(|| Failure::usage("no configuration folder is known. Name a file with --config"))
}

/// As a whole or not at all, and only what the program can work with.
fn write(files: &Files, file: &Path, text: &str) -> Result<(), Failure> {
    check(files, file, text).map_err(|failure| failure.and("Nothing was changed"))?;
    let told = |error: std::io::Error| {
        Failure::failed(format!("{} cannot be written: {error}. Nothing was changed", file.display()))
    };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(told)?;
    }
    let unnamed = file.with_extension("toml.new");
    fs::write(&unnamed, text).map_err(told)?;
    fs::rename(&unnamed, file).map_err(told)
}

/// Reads the configuration as any later command would, and makes a router of it.
fn check(files: &Files, file: &Path, text: &str) -> Result<(), Failure> {
    let config = Config::of(text, Some(file), variables())?;
    let config = router_config(&config, &files.registry, None)?;
    let router = Router::new(config, Arc::new(NoEngine), Arc::new(SystemClock));
    router.map(drop).map_err(|error| Failure::of(error.kind(), error))
}
