//! Fetching a model into an Ollama.

use crate::{
    ProviderError, Stage,
    dialect::{PullLine, Refusal, refusal},
    http, local,
    sse::{Frames, Framing},
};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

/// How long Ollama may say nothing. It checks the sum of several gigabytes without a word.
const IDLE: Duration = Duration::from_mins(5);
const CONNECT: Duration = Duration::from_secs(5);

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullProgress {
    /// What Ollama does, in its words.
    pub status: String,
    /// Bytes of the part that is being fetched; a model has several parts.
    pub total: Option<u64>,
    /// Those of them that are there.
    pub completed: Option<u64>,
}

/// Has the Ollama at this address fetch a model, and waits until it is there. What is fetched when it is cut off is
/// kept by Ollama, which goes on from there.
///
/// # Errors
/// [`ProviderError::NotThere`] if nobody has such a model, [`ProviderError::Timeout`] if nothing is heard for five
/// minutes, [`ProviderError::Cancelled`], and whatever else Ollama says.
pub async fn pull_ollama(
    base: &Url,
    model: &str,
    progress: &mut (dyn FnMut(PullProgress) + Send),
    cancel: &CancellationToken,
) -> Result<(), ProviderError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(ProviderError::Cancelled),
        done = pull(base, model, progress, IDLE) => done,
    }
}

async fn pull(
    base: &Url,
    model: &str,
    progress: &mut (dyn FnMut(PullProgress) + Send),
    idle: Duration,
) -> Result<(), ProviderError> {
    let client = http::client(None, CONNECT, local::is_local(base))?;
    let late = |_| ProviderError::Timeout { stage: Stage::Idle };
    // `name` is what servers before 0.5 call it.
    let body = json!({"model": model, "name": model, "stream": true}).to_string();
    let sent = client.post(http::endpoint(&http::root(base), "api/pull")).body(body).send();
    let mut answer = timeout(idle, sent).await.map_err(late)?.map_err(http::sending)?;
    let status = answer.status();
    if !status.is_success() {
        let body = http::bounded(answer, idle, http::MAX_REFUSAL).await.unwrap_or_default();
        return Err(refusal(status.as_u16(), &Refusal::of_bytes(&body), None));
    }
    let mut frames = Frames::new(Framing::Lines);
    loop {
        let bytes =
            timeout(idle, answer.chunk()).await.map_err(late)?.map_err(|_| ProviderError::Truncated)?;
        let last = match &bytes {
            Some(bytes) => {
                frames.feed(bytes)?;
                None
            }
            None => frames.end()?,
        };
        while let Some(line) = frames.next() {
            if noted(&line, progress)? {
                return Ok(());
            }
        }
        match (bytes, last) {
            (Some(_), _) => {}
            (None, Some(line)) if noted(&line, progress)? => return Ok(()),
            // It ends without having said that it is done.
            (None, _) => return Err(ProviderError::Truncated),
        }
    }
}

/// Tells what a line says; whether it is the last one.
fn noted(line: &[u8], progress: &mut (dyn FnMut(PullProgress) + Send)) -> Result<bool, ProviderError> {
    let line = PullLine::read(line)?;
    if line.is_last() {
        return Ok(true);
    }
    progress(PullProgress { status: line.status, total: line.total, completed: line.completed });
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cofounder_testkit::provider::{End, FakeProvider, Reply, Wire};

    async fn pulled(reply: Reply) -> (Result<(), ProviderError>, Vec<PullProgress>) {
        let fake = FakeProvider::start_as(Wire::Ollama).await.unwrap();
        fake.reply([reply]);
        let mut seen = Vec::new();
        let base = fake.url().parse().unwrap();
        let done =
            pull(&base, "llama3.2", &mut |progress| seen.push(progress), Duration::from_millis(300)).await;
        assert_eq!(fake.seen()[0].body["model"], "llama3.2");
        (done, seen)
    }

    #[tokio::test]
    async fn a_model_is_there_when_ollama_says_so_and_not_before() {
        let (done, seen) = pulled(Reply::stream(&["pulling a", "pulling b"], End::Done)).await;
        assert_eq!(done, Ok(()));
        let last = PullProgress { status: "pulling b".to_owned(), total: Some(100), completed: Some(10) };
        assert_eq!((seen.len(), seen.last()), (3, Some(&last)));
        for (end, error) in [
            (End::NoEnd, ProviderError::Truncated),
            (End::CutAfter(1), ProviderError::Truncated),
            (End::StallAfter(1), ProviderError::Timeout { stage: Stage::Idle }),
        ] {
            assert_eq!(pulled(Reply::stream(&["pulling a"], end)).await.0, Err(error), "{end:?}");
        }
        let (failed, _) = pulled(Reply::stream(&["pulling a"], End::ErrorEvent)).await;
        assert!(matches!(failed, Err(ProviderError::Unavailable { .. })), "{failed:?}");
        let missing = Reply::Bytes {
            parts: vec![b"{\"error\":\"pull model manifest: file does not exist\"}\n".to_vec()],
            cut: false,
        };
        assert!(matches!(pulled(missing).await.0, Err(ProviderError::NotThere { .. })));
        assert!(matches!(pulled(Reply::Unauthorised).await.0, Err(ProviderError::Unauthorised { .. })));
    }

    #[tokio::test]
    async fn it_can_be_cancelled() {
        let fake = FakeProvider::start_as(Wire::Ollama).await.unwrap();
        fake.reply([Reply::Hang]);
        let (base, cancel) = (fake.url().parse().unwrap(), CancellationToken::new());
        let mut nothing = |_| ();
        let pulling = pull_ollama(&base, "m", &mut nothing, &cancel);
        let stopping = async {
            while fake.open() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            cancel.cancel();
        };
        assert_eq!(tokio::join!(pulling, stopping).0, Err(ProviderError::Cancelled));
    }
}
