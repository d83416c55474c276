//! Who owns a run: a process, known by a lock file that the system lets go of when the process ends.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// The file that names a folder of lock files: two data directories, on one machine or two, are told apart by it.
const FOLDER: &str = "folder.id";

/// This process, as an owner of runs. As long as it lives, its lock file is locked.
#[derive(Debug)]
pub struct Owner {
    id: String,
    folder_id: String,
    folder: PathBuf,
    file: PathBuf,
    _lock: File,
}

impl Owner {
    /// Locks a new file in `folder`, and removes those that ended processes left there.
    ///
    /// # Errors
    /// What the system said if the folder cannot be written.
    pub fn new(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "lock") && is_free(&path) {
                // Another process may do the same at this moment.
                drop(fs::remove_file(path));
            }
        }
        let (folder_id, own) = (folder_id(folder)?, Uuid::new_v4().simple().to_string());
        // Locked before it has the name that others look for, so that it is never seen unlocked.
        let (unnamed, file) = (folder.join(format!("{own}.new")), folder.join(format!("{own}.lock")));
        let lock = File::create_new(&unnamed)?;
        lock.lock()?;
        fs::rename(unnamed, &file)?;
        let host = rustix::system::uname().nodename().to_string_lossy().replace(':', "-");
        let id = format!("{host}:{}:{folder_id}:{own}", std::process::id());
        Ok(Self { id, folder_id, folder: folder.to_owned(), file, _lock: lock })
    }

    /// Its name in the database: host, process, folder of lock files, and a number of its own, divided by colons.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether another owner's process is known to have ended: its file in this folder is gone or not locked. Of an
    /// owner whose file would lie elsewhere nothing is known; its lease tells.
    #[must_use]
    pub fn is_gone(&self, owner: &str) -> bool {
        let mut parts = owner.rsplit(':');
        let own = parts.next().unwrap_or_default();
        let here = parts.next().is_none_or(|folder| folder == self.folder_id);
        owner != self.id && here && is_free(&self.folder.join(format!("{own}.lock")))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A file that stays behind is removed by the next owner.
        drop(fs::remove_file(&self.file));
    }
}

/// An owner as a person reads it: its host and its process.
#[must_use]
pub fn owner_name(owner: &str) -> String {
    owner.splitn(3, ':').take(2).collect::<Vec<_>>().join(":")
}

fn folder_id(folder: &Path) -> io::Result<String> {
    let file = folder.join(FOLDER);
    let made = Uuid::new_v4().simple().to_string();
    // Complete before it has its name, so that nobody reads half of it; the first of several names wins.
    let unnamed = folder.join(format!("{made}.id.new"));
    File::create_new(&unnamed)?.write_all(made.as_bytes())?;
    let linked = fs::hard_link(&unnamed, &file);
    fs::remove_file(&unnamed)?;
    match linked {
        Ok(()) => Ok(made),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::read_to_string(&file).map(|id| id.trim().to_owned())
        }
        Err(error) => Err(error),
    }
}

fn is_free(path: &Path) -> bool {
    match File::open(path) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(file) => !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
    }
}

/// The time since this machine started, sleep included, in milliseconds, and the name of that start. Leases on
/// one machine are judged by it: nobody can set it back.
#[must_use]
pub fn boot_clock() -> (i64, String) {
    #[cfg(target_os = "linux")]
    let id = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let id = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(id);
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    (now.tv_sec * 1000 + now.tv_nsec / 1_000_000, boot.trim().to_owned())
}
