//! An answer piece by piece: a task of its own reads it from the provider and hands it to who asked, through a few places.
//! Whoever takes nothing from them for too long holds nothing any more: no place with the provider, no money, no memory.

use cofounder_domain::FaultKind;
use cofounder_providers::{ChatStream, Chunk, ProviderError, Usage};
use cofounder_storage::CallState;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::{Instant, timeout, timeout_at},
};

use crate::{
    CallError, Routed,
    open::{End, Open},
};

/// Pieces that are read ahead of who takes them, and their bytes; a larger piece is read ahead alone.
const AHEAD: usize = 8;
const AHEAD_BYTES: usize = 256 << 10;
/// How long what is left of an answer that has said why it ended is waited for, though nobody takes it: its usage comes
/// last.
const LAST: Duration = Duration::from_secs(1);

/// An answer that comes piece by piece. However it ends, also by being dropped, it is settled and written down once.
#[derive(Debug)]
pub struct ClientStream {
    pieces: mpsc::Receiver<Held>,
    /// Until it is told.
    ended: Option<oneshot::Receiver<Result<(), CallError>>>,
    /// How it came.
    pub routed: Routed,
}

impl ClientStream {
    /// The next piece; none when the answer is complete. It may be given up while it waits, and asked again.
    ///
    /// # Errors
    /// The answer broke off: what came of it is not the whole. What it cost is settled.
    pub async fn next(&mut self) -> Result<Option<Chunk>, CallError> {
        if let Some((chunk, _room)) = self.pieces.recv().await {
            return Ok(Some(chunk));
        }
        let Some(ended) = &mut self.ended else {
            return Err(CallError::bug("a stream was read beyond its end"));
        };
        let told = ended.await;
        self.ended = None;
        told.map_err(CallError::bug)?.map(|()| None)
    }
}

/// Reads the answer, and settles it.
#[derive(Debug)]
pub(crate) struct Pump {
    stream: ChatStream,
    open: Open,
    pieces: mpsc::Sender<Held>,
    /// For what was handed on and not taken yet, in bytes.
    room: Arc<Semaphore>,
    ended: oneshot::Sender<Result<(), CallError>>,
}

/// A piece, with the room that it takes until somebody takes it.
type Held = (Chunk, OwnedSemaphorePermit);

/// What a piece was read or handed on with.
enum Next {
    Piece(Chunk),
    Ended(Result<(), ProviderError>),
    /// Nobody takes it any more.
    Gone,
    /// It was not taken for so long.
    Stalled(Duration),
}

impl Pump {
    pub(crate) fn new(stream: ChatStream, open: Open, routed: Routed) -> (Self, ClientStream) {
        let (pieces, taken) = mpsc::channel(AHEAD);
        let (ended, end) = oneshot::channel();
        let room = Arc::new(Semaphore::new(AHEAD_BYTES));
        (Self { stream, open, pieces, room, ended }, ClientStream { pieces: taken, ended: Some(end), routed })
    }

    /// Goes on until the answer ends, or nobody takes it.
    pub(crate) async fn run(mut self) {
        let end = loop {
            match self.read().await {
                Next::Piece(chunk) => match self.hand(chunk).await {
                    None => {}
                    Some(end) => break end,
                },
                end => break end,
            }
        };
        let (state, error) = match end {
            Next::Ended(Ok(())) => (CallState::Done, None),
            Next::Ended(Err(error)) => {
                let error = self.open.seen(error);
                self.open.tab.broke_off(&error);
                (CallState::Failed, Some(error))
            }
            Next::Stalled(time) => (CallState::Abandoned, Some(CallError::Untaken { time })),
            Next::Piece(_) | Next::Gone => {
                self.last_words().await;
                (CallState::Abandoned, None)
            }
        };
        let told: Option<(String, FaultKind)> = error.as_ref().map(|e| (e.to_string(), e.kind()));
        let (usage, answer): (Usage, _) = (self.stream.usage(), Some(self.stream.text()));
        self.open.end(End { state, error: told, usage, answer });
        // In this order, so that the end is known when no more pieces come; nobody may be there to hear it.
        drop(self.ended.send(error.map_or(Ok(()), Err)));
        drop(self.pieces);
    }

    async fn read(&mut self) -> Next {
        tokio::select! {
            biased;
            () = self.pieces.closed() => Next::Gone,
            next = self.stream.next() => match next {
                Ok(Some(chunk)) => Next::Piece(chunk),
                Ok(None) => Next::Ended(Ok(())),
                Err(error) => Next::Ended(Err(error)),
            },
        }
    }

    /// Hands a piece on; tells if that was the end.
    async fn hand(&mut self, chunk: Chunk) -> Option<Next> {
        let stall = self.open.call.stall;
        let latest = Instant::now() + stall;
        let latest = self.open.call.deadline.map_or(latest, |deadline| latest.min(deadline.into()));
        let bytes = chunk.data.len().min(AHEAD_BYTES) as u32;
        let (pieces, room) = (&self.pieces, &self.room);
        let both = async { tokio::join!(pieces.reserve(), Arc::clone(room).acquire_many_owned(bytes)) };
        let place = tokio::select! {
            biased;
            () = self.pieces.closed() => return Some(Next::Gone),
            place = timeout_at(latest, both) => place,
            () = self.open.call.cancel.cancelled() => return Some(Next::Ended(Err(ProviderError::Cancelled))),
        };
        match place {
            Ok((Ok(place), Ok(room))) => {
                place.send((chunk, room));
                None
            }
            Ok(_) => Some(Next::Gone),
            Err(_) => Some(Next::Stalled(stall)),
        }
    }

    /// An answer that has ended but for its usage costs nothing more: what it took is worth a moment.
    async fn last_words(&mut self) {
        if self.stream.finish().is_some() {
            let rest = async { while let Ok(Some(_)) = self.stream.next().await {} };
            // Without it, it is estimated.
            drop(timeout(LAST, rest).await);
        }
    }
}
