//! `cofounder init`: a commented configuration, and the first owner.

use cofounder_domain::Role;
use cofounder_storage::Act;
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::user;
use crate::{
    app::{App, Files, own_config_file},
    cli::{Global, InitArgs},
    doors::Doors,
    failure::Failure,
    output,
};

const COMMENTED: &str = include_str!("../../assets/cofounder.toml");

pub(crate) async fn run(global: &Global, args: &InitArgs) -> Result<(), Failure> {
    // Read first: what is wrong with it leaves nothing half-done.
    let owner = match args.email.as_deref() {
        Some(email) => Some((user::address(email)?, user::password()?)),
        None => None,
    };
    let file = file(global)?;
    match write(&file)? {
        true => eprintln!("{} is written; every key stands in it with its default", file.display()),
        false => eprintln!("{} is there already and stays as it is", file.display()),
    }
    let global = Global { config: Some(file), ..global.clone() };
    let app = App::open(Files::find(&global)?).await?;
    eprintln!("data is kept in {}", app.files.database);
    let doors = Doors::new(&app)?;
    if app.db.has_owner().await? {
        eprintln!("there is an owner already, who can invite others");
        return if owner.is_none() { Ok(()) } else { Err(owned()) };
    }
    match owner {
        Some((email, password)) => {
            let name = args.name.as_deref();
            let person = user::add(&doors, &email, Role::Owner, name, &password).await?;
            output::line(format!(
                "{} is the owner. Start `cofounder serve`, and sign in at {}",
                person.email,
                user::place(&app).url("/login")
            ))
        }
        None => {
            let made = doors.links.for_owner(&Act::OPERATOR).await.map_err(user::not_linked)?;
            user::link(&app, global.json, made)
        }
    }
}

fn owned() -> Failure {
    Failure::failed("nobody was added: `cofounder user add EMAIL --role owner` adds another owner")
}

/// The file that is named, the one that is used, or the one in the user's own folder.
fn file(global: &Global) -> Result<PathBuf, Failure> {
    let here = || Some(PathBuf::from("cofounder.toml")).filter(|file| file.is_file());
    let file = global.config.clone().or_else(here).or_else(own_config_file);
    file.ok_or_else(|| Failure::usage("no configuration folder is known. Name a file with --config"))
}

/// Writes the file if there is none; tells whether it did. Only its owner reads it: keys may come to stand in it.
fn write(file: &Path) -> Result<bool, Failure> {
    let told = |error: std::io::Error| {
        Failure::failed(format!(
            "{} cannot be written: {error}. Nothing was changed; name another file with --config",
            file.display()
        ))
    };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(told)?;
    }
    let mut made = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(made) => made,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(told(error)),
    };
    made.write_all(COMMENTED.as_bytes()).and_then(|()| made.sync_all()).map_err(told)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_is_commented_out_is_known_too() {
        Config::of(COMMENTED, None, std::iter::empty()).unwrap();
        let line = |line: &str| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => rest.to_owned(),
            _ => line.to_owned(),
        };
        let all: Vec<String> = COMMENTED.lines().map(line).collect();
        Config::of(&all.join("\n"), None, std::iter::empty()).unwrap();
    }
}
