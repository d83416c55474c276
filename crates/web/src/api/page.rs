//! Lists, a page at a time.

use cofounder_storage::Page;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::invalid;
use crate::{Problem, documents::Sample};

/// Items of a page if nobody says otherwise.
const USUAL: u64 = 50;
/// Items of a page at the most.
const MOST: u64 = 200;

/// How many items a page has that was asked for like this.
pub(crate) fn limit(asked: Option<u64>) -> Result<u64, Problem> {
    match asked {
        None => Ok(USUAL),
        Some(limit @ 1..=MOST) => Ok(limit),
        Some(limit) => Err(invalid(format!("`limit` is {limit}; a page has 1 to {MOST} items"))),
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// How many items, 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
    /// Where the page begins: `next_cursor` of the page before it.
    cursor: Option<String>,
}

impl Part {
    pub(crate) fn limit(&self) -> Result<u64, Problem> {
        limit(self.limit)
    }

    pub(crate) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
}

/// A page of what is read whole and never changes its order; a cursor is the number of items before the page.
pub(crate) fn cut<T>(items: Vec<T>, part: &Part) -> Result<Page<T>, Problem> {
    let limit = usize::try_from(part.limit()?).unwrap_or(usize::MAX);
    let from = match part.cursor() {
        None => 0,
        Some(text) => {
            text.parse::<usize>().map_err(|_| invalid(format!("`{text}` is no cursor of this list")))?
        }
    };
    let end = from.saturating_add(limit);
    let next_cursor = (end < items.len()).then(|| end.to_string());
    Ok(Page { items: items.into_iter().skip(from).take(limit).collect(), next_cursor })
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(examples(Self::sample))]
pub(crate) struct Paged<T: Sample> {
    /// The page.
    pub(crate) items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub(crate) next_cursor: Option<String>,
}

impl<T: Sample> Sample for Paged<T> {
    /// The last page.
    fn sample() -> Self {
        Self { items: vec![T::sample()], next_cursor: None }
    }
}

impl<T: Sample> Paged<T> {
    pub(crate) fn of<F: Into<T>>(page: Page<F>) -> Self {
        Self::with(page, Into::into)
    }

    pub(crate) fn with<F>(page: Page<F>, shown: impl FnMut(F) -> T) -> Self {
        Self { items: page.items.into_iter().map(shown).collect(), next_cursor: page.next_cursor }
    }
}
