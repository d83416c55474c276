//! What the API and the command line show, each as one type: the same words in `--json` and on the wire.

mod audit;
mod moment;
mod person;
mod post;
mod record;
mod step;
mod task;
mod token;

pub use audit::AuditItem;
pub use moment::Moment;
pub use person::{IdentityDocument, LinkDocument, PersonDocument, SessionItem};
pub use post::{PostDocument, PostItem, RevisionItem};
pub use record::{EffectItem, HistoryItem, JournalItem, NoteItem, RunItem, journal};
pub use step::{StepItem, Try};
pub use task::{Calls, TaskDocument, TaskItem};
pub use token::{IssuedToken, TokenDocument, TokenState};
