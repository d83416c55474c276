//! Ctrl-C and SIGTERM: the first asks the work to stop, the second ends the process at once. And what the service
//! manager is told, if one wants to know.

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that the first signal cancels. The listener lives as long as the runtime.
pub(crate) fn stop_token() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = token.clone();
    tokio::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        Manager.stopping();
        stop.cancel();
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        std::process::exit(130);
    });
    Ok(token)
}

/// Each SIGHUP from now on: one that comes while the program begins does not end it, and is heard when it has begun.
pub(crate) fn hangups() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// The service manager that started this process, if one did and named its socket in `NOTIFY_SOCKET`
/// (<https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manager;

impl Manager {
    /// It works, or works again.
    pub(crate) fn ready(self) {
        tell(&[NotifyState::Ready]);
    }

    /// It reads its configuration again.
    pub(crate) fn reloading(self) {
        let now = NotifyState::monotonic_usec_now();
        match now {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(_) => tell(&[NotifyState::Reloading]),
        }
    }

    /// It ends.
    fn stopping(self) {
        tell(&[NotifyState::Stopping]);
    }
}

/// A manager that cannot be told notices by itself.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told how the program is");
    }
}
