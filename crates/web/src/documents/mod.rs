//! What the API and the command line show, each as one type: the same words in `--json` and on the wire.

mod audit;
mod diff;
mod evidence;
mod models;
mod moment;
mod money;
mod person;
mod post;
mod record;
pub(crate) mod sample;
mod schedule;
mod setting;
mod step;
mod task;
mod taxonomy;
mod token;

pub use audit::AuditItem;
pub use diff::{DiffDocument, DiffLine, FieldChange, Hunk};
pub use evidence::{CheckItem, ClaimItem, PassageItem, SourceDocument, SourceItem};
pub use models::{ModelHealth, ModelItem, PassedOver, ProviderItem, RouteDocument};
pub use moment::Moment;
pub use money::{BudgetItem, CallItem, CostItem, SHOWN, everybodys};
pub use person::{IdentityDocument, LinkDocument, PersonDocument, SessionItem};
pub use post::{PostDocument, PostItem, RevisionDocument, RevisionItem};
pub use record::{DeliveryItem, EffectItem, FeedItem, HistoryItem, JournalItem, NoteItem, RunItem, journal};
pub(crate) use sample::{Sample, at};
pub use schedule::ScheduleDocument;
pub use setting::SettingItem;
pub(crate) use step::steps;
pub use step::{StepItem, Try};
pub use task::{Calls, TaskDocument, TaskItem};
pub use taxonomy::{CategoryDocument, TagItem};
pub use token::{IssuedToken, TokenDocument, TokenState};
