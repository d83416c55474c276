//! Wikipedia as a source of sources, against a server that speaks a bit of the Action API.

use crate::server::{Answer, Server, ok, status};
use cofounder_domain::FaultKind;
use cofounder_research::{Fetcher, ResearchError, Settings, Timeouts, WikipediaSettings};
use tokio_util::sync::CancellationToken;

const SEARCH: &str = "/w/api.php?action=query&format=json&formatversion=2&redirects=1&list=search&srsearch=";

fn json(body: &str) -> Answer {
    ok("application/json; charset=utf-8", body)
}

fn page(id: u64) -> String {
    format!("/w/api.php?action=query&format=json&formatversion=2&redirects=1&prop=extracts*{id}")
        .split('*')
        .next()
        .unwrap()
        .to_owned()
        + "%7Cinfo%7Cpageprops&inprop=url&ppprop=disambiguation&explaintext=1&exsectionformat=wiki&pageids="
        + &id.to_string()
}

fn fetcher(base: &str) -> Fetcher {
    Fetcher::new(Settings {
        allow_private_addresses: true,
        timeouts: Timeouts { connect_ms: 1_000, first_byte_ms: 500, idle_ms: 500, total_ms: 2_000 },
        wikipedia: WikipediaSettings { base_url: base.parse().unwrap(), pages: 3 },
        ..Settings::default()
    })
}

#[tokio::test]
async fn the_articles_on_a_topic_become_documents() {
    let (all, any) = (format!("{SEARCH}white+storks*"), format!("{SEARCH}white+OR+storks*"));
    let (first, second, third) = (page(1), page(2), page(3));
    let server = Server::start(vec![
        (&all, vec![json(r#"{"batchcomplete":true,"query":{"search":[]}}"#)]),
        (&any, vec![json(r#"{"query":{"search":[{"ns":0,"title":"Stork","pageid":1},{"ns":0,"title":"Storks","pageid":2},{"ns":0,"title":"Gone","pageid":3}]}}"#)]),
        (&first, vec![json(r#"{"query":{"pages":[{"pageid":1,"title":"Stork","canonicalurl":"https://en.wikipedia.org/wiki/Stork","extract":"Storks are large birds.\n\n\n== Habits ==\nStorks nest on roofs and on trees.\n\n\n== References ==\nA list."}]}}"#)]),
        (&second, vec![json(r#"{"query":{"pages":[{"pageid":2,"title":"Storks","fullurl":"https://en.wikipedia.org/wiki/Storks","extract":"Storks may mean:","pageprops":{"disambiguation":""}}]}}"#)]),
        (&third, vec![json(r#"{"query":{"pages":[{"pageid":3,"missing":true}]}}"#)]),
    ])
    .await;
    let found =
        fetcher(&server.base).wikipedia("Why the white storks?", &CancellationToken::new()).await.unwrap();
    assert_eq!(found.len(), 1, "{:?}", server.seen());
    let source = &found[0].source;
    assert_eq!(
        (source.title.as_str(), source.uri.as_str()),
        ("Stork", "https://en.wikipedia.org/wiki/Stork")
    );
    assert_eq!(source.text, "Storks are large birds.\n\n## Habits\n\nStorks nest on roofs and on trees.");
}

#[tokio::test]
async fn a_wikipedia_that_gives_nothing_is_one_clear_error_that_says_how_to_name_sources() {
    let empty = json(r#"{"query":{"search":[]}}"#);
    for answer in [
        status(503, ""),
        status(404, ""),
        Answer::Stall(Vec::new()),
        ok("text/html", "<p>Hi"),
        json("{"),
        json("[]"),
        empty,
    ] {
        let server = Server::start(vec![("/*", vec![answer])]).await;
        let error = fetcher(&server.base).wikipedia("storks", &CancellationToken::new()).await.unwrap_err();
        assert!(matches!(error, ResearchError::NoSources { .. }), "{error}");
        assert_eq!(error.kind(), FaultKind::InvalidInput);
        let message = error.to_string();
        assert!(message.contains("--source PATH") && !message.contains("action="), "{message}");
    }
    let error =
        fetcher("http://127.0.0.1:1").wikipedia("storks", &CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("--source URL"), "{error}");
}

#[tokio::test]
async fn cancelling_is_not_told_as_a_lack_of_sources() {
    let server = Server::start(vec![("/*", vec![Answer::Stall(Vec::new())])]).await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = fetcher(&server.base).wikipedia("storks", &cancel).await.unwrap_err();
    assert!(matches!(error, ResearchError::Cancelled { .. }), "{error}");
}
