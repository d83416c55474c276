//! What the API and the command line show, each as one type: the same words in `--json` and on the wire.

mod moment;
mod post;
mod record;
mod step;
mod task;

pub use moment::Moment;
pub use post::{PostDocument, PostItem, RevisionItem};
pub use record::{EffectItem, HistoryItem, JournalItem, NoteItem, RunItem, journal};
pub use step::{StepItem, Try};
pub use task::{Calls, TaskDocument, TaskItem};
