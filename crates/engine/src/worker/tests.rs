//! How long a reader is waited for. Through a socket its pace cannot be told from that of the socket's buffer.

use std::time::Duration;
use tokio::{runtime::Runtime, sync::mpsc, time::sleep};

use super::Reader;
use crate::EngineError;

/// Tells pieces to a reader that takes one each time `pace` has passed; how many it took, and what came then.
fn told(pace: Duration, pieces: usize) -> (usize, Result<(), EngineError>) {
    let runtime = Runtime::new().unwrap();
    let (words, mut taken) = mpsc::channel(1);
    runtime.spawn(async move {
        loop {
            sleep(pace).await;
            if taken.recv().await.is_none() {
                return;
            }
        }
    });
    let mut reader =
        Reader { words: &words, runtime: runtime.handle(), patience: Duration::from_millis(400) };
    for piece in 0..pieces {
        if let Err(error) = reader.tell("word".to_owned()) {
            return (piece, Err(error));
        }
    }
    (pieces, Ok(()))
}

/// Tried by having as much patience again with each piece: all 150 were told.
#[test]
fn one_who_reads_a_little_now_and_then_is_given_up_too() {
    let (count, end) = told(Duration::from_millis(20), 150);
    assert!(matches!(end, Err(EngineError::Unread)), "{count} pieces: {end:?}");
    assert!((1..50).contains(&count), "{count}");
}

#[test]
fn one_who_is_gone_is_not_waited_for() {
    let runtime = Runtime::new().unwrap();
    let (words, taken) = mpsc::channel(1);
    let patience = Duration::from_secs(3600);
    let mut reader = Reader { words: &words, runtime: runtime.handle(), patience };
    reader.tell("kept".to_owned()).unwrap();
    runtime.spawn(async move {
        sleep(Duration::from_millis(50)).await;
        drop(taken);
    });
    assert!(matches!(reader.tell("waits".to_owned()), Err(EngineError::Cancelled)));
}
