//! `cofounder engine`: a local model in this process. The other commands start it as their child.

use crate::{cli::EngineCommand, failure::Failure};

pub(crate) fn run(command: &EngineCommand) -> Result<(), Failure> {
    let EngineCommand::Text { model, name, socket, context } = command;
    let mut options = cofounder_engine::ServeOptions::new(model.clone(), socket.clone());
    options.name.clone_from(name);
    options.context = *context;
    cofounder_engine::serve_blocking(&options).map_err(Failure::failed)
}
