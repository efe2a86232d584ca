//! Workers on a port, and clients.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use herdsman::decide::ids::Slot;
use herdsman::decide::steering::Seat;
use herdsman::ports::{PortEvent, PortKeeper};
use herdsman::process::{Account, Exit, Launch, Line, Output, Process, ProcessTag, Tail};
use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// Long enough for two busy cores.
pub const SOON: Duration = Duration::from_secs(60);

/// Waits for what has to happen.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(SOON, future).await.unwrap_or_else(|_| panic!("not within {SOON:?}: {what}"))
}

/// A port that is free for TCP on all addresses, outside of the range that connections take theirs from.
pub fn free_port(among: std::ops::Range<u16>) -> u16 {
    loop {
        let port = fastrand::u16(among.clone());
        let free = |ip: &str| TcpListener::bind(format!("{ip}:{port}")).is_ok();
        if free("0.0.0.0") && free("[::]") {
            return port;
        }
    }
}

/// A program under test.
#[derive(Clone)]
pub struct Program {
    pub argv: Vec<OsString>,
    pub env: Vec<(&'static str, String)>,
    pub account: Option<Account>,
    pub handed: bool,
}

impl Program {
    pub fn new<const N: usize>(argv: [&str; N]) -> Self {
        Self { argv: argv.map(OsString::from).to_vec(), env: Vec::new(), account: None, handed: false }
    }

    pub fn node() -> Self {
        Self::new(["node", "server.js"])
    }

    pub fn python() -> Self {
        Self::new(["python3", "server.py"])
    }

    /// `None`, said loudly, when there is no Bun on this machine.
    pub fn bun() -> Option<Self> {
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        let named = std::env::var_os("HERDSMAN_BUN").map(PathBuf::from);
        let in_path = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .map(|path| path.join("bun"))
            .collect::<Vec<_>>();
        let mut places = named.into_iter().chain([home.join(".cache/herdsman/bun/bun")]).chain(in_path);
        let Some(bun) = places.find(|place| place.is_file()) else {
            eprintln!("SKIPPED: no Bun; scripts/get-bun installs it");
            return None;
        };
        Some(Self::new([bun.to_str().unwrap(), "server.bun.js"]))
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    pub fn run_by(mut self, name: &str) -> Self {
        self.account = Some(Account::find(name).unwrap());
        self
    }
}

/// One worker: its process, and who attends its gate.
pub struct Worker {
    pub seat: Seat,
    pub process: Process,
    pub lines: mpsc::Receiver<Line>,
    pub gate: Option<JoinHandle<std::io::Result<()>>>,
}

/// A port and its workers.
pub struct Herd {
    pub keeper: PortKeeper,
    pub port: u16,
    pub directory: tempfile::TempDir,
    pub workers: Vec<Worker>,
    pub events: mpsc::Receiver<PortEvent>,
    sender: mpsc::Sender<PortEvent>,
}

impl Herd {
    pub fn new() -> Self {
        Self::on(free_port(10_000..30_000))
    }

    pub fn on(port: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // Other users' workers write sockets here.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let apps = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/apps");
        for app in fs::read_dir(apps).unwrap().flatten().filter(|app| app.path().is_file()) {
            fs::copy(app.path(), directory.path().join(app.file_name())).unwrap();
        }
        let (sender, events) = mpsc::channel(1000);
        Self { keeper: PortKeeper::new(port), port, directory, workers: Vec::new(), events, sender }
    }

    /// `count` workers of `program`, all listening, all serving.
    pub async fn of(count: u16, program: &Program) -> Self {
        let mut herd = Self::new();
        for slot in 0..count {
            herd.start(slot, program);
        }
        for _ in 0..count {
            herd.until_listening().await;
        }
        for worker in &herd.workers {
            herd.keeper.set_serving(worker.seat, true).unwrap();
        }
        herd
    }

    /// A worker in a new seat.
    pub fn start(&mut self, slot: u16, program: &Program) -> Seat {
        let seat = self.keeper.seat(Slot(slot));
        let worker = self.spawn(seat, program);
        self.workers.push(worker);
        seat
    }

    /// A worker in this seat.
    pub fn spawn(&self, seat: Seat, program: &Program) -> Worker {
        let (sink, lines) = mpsc::channel(1000);
        let mut env: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), std::env::var_os("PATH").unwrap()),
            ("PORT".into(), self.port.to_string().into()),
            ("HERDSMAN_SLOT".into(), seat.slot.to_string().into()),
            ("HOME".into(), self.directory.path().into()),
        ];
        env.extend(program.env.iter().map(|(name, value)| (OsString::from(name), value.into())));
        let launch = Launch {
            argv: program.argv.clone(),
            env,
            cwd: self.directory.path().to_owned(),
            account: program.account.clone(),
            output: Output::Pipe(sink),
            tag: ProcessTag::unique("test"),
            cgroup: None,
            yields: false,
            gate: !program.handed,
            handed: program.handed.then(|| self.keeper.open(seat).unwrap()),
        };
        let mut process =
            launch.spawn().unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)));
        let gate = process.take_gate().map(|gate| {
            let (keeper, events) = (self.keeper.clone(), self.sender.clone());
            tokio::spawn(async move { keeper.serve_gate(seat, gate, events).await })
        });
        Worker { seat, process, lines, gate }
    }

    pub async fn event(&mut self) -> PortEvent {
        let tails: Vec<Tail> = self.workers.iter().map(|worker| worker.process.tail().clone()).collect();
        match timeout(SOON, self.events.recv()).await {
            Ok(event) => event.unwrap(),
            Err(_) => panic!("no event; the workers said {:?}", tails.iter().map(Tail::lines).collect::<Vec<_>>()),
        }
    }

    /// Waits for the next worker to listen on the port, and for nothing to go wrong meanwhile.
    pub async fn until_listening(&mut self) -> Seat {
        loop {
            match self.event().await {
                PortEvent::Listening { seat, .. } => return seat,
                PortEvent::ListeningElsewhere { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Kills the worker with this place and waits for its end.
    pub async fn crash(&mut self, place: usize) -> Exit {
        let worker = &mut self.workers[place];
        worker.process.signal(Signal::SIGKILL).unwrap();
        soon("its end", worker.process.wait()).await.unwrap()
    }

    /// A new worker in the seat of the one with this place.
    pub async fn replace(&mut self, place: usize, program: &Program) {
        let seat = self.workers[place].seat;
        self.workers[place] = self.spawn(seat, program);
        assert_eq!(self.until_listening().await, seat);
    }

    /// `count` requests at once; says which worker answered how many, and what failed.
    pub async fn ask(&self, count: usize) -> (BTreeMap<String, usize>, Vec<String>) {
        let requests: JoinSet<_> = (0..count).map(|_| get(self.port, "/")).collect();
        let (mut answers, mut failures) = (BTreeMap::new(), Vec::new());
        for outcome in soon("all answers", requests.join_all()).await {
            match outcome {
                Ok(answer) => *answers.entry(answer.split(' ').nth(1).unwrap().to_owned()).or_default() += 1,
                Err(error) => failures.push(error.to_string()),
            }
        }
        (answers, failures)
    }

    /// Ends all, and sees that nobody is left and every gate has ended.
    pub async fn end(mut self) {
        for worker in &mut self.workers {
            assert_eq!(soon("death", worker.process.tree().kill()).await, []);
            soon("exit", worker.process.wait()).await.unwrap();
            if let Some(gate) = worker.gate.take() {
                soon("the end of the gate", gate).await.unwrap().unwrap();
            }
        }
    }
}

impl Drop for Herd {
    fn drop(&mut self) {
        for worker in &self.workers {
            let _ = worker.process.tree().signal_all(Signal::SIGKILL);
        }
    }
}

/// The body of the answer to one request on a connection of its own.
pub async fn get(port: u16, path: &str) -> std::io::Result<String> {
    get_at((Ipv4Addr::LOCALHOST, port).into(), path).await
}

pub async fn get_at(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.split_once("\r\n\r\n") {
        // Node sends bodies of unknown length in chunks unless told the length.
        Some((_, body)) => Ok(body.lines().find(|line| line.contains(' ')).unwrap_or(body).to_owned()),
        None => Err(std::io::Error::other(format!("cut short: {answer:?}"))),
    }
}
