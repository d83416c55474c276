//! One request: sent within a time, given up when told to, and always with a word on whether the receiver may have it.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::{RequestBuilder, Response, StatusCode, header::HeaderMap};
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// The most that is read of an answer.
const MAX_BODY: usize = 64 * 1024;

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Sent {
    /// The receiver answered.
    Answered {
        status: StatusCode,
        headers: HeaderMap,
        /// What was read of the answer, at most 64 KiB.
        body: Vec<u8>,
    },
    /// There was no answer, and nothing of the body had left.
    Unsent(String),
    /// There was no answer, and the receiver may have all of it.
    Lost(String),
}

/// Sends `body` within `allowed`. An answer whose body is slow, or broken off, is an answer.
pub(crate) async fn send(
    request: RequestBuilder,
    body: &str,
    allowed: Duration,
    cancel: &CancellationToken,
) -> Sent {
    let until = Instant::now() + allowed;
    // Of no bytes nobody can say whether they left.
    let settled = Arc::new(AtomicBool::new(body.is_empty()));
    let body = Once { bytes: Some(Bytes::copy_from_slice(body.as_bytes())), settled: settled.clone() };
    let request = request.body(reqwest::Body::wrap(body));
    let answered = tokio::select! {
        biased;
        () = cancel.cancelled() => Err("sending it was broken off, as this program was told to end".to_owned()),
        answered = timeout_at(until, request.send()) => match answered {
            Ok(answered) => answered.map_err(|error| deepest(&error.without_url())),
            Err(_) => Err(format!("there was no answer within {} ms", allowed.as_millis())),
        },
    };
    match answered {
        Ok(answer) => read(answer, until, cancel).await,
        Err(why) if settled.swap(true, Ordering::SeqCst) => Sent::Lost(why),
        Err(why) => Sent::Unsent(why),
    }
}

async fn read(mut answer: Response, until: Instant, cancel: &CancellationToken) -> Sent {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut body = Vec::new();
    while body.len() < MAX_BODY {
        let piece = tokio::select! {
            () = cancel.cancelled() => break,
            piece = timeout_at(until, answer.chunk()) => piece,
        };
        let Ok(Ok(Some(piece))) = piece else { break };
        body.extend_from_slice(&piece);
    }
    body.truncate(MAX_BODY);
    Sent::Answered { status, headers, body }
}

/// A body that leaves once, or never. Whoever settles it first has the word: the connection that asks for it, or the
/// sender that gives up and then knows for certain that it will not leave.
struct Once {
    bytes: Option<Bytes>,
    settled: Arc<AtomicBool>,
}

impl Body for Once {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        if self.settled.swap(true, Ordering::SeqCst) {
            return Poll::Ready(Some(Err(io::Error::other("given up"))));
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// The innermost reason, which is the one that tells something ("Connection refused").
fn deepest(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn polled(body: &mut Once) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
    }

    /// Tried by not asking who came first: the test failed.
    #[test]
    fn what_was_given_up_does_not_leave_any_more() {
        for given_up in [false, true] {
            let settled = Arc::new(AtomicBool::new(given_up));
            let mut body = Once { bytes: Some(Bytes::from_static(b"{}")), settled: settled.clone() };
            let left = matches!(polled(&mut body), Poll::Ready(Some(Ok(_))));
            assert_eq!(left, !given_up);
            assert!(settled.load(Ordering::SeqCst), "the sender is told that it left");
        }
    }
}
