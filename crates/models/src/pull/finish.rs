//! The last steps of every pull: a checked file becomes the model's.

use std::path::PathBuf;

use super::{
    Work,
    error::{Miss, PullError, storage},
};
use crate::{Installed, Origin, files, read_gguf};

/// Installs a file that lies in the model's folder and has the right checksum. It is removed if it is no model.
pub(super) async fn install(
    work: &Work<'_>,
    file: PathBuf,
    sha256: String,
    origin: Origin,
) -> Result<Installed, Miss> {
    let (registry, name, licence) = (work.registry.clone(), work.entry.name, work.entry.licence);
    blocking(move || {
        let header = match read_gguf(&file) {
            Ok(header) => header,
            Err(error) => {
                files::remove_file(&file).map_err(|error| Miss::Stop(storage(&file, error)))?;
                return Err(Miss::Wrong(PullError::Unusable { origin: origin.to_string(), error }));
            }
        };
        let installed = registry.install(name, &file, sha256, &header, Some(licence.to_owned()), origin);
        installed.map_err(|error| Miss::Stop(error.into()))
    })
    .await
}

/// Does work that reads or writes much on a thread that may wait for it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Miss> + Send + 'static,
) -> Result<T, Miss> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Miss::Silent(format!("a part of the work broke off: {error}"))),
    }
}
