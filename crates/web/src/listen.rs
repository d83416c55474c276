//! The listener, and how it ends: nothing new is taken, what runs has the grace time, then it is cut off.

use axum::serve::ListenerExt;
use std::{io, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Service, routes};

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
        let stopped = stop.clone().cancelled_owned();
        let serving = axum::serve(listener, routes(service)).with_graceful_shutdown(stopped).into_future();
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            served = serving => served,
            () = late => {
                tracing::warn!("requests that did not end within {} s are cut off", grace.as_secs_f64());
                Ok(())
            }
        }
    }
}
