//! A PostgreSQL server of the tests' own, made from the installed server's programs and gone with the test process.
#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "in a test a panic is how a failure is told; a server that starts may hold up its test"
)]

use std::{
    fs, io,
    io::Write,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a server may take to answer its first question.
const PATIENCE: Duration = Duration::from_secs(60);
/// Set by `.ci/run`: tests that need a server fail without one, instead of being skipped.
const REQUIRED: &str = "COFOUNDER_TEST_POSTGRES";

/// One server, with its data and its socket in a folder of its own.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    account: Option<(u32, u32)>,
    options: &'static str,
    keeper: Mutex<Option<Child>>,
}

/// What `shared` serves with: nothing of it has to outlive a loss of power.
const CARELESS: &str = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off";

static SHARED: LazyLock<Option<Cluster>> = LazyLock::new(|| Cluster::start(CARELESS));

/// A new, empty database on a server that all tests of this process share, as a URL. Without an installed server
/// there is none, which is said, unless that is forbidden.
///
/// # Panics
/// If a server is installed, or must be, and does not start.
#[must_use]
pub fn database() -> Option<String> {
    SHARED.as_ref().map(Cluster::database)
}

impl Cluster {
    /// Makes and starts a server; `options` are those of `postgres`.
    ///
    /// # Panics
    /// If a server is installed, or must be, and does not start.
    #[must_use]
    pub fn start(options: &'static str) -> Option<Self> {
        let Some(programs) = programs() else {
            let text = "no PostgreSQL server is installed (Debian: `apt-get install postgresql`)";
            assert!(std::env::var_os(REQUIRED).is_none(), "{text}, and {REQUIRED} forbids to go on without");
            say(&format!("skipped: {text}"));
            return None;
        };
        // The path of a socket may have about a hundred bytes.
        let made = Command::new("mktemp").args(["-d", "/tmp/cofounder-pg.XXXXXX"]).output();
        let made = String::from_utf8_lossy(&made.expect("a folder").stdout).trim().to_owned();
        let cluster =
            Self { programs, folder: made.into(), account: account(), options, keeper: Mutex::default() };
        cluster.prepare().expect("the server's folder can be made");
        cluster.resume();
        Some(cluster)
    }

    fn prepare(&self) -> io::Result<()> {
        if let Some((user, group)) = self.account {
            std::os::unix::fs::chown(&self.folder, Some(user), Some(group))?;
        }
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700))?;
        let mut init = self.program("initdb");
        init.args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--no-sync",
            "--no-instructions",
        ]);
        // Another order of letters than the one the program asks for, so that a forgotten `COLLATE` is seen.
        init.args(["--locale-provider=icu", "--icu-locale=en-US", "--locale=C", "-D"]).arg(self.data());
        let made = init.output()?;
        let told = String::from_utf8_lossy(&made.stderr).into_owned();
        if made.status.success() { Ok(()) } else { Err(io::Error::other(told)) }
    }

    /// Starts the server again after [`Cluster::stop`]. It ends when this process does: a shell that holds our pipe
    /// sees to it.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn resume(&self) {
        let script = format!(
            "\"$1\" -D \"$2\" -k \"$3\" -c listen_addresses= -c max_connections=200 {} >\"$3/log\" 2>&1 & server=$!
             read -r word; kill -QUIT $server; wait $server; [ \"$word\" = stop ] || rm -rf \"$3\"",
            self.options
        );
        let mut keeper = self.program_at(Path::new("/bin/sh"));
        keeper.args(["-c", &script, "keeper"]).arg(self.programs.join("postgres"));
        keeper.arg(self.data()).arg(&self.folder).stdin(Stdio::piped()).process_group(0);
        *self.keeper() = Some(keeper.spawn().expect("the server starts"));
        let patience = Instant::now() + PATIENCE;
        while self.ask("postgres", "SELECT 1").is_err() {
            assert!(Instant::now() < patience, "{:?}", fs::read_to_string(self.folder.join("log")));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops the server at once, as a crash would; its data stay.
    pub fn stop(&self) {
        if let Some(mut keeper) = self.keeper().take() {
            drop(keeper.stdin.take().map(|mut pipe| pipe.write_all(b"stop\n")));
            drop(keeper.wait());
        }
    }

    /// A new, empty database, as a URL.
    ///
    /// # Panics
    /// If the server does not make one.
    #[must_use]
    pub fn database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.ask("postgres", &format!("CREATE DATABASE {name}")).expect("a database");
        format!("postgres://postgres@localhost/{name}?host={}", self.folder.display())
    }

    /// Asks `psql`, and returns what it prints without any frame.
    ///
    /// # Errors
    /// What it said.
    pub fn ask(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-XAtq", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql, "-h"]);
        let done = psql.arg(&self.folder).output().map_err(|e| e.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn keeper(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn program(&self, name: &str) -> Command {
        self.program_at(&self.programs.join(name))
    }

    /// A program under the server's account: the server refuses to run as root.
    fn program_at(&self, path: &Path) -> Command {
        let mut command = Command::new(path);
        command.current_dir("/");
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper().take() {
            drop(keeper.stdin.take());
            drop(keeper.wait());
        }
    }
}

/// The folder of the newest installed server's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|v| Some((v.file_name().to_str()?.parse().ok()?, v.path().join("bin"))))
        .filter(|(_, path)| path.join("initdb").is_file())
        .collect();
    found.sort();
    let named = std::env::var_os("PATH").unwrap_or_default();
    let on_path = || std::env::split_paths(&named).find(|folder| folder.join("initdb").is_file());
    found.pop().map(|(_, path)| path).or_else(on_path)
}

/// The account that the server runs under if this process is root's: user and group.
fn account() -> Option<(u32, u32)> {
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout != b"0\n" {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    let line =
        ["postgres:", "nobody:"].iter().find_map(|name| accounts.lines().find(|l| l.starts_with(name)))?;
    let mut parts = line.split(':').skip(2).map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// Past the capture of the test harness, so that a skip is seen.
fn say(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
