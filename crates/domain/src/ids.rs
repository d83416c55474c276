//! Identifiers. Each kind is its own type, so that a post's id cannot be passed where a task's is due.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

use crate::Timestamp;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uuid"))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id that sorts by its time of creation (UUID version 7, RFC 9562).
            #[must_use]
            pub fn new(now: Timestamp) -> Self {
                let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// A task: the durable unit of work for one brief.
    TaskId
);
uuid_id!(
    /// A run: one attempt at a task.
    RunId
);
uuid_id!(
    /// A post.
    PostId
);
uuid_id!(
    /// A token that a program shows.
    TokenId
);
uuid_id!(
    /// A person who signs in.
    PersonId
);
uuid_id!(
    /// A person's being signed in, in one browser.
    SessionId
);
uuid_id!(
    /// A model call, with all its attempts.
    CallId
);
uuid_id!(
    /// A site: what posts, budgets and people belong to.
    SiteId
);

impl SiteId {
    /// The site that exists from the first migration on.
    pub const DEFAULT: Self = Self(Uuid::nil());
}

/// A source: its content hash, shortened to its first 16 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(String);

impl SourceId {
    /// The id of the source whose bytes have this SHA-256 (64 hexadecimal digits).
    #[must_use]
    pub fn from_sha256(sha256: &str) -> Self {
        Self(sha256.chars().take(16).collect())
    }

    /// An id as a person typed it or a database kept it.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_round_trip_as_text() {
        let early = TaskId::new(Timestamp::from_timestamp_millis(1_000).unwrap());
        let late = TaskId::new(Timestamp::from_timestamp_millis(2_000).unwrap());
        assert!(early < late);
        assert_eq!(early.to_string().parse::<TaskId>().unwrap(), early);
        assert!("not-an-id".parse::<TaskId>().is_err());
    }
}
