//! What the API and the command line show, each as one type: the same words in `--json` and on the wire.

mod moment;
mod post;
mod task;

pub use moment::Moment;
pub use post::{PostDocument, PostItem, RevisionItem};
pub use task::{
    Calls, EffectItem, HistoryItem, JournalItem, RunItem, StepItem, TaskDocument, TaskItem, Try, journal,
};
