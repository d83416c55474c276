//! `/api/v1/tags`: the words that posts share.

use axum::{Json as Answer, extract::State};
use cofounder_storage::Database;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Problem, Service,
    access::{Caller, Edit, Look},
    api::{
        extract::{Json, Named, Query},
        page::{Paged, Part},
    },
    documents::{Sample, TagItem},
};

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(rename))
}

/// List tags
///
/// By their letters, each with the number of its posts. A tag is there as long as a post has it.
#[utoipa::path(
    get, path = "/api/v1/tags", tag = "tags", params(Part), security(("token" = ["viewer"])),
    responses((status = 200, description = "A page of tags", body = Paged<TagItem>))
)]
pub(crate) async fn list(
    _caller: Caller<Look>,
    State(db): State<Arc<Database>>,
    Query(part): Query<Part>,
) -> Result<Answer<Paged<TagItem>>, Problem> {
    Ok(Answer(Paged::of(db.tags(part.limit()?, part.cursor()).await?)))
}

/// A tag's new name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(Self::sample))]
pub(crate) struct NewName {
    /// Kept in small letters; without a comma.
    #[schema(min_length = 1, max_length = 60)]
    tag: String,
}

/// Rename a tag
///
/// In every post that has it. If there is a tag of the new name, both become one. Revisions keep the tags that they had.
#[utoipa::path(
    patch, path = "/api/v1/tags/{tag}", tag = "tags", request_body = NewName, security(("token" = ["editor"])),
    params(("tag" = String, Path, description = "The tag as it is now")),
    responses((status = 200, description = "The tag that there is now", body = TagItem))
)]
pub(crate) async fn rename(
    caller: Caller<Edit>,
    State(db): State<Arc<Database>>,
    Named(tag): Named<String>,
    Json(new): Json<NewName>,
) -> Result<Answer<TagItem>, Problem> {
    Ok(Answer(db.by(&caller.act()).rename_tag(&tag, &new.tag).await?.into()))
}

impl Sample for NewName {
    fn sample() -> Self {
        Self { tag: TagItem::sample().tag }
    }
}
