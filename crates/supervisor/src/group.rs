//! A child and everything it starts, as one process group.

use rustix::process::{Pid, Signal, kill_process_group};
use std::time::Duration;
use tokio::{
    process::{Child, ChildStdin, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use crate::Exit;

/// How long output may still come after the child ended: something that left its group may hold the pipe.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running child. Dropping it ends its whole group at once; the task that waits for it reaps it.
#[derive(Debug)]
pub(crate) struct Group {
    pid: Pid,
    stdin: Option<ChildStdin>,
    exit: watch::Receiver<Option<Exit>>,
    /// Waits for the child, so that it never stays a zombie. Ends with the child.
    waiter: JoinHandle<()>,
}

/// Prepares a command to run in a group of its own.
pub(crate) fn prepare(command: &mut Command) -> &mut Command {
    command.process_group(0).kill_on_drop(true)
}

impl Group {
    /// Takes over a child that was started in a group of its own. `output` reads what it writes.
    pub(crate) fn adopt(mut child: Child, output: JoinHandle<()>) -> std::io::Result<Self> {
        let gone = || std::io::Error::other("the child was gone before it could be looked after");
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or_else(gone)?;
        let stdin = child.stdin.take();
        let (tell, exit) = watch::channel(None);
        let waiter = tokio::spawn(async move {
            let ended = child.wait().await.map(Exit::from).unwrap_or_default();
            // What it started and left behind goes with it. The group's number cannot belong to anybody else
            // as long as one process is left in it.
            signal(pid, Signal::KILL);
            let stop = output.abort_handle();
            if timeout(LAST_WORDS, output).await.is_err() {
                stop.abort();
            }
            tell.send_replace(Some(ended));
        });
        Ok(Self { pid, stdin, exit, waiter })
    }

    pub(crate) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for its end. Can be dropped and called again.
    pub(crate) async fn wait(&self) -> Exit {
        let mut exit = self.exit.clone();
        exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or_default()
    }

    /// Ends all of it at once. Returns when it is reaped; can be dropped and called again.
    pub(crate) async fn kill(&self) -> Exit {
        if self.ended().is_none() {
            signal(self.pid, Signal::KILL);
        }
        self.wait().await
    }

    /// Closes its standard input and asks it to end; after `grace` it is made to. Returns when it is reaped.
    pub(crate) async fn stop(mut self, grace: Duration) -> Exit {
        self.stdin.take();
        if self.ended().is_none() {
            signal(self.pid, Signal::TERM);
            if timeout(grace, self.wait()).await.is_err() {
                signal(self.pid, Signal::KILL);
            }
        }
        let exit = self.wait().await;
        // The waiter has told the ending, which is the last thing it does: nothing can be left to fail.
        drop((&mut self.waiter).await);
        exit
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.ended().is_none() {
            signal(self.pid, Signal::KILL);
        }
    }
}

/// Sends a signal to all of a group. That nobody is left in it is no failure.
fn signal(group: Pid, signal: Signal) {
    let _nobody_left = kill_process_group(group, signal);
}
