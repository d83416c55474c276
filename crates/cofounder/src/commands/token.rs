//! `cofounder token`: tokens for programs.

use cofounder_auth::{DEFAULT_LIFETIME, Order, Scope, ScopeError, Tokens, parse_lifetime};
use cofounder_domain::{NanoUsd, format_timestamp};
use cofounder_storage::{Act, Token};
use cofounder_web::documents::{IssuedToken, TokenDocument};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    app::App,
    cli::{TokenArgs, TokenCommand},
    failure::Failure,
    output,
};

pub(crate) async fn run(app: App, command: &TokenCommand, as_json: bool) -> Result<(), Failure> {
    match command {
        TokenCommand::Create { name, terms } => create(&app, name, terms, as_json).await,
        TokenCommand::List(page) => {
            let found = app.db.tokens(page.limit, page.cursor.as_deref()).await?;
            let now = app.clock.now();
            let shown = |token: Token| serde_json::to_value(TokenDocument::of(token, now));
            let items: Vec<Value> =
                found.items.into_iter().map(shown).collect::<Result<_, _>>().map_err(Failure::failed)?;
            output::page(as_json, &items, found.next_cursor.as_deref(), |item| {
                let text = |key: &str| item[key].as_str().unwrap_or("-").to_owned();
                let scopes: Vec<&str> =
                    item["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                vec![text("id"), text("state"), text("name"), scopes.join(","), text("expires_at")]
            })
        }
        TokenCommand::Revoke { id } => {
            let id = id.parse().map_err(|_| {
                Failure::usage(format!("`{id}` is no token's id; `cofounder token list` shows them"))
            })?;
            app.db.by(&Act::OPERATOR).revoke_token(id).await?;
            if as_json {
                output::json(&json!({"revoked": id}))
            } else {
                output::line(format!("{id} is revoked; servers refuse it within a second"))
            }
        }
    }
}

async fn create(app: &App, name: &str, terms: &TokenArgs, as_json: bool) -> Result<(), Failure> {
    let scopes = match terms.scopes.as_slice() {
        [] => vec![Scope::Gateway],
        named => named
            .iter()
            .map(|scope| scope.parse())
            .collect::<Result<_, ScopeError>>()
            .map_err(Failure::usage)?,
    };
    let lifetime =
        terms.expires.as_deref().map_or(Ok(DEFAULT_LIFETIME), parse_lifetime).map_err(Failure::usage)?;
    let order = Order {
        name: name.to_owned(),
        scopes,
        lifetime,
        budget_day: amount("--budget-day", terms.budget_day)?,
        budget_month: amount("--budget-month", terms.budget_month)?,
        requests_per_minute: terms.requests_per_minute.map(u64::from),
        tokens_per_minute: terms.tokens_per_minute,
    };
    let tokens = Tokens::new(app.db.clone(), app.clock.clone());
    let issued = tokens.issue(&Act::OPERATOR, &order).await.map_err(|e| Failure::of(e.kind(), e))?;
    let token = &issued.token;
    if as_json {
        let document = TokenDocument::of(issued.token, app.clock.now());
        return output::json(&IssuedToken { document, token: issued.secret.expose_secret().to_owned() });
    }
    let scopes = token.scopes.join(", ");
    eprintln!(
        "token {} ({scopes}), good until {}. It is shown once:",
        token.id,
        format_timestamp(token.expires_at)
    );
    output::line(issued.secret.expose_secret())
}

fn amount(option: &str, usd: Option<f64>) -> Result<Option<NanoUsd>, Failure> {
    match usd {
        Some(usd) if !usd.is_finite() || usd < 0.0 => {
            Err(Failure::usage(format!("{option} is {usd}; it must be 0 or more US dollars")))
        }
        usd => Ok(usd.map(NanoUsd::from_usd)),
    }
}
