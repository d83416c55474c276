//! `cofounder user`: people who may sign in.

use cofounder_auth::{Change, ChangeError, LinkError, MadeLink};
use cofounder_domain::{Email, Role, format_timestamp};
use cofounder_storage::{Act, Person};
use cofounder_web::{
    Place,
    documents::{LinkDocument, PersonDocument},
    link_path,
};
use secrecy::{ExposeSecret, SecretString};
use std::io::Read;

use crate::{app::App, cli::UserCommand, doors::Doors, failure::Failure, output};

/// The most bytes of a password that are read.
const LONGEST: u64 = 8 << 10;

pub(crate) async fn run(app: App, command: &UserCommand, as_json: bool) -> Result<(), Failure> {
    let doors = Doors::new(&app)?;
    match command {
        UserCommand::Add { email, role, name, password_stdin: true } => {
            let email = address(email)?;
            let person = add(&doors, &email, *role, name.as_deref(), &password()?).await?;
            let told =
                format!("{} is here, as {}; they sign in at {}", person.email, person.role, login(&app));
            shown(as_json, person, &told)
        }
        UserCommand::Add { email, role, .. } => {
            let made = doors.links.for_guest(&Act::OPERATOR, address(email)?, *role).await;
            link(&app, as_json, made.map_err(not_linked)?)
        }
        UserCommand::List(page) => {
            let found = app.db.people(page.limit, page.cursor.as_deref()).await?;
            let items: Vec<PersonDocument> = found.items.into_iter().map(Into::into).collect();
            output::page(as_json, &items, found.next_cursor.as_deref(), |person| {
                let state = if person.disabled_at.is_some() { "disabled" } else { "good" };
                vec![
                    person.id.to_string(),
                    person.email.clone(),
                    person.role.to_string(),
                    state.into(),
                    person.name.clone(),
                ]
            })
        }
        UserCommand::Password { email } => {
            let made = doors.links.for_password(&Act::OPERATOR, address(email)?).await;
            link(&app, as_json, made.map_err(not_linked)?)
        }
        UserCommand::Role { email, role } => {
            let change = Change { role: Some(*role), ..Change::default() };
            changed(&app, &doors, email, &change, as_json).await
        }
        UserCommand::Disable { email } => {
            let change = Change { disabled: Some(true), ..Change::default() };
            changed(&app, &doors, email, &change, as_json).await
        }
        UserCommand::Enable { email } => {
            let change = Change { disabled: Some(false), ..Change::default() };
            changed(&app, &doors, email, &change, as_json).await
        }
    }
}

/// Adds a person with a password.
pub(crate) async fn add(
    doors: &Doors,
    email: &Email,
    role: Role,
    name: Option<&str>,
    password: &SecretString,
) -> Result<Person, Failure> {
    let name = name.unwrap_or_else(|| email.as_str().split('@').next().unwrap_or_default());
    let added = doors.people.add(&Act::OPERATOR, email, name, role, password).await;
    added.map_err(|error| Failure::of(error.kind(), error))
}

pub(crate) fn address(typed: &str) -> Result<Email, Failure> {
    typed.parse().map_err(|error| Failure::usage(format!("`{typed}`: {error}. Nothing was changed")))
}

/// The first line of standard input.
pub(crate) fn password() -> Result<SecretString, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| Failure::usage(format!("no password could be read: {error}. Nothing was changed")))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::usage("no password came on standard input. Nothing was changed"));
    }
    Ok(SecretString::from(line))
}

/// Where browsers reach the server, by the configuration.
pub(crate) fn place(app: &App) -> Place {
    let server = &app.files.config.server;
    Place::new(server.public_url.clone(), server.bind)
}

fn login(app: &App) -> String {
    place(app).url("/login")
}

/// Prints a link, alone on the last line.
pub(crate) fn link(app: &App, as_json: bool, made: MadeLink) -> Result<(), Failure> {
    let address = place(app).url(&link_path(made.secret.expose_secret()));
    if as_json {
        return output::json(&LinkDocument::of(made.link, address));
    }
    let whom = made.link.email.as_ref().map_or("the first owner", Email::as_str);
    let until = format_timestamp(made.link.expires_at);
    eprintln!(
        "a link for {whom}, good once and until {until}, while `cofounder serve` runs. It is shown once:"
    );
    output::line(address)
}

pub(crate) fn not_linked(error: LinkError) -> Failure {
    Failure::of(error.kind(), error)
}

async fn changed(
    app: &App,
    doors: &Doors,
    email: &str,
    change: &Change,
    as_json: bool,
) -> Result<(), Failure> {
    let email = address(email)?;
    let found = app.db.credentials(&email).await?;
    let person = found.ok_or_else(|| {
        Failure::failed(format!(
            "there is nobody with the address {email}; `cofounder user list` shows who there is"
        ))
    })?;
    let changed = doors.people.change(&Act::OPERATOR, person.person.id, change, None).await;
    let (person, _) = changed.map_err(|error: ChangeError| Failure::of(error.kind(), error))?;
    let can = if person.disabled_at.is_some() { "cannot sign in" } else { "can sign in" };
    let told = format!("{} is {} and {can}", person.email, person.role);
    shown(as_json, person, &told)
}

fn shown(as_json: bool, person: Person, told: &str) -> Result<(), Failure> {
    if as_json { output::json(&PersonDocument::from(person)) } else { output::line(told) }
}
