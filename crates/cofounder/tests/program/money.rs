//! Prices, budgets and keys: what may be spent, and that nothing is spent unasked.

use serde_json::{Value, json};

use crate::{
    serving::{Server, hello, token},
    story,
    workbench::{Workbench, finish, strs},
};

const PRICE: &str = "price = { input = 1000.0, output = 2000.0 }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_too_small_stops_the_task_and_a_larger_one_lets_it_go_on() {
    let bench = Workbench::new().await;
    bench.configure(&format!("{PRICE}[budget]\nday_usd = 0.01\n"));
    let args = bench.writing();
    let done = bench.run(&strs(&args)).await;
    done.refused(1, &["day's budget", "budget.day_usd", "kept", "cofounder task retry"]);
    assert_eq!(bench.provider.calls(), 0, "money is set aside before a call");
    assert!(bench.left().is_empty(), "{:?}", bench.left());
    let tasks = bench.tasks().await;
    assert_eq!(tasks[0]["status"], "failed", "{tasks:?}");

    bench.configure(&format!("{PRICE}[budget]\nday_usd = 1000.0\n"));
    let result = bench.json(&["task", "retry", tasks[0]["id"].as_str().unwrap()]).await;
    assert_eq!(result["status"], "awaiting_approval");
    // 10 tokens in, 4 of them cached at the same price, and 5 out.
    let each = (10.0 * 1000.0 + 5.0 * 2000.0) / 1e6;
    let cost = result["calls"]["cost_usd"].as_f64().unwrap();
    let calls = result["calls"]["count"].as_f64().unwrap();
    assert!((cost - calls * each).abs() < 1e-9, "{cost} for {calls} calls of {each}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_used_up_stops_the_next_task() {
    let bench = Workbench::new().await;
    bench.configure(&format!("{PRICE}[budget]\nday_usd = 1000.0\n"));
    let first = bench.written().await;
    let spent = first["calls"]["cost_usd"].as_f64().unwrap();
    bench.configure(&format!("{PRICE}[budget]\nday_usd = {spent}\n"));
    let calls = bench.provider.calls();
    let args = bench.writing();
    bench.run(&strs(&args)).await.refused(1, &["day's budget"]);
    assert_eq!(bench.provider.calls(), calls);
}

/// Tried by showing only accounts that were used, and without the caps of tokens: the test failed each time.
#[tokio::test(flavor = "multi_thread")]
async fn the_budgets_of_tokens_are_shown_used_or_not() {
    let bench = Workbench::new().await;
    bench.configure("price = { input = 10.0, output = 20.0 }\n");
    let used = token(&bench, &["--budget-day", "0.5", "--budget-month", "3"]).await;
    token(&bench, &["--budget-month", "7"]).await;
    token(&bench, &[]).await;
    bench
        .run(&["token", "create", "x", "--budget-day", "-1"])
        .await
        .refused(2, &["--budget-day is -1", "0 or more"]);
    let gone = token(&bench, &["--budget-day", "9"]).await;
    let tokens = bench.json(&["token", "list"]).await;
    let id = tokens["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(bench.run(&["token", "revoke", &id]).await.code, Some(0), "{gone}");
    let server = Server::start(&bench).await;
    bench.provider.script(|_| cofounder_testkit::provider::Reply::text("ok"));
    assert_eq!(server.chat(&used, &hello("acme/large")).await.0, 200);
    assert_eq!(server.stop().await.code, Some(0));

    let budget = bench.json(&["budget", "show"]).await;
    let items: Vec<&Value> =
        budget["items"].as_array().unwrap().iter().filter(|i| i["name"] == "test").collect();
    let rows: Vec<Value> = items
        .iter()
        .map(|i| {
            let period = i["period"].as_str().unwrap().split(':').next().unwrap();
            json!([period, i["cap_usd"], i["spent_nanousd"], i["used_usd"], i["set_aside_usd"]])
        })
        .collect();
    // 10 tokens in, 5 out.
    assert_eq!(
        rows,
        [
            json!(["month", 7.0, 0, 0.0, 0.0]),
            json!(["day", 0.5, 200_000, 0.0002, 0.0]),
            json!(["month", 3.0, 200_000, 0.0002, 0.0]),
        ],
        "{budget}"
    );
    let text = bench.run(&["budget", "show"]).await.stdout;
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("token:")).collect();
    assert_eq!(lines.len(), 3, "{text}");
    for part in ["test", "day:", "$0.000200 spent", "$0.000000 set aside", "of $0.500000"] {
        assert!(lines[1].contains(part), "`{part}`: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_a_price_is_not_used_under_a_budget() {
    let bench = Workbench::new().await;
    bench.configure("[budget]\nday_usd = 1.0\n");
    let args = bench.writing();
    let done = bench.run(&strs(&args)).await;
    done.refused(1, &["acme/large", "price"]);
    assert_eq!(bench.provider.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_no_amount_is_refused() {
    let bench = Workbench::new().await;
    for day in ["-1.0", "nan", "inf", "\"five\""] {
        bench.configure(&format!("[budget]\nday_usd = {day}\n"));
        bench.run(&["task", "list"]).await.refused(2, &["budget.day_usd"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_only_spent_if_that_is_allowed() {
    let bench = Workbench::new().await;
    bench.configure(PRICE);
    let mut args = bench.writing();
    let mut command = bench.command(&strs(&args));
    command.env("COFOUNDER_ROUTER__ALLOW_PAID", "false");
    finish(command).await.refused(1, &["acme/large", "router.allow_paid", "name acme/large for this call"]);
    assert_eq!(bench.provider.calls(), 0);

    args.extend(["--model".to_owned(), "acme/large".to_owned(), "--json".to_owned()]);
    let mut command = bench.command(&strs(&args));
    command.env("COFOUNDER_ROUTER__ALLOW_PAID", "false");
    assert_eq!(finish(command).await.json()["status"], "awaiting_approval", "a pin is a permission");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_environment_is_named_and_not_used() {
    let bench = Workbench::new().await;
    let mut command = bench.bare(&["write", story::TOPIC, "--source", &bench.shown("sources")]);
    command.env("OPENAI_API_KEY", "sk-very-secret");
    let done = finish(command).await;
    // No model is here and none can be fetched: the key would be the only way, and is not taken.
    done.refused(1, &["OPENAI_API_KEY"]);
    let mut command = bench.bare(&["doctor", "--json"]);
    command.env("OPENAI_API_KEY", "sk-very-secret");
    let doctor = finish(command).await;
    assert!(doctor.stdout.contains("OPENAI_API_KEY"), "{doctor:#?}");
    for text in [&done.stderr, &doctor.stdout, &doctor.stderr] {
        assert!(!text.contains("sk-very-secret"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_the_key_is_told_without_the_key() {
    use cofounder_testkit::provider::Reply;
    let bench = Workbench::new().await;
    bench.provider.script(|_| Reply::error(401, "bad key sk-very-secret", Some("invalid_api_key")));
    let url = bench.provider.url().to_owned();
    bench.write(
        "cofounder.toml",
        format!("[router]\nprefer = [\"acme\"]\nallow_paid = true\n[provider.acme]\nbase_url = \"{url}\"\napi_key = {{ env = \"ACME_KEY\" }}\n[provider.acme.model.large]\n"),
    );
    let args = bench.writing();
    let mut command = bench.command(&strs(&args));
    command.env("ACME_KEY", "sk-very-secret");
    let done = finish(command).await;
    done.refused(1, &["acme", "kept", "task retry"]);
    assert!(!done.stderr.contains("sk-very-secret"), "{done:#?}");
    assert_eq!(bench.provider.seen()[0].headers["authorization"], "Bearer sk-very-secret");
    assert_eq!(bench.tasks().await[0]["status"], "failed");
    assert!(!bench.tasks().await[0].to_string().contains("sk-very-secret"));
}

/// Tried by telling what has no price as free: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_knows_the_price_of_is_not_told_as_free() {
    let bench = Workbench::new().await;
    // One on this machine costs nothing, unless it asks for a key.
    bench.configure(&format!(
        "[provider.b]\nbase_url = \"{}\"\napi_key = {{ env = \"B_KEY\" }}\n[provider.b.model.m]\n",
        bench.provider.url()
    ));
    bench.prefer(&["b"]);
    let mut command = bench.command(&strs(&bench.writing()));
    command.env("B_KEY", "k");
    let done = finish(command).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
    for said in [&done.stdout, &done.stderr] {
        assert!(said.contains("price unknown") && !said.contains("free"), "{done:#?}");
    }
    let task = bench.tasks().await[0]["id"].as_str().unwrap().to_owned();
    let shown = bench.json(&["task", "show", &task]).await;
    assert_eq!(shown["calls"]["unpriced"], shown["calls"]["count"], "{shown}");
    assert!(shown["calls"]["count"].as_u64().unwrap() > 0);
    let ledger = bench.json(&["ledger", "list"]).await;
    assert!(ledger["items"].as_array().unwrap().iter().all(|line| line["priced"] == false), "{ledger}");
    let sums = bench.run(&["ledger", "sum", "--by", "model"]).await;
    assert!(sums.stdout.contains("price unknown"), "{sums:#?}");
    bench.configure("price = { input = 0.0, output = 0.0 }\n");
    let done = bench.run(&strs(&bench.writing())).await;
    assert!(done.stdout.contains("free") && !done.stdout.contains("unknown"), "{done:#?}");
}
