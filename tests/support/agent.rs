//! The real agent under test: the binary in a directory of its own, asked over its socket and its `/health` like anybody would.
//!
//! `HERDSMAN_BIN` names the binary (the static release in `scripts/check`), else the one that cargo built is taken.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

#[path = "agent/http.rs"]
mod http;
#[path = "agent/processes.rs"]
mod processes;
#[path = "agent/repository.rs"]
mod repository;

use self::processes::kill_tagged;
pub use self::{http::*, processes::*, repository::*};

/// On two busy cores everything takes its time; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The binary under test.
pub fn herdsman() -> PathBuf {
    std::env::var_os("HERDSMAN_BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_herdsman")), PathBuf::from)
}

/// Waits until `found` is something, looking again and again, and fails with `what` after [`PATIENCE`].
pub async fn eventually<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found().await {
            return found;
        }
        assert!(Instant::now() < end, "never happened: {what}");
        sleep(Duration::from_millis(25)).await;
    }
}

/// How an agent is to be started, and the directories it is started on: they go with the last clone.
#[derive(Clone)]
pub struct Setup {
    dir: Arc<TempDir>,
    config: String,
    env: Vec<(String, String)>,
    arguments: Vec<String>,
    user: Option<String>,
    pub port: u16,
    pub health_port: u16,
}

impl Setup {
    /// A machine without a cloud. `[app] port` and `[health] listen` are set; the rest is for [`Setup::config`].
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("herdsman-test-").tempdir().unwrap();
        // The app's account must be able to reach its release.
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let (port, health_port) = (free_port(), free_port());
        Self {
            dir: Arc::new(dir),
            config: String::new(),
            env: Vec::new(),
            arguments: vec!["run".to_owned()],
            user: None,
            port,
            health_port,
        }
    }

    /// A directory of this test.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// More configuration, as dotted keys: `source.git = "…"`.
    pub fn config(mut self, line: impl AsRef<str>) -> Self {
        self.config.push_str(line.as_ref());
        self.config.push('\n');
        self
    }

    /// What to start instead of `herdsman run`.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self
    }

    /// Runs every command as this user, who gets the directories.
    pub fn user(mut self, name: &str) -> Self {
        // The binary may lie where only root gets.
        let copy = self.dir().join("herdsman");
        std::fs::copy(herdsman(), copy).unwrap();
        let user = account(name);
        std::os::unix::fs::chown(self.dir(), Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        self.user = Some(name.to_owned());
        self
    }

    /// A variable in the agent's environment.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Several.
    pub fn envs(mut self, more: Vec<(String, String)>) -> Self {
        self.env.extend(more);
        self
    }

    /// An app of these files, in a git repository made on the fly; the configuration's source.
    pub fn app(self, files: &[(&str, &str)]) -> Self {
        let repository = self.dir().join("app");
        git_repository(&repository, files);
        self.config(format!("source.git = \"file://{}\"", repository.display()))
    }

    /// A herdsman command on this machine.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match &self.user {
            None => Command::new(herdsman()),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={user}"), &format!("--regid={}", account(user).gid), "--clear-groups"]);
                command.arg(self.dir().join("herdsman"));
                command
            }
        };
        command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir()).env("HERDSMAN_STATE_DIR", self.dir().join("state"));
        command.env("HERDSMAN_RUN_DIR", self.dir().join("run")).env("HERDSMAN_CONFIG_DIR", self.dir().join("etc"));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Writes the configuration.
    pub fn write_config(&self) {
        let etc = self.dir().join("etc");
        std::fs::create_dir_all(&etc).unwrap();
        let (port, health) = (self.port, self.health_port);
        let fixed = format!("app.port = {port}\nhealth.listen = \"127.0.0.1:{health}\"\n");
        std::fs::write(etc.join("herdsman.toml"), format!("{fixed}{}", self.config)).unwrap();
    }

    /// Writes the configuration and starts `herdsman run`.
    pub fn start(self) -> Agent {
        self.write_config();
        self.start_as_configured()
    }

    /// Takes an agent that was started in another way for the one of this machine.
    pub fn adopt(self, child: Child) -> Agent {
        Agent { child, leave_workers: false, setup: self }
    }

    /// Starts the agent, once more perhaps, without touching its configuration.
    pub fn start_as_configured(self) -> Agent {
        let log = std::fs::File::options().create(true).append(true).open(self.dir().join("log")).unwrap();
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let mut command = self.command(&arguments);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Agent { child: command.spawn().unwrap(), leave_workers: false, setup: self }
    }
}

/// A running agent; killed with all its workers when dropped.
pub struct Agent {
    pub child: Child,
    pub setup: Setup,
    leave_workers: bool,
}

impl Agent {
    /// Kills the agent alone, as a crash would; its workers stay.
    pub async fn crash(mut self) -> Setup {
        self.child.kill().await.unwrap();
        self.leave_workers = true;
        self.setup.clone()
    }

    /// Stops the agent and gives its directories for another start.
    pub async fn stop_for_another(mut self) -> Setup {
        assert_eq!(self.stop().await, Some(0), "log:\n{}", self.log());
        self.setup.clone()
    }

    /// Everything it and its workers wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.setup.dir().join("log")).unwrap_or_default()
    }

    /// `status`, over the socket; `None` while it does not answer.
    pub async fn try_status(&self) -> Option<Value> {
        let stream = UnixStream::connect(self.setup.dir().join("run/control.sock")).await.ok()?;
        let (_, body) = get(stream, "/v1/status").await?;
        serde_json::from_str(&body).ok()
    }

    /// Waits for a status of which this holds.
    pub async fn await_status(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let status = self.try_status().await;
            match status {
                Some(status) if holds(&status) => return status,
                last => assert!(Instant::now() < end, "never {what}; last status {last:#?}\nlog:\n{}", self.log()),
            }
            sleep(Duration::from_millis(25)).await;
        }
    }

    /// Waits for a phase.
    pub async fn await_phase(&self, phase: &str) -> Value {
        self.await_status(phase, |status| {
            let lost = phase == "in-service" && status["phase"] == "failed" && status["release"].is_null();
            assert!(!lost, "failed on the way to {phase}: {status:#}\nlog:\n{}", self.log());
            status["phase"] == phase
        })
        .await
    }

    /// `/health`: its HTTP status and body; `None` while nothing answers.
    pub async fn health(&self) -> Option<(u16, Value)> {
        let stream = TcpStream::connect(("127.0.0.1", self.setup.health_port)).await.ok()?;
        let (status, body) = get(stream, "/health").await?;
        Some((status, serde_json::from_str(&body).ok()?))
    }

    /// A request to the app, on a new connection.
    pub async fn ask(&self, path: &str) -> Option<(u16, String)> {
        let stream = TcpStream::connect(("127.0.0.1", self.setup.port)).await.ok()?;
        get(stream, path).await
    }

    /// Waits for a line of the log with this in it.
    pub async fn await_log(&self, text: &str) -> String {
        let found = async || self.log().lines().find(|line| line.contains(text)).map(str::to_owned);
        eventually(&format!("{text:?} in the log:\n{}", self.log()), found).await
    }

    /// Sends the agent a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = self.child.id().expect("the agent runs");
        kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
    }

    /// Waits for its end, and gives its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("the agent does not end; log:\n{}", self.log())).unwrap().code()
    }

    /// SIGTERM, and waits for its end.
    pub async fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::SIGTERM);
        self.ended().await
    }

    /// The pids of the workers that run, by slot.
    pub async fn pids(&self) -> Vec<u32> {
        let status = self.try_status().await.unwrap_or_default();
        let workers = status["workers"].as_array().cloned().unwrap_or_default();
        workers.iter().filter_map(|worker| u32::try_from(worker["pid"].as_u64()?).ok()).collect()
    }

    /// Runs a herdsman command on the same machine to its end: exit code, standard output, standard error.
    pub async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        run(self.setup.command(arguments)).await
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Nothing of a failed test may live on and hold a port: whatever carries a tag of ours and this test's directory goes.
        let _ = self.child.start_kill();
        if self.leave_workers {
            return;
        }
        kill_tagged(self.setup.dir());
    }
}

fn account(name: &str) -> nix::unistd::User {
    nix::unistd::User::from_name(name).unwrap().unwrap()
}
