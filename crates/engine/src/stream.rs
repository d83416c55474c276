//! An answer's body that is written while the answer is computed. It reads no further ahead than the connection takes,
//! and dropping it, as a broken connection does, cancels the request.

use bytes::Bytes;
use hyper::body::{Body, Frame};
use std::{
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{
    EngineError,
    reply::Events,
    worker::{Coming, Next},
};

/// The events of an answer that has begun.
pub(crate) struct Stream {
    events: Events,
    coming: Coming,
    /// Events that have not been written yet.
    waiting: Option<Bytes>,
    ended: bool,
}

impl Stream {
    /// Waits until there is something to say: until then an error can still be the whole reply.
    pub(crate) async fn begin(events: Events, mut coming: Coming) -> Result<Self, EngineError> {
        let (first, ended) = match poll_fn(|context| coming.poll_next(context)).await {
            Next::Text(text) => (events.text(&text), false),
            Next::End(end) => (events.end(&end?), true),
        };
        let waiting = Some([events.role(), first].concat().into());
        Ok(Self { events, coming, waiting, ended })
    }

    fn event(&mut self, next: Next) -> Bytes {
        match next {
            Next::Text(text) => self.events.text(&text),
            Next::End(end) => {
                self.ended = true;
                end.map_or_else(|error| Events::broken(&error), |ended| self.events.end(&ended))
            }
        }
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(events) = self.waiting.take() {
            return Poll::Ready(Some(Ok(Frame::data(events))));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let next = ready!(self.coming.poll_next(context));
        let events = self.event(next);
        Poll::Ready(Some(Ok(Frame::data(events))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.waiting.is_none()
    }
}
