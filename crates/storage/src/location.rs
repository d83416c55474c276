//! Where the data are.

use std::{fmt, path::PathBuf, str::FromStr};

/// A database of one of the two kinds.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// A server's database, by its URL (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>).
    Postgres(String),
}

/// The text names no database that this program can use.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LocationError {
    /// It begins otherwise.
    #[error(
        "`{0}` names no database: write sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME, or leave --database-url out"
    )]
    Kind(String),
    /// It has a parameter that the driver would pass over, value and all.
    #[error("the database URL has a parameter `{0}` that means nothing. Known are {known}", known = PARAMETERS.join(", "))]
    Parameter(String),
    /// No path, or no server, follows.
    #[error(
        "the database URL says {0} and then nothing: write sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME"
    )]
    Empty(String),
}

/// What may stand behind the `?` of a PostgreSQL URL.
const PARAMETERS: [&str; 14] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "ssl-cert",
    "ssl-key",
    "user",
];

fn unknown_parameter(url: &str) -> Option<String> {
    let names = url.split_once('?')?.1.split('&').filter_map(|pair| pair.split('=').next());
    names.filter(|name| !name.is_empty()).find(|name| !PARAMETERS.contains(name)).map(str::to_owned)
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(url: &str) -> Result<Self, LocationError> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(LocationError::Kind(url.to_owned()));
        };
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let path = path.split('?').next().unwrap_or_default();
        match scheme {
            "sqlite" | "postgres" | "postgresql" if path.is_empty() => {
                Err(LocationError::Empty(scheme.to_owned()))
            }
            "sqlite" => Ok(Self::Sqlite(PathBuf::from(path))),
            "postgres" | "postgresql" => match unknown_parameter(url) {
                Some(name) => Err(LocationError::Parameter(name)),
                None => Ok(Self::Postgres(url.to_owned())),
            },
            // What follows may be a password.
            other => Err(LocationError::Kind(format!("{other}:…"))),
        }
    }
}

impl fmt::Display for Location {
    /// Without user, password and options.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => {
                let rest = url.split_once("://").map_or("", |(_, rest)| rest);
                let place = rest.split('?').next().unwrap_or_default();
                write!(f, "postgres://{}", place.rsplit_once('@').map_or(place, |(_, place)| place))
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_read_and_a_password_is_never_shown() {
        let file: Location = "sqlite:data/x.db?mode=rwc".parse().unwrap();
        assert_eq!(file, Location::Sqlite("data/x.db".into()));
        let server: Location =
            "postgresql://me:s3cr%40t@db.example:5433/site?sslmode=require".parse().unwrap();
        assert_eq!(
            format!("{server} {server:?}"),
            "postgres://db.example:5433/site Location(postgres://db.example:5433/site)"
        );
        let typo = "postgres://me@db/x?pasword=hush".parse::<Location>().unwrap_err().to_string();
        assert!(typo.contains("`pasword`") && !typo.contains("hush"), "{typo}");
        for wrong in ["sqlite:", "postgres://", "mysql://root:hush@db/x", "hush"] {
            let told = wrong.parse::<Location>().unwrap_err().to_string();
            assert!(told.contains("sqlite:PATH") && (wrong == "hush" || !told.contains("hush")), "{told}");
        }
    }
}
