//! Stand-ins for AWS that nobody of this project wrote, started for one test and ended with it.
//!
//! They run in the Python environment that `scripts/get-referees` makes. Where there is none a test says so and passes; with
//! `HERDSMAN_REQUIRE_REFEREES=1` it fails.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{ChildStderr, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

/// A Python server needs seconds to begin, and more on a busy machine.
const START: Duration = Duration::from_secs(120);

/// A process and all its children, gone when this is dropped.
pub struct Server(std::process::Child);

impl Server {
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        command.as_std_mut().process_group(0).spawn().map(Self)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.0.id()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        // Nothing of it may outlive the test.
        let _ = self.0.wait();
    }
}

/// The referees' Python; `None`, told loudly, where it has not been made.
pub fn python() -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/get-referees");
    let found = std::process::Command::new(script).arg("--if-there").stdin(Stdio::null()).output().unwrap();
    if !found.status.success() {
        return skip("there are no referees: run scripts/get-referees");
    }
    Some(Path::new(String::from_utf8(found.stdout).unwrap().trim()).join("bin/python"))
}

/// The system's Python with cloud-init in it; `None`, told loudly, where it is not installed.
pub fn python_with_cloud_init() -> Option<PathBuf> {
    let python = PathBuf::from("/usr/bin/python3");
    let tried = std::process::Command::new(&python).args(["-c", "import cloudinit.sources.DataSourceEc2"]).output();
    if tried.is_ok_and(|tried| tried.status.success()) {
        return Some(python);
    }
    skip("there is no cloud-init: apt-get install cloud-init")
}

fn skip<T>(why: &str) -> Option<T> {
    assert!(std::env::var_os("HERDSMAN_REQUIRE_REFEREES").is_none_or(|wanted| wanted != "1"), "{why}");
    eprintln!("SKIPPED: {why}");
    None
}

/// One of the programs in `tests/referees/`.
pub fn referee(python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/referees").join(name));
    // Its own files stay unwritten, and whatever is set up for this user stays out.
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env_remove("http_proxy").env_remove("HTTP_PROXY").stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs one of them to its end and reads the JSON that it prints last.
pub async fn ask_referee(python: &Path, name: &str, argument: &str) -> Value {
    let output = timeout(START, referee(python, name).arg(argument).output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("{name}: {said}\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// The first line that `wanted` makes something of.
async fn line<T>(output: impl AsyncRead + Unpin, wanted: impl Fn(&str) -> Option<T>) -> T {
    let mut lines = BufReader::new(output).lines();
    let found = async {
        loop {
            let line = lines.next_line().await.unwrap().expect("it ended before it was ready");
            if let Some(found) = wanted(&line) {
                return found;
            }
        }
    };
    timeout(START, found).await.expect("it was not ready in time")
}

/// moto, with the lifecycle of `tests/referees/moto_lifecycle.py`, and one group `web` with the hooks `boot` and `drain`.
pub struct Moto {
    _server: Server,
    pub autoscaling_url: String,
    pub group: String,
    pub region: String,
    control_url: String,
    http: reqwest::Client,
}

/// How moto's group is. Times are the group's seconds.
pub struct MotoOptions {
    /// So many of the group's seconds pass in one.
    pub time_scale: f64,
    /// How long the balancer takes to let go of an instance that serves.
    pub drain: f64,
    /// The hooks' heartbeat time-out: 30 to 7200.
    pub heartbeat: u32,
    pub user_data: String,
    /// What the instances' role may do, with commas between; then signatures and permissions are checked.
    pub allow: Option<String>,
}

impl Default for MotoOptions {
    fn default() -> Self {
        Self { time_scale: 1.0, drain: 0.0, heartbeat: 300, user_data: String::new(), allow: None }
    }
}

/// One of its instances.
pub struct MotoInstance {
    pub id: String,
    pub imds_url: String,
}

/// Starts moto; `None`, told loudly, without referees.
pub async fn start_moto(options: &MotoOptions) -> Option<Moto> {
    let mut command = referee(&python()?, "moto_group.py");
    command.args(["--time-scale", &options.time_scale.to_string(), "--drain", &options.drain.to_string()]);
    command.args(["--heartbeat", &options.heartbeat.to_string(), "--user-data", &options.user_data]);
    command.args(options.allow.iter().flat_map(|actions| ["--allow", actions]));
    command.arg("--until-stdin-ends").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = Server::spawn(&mut command).unwrap();
    let stdout = ChildStdout::from_std(server.0.stdout.take().unwrap()).unwrap();
    let ready = line(stdout, |line| serde_json::from_str::<Value>(line).ok()).await;
    let text = |name: &str| ready[name].as_str().unwrap().to_owned();
    Some(Moto {
        _server: server,
        autoscaling_url: text("autoscaling_url"),
        control_url: text("control_url"),
        group: text("group"),
        region: text("region"),
        http: plain_client(),
    })
}

impl Moto {
    /// One more instance.
    pub async fn launch(&self) -> MotoInstance {
        let launched = self.control(self.http.post(format!("{}/launch", self.control_url))).await;
        let text = |name: &str| launched[name].as_str().unwrap().to_owned();
        MotoInstance { id: text("id"), imds_url: text("imds_url") }
    }

    /// Scales an instance in.
    pub async fn terminate(&self, id: &str) {
        self.control(self.http.post(format!("{}/terminate/{id}", self.control_url))).await;
    }

    /// What the role may do from now on.
    pub async fn allow(&self, actions: &str) {
        self.control(self.http.post(format!("{}/allow/{actions}", self.control_url))).await;
    }

    /// Where the group has an instance; `None` once it has left.
    pub async fn state(&self, id: &str) -> Option<String> {
        let all = self.control(self.http.get(format!("{}/instances", self.control_url))).await;
        all[id]["state"].as_str().map(str::to_owned)
    }

    /// Waits until the group has another instance than this one.
    pub async fn await_another(&self, id: &str, within: Duration) {
        let deadline = Instant::now() + within;
        loop {
            let all = self.control(self.http.get(format!("{}/instances", self.control_url))).await;
            if all.as_object().unwrap().keys().any(|other| other != id) {
                return;
            }
            assert!(Instant::now() < deadline, "{id} was not replaced within {within:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What EC2 says of an instance: `running`, `terminated` …
    pub async fn ec2_state(&self, id: &str) -> String {
        let told = self.control(self.http.get(format!("{}/ec2/{id}", self.control_url))).await;
        told["state"].as_str().unwrap().to_owned()
    }

    /// Asks again and again until the instance is there; `None` stands for "it has left the group".
    pub async fn await_state(&self, id: &str, wanted: Option<&str>, within: Duration) {
        let deadline = Instant::now() + within;
        loop {
            let state = self.state(id).await;
            if state.as_deref() == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{id} is {state:?}, not {wanted:?} within {within:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the agent on this instance is started with.
    pub fn env_for(&self, instance: &MotoInstance) -> Vec<(String, String)> {
        [
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.imds_url.as_str()),
            ("AWS_ENDPOINT_URL_AUTO_SCALING", &self.autoscaling_url),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    async fn control(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }
}

/// ministack, whose IMDS wants version 2.
pub struct Ministack {
    _server: Server,
    _home: tempfile::TempDir,
    /// Kept open: what it writes must have somewhere to go.
    _stderr: ChildStderr,
    pub url: String,
}

/// Starts ministack; `None`, told loudly, without referees.
pub async fn start_ministack() -> Option<Ministack> {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(python()?);
    // Its own command would listen on every address.
    command.args(["-m", "hypercorn", "ministack.app:app", "--bind", "127.0.0.1:0"]);
    command.env("MINISTACK_IMDS_V2_REQUIRED", "1").env("MINISTACK_HOST", "127.0.0.1").env("HOME", home.path());
    command.current_dir(home.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut server = Server::spawn(&mut command).unwrap();
    let address =
        |line: &str| line.split_once("Running on ").map(|(_, rest)| rest.split_whitespace().next().unwrap().to_owned());
    let mut stderr = ChildStderr::from_std(server.0.stderr.take().unwrap()).unwrap();
    let url = line(&mut stderr, address).await;
    Some(Ministack { _server: server, _home: home, _stderr: stderr, url })
}

/// A client that knows nothing of AWS, and asks no proxy.
pub fn plain_client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(START).build().unwrap()
}
