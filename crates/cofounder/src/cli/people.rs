//! The command line of people: the first owner, and those who come after.

use clap::{Args, Subcommand};
use cofounder_domain::Role;

use super::Page;

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The first owner's e-mail address; without it, a link is made by which the owner says it in the browser
    #[arg(long, value_name = "EMAIL", requires = "password_stdin")]
    pub(crate) email: Option<String>,
    /// What others call the owner (default: the address up to its @)
    #[arg(long, value_name = "NAME", requires = "email")]
    pub(crate) name: Option<String>,
    /// Read the owner's password from standard input
    #[arg(long, requires = "email")]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a person; without a password, print a link by which they choose one, alone on the last line
    Add {
        /// Their e-mail address
        email: String,
        /// owner, editor, writer or viewer
        #[arg(long, value_name = "ROLE")]
        role: Role,
        /// What others call them (default: the address up to its @)
        #[arg(long, value_name = "NAME", requires = "password_stdin")]
        name: Option<String>,
        /// Read their password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List people, the newest first
    List(Page),
    /// Print a link to a new password, alone on the last line
    Password {
        /// Their e-mail address
        email: String,
    },
    /// Change what a person is; all their sessions end
    Role {
        /// Their e-mail address
        email: String,
        /// owner, editor, writer or viewer
        role: Role,
    },
    /// Let a person sign in no more; all their sessions end
    Disable {
        /// Their e-mail address
        email: String,
    },
    /// Let a person sign in again
    Enable {
        /// Their e-mail address
        email: String,
    },
}
