//! What is set, and by what: without what may be a secret.

use cofounder_web::documents::SettingItem;
use std::collections::BTreeMap;
use toml::Value;
use url::Url;

/// The last words of keys whose text is a secret. Usually one only names where it is kept.
const SECRETS: [&str; 5] = ["key", "secret", "password", "token", "passphrase"];

/// Every key that is set, in order of their names; `named` are those that variables set, with the variable's name.
pub(super) fn settings(table: &toml::Table, named: &BTreeMap<String, String>) -> Vec<SettingItem> {
    let mut all = Vec::new();
    collect(table, "", named, None, &mut all);
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

/// A variable may set a whole table, and then all that stands in it.
fn collect(
    table: &toml::Table,
    above: &str,
    named: &BTreeMap<String, String>,
    by: Option<&String>,
    all: &mut Vec<SettingItem>,
) {
    for (name, value) in table {
        let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        let by = named.get(&key).or(by);
        match value {
            Value::Table(below) => collect(below, &key, named, by, all),
            value => all.push(SettingItem {
                value: shown(name, above, value),
                source: if by.is_some() { "variable" } else { "file" }.to_owned(),
                variable: by.cloned(),
                key,
            }),
        }
    }
}

fn shown(name: &str, above: &str, value: &Value) -> String {
    // `api_key = { env = "…" }` names where the secret is kept.
    let within = above.rsplit('.').next().unwrap_or_default();
    let is_secret = |name: &str| SECRETS.iter().any(|word| name.to_lowercase().ends_with(word));
    if is_secret(name) || (is_secret(within) && !matches!(name, "env" | "file")) {
        return "…".to_owned();
    }
    match value {
        // A receiver may know its senders by the path alone.
        Value::String(text) if above.starts_with("webhook.") => match Url::parse(text) {
            Ok(url) if url.has_host() => format!("\"{}/…\"", url.origin().ascii_serialization()),
            _ => Value::String(text.clone()).to_string(),
        },
        Value::String(text) => Value::String(without_secrets(text)).to_string(),
        Value::Table(_) => "…".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(name, above, item)).collect();
            format!("[{}]", items.join(", "))
        }
        value => value.to_string(),
    }
}

/// An address without user, password and query.
fn without_secrets(text: &str) -> String {
    let Some(mut url) = Url::parse(text).ok().filter(Url::has_host) else { return text.to_owned() };
    if url.username().is_empty() && url.password().is_none() && url.query().is_none() {
        return text.to_owned();
    }
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return "…".to_owned();
    }
    url.set_query(None);
    format!("{url} (user, password and query left out)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_shown_with_where_and_no_secret_is() {
        let table: toml::Table = r#"
            [provider.acme]
            base_url = "https://me:s3cret@acme.example/v1?key=s3cret"
            api_key = { env = "ACME_KEY" }
            [provider.bare]
            api_key = "s3cret"
            limits = { concurrency = 4 }
            [webhook.site]
            secret = { text = "s3cret" }
            url = "https://hooks.example/s3cret"
            odd = [{ token = "s3cret" }]
            [router]
            prefer = ["acme"]
            [database]
            url = "postgres://me:s3cret@db.example/cofounder"
        "#
        .parse()
        .unwrap();
        let named = BTreeMap::from([(
            "provider.bare.limits".to_owned(),
            "COFOUNDER_PROVIDER__BARE__LIMITS".to_owned(),
        )]);
        let all = settings(&table, &named);
        let told: Vec<String> =
            all.iter().map(|s| format!("{} = {} ({})", s.key, s.value, s.source)).collect();
        assert!(!told.join("\n").contains("s3cret"), "{told:#?}");
        for line in [
            "provider.acme.api_key.env = \"ACME_KEY\" (file)",
            "provider.bare.api_key = … (file)",
            "provider.bare.limits.concurrency = 4 (variable)",
            "router.prefer = [\"acme\"] (file)",
            "webhook.site.secret.text = … (file)",
        ] {
            assert!(told.contains(&line.to_owned()), "{line}: {told:#?}");
        }
    }
}
