//! A place to run the program in: an empty home, a data directory, sources, a configuration, and a fake provider.

use cofounder_testkit::{
    postgres,
    provider::{FakeProvider, Reply},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::story;

/// No command of these tests takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(180);

/// Everything that one test needs; gone when it is dropped.
pub(crate) struct Workbench {
    folder: TempDir,
    database: Option<String>,
    pub(crate) provider: FakeProvider,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    /// None if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workbench {
    /// With a provider that writes well and costs nothing, and the story's sources in `sources/`.
    pub(crate) async fn new() -> Self {
        let provider = FakeProvider::start().await.unwrap();
        provider.script(story::able_writer());
        let bench = Self { folder: TempDir::new().unwrap(), database: None, provider };
        for folder in ["home", "data", "models", "sources", "work"] {
            fs::create_dir(bench.path(folder)).unwrap();
        }
        story::write_sources(&bench.path("sources"));
        bench.configure("price = { input = 0.0, output = 0.0 }\n");
        bench
    }

    /// The same on a PostgreSQL database that is up to date; none if no server is installed.
    pub(crate) async fn postgres() -> Option<Self> {
        Some(Self::on(postgres::database()?).await)
    }

    /// The same on this PostgreSQL database, which it brings up to date.
    pub(crate) async fn on(database: String) -> Self {
        let bench = Self { database: Some(database), ..Self::new().await };
        assert_eq!(bench.run(&["migrate"]).await.code, Some(0));
        bench
    }

    /// Statements behind the program's back.
    pub(crate) async fn raw(&self, text: &str) {
        let raw = sea_orm::Database::connect(self.database_url()).await.unwrap();
        sea_orm::ConnectionTrait::execute_unprepared(&raw, text).await.unwrap();
        raw.close().await.unwrap();
    }

    /// The database's URL, as drivers read it.
    pub(crate) fn database_url(&self) -> String {
        let file = || format!("sqlite://{}", self.path("data").join("cofounder.db").display());
        self.database.clone().unwrap_or_else(file)
    }

    /// Writes the configuration anew: `price`, then `more`, go below the model `acme/large`.
    pub(crate) fn configure(&self, more: &str) {
        let url = self.provider.url();
        let text = format!(
            "[router]\nprefer = [\"acme\"]\nallow_paid = true\n[provider.acme]\ndialect = \"openai\"\nbase_url = \"{url}\"\n\
             [provider.acme.model.large]\ncontext = 32768\n{more}"
        );
        self.write("cofounder.toml", text);
    }

    /// Writes another chain into the configuration.
    pub(crate) fn prefer(&self, chain: &[&str]) {
        let text = fs::read_to_string(self.path("cofounder.toml")).unwrap();
        let text = text.replacen("prefer = [\"acme\"]", &format!("prefer = {chain:?}"), 1);
        self.write("cofounder.toml", text);
    }

    pub(crate) fn has_server(&self) -> bool {
        self.database.is_some()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and returns its path, as an argument.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.shown(name)
    }

    pub(crate) fn shown(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The binary in a clean environment, with the configuration.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command.arg("--config").arg(self.path("cofounder.toml"));
        command
    }

    /// The binary in a clean environment, without a configuration.
    pub(crate) fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cofounder"));
        command.args(args).env_clear().current_dir(self.path("work"));
        for (name, folder) in
            [("HOME", "home"), ("COFOUNDER_DATA_DIR", "data"), ("COFOUNDER_MODEL_DIR", "models")]
        {
            command.env(name, self.path(folder));
        }
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        if let Some(url) = &self.database {
            command.env("COFOUNDER_DATABASE_URL", url);
        }
        for switch in ["OLLAMA__DISCOVER", "HUB__ENABLED", "HUB__PIP"] {
            command.env(format!("COFOUNDER_{switch}"), "false");
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs the program with the configuration.
    pub(crate) async fn run(&self, args: &[&str]) -> Done {
        finish(self.command(args)).await
    }

    /// Runs it with `--json` and reads what it printed; it must have gone well.
    pub(crate) async fn json(&self, args: &[&str]) -> Value {
        let mut command = self.command(args);
        command.arg("--json");
        finish(command).await.json()
    }

    /// The arguments that write the story's article into `out/`.
    pub(crate) fn writing(&self) -> Vec<String> {
        let out = self.shown("out");
        let sources = self.shown("sources");
        ["write", story::TOPIC, "--source", &sources, "--words", "120", "--out", &out]
            .map(str::to_owned)
            .to_vec()
    }

    /// Writes the story's article and returns the result.
    pub(crate) async fn written(&self) -> Value {
        let args = self.writing();
        self.json(&strs(&args)).await
    }

    /// Every task, as `task list` prints them.
    pub(crate) async fn tasks(&self) -> Vec<Value> {
        self.json(&["task", "list"]).await["items"].as_array().unwrap().clone()
    }

    /// Names in `out/`; none if it is not there.
    pub(crate) fn left(&self) -> Vec<String> {
        names(&self.path("out"))
    }

    /// The user messages of every chat that was asked for, in order.
    pub(crate) fn prompts(&self) -> Vec<String> {
        self.provider.seen().iter().map(|seen| story::prompt(&seen.body)).collect()
    }

    /// Waits until the provider has been asked for so many chats and holds one open.
    pub(crate) async fn hanging(&self, calls: usize) {
        let waited = async {
            while self.provider.calls() < calls || self.provider.open() == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waited).await.expect("the program did not ask");
    }

    /// From the `nth` section on (from 1) the provider never answers.
    pub(crate) fn hang_at_section(&self, nth: usize) {
        let mut writer = story::able_writer();
        let mut sections = 0;
        self.provider.script(move |body| {
            sections += usize::from(story::prompt(body).contains("Write section"));
            if sections >= nth { Reply::Hang } else { writer(body) }
        });
    }
}

/// Starts the program and lets it run.
pub(crate) fn start(bench: &Workbench, args: &[&str]) -> Child {
    bench.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal to a program that was started.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Waits for its end.
pub(crate) async fn ended(child: Child) -> Done {
    let waited = tokio::time::timeout(Duration::from_secs(120), child.wait_with_output());
    let output = waited.await.expect("the program hangs").unwrap();
    Done {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// How often each call was asked for, by its idempotency key.
pub(crate) fn asked(bench: &Workbench) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for seen in bench.provider.seen().iter().filter(|s| s.path.ends_with("/chat/completions")) {
        *counts.entry(seen.headers["idempotency-key"].clone()).or_default() += 1;
    }
    counts
}

/// Runs a command to its end.
pub(crate) async fn finish(mut command: Command) -> Done {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("the program hangs").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints UTF-8");
    Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Done {
    /// What was printed, as JSON; the command must have gone well.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:#?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }

    /// It must have ended with this code, printed nothing as a result, and said all of these on standard error.
    pub(crate) fn refused(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert_eq!(self.stdout, "", "no result: {self:#?}");
        for part in said {
            assert!(self.stderr.contains(part), "`{part}` is not said: {self:#?}");
        }
        for noise in ["panicked", "RUST_BACKTRACE", "Os {", "Some(", "Err("] {
            assert!(!self.stderr.contains(noise), "`{noise}` is no message for a person: {self:#?}");
        }
    }
}

/// Names in a folder, sorted; none if it is not there.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Arguments as a command takes them.
pub(crate) fn strs(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}
