//! Who asks, and what they may: tokens for programs, sessions for people.
//!
//! [`Tokens`] and [`Sessions`] tell of a secret that was shown whose it is: an [`Identity`]. [`People`] sign in with
//! passwords, or with an account at a provider ([`Elsewhere`]); [`Links`] make the first owner, invite, and give new passwords. Of a secret only its SHA-256 is kept, of a
//! password only what Argon2id makes of it: a copy of the database opens no door. Everything ends some day, and whoever
//! is not let in learns nothing of why, nor who is here. This crate knows who may do what, and nothing of requests,
//! headers, cookies or pages, nor of what is done: whoever has one of those asks here first.

mod cache;
mod elsewhere;
mod error;
mod grant;
mod identity;
mod lifetime;
mod links;
mod names;
mod order;
mod password;
mod people;
mod scope;
mod secret;
mod sessions;
mod throttle;
mod tokens;

pub use cofounder_domain::Role;
pub use elsewhere::{
    AWAY, Admission, Begun, Deadlines, Elsewhere, ElsewhereError, ElsewhereParts, Finished, Mistrust,
    Outcome, ProviderKind, ProviderSettings, ReturnTo, ReturnToError, Returned, SettingsError,
};
pub use error::{AuthError, Refusal};
pub use grant::{ACCESS_LIFETIME, GrantError, Granted, Grants};
pub use identity::{Identity, Who};
pub use lifetime::{DEFAULT_LIFETIME, LifetimeError, MAX_LIFETIME, parse_lifetime};
pub use links::{Guest, INVITATION_LIFETIME, LINK_LIFETIME, LinkError, Links, MadeLink};
pub use order::{Issued, MAX_NAME_CHARS, Order, OrderError};
pub use password::{MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS, PasswordError, PasswordSettings, Passwords};
pub use people::{AddError, Change, ChangeError, People, SignInError, Welcome};
pub use scope::{Scope, ScopeError};
pub use secret::{form_key, form_secret, is_form_key};
pub use sessions::{Opened, SessionError, SessionSettings, Sessions, Visitor};
pub use tokens::Tokens;
