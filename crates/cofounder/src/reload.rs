//! SIGHUP: the configuration is read again, and what can change while the program runs does.
//!
//! That is the log, the limits of the gateway, and those of the listener. What else has changed is named and waits for a
//! restart. A configuration that cannot be used changes nothing.

use cofounder_web::{GatewaySettings, ListenSettings};
use tokio::{signal::unix::Signal, sync::watch};

use crate::{
    app::Files,
    cli::Global,
    config::Config,
    faults::Faults,
    lifecycle::Manager,
    logging::{self, say},
};

/// What may change: a section, or a key in one.
const MAY: [&str; 8] = [
    "log.level",
    "log.format",
    "log.repeats",
    "log.repeats_ms",
    "gateway.",
    "server.head_ms",
    "server.connections",
    "server.grace_ms",
];

/// What goes on with other limits.
pub(crate) struct Live {
    pub(crate) gateway: watch::Sender<GatewaySettings>,
    pub(crate) listen: watch::Sender<ListenSettings>,
}

impl Live {
    pub(crate) fn new(config: &Config) -> Self {
        let gateway = watch::Sender::new(config.gateway.settings());
        Self { gateway, listen: watch::Sender::new(config.server.settings()) }
    }

    fn change(&self, config: &Config) {
        self.gateway.send_replace(config.gateway.settings());
        self.listen.send_replace(config.server.settings());
    }
}

/// Reads the configuration again at each SIGHUP, for as long as the runtime lives. `live` is a server's.
pub(crate) async fn at_each_signal(
    mut hangups: Signal,
    global: Global,
    mut held: toml::Table,
    live: Option<Live>,
) {
    while hangups.recv().await.is_some() {
        Manager.reloading();
        match read(&global).await {
            Ok(config) => {
                apply(&config, &held, live.as_ref());
                held = config.written;
            }
            Err(problems) => {
                for problem in &problems {
                    tracing::warn!(%problem, "the configuration cannot be used");
                }
                say(
                    "the configuration was read again and not taken: what held before holds on. Mend it, and send SIGHUP again",
                );
            }
        }
        Manager.ready();
    }
}

/// The configuration as it stands now, if all of it can be used.
async fn read(global: &Global) -> Result<Config, Vec<String>> {
    let (files, problems) = Files::look(global).map_err(|failure| vec![failure.text().to_owned()])?;
    let faults = Faults::find(&files, problems, None).await;
    if faults.wrong.is_empty() { Ok(files.config) } else { Err(faults.wrong) }
}

fn apply(config: &Config, held: &toml::Table, live: Option<&Live>) {
    let mut changed = Vec::new();
    differences("", held, &config.written, &mut changed);
    let (now, later): (Vec<String>, Vec<String>) =
        changed.into_iter().partition(|path| MAY.iter().any(|may| path.starts_with(may)));
    if let Some(why) = logging::configure(&config.log).filter(|_| now.iter().any(|path| path == "log.level"))
    {
        tracing::warn!("{why}: what the configuration says of it does not hold");
    }
    if let Some(live) = live {
        live.change(config);
    }
    if !later.is_empty() {
        tracing::warn!("needs a restart: {}", later.join(", "));
    }
    match now.is_empty() {
        true => say("the configuration was read again: nothing changes"),
        false => say(format!("the configuration was read again: {} changed", now.join(", "))),
    }
}

/// The keys whose values differ, never the values.
fn differences(below: &str, old: &toml::Table, new: &toml::Table, found: &mut Vec<String>) {
    let mut keys: Vec<&String> = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))).collect();
    keys.sort();
    let none = toml::Table::new();
    for key in keys {
        let path = format!("{below}{key}");
        match (old.get(key), new.get(key)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(toml::Value::Table(a)), Some(toml::Value::Table(b))) => {
                differences(&(path + "."), a, b, found)
            }
            (Some(toml::Value::Table(a)), None) => differences(&(path + "."), a, &none, found),
            (None, Some(toml::Value::Table(b))) => differences(&(path + "."), &none, b, found),
            _ => found.push(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_are_named_wherever_they_stand() {
        let (old, new) = ("a = 1\n[b]\nc = 1\nd = 2\n[e]\nf = 1", "a = 1\n[b]\nc = 2\nd = 2\n[g.h]\ni = [1]");
        let mut found = Vec::new();
        differences("", &old.parse().unwrap(), &new.parse().unwrap(), &mut found);
        assert_eq!(found, ["b.c", "e.f", "g.h.i"]);
    }
}
