//! Connections: how many are open, how long each may say nothing, and how they end.
//!
//! HTTP/1 and, for who begins with it, HTTP/2 without TLS. Of HTTP/1 a request's head must come within the time for it,
//! counted from the end of the answer before: so a connection that is idle for as long is closed, between two requests,
//! where clients that keep connections notice it and open another. An answer may take as long as it does. HTTP/2 has no
//! such time after its first request: who does not answer its pings is cut off. It knows no routes and no calls.

use axum::Router;
use hyper::{Request, body::Incoming, service::Service as _, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use std::{
    future::pending,
    io,
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{ListenSettings, Traffic};

/// How long nothing is taken after the system could not give a connection, for want of file descriptors or memory.
const PAUSE: Duration = Duration::from_millis(250);
/// How often it is said that there are too many.
const SAID: Duration = Duration::from_mins(1);

/// Who is at the other end of the connection that a request came by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Every open connection of a listener.
pub(crate) struct Connections {
    each: Arc<Each>,
    settings: watch::Receiver<ListenSettings>,
    /// One for each that may be open.
    places: Arc<Semaphore>,
    most: u32,
    /// Places that are taken and are not given to others when they are free: there were more.
    owed: u32,
    /// When it was said that all places are taken.
    said: Option<Instant>,
}

/// What every connection needs.
struct Each {
    builder: Builder<TokioExecutor>,
    routes: Router,
    head: Duration,
    stop: CancellationToken,
    traffic: Traffic,
}

impl Connections {
    /// Connections that are asked for these routes, within these limits.
    pub(crate) fn new(
        routes: Router,
        mut settings: watch::Receiver<ListenSettings>,
        stop: CancellationToken,
        traffic: Traffic,
    ) -> Self {
        let ListenSettings { head, connections: most, .. } = *settings.borrow_and_update();
        let each = Arc::new(Each { builder: builder(head), routes, head, stop, traffic });
        let places = Arc::new(Semaphore::new(most as usize));
        Self { each, settings, places, most, owed: 0, said: None }
    }

    /// Takes connections until it is told to stop, and ends when all have ended.
    pub(crate) async fn serve(mut self, listener: TcpListener) {
        let stop = self.each.stop.clone();
        // Nobody may change the limits any more.
        let mut lone = false;
        let mut changes = self.settings.clone();
        loop {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                changed = changes.changed(), if !lone => {
                    lone = changed.is_err();
                    self.change();
                    continue;
                }
                next = self.next(&listener) => next,
            };
            let Some((stream, peer, place)) = next else { break };
            let each = Arc::clone(&self.each);
            // It is known by its place, which it gives back at its end.
            tokio::spawn(async move {
                each.serve(stream, peer).await;
                drop(place);
            });
        }
        drop(listener);
        drop(self.places.acquire_many(self.most + self.owed).await);
    }

    /// Goes on within other limits. Connections that are open stay, with the time that they began with.
    fn change(&mut self) {
        let ListenSettings { head, connections, .. } = *self.settings.borrow_and_update();
        let Each { routes, stop, traffic, .. } = &*self.each;
        self.each = Arc::new(Each {
            builder: builder(head),
            routes: routes.clone(),
            head,
            stop: stop.clone(),
            traffic: traffic.clone(),
        });
        match connections.checked_sub(self.most) {
            Some(more) => {
                let paid = more.min(self.owed);
                self.owed -= paid;
                self.places.add_permits((more - paid) as usize);
            }
            None => self.owed += self.most - connections,
        }
        self.most = connections;
        self.pay();
    }

    /// The next connection, when there is a place for it. What waits meanwhile, waits with the system.
    async fn next(&mut self, listener: &TcpListener) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
        if self.places.available_permits() == 0 && self.said.is_none_or(|said| said.elapsed() > SAID) {
            tracing::warn!(
                "{} connections are open, as many as `server.connections` allows; others wait",
                self.most
            );
            self.said = Some(Instant::now());
        }
        let place = loop {
            // Nobody closes them.
            let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
            if self.owed == 0 {
                break place;
            }
            place.forget();
            self.owed -= 1;
        };
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, Peer(peer.ip()), place)),
                Err(error) if gave_up(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection can be taken now; it is tried again");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Takes places away that are too many, as far as they are free.
    fn pay(&mut self) {
        let paid = self.places.forget_permits(self.owed as usize);
        self.owed -= u32::try_from(paid).unwrap_or(u32::MAX).min(self.owed);
    }
}

fn builder(head: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(head);
    builder
}

/// The client was gone before its connection was taken.
fn gave_up(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::ConnectionRefused | E::ConnectionAborted | E::ConnectionReset)
}

impl Each {
    async fn serve(&self, stream: TcpStream, peer: Peer) {
        let _open = self.traffic.connects();
        // An event of a stream goes out when it is there.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
        let asked = Arc::new(AtomicBool::new(false));
        let (seen, routes) = (Arc::clone(&asked), TowerToHyperService::new(self.routes.clone()));
        let service = service_fn(move |mut request: Request<Incoming>| {
            seen.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(peer);
            routes.call(request)
        });
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(stream), service));
        // Before its first bytes it is not known which HTTP a connection speaks, and no time-out of either holds.
        let mut silent = pin!(async {
            sleep(self.head).await;
            if asked.load(Ordering::Relaxed) {
                pending::<()>().await;
            }
        });
        tokio::select! {
            biased;
            ended = connection.as_mut() => return told(ended),
            () = silent.as_mut() => return,
            () = self.stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            ended = connection => told(ended),
            () = silent => {}
        }
    }
}

/// How a connection ends is its client's affair.
fn told<E: std::fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
