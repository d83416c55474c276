//! A request's body, within its limits: plain, not too large, and not too slow.

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequest, Request},
    http::{
        HeaderMap,
        header::{CONTENT_ENCODING, CONTENT_TYPE},
    },
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use std::{convert::Infallible, time::Duration};
use tokio::sync::Semaphore;

use crate::Service;

/// How long the rest of a refused request is read, and after what time that begins.
const LINGER: Duration = Duration::from_secs(5);
const MOMENT: Duration = Duration::from_millis(50);
/// Refused requests of which the rest is read at the same time.
const MOST: usize = 256;
static LINGERING: Semaphore = Semaphore::const_new(MOST);

/// A body that was not read yet, and how it is encoded, if it is.
pub(crate) struct Unread {
    body: Body,
    encoding: Option<String>,
}

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Compressed, or otherwise not as it is.
    #[error(
        "the request's body is encoded (`Content-Encoding: {0}`), and only plain JSON is read here; send it as it is, without that header"
    )]
    Encoded(String),
    /// Larger than the limit, in bytes.
    #[error("the request is larger than {} MiB; send less", .0 >> 20)]
    TooLarge(usize),
    /// It did not come in time.
    #[error("the request did not come within {} s", .0.as_secs())]
    Late(Duration),
    /// Its connection broke.
    #[error("the request broke off: {0}")]
    Broken(String),
}

impl Unreadable {
    /// HTTP's status.
    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::Encoded(_) => 415,
            Self::TooLarge(_) => 413,
            Self::Late(_) => 408,
            Self::Broken(_) => 400,
        }
    }
}

impl FromRequest<Service> for Unread {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &Service) -> Result<Self, Infallible> {
        Ok(Self::of(request))
    }
}

impl Unread {
    pub(crate) fn of(request: Request) -> Self {
        Self { encoding: encoding(request.headers()), body: request.into_body() }
    }

    /// The whole body.
    pub(crate) async fn read(self, largest: usize, patience: Duration) -> Result<Bytes, Unreadable> {
        if let Some(encoding) = self.encoding {
            linger(self.body);
            return Err(Unreadable::Encoded(encoding));
        }
        let read = tokio::time::timeout(patience, whole(self.body, largest)).await;
        read.unwrap_or(Err(Unreadable::Late(patience)))
    }
}

/// The type of a form's body (WHATWG URL, section 5).
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// Whether a body says that it is of this type, whatever parameters it adds (RFC 9110, section 8.3.1).
pub(crate) fn is_a(headers: &HeaderMap, essence: &str) -> bool {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    named.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(essence)
}

/// How a body is encoded, if it is.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.as_bytes().trim_ascii());
    let encoding = encodings.find(|value| !value.is_empty() && !value.eq_ignore_ascii_case(b"identity"))?;
    Some(String::from_utf8_lossy(encoding).chars().take(40).collect())
}

/// The whole body, if it is not too large; one that says that it is, is not read.
async fn whole(mut body: Body, largest: usize) -> Result<Bytes, Unreadable> {
    if body.size_hint().lower() > largest as u64 {
        return Err(too_large(body, largest));
    }
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unreadable::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        let read = first.as_ref().map_or(0, Bytes::len) + more.len();
        if read + data.len() > largest {
            return Err(too_large(body, largest));
        }
        match &first {
            None => first = Some(data),
            Some(begun) => {
                if more.is_empty() {
                    more.extend_from_slice(begun);
                    first = Some(Bytes::new());
                }
                more.extend_from_slice(&data);
            }
        }
    }
    Ok(if more.is_empty() { first.unwrap_or_default() } else { more.freeze() })
}

fn too_large(rest: Body, largest: usize) -> Unreadable {
    linger(rest);
    Unreadable::TooLarge(largest)
}

/// Who is refused before all was read may be sending still, and would lose the answer with the connection. So the rest is
/// read and thrown away for a while; a moment later, because reading tells one who asks before sending to send. Of so many
/// at a time and no more, because it is a courtesy that anybody can make the gateway work for; beyond that the connection
/// is dropped.
fn linger(mut rest: Body) {
    let Ok(place) = LINGERING.try_acquire() else { return };
    tokio::spawn(async move {
        tokio::time::sleep(MOMENT).await;
        let read = async { while let Some(Ok(_)) = rest.frame().await {} };
        // What comes later is cut off.
        drop(tokio::time::timeout(LINGER, read).await);
        drop(place);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio_util::sync::CancellationToken;

    /// Tried without a bound, and with places that are not given back: the test failed each time.
    #[tokio::test]
    async fn the_rest_of_so_many_refused_requests_is_read_and_no_more() {
        let held = Arc::new(());
        for _ in 0..3 {
            let end = CancellationToken::new();
            let body = || {
                let (end, held) = (end.clone().cancelled_owned(), Arc::clone(&held));
                Body::from_stream(futures_util::stream::once(async move {
                    end.await;
                    drop(held);
                    Ok::<_, Infallible>(Bytes::from_static(b"the rest"))
                }))
            };
            (0..MOST + 10).for_each(|_| linger(body()));
            assert_eq!(Arc::strong_count(&held), 1 + MOST);
            end.cancel();
            let read = async {
                while Arc::strong_count(&held) > 1 || LINGERING.available_permits() < MOST {
                    tokio::time::sleep(MOMENT).await;
                }
            };
            tokio::time::timeout(LINGER, read).await.expect("they have ended");
        }
    }
}
