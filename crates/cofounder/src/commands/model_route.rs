//! `cofounder model route`: where calls of a role go, and why.

use cofounder_metering::Need;
use cofounder_providers::{Preference, Role, Target};
use serde_json::{Value, json};

use crate::{app::App, cli::ModelCommand, failure::Failure, output};

pub(crate) async fn run(app: App, command: &ModelCommand, as_json: bool) -> Result<(), Failure> {
    let ModelCommand::Route { role, explain, preference, tokens, max_tokens, unlike, model } = command else {
        return Ok(());
    };
    let role = Role::from_name(role).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        Failure::usage(format!("there is no role `{role}`; known are: {}", known.join(", ")))
    })?;
    let named = |name: &String| {
        Preference::from_name(name).ok_or_else(|| {
            Failure::usage(format!("there is no preference `{name}`; known are: fast, balanced, best"))
        })
    };
    let need = Need {
        verb: role.verb(),
        context_tokens: *tokens,
        max_tokens: *max_tokens,
        unlike: unlike.clone(),
        preference: preference.as_ref().map(named).transpose()?,
        ..Need::default()
    };
    let studio = app.studio().await?;
    let route = studio.meter.route(role, model.as_deref(), &need).map_err(|e| Failure::of(e.kind(), e));
    studio.close().await;
    let route = route?;
    if as_json {
        let passed: Vec<Value> =
            route.passed_over.iter().map(|(name, why)| json!({"target": name, "why": why})).collect();
        let items: Vec<Value> = route.targets.iter().map(|target| described(target)).collect();
        return output::json(&json!({
            "role": role.as_str(), "why": route.why, "items": items, "passed_over": passed, "next_cursor": null,
        }));
    }
    for (index, target) in route.targets.iter().enumerate() {
        let id = target.id();
        output::line(if *explain { format!("{}. {id}  {}", index + 1, facts(target)) } else { id })?;
    }
    if *explain {
        output::line(format!("why: {}", route.why))?;
        for (name, why) in &route.passed_over {
            output::line(format!("not used: {name} ({why})"))?;
        }
    }
    Ok(())
}

fn described(target: &Target) -> Value {
    json!({
        "target": target.id(), "free": target.free, "price": target.price, "context": target.context,
        "max_output": target.max_output, "family": target.family, "tier": target.tier, "abilities": target.abilities,
    })
}

fn facts(target: &Target) -> String {
    let price = match target.price {
        _ if target.free => "costs nothing".to_owned(),
        Some(price) => format!("${} in, ${} out per million tokens", price.input, price.output),
        None => "price unknown".to_owned(),
    };
    let context =
        target.context.map_or_else(|| "context unknown".to_owned(), |c| format!("{c} tokens of context"));
    let family = target.family.as_deref().map_or_else(String::new, |f| format!(", family {f}"));
    format!("({price}, {context}{family})")
}
