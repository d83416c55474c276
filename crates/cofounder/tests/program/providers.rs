//! Providers as a person adds, tries and looks at them; and where calls go.

use cofounder_testkit::provider::{FakeProvider, Reply, Wire};
use serde_json::json;
use std::fs;

use crate::workbench::{Workbench, finish};

/// Tried by writing the section without its models: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn an_ollama_is_usable_after_one_command() {
    let bench = Workbench::new().await;
    let ollama = FakeProvider::start_as(Wire::Ollama).await.unwrap();
    ollama.models(&["llama3.2:3b", "nomic-embed-text"]);
    bench.write("cofounder.toml", "# mine\n[budget] # of mine\nday_usd = 5.0\n");
    let done = bench.run(&["provider", "add", "ollama", "--url", ollama.url()]).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
    assert!(done.stdout.contains("llama3.2:3b"), "{done:#?}");
    let text = fs::read_to_string(bench.path("cofounder.toml")).unwrap();
    assert!(text.starts_with("# mine\n[budget] # of mine\n"), "what stood there stays: {text}");
    let route = bench.json(&["model", "route", "draft"]).await;
    assert_eq!(route["items"][0]["target"], "ollama/llama3.2:3b", "{route}");
    assert_eq!(route["items"].as_array().unwrap().len(), 1, "vectors are another ability: {route}");
    let route = bench.json(&["model", "route", "embed"]).await;
    assert_eq!(route["items"][0]["target"], "ollama/nomic-embed-text", "{route}");
    ollama.script(|_| Reply::text("ready"));
    let tested = bench.json(&["provider", "test", "ollama", "--model", "llama3.2:3b"]).await;
    assert_eq!((&tested["answer"]["text"], &tested["answer"]["cost_usd"]), (&json!("ready"), &json!(0.0)));
    let again = bench.run(&["provider", "add", "ollama", "--url", ollama.url()]).await;
    again.refused(2, &["[provider.ollama] already", "Nothing was changed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_usable_after_one_command_and_never_written() {
    let bench = Workbench::new().await;
    let anthropic = FakeProvider::start_as(Wire::Anthropic).await.unwrap();
    anthropic.script(|_| Reply::text("ready"));
    let add = [
        "provider",
        "add",
        "anthropic",
        "--url",
        anthropic.url(),
        "--key-env",
        "MY_KEY",
        "--model",
        "claude-x",
    ];
    let mut command = bench.command(&add);
    command.env("MY_KEY", "sk-very-secret");
    let done = finish(command).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
    let text = fs::read_to_string(bench.path("cofounder.toml")).unwrap();
    assert!(text.contains("env = \"MY_KEY\"") && !text.contains("sk-very-secret"), "{text}");
    let mut command = bench.command(&["provider", "test", "anthropic", "--model", "claude-x", "--json"]);
    command.env("MY_KEY", "sk-very-secret");
    let tested = finish(command).await;
    assert_eq!(tested.json()["answer"]["model"], "anthropic/claude-x");
    assert!(anthropic.seen().iter().all(|seen| seen.headers["x-api-key"] == "sk-very-secret"));
    let done = bench.run(&["provider", "test", "anthropic"]).await;
    done.refused(1, &["MY_KEY", "is not there"]);
    let list = bench.json(&["provider", "list"]).await;
    let own = list["items"].as_array().unwrap().iter().find(|p| p["name"] == "anthropic").unwrap();
    assert!(own["problem"].as_str().unwrap().contains("MY_KEY"), "{list}");
}

/// Tried by writing without looking whether the program can work with it: the test failed.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_added_is_told_and_changes_nothing() {
    let bench = Workbench::new().await;
    let before = fs::read_to_string(bench.path("cofounder.toml")).unwrap();
    bench.run(&["provider", "add", "mine"]).await.refused(2, &["--url", "openrouter", "llama.cpp"]);
    bench.run(&["provider", "add", "acme", "--url", "http://127.0.0.1:1/v1"]).await.refused(2, &["already"]);
    for (option, text, told) in [
        ("--url", "https://me:sk-very-secret@models.example.org/v1", "a user, a password or a query"),
        ("--url", "https://models.example.org/v1?key=sk-very-secret", "a user, a password or a query"),
        ("--url", "ftp://models.example.org/v1", "must begin with http"),
        ("--dialect", "opnai", "did you mean `openai`"),
        ("--model", "a\u{7}b", "cannot be sent"),
    ] {
        let url = if option == "--url" { [].as_slice() } else { &["--url", "http://127.0.0.1:1/v1"] };
        let args = [&["provider", "add", "mine", "--no-test", option, text], url].concat();
        let done = bench.run(&args).await;
        assert!(matches!(done.code, Some(1 | 2)), "{args:?}: {done:#?}");
        for part in [told, "Nothing was changed"] {
            assert!(done.stderr.contains(part), "`{part}`: {done:#?}");
        }
        assert!(!done.stderr.contains("sk-very-secret"), "{done:#?}");
        assert_eq!(fs::read_to_string(bench.path("cofounder.toml")).unwrap(), before, "{args:?}");
    }
    assert!(!bench.path("cofounder.toml.new").exists(), "nor is another file left");
    let done = bench.run(&["provider", "add", "mine", "--url", "http://127.0.0.1:1/v1"]).await;
    done.refused(1, &["not available", "[provider.mine] is written", "cofounder provider test mine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_says_why_each_model_was_chosen_or_passed_over() {
    let bench = Workbench::new().await;
    let more = "family = \"llama\"\n[provider.acme.model.dear]\nprice = { input = 1.0, output = 2.0 }\nfamily = \"claude\"\n\
                [provider.acme.model.vectors]\nabilities = [\"embeddings\"]\n";
    bench.configure(more);
    let text = fs::read_to_string(bench.path("cofounder.toml")).unwrap();
    bench.write(
        "cofounder.toml",
        text.replace("prefer = [\"acme\"]\n", "").replace("allow_paid = true", "allow_paid = false"),
    );
    let done = bench.run(&["model", "route", "draft", "--explain"]).await;
    for part in [
        "1. acme/large",
        "costs nothing",
        "family llama",
        "not used: acme/dear",
        "router.allow_paid",
        "acme/vectors",
        "`chat`",
    ] {
        assert!(done.stdout.contains(part), "`{part}`: {done:#?}");
    }
    bench.write("cofounder.toml", text.replace("prefer = [\"acme\"]\n", ""));
    let critic = bench.json(&["model", "route", "critic", "--unlike", "acme/large"]).await;
    assert_eq!(critic["items"][0]["target"], "acme/dear", "another family than the writer's: {critic}");
    // Tried without these words: it took the writer for the critic and did not say so.
    for (model, told) in [("acme/vectors", "of which family"), ("acme/lage", "nobody knows the writer")] {
        let done = bench.run(&["model", "route", "critic", "--explain", "--unlike", model]).await;
        assert!(done.stdout.contains(told), "`{told}`: {done:#?}");
    }
    bench.write("cofounder.toml", text.replace("prefer = [\"acme\"]\n", "").replace("claude", "llama"));
    let critic = bench.json(&["model", "route", "critic", "--unlike", "acme/large"]).await;
    assert_eq!(critic["items"][0]["target"], "acme/dear", "another model at least: {critic}");
    assert!(
        critic["why"].as_str().unwrap().contains("no other is known to be of another family"),
        "{critic}"
    );
    let long = bench.run(&["model", "route", "draft", "--model", "acme/large", "--tokens", "40000"]).await;
    long.refused(2, &["32768", "7232 too many"]);
    bench.run(&["model", "route", "author"]).await.refused(2, &["no role `author`", "critic"]);
}
