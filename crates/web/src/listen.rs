//! The listener, and how it ends: nothing new is taken, what runs has the grace time, then it is
//! stopped and says so to its client.

use axum::{extract::FromRef, serve::ListenerExt};
use cofounder_metering::Meter;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Service, routes};

/// How long calls that are stopped may take to say so to their clients.
const LAST_WORDS: Duration = Duration::from_secs(2);

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
    /// Serves until `stop`, and then until everything that runs has ended, for at most `grace`.
    ///
    /// # Errors
    /// What the system said.
    pub async fn serve(self, service: Service, stop: CancellationToken, grace: Duration) -> io::Result<()> {
        let listener = self.listener.tap_io(|stream| {
            // An event of a stream goes out when it is there.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps its delay");
            }
        });
        let meter = Arc::<Meter>::from_ref(&service);
        let stopped = stop.clone().cancelled_owned();
        let serving = axum::serve(listener, routes(service)).with_graceful_shutdown(stopped).into_future();
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(grace).await;
            tracing::warn!("calls that did not end within {} s are stopped", grace.as_secs_f64());
            meter.stop_calls();
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            served = serving => served,
            () = late => {
                tracing::warn!("clients that do not take the end of their answers are cut off");
                Ok(())
            }
        }
    }
}
