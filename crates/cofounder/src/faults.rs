//! Everything that keeps the program from starting, found before it begins and told at once.
//!
//! A provider whose key is not there keeps nothing from starting: it is degraded, and others may take its calls. A webhook
//! whose secret is not there does: what it sends would not be signed.

use cofounder_domain::SystemClock;
use cofounder_providers::Router;
use cofounder_publish::Webhooks;
use cofounder_storage::{Database, Location, StorageError};
use cofounder_web::listen;
use std::{net::SocketAddr, sync::Arc};

use crate::{app::Files, failure::Failure, launcher::EngineLauncher, studio::router_config};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// In the configuration.
    pub(crate) wrong: Vec<String>,
    /// Where the program runs.
    pub(crate) missing: Vec<String>,
}

impl Faults {
    /// Looks at the configuration, of which `problems` are known already, at the data directory and, for a server, at its
    /// address.
    pub(crate) async fn find(files: &Files, problems: Vec<String>, bind: Option<SocketAddr>) -> Self {
        let mut faults = Self { wrong: problems, missing: Vec::new() };
        faults.wrong.extend(files.config.ledger.problems());
        faults.wrong.extend(of_webhooks(files));
        faults.wrong.extend(of_sign_in(files));
        match files.config.catalogue.read() {
            Ok(_) => faults.wrong.extend(of_providers(files)),
            Err(failure) => faults.wrong.push(failure.text().to_owned()),
        }
        faults.missing.extend(of_data_dir(files));
        if let Some(bind) = bind
            && let Err(error) = listen(bind).await
        {
            faults.missing.push(unheard(bind, &error));
        }
        faults
    }

    /// Adds what is wrong with the database, for which is not waited.
    pub(crate) async fn and_database(mut self, files: &Files) -> Self {
        let Location::Postgres(_) = &files.database else { return self };
        let pool = files.config.database.pool();
        match Database::open(&files.database, pool, Arc::new(SystemClock)).await {
            Ok(database) => drop(database.close().await),
            Err(error) => self.missing.push(of_database(&error)),
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.wrong.is_empty() && self.missing.is_empty()
    }

    /// All of it, if there is any.
    pub(crate) fn told(self) -> Result<(), Failure> {
        Failure::of_all(self.wrong, self.missing, "nothing was started").map_or(Ok(()), Err)
    }
}

/// Each provider is looked at, so that all that is wrong with them is told at once.
fn of_sign_in(files: &Files) -> Vec<String> {
    let (auth, server) = (&files.config.auth, &files.config.server);
    let site = auth.site(server.public_url.as_ref(), server.bind).map(drop);
    let all = [site, auth.admission().map(drop), auth.providers().map(drop)];
    all.into_iter().filter_map(|checked| checked.err().map(|failure| failure.text().to_owned())).collect()
}

/// An address that cannot be listened on.
pub(crate) fn unheard(bind: SocketAddr, error: &std::io::Error) -> String {
    format!("{bind} cannot be listened on: {error}. Choose another with --bind")
}

fn of_database(error: &StorageError) -> String {
    format!("the database: {error}")
}

fn of_webhooks(files: &Files) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, section) in &files.config.webhook {
        let usable = section.target(name).and_then(|target| {
            Webhooks::new(vec![target], Arc::new(SystemClock)).map(drop).map_err(Failure::usage)
        });
        faults.extend(usable.err().map(|failure| failure.text().to_owned()));
    }
    faults
}

fn of_providers(files: &Files) -> Vec<String> {
    let config = match router_config(&files.config, &files.registry, None) {
        Ok(config) => config,
        Err(failure) => return vec![failure.text().to_owned()],
    };
    let engine = files.config.engine.settings();
    let launcher = Arc::new(EngineLauncher::new(files.registry.clone(), &files.data_dir, engine));
    let faults = Router::faults(config, launcher, Arc::new(SystemClock));
    faults.iter().map(ToString::to_string).collect()
}

fn of_data_dir(files: &Files) -> Option<String> {
    let folder = &files.data_dir;
    if let Err(failure) = crate::app::private(folder) {
        return Some(failure.text().to_owned());
    }
    let unwritable = crate::files::prepare(folder).err()?;
    let words = unwritable.text().split(". Name").next().unwrap_or_default().to_owned();
    Some(format!("the data directory: {words}. Name another with --data-dir"))
}
