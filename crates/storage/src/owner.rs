//! Who owns a run: a process, known by a lock file that the system lets go of when the process ends.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// This process, as an owner of runs. As long as it lives, its lock file is locked.
#[derive(Debug)]
pub struct Owner {
    id: String,
    folder: PathBuf,
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
        let id = Uuid::new_v4().simple().to_string();
        // Locked before it has the name that others look for, so that it is never seen unlocked.
        let unnamed = folder.join(format!("{id}.new"));
        let lock = File::create_new(&unnamed)?;
        lock.lock()?;
        fs::rename(unnamed, folder.join(format!("{id}.lock")))?;
        Ok(Self { id, folder: folder.to_owned(), _lock: lock })
    }

    /// Its name in the database.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether another owner's process has ended: its file is gone or not locked.
    #[must_use]
    pub fn is_gone(&self, owner: &str) -> bool {
        owner != self.id && is_free(&self.folder.join(format!("{owner}.lock")))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A file that stays behind is removed by the next owner.
        drop(fs::remove_file(self.folder.join(format!("{}.lock", self.id))));
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
