//! The listener, and how it ends: nothing new is taken, what runs has the grace time, then it is
//! stopped and says so to its client.

use axum::extract::FromRef;
use cofounder_metering::Meter;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

use crate::{Service, connections::Connections, routes};

/// How long calls that are stopped may take to say so to their clients.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Limits of the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenSettings {
    /// How long the head of a request may take to come, and how long a connection is kept that is idle between two.
    pub head: Duration,
    /// Connections that may be open at the same time; further ones wait until one ends.
    pub connections: u32,
    /// How long requests may go on when the listener is told to stop.
    pub grace: Duration,
}

impl Default for ListenSettings {
    /// 30 s for a head, 4,096 connections, 20 s to end.
    fn default() -> Self {
        Self { head: Duration::from_secs(30), connections: 4_096, grace: Duration::from_secs(20) }
    }
}

/// An open listener.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Opens the listener. Connections wait until [`Listening::serve`].
///
/// # Errors
/// What the system said.
pub async fn listen(bind: SocketAddr) -> io::Result<Listening> {
    let listener = TcpListener::bind(bind).await?;
    let address = listener.local_addr()?;
    Ok(Listening { listener, address })
}

impl Listening {
    /// Serves within these limits, which may change, until `stop`, and then until everything that runs has ended, for at most the grace time.
    pub async fn serve(
        self,
        service: Service,
        settings: watch::Receiver<ListenSettings>,
        stop: CancellationToken,
    ) {
        let (meter, traffic) = (Arc::<Meter>::from_ref(&service), service.traffic().clone());
        let serving =
            Connections::new(routes(service), settings.clone(), stop.clone(), traffic).serve(self.listener);
        let late = async {
            stop.cancelled().await;
            let grace = settings.borrow().grace;
            tokio::time::sleep(grace).await;
            tracing::warn!("calls that did not end within {} s are stopped", grace.as_secs_f64());
            meter.stop_calls();
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            () = serving => {}
            () = late => tracing::warn!("clients that do not take the end of their answers are cut off"),
        }
    }
}
