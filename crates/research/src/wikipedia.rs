//! Finds sources in Wikipedia when a person names none.

use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{Document, Fetcher, ResearchError, extract::wiki_extract, fetch::Page, words::content_words};

/// The most words of a topic that are searched for.
const MAX_TERMS: usize = 12;

impl Fetcher {
    /// The articles that Wikipedia (or the MediaWiki of the configuration) finds for a topic, best first, at
    /// most as many as the configuration says. Asks the search of
    /// [the Action API](https://www.mediawiki.org/wiki/API:Search) for all content words of the topic, then
    /// for any of them, and [TextExtracts](https://www.mediawiki.org/wiki/Extension:TextExtracts) for the
    /// text. Disambiguation pages and pages that cannot be read are left out.
    ///
    /// # Errors
    /// [`ResearchError::NoSources`] if there is nothing in the end, with why and how to name sources;
    /// [`ResearchError::Cancelled`].
    pub async fn wikipedia(
        &self,
        topic: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<Document>, ResearchError> {
        match self.ask_wikipedia(topic, cancel).await {
            Ok(documents) if documents.is_empty() => {
                Err(ResearchError::NoSources { reason: "it has no article on the topic".to_owned() })
            }
            Err(ResearchError::Cancelled { uri }) => Err(ResearchError::Cancelled { uri }),
            Err(error) => Err(ResearchError::NoSources { reason: first_part(&error) }),
            found => found,
        }
    }

    async fn ask_wikipedia(
        &self,
        topic: &str,
        cancel: &CancellationToken,
    ) -> Result<Vec<Document>, ResearchError> {
        let mut words: Vec<String> = content_words(topic).take(MAX_TERMS).collect();
        if words.is_empty() {
            words = topic.split_whitespace().take(MAX_TERMS).map(str::to_owned).collect();
        }
        let mut hits = self.search(&words.join(" "), cancel).await?;
        if hits.is_empty() && words.len() > 1 {
            hits = self.search(&words.join(" OR "), cancel).await?;
        }
        let mut documents: Vec<Document> = Vec::new();
        for hit in hits {
            match self.article(hit.pageid, cancel).await {
                Ok(Some(document)) if documents.iter().all(|d| d.source.sha256 != document.source.sha256) => {
                    documents.push(document);
                }
                Ok(_) => {}
                Err(ResearchError::Cancelled { uri }) => return Err(ResearchError::Cancelled { uri }),
                Err(error) if documents.is_empty() => return Err(error),
                Err(error) => tracing::warn!(%error, title = hit.title, "an article was left out"),
            }
        }
        Ok(documents)
    }

    async fn search(&self, query: &str, cancel: &CancellationToken) -> Result<Vec<Hit>, ResearchError> {
        let pages = self.settings().wikipedia.pages.to_string();
        let parameters = [("list", "search"), ("srsearch", query), ("srlimit", &pages), ("srprop", "")];
        let page = self.api(&parameters, cancel).await?;
        let answer: Answer = parsed(&page)?;
        let mut hits = answer.query.unwrap_or_default().search;
        hits.truncate(self.settings().wikipedia.pages);
        Ok(hits)
    }

    /// One article; nothing if it is a disambiguation page or has no text.
    async fn article(&self, id: u64, cancel: &CancellationToken) -> Result<Option<Document>, ResearchError> {
        let id = id.to_string();
        let parameters = [
            ("prop", "extracts|info|pageprops"),
            ("inprop", "url"),
            ("ppprop", "disambiguation"),
            ("explaintext", "1"),
            ("exsectionformat", "wiki"),
            ("pageids", &id),
        ];
        let page = self.api(&parameters, cancel).await?;
        let answer: Answer = parsed(&page)?;
        let Some(article) = answer.query.unwrap_or_default().pages.into_iter().next() else {
            return Ok(None);
        };
        if article.pageprops.is_some_and(|p| p.disambiguation.is_some()) {
            return Ok(None);
        }
        let uri = article.canonicalurl.or(article.fullurl).filter(|u| u.starts_with("http"));
        let uri = uri.unwrap_or_else(|| page.url.to_string());
        let extract = without_appendices(&article.extract);
        // An article without text is one that was not found: the search goes on with the next.
        let extracted = wiki_extract(&article.title, extract).ok();
        Ok(extracted.map(|found| Document::of(found, page.bytes, &uri)))
    }

    async fn api(
        &self,
        parameters: &[(&str, &str)],
        cancel: &CancellationToken,
    ) -> Result<Page, ResearchError> {
        let base = &self.settings().wikipedia.base_url;
        let mut url = base.join("/w/api.php").map_err(|e| ResearchError::BadReference {
            reference: base.to_string(),
            reason: e.to_string(),
        })?;
        let fixed = [("action", "query"), ("format", "json"), ("formatversion", "2"), ("redirects", "1")];
        url.query_pairs_mut().extend_pairs(fixed).extend_pairs(parameters);
        self.get(url, "application/json", |media_type| media_type == "application/json", cancel).await
    }
}

/// Without the sections that hold no prose.
fn without_appendices(extract: &str) -> &str {
    let appendix = [
        "== See also ==",
        "== References ==",
        "== External links ==",
        "== Further reading ==",
        "== Notes ==",
    ];
    let cut = appendix.iter().filter_map(|heading| extract.find(&format!("\n{heading}"))).min();
    &extract[..cut.unwrap_or(extract.len())]
}

fn parsed(page: &Page) -> Result<Answer, ResearchError> {
    serde_json::from_slice(&page.bytes).map_err(|_| ResearchError::MediaType {
        url: origin(&page.url),
        media_type: "something that is not the JSON of a MediaWiki".to_owned(),
    })
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// What happened, without the advice, which the message around it gives.
fn first_part(error: &ResearchError) -> String {
    let text = error.to_string();
    let cut = text.find(". ").unwrap_or(text.len());
    let happened = text[..cut].trim_end_matches('.');
    // The query of the API's address helps nobody.
    happened.split_whitespace().map(|w| w.split("?action=").next().unwrap_or(w)).collect::<Vec<_>>().join(" ")
}

#[derive(Deserialize)]
struct Answer {
    query: Option<Query>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Query {
    search: Vec<Hit>,
    pages: Vec<Article>,
}

#[derive(Deserialize)]
struct Hit {
    pageid: u64,
    title: String,
}

#[derive(Deserialize)]
struct Article {
    #[serde(default)]
    title: String,
    #[serde(default)]
    extract: String,
    canonicalurl: Option<String>,
    fullurl: Option<String>,
    pageprops: Option<PageProps>,
}

#[derive(Deserialize)]
struct PageProps {
    disambiguation: Option<String>,
}
