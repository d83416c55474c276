//! What a token may, and a person by their role.

use cofounder_domain::Role;
use serde::Serialize;
use std::{fmt, str::FromStr};

/// A right, and all that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything.
    Admin,
    /// Approving and publishing, and what a writer may.
    Editor,
    /// Asking for tasks and changing drafts, and what a viewer may.
    Writer,
    /// Looking.
    Viewer,
    /// Calling models through the gateway, and nothing else.
    Gateway,
}

/// The text names no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope. Known are {known}", known = Scope::ALL.map(Scope::as_str).join(", "))]
pub struct ScopeError(String);

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Admin, Self::Editor, Self::Writer, Self::Viewer, Self::Gateway];

    /// Whether whoever has this scope may do what needs `needed`.
    #[must_use]
    pub const fn allows(self, needed: Self) -> bool {
        match self {
            Self::Admin => true,
            Self::Editor => matches!(needed, Self::Editor | Self::Writer | Self::Viewer),
            Self::Writer => matches!(needed, Self::Writer | Self::Viewer),
            Self::Viewer => matches!(needed, Self::Viewer),
            Self::Gateway => matches!(needed, Self::Gateway),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Writer => "writer",
            Self::Viewer => "viewer",
            Self::Gateway => "gateway",
        }
    }
}

impl From<Role> for Scope {
    /// What a person of this role may. Calling models through the gateway is the owner's alone, since it spends money that
    /// no task accounts for; programs get tokens for it.
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Admin,
            Role::Editor => Self::Editor,
            Role::Writer => Self::Writer,
            Role::Viewer => Self::Viewer,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        known.ok_or_else(|| ScopeError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tried by letting a writer do what an editor may: the test failed.
    #[test]
    fn each_scope_allows_itself_and_what_is_below_it_and_the_gateway_stands_apart() {
        let table = [
            (Scope::Admin, [true, true, true, true, true]),
            (Scope::Editor, [false, true, true, true, false]),
            (Scope::Writer, [false, false, true, true, false]),
            (Scope::Viewer, [false, false, false, true, false]),
            (Scope::Gateway, [false, false, false, false, true]),
        ];
        for (scope, allowed) in table {
            assert_eq!(Scope::ALL.map(|needed| scope.allows(needed)), allowed, "{scope}");
        }
    }

    #[test]
    fn a_role_gives_no_more_than_the_scope_of_its_name() {
        let scopes = [Scope::Admin, Scope::Editor, Scope::Writer, Scope::Viewer];
        assert_eq!(Role::ALL.map(Scope::from), scopes);
        for role in [Role::Editor, Role::Writer, Role::Viewer] {
            assert!(!Scope::from(role).allows(Scope::Admin) && !Scope::from(role).allows(Scope::Gateway));
        }
    }

    #[test]
    fn names_are_read_back_and_others_are_told_what_is_known() {
        for scope in Scope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for wrong in ["", "Admin", "admin ", "root"] {
            let told = wrong.parse::<Scope>().unwrap_err().to_string();
            assert!(told.contains("admin, editor, writer, viewer, gateway"), "{told}");
        }
    }
}
