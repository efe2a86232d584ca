//! Starting a program: whose rights, where, with what environment and output, watched or not. What fails is named.

use std::ffi::{CString, OsStr, OsString};
use std::fmt::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use tokio::process::Command;

use super::error::{SpawnError, explain};
use super::output::{Output, start};
use super::running::Process;
use super::tree::{Roots, Tree};
use super::{Account, Cgroup, table};
use crate::ports::{Gate, filter};
use crate::sys::{self, ExecPlan, Report};

/// Tells all descendants of a spawned process.
pub const TAG_VARIABLE: &str = "HERDSMAN_WORKER";

/// Where programs are looked for when the environment names no `PATH`.
pub const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What [`TAG_VARIABLE`] holds: unlike that of any other process tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessTag(String);

impl ProcessTag {
    /// A tag that begins with `label` and that nobody else has.
    pub fn unique(label: &str) -> Self {
        let mut text: String = label.chars().filter(|c| c.is_ascii_graphic()).collect();
        let _ = write!(text, "-{}-{:016x}", std::process::id(), fastrand::u64(..));
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A program about to be started. Standard input is `/dev/null`; the process leads a process group, can gain no privileges, has
/// default signal dispositions and inherits no descriptor but those named here.
#[derive(Debug)]
pub struct Launch {
    /// Program and arguments. Without a `/` the program is looked for in the `PATH` of `env`; with one it is relative to `cwd`.
    pub argv: Vec<OsString>,
    /// The whole environment, but for [`TAG_VARIABLE`] and what `handed` brings. The last of one name counts.
    pub env: Vec<(OsString, OsString)>,
    /// The working directory.
    pub cwd: PathBuf,
    /// Whose rights it gets; `None`: the agent's own.
    pub account: Option<Account>,
    /// Where its output goes.
    pub output: Output,
    /// Tells its descendants.
    pub tag: ProcessTag,
    /// The cgroup it is born in.
    pub cgroup: Option<Cgroup>,
    /// Whether everybody else goes first: it gets the processor when nobody else wants it (`nice` 10).
    pub yields: bool,
    /// Whether its `bind` and `listen` wait for the agent: then [`Process::take_gate`] has to be served.
    pub gate: bool,
    /// A listening socket for descriptor 3 (socket activation: `LISTEN_FDS`, `LISTEN_PID`, `LISTEN_FDNAMES=http`).
    pub handed: Option<OwnedFd>,
}

impl Launch {
    /// Starts it, inside a tokio runtime. Returns once the program runs, some milliseconds later.
    ///
    /// # Errors
    /// What failed, at which step, and what to do.
    pub fn spawn(self) -> Result<Process, SpawnError> {
        let program = self.argv.first().cloned().ok_or(SpawnError::NoProgram)?;
        let candidates = candidates(&program, self.path(), &self.cwd);
        let variable = format!("{TAG_VARIABLE}={}", self.tag.as_str());
        let (ours, report) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .map_err(|errno| SpawnError::System { what: "a socket pair", source: errno.into() })?;
        let cgroup = self.cgroup.as_ref().map(Cgroup::open).transpose();
        let cgroup = cgroup.map_err(|source| SpawnError::System { what: "the cgroup", source })?;
        let plan = ExecPlan {
            candidates: candidates.iter().map(|path| c_string(path.as_os_str())).collect::<Result<_, _>>()?,
            argv: self.argv.iter().map(|argument| c_string(argument)).collect::<Result<_, _>>()?,
            env: self.environment(&variable)?,
            cwd: c_string(self.cwd.as_os_str())?,
            ids: self.account.as_ref().map(ids),
            cgroup,
            yields: self.yields,
            gate: self.gate.then(filter::program),
            handed: self.handed,
            report,
        };
        let opened = self.output.open().map_err(|source| SpawnError::System { what: "its output", source })?;
        let mut command = Command::new(&program);
        command.stdin(Stdio::null());
        match opened.ends {
            Some((out, err)) => command.stdout(out).stderr(err),
            None => command.stdout(Stdio::null()).stderr(Stdio::null()),
        };
        sys::exec_in_child(&mut command, plan);
        let spawned = command.spawn();
        // The child's end of the channel and of the pipes: while we hold them they have no end.
        drop(command);
        let gate = match heard(ours) {
            Ok(gate) => gate,
            Err((step, errno)) => {
                return Err(explain(step, errno, &program, candidates, &self.cwd, self.account.as_ref()));
            }
        };
        let child = spawned.map_err(|source| SpawnError::System { what: "a process", source })?;
        let (pid, stat) = match child.id().map(|pid| (pid as i32, table::stat(pid as i32))) {
            Some((pid, Some(stat))) => (pid, stat),
            _ => {
                return Err(SpawnError::System {
                    what: "its entry in /proc",
                    source: std::io::ErrorKind::NotFound.into(),
                });
            }
        };
        let gate = gate.map(Gate::new).transpose();
        let gate = gate.map_err(|source| SpawnError::System { what: "its gate", source })?;
        let tree = Tree::new(Roots {
            pid,
            start_time: stat.start_time,
            session: stat.session,
            variable: variable.into_bytes(),
            cgroup: self.cgroup.map(|cgroup| cgroup.path().to_owned()),
        });
        Ok(Process::new(child, pid, stat.start_time, gate, tree, start(opened.readers), opened.tail))
    }

    fn path(&self) -> &OsStr {
        let path = self.env.iter().rev().find(|(name, _)| name == "PATH");
        path.map_or(OsStr::new(DEFAULT_PATH), |(_, value)| value)
    }

    fn environment(&self, variable: &str) -> Result<Vec<CString>, SpawnError> {
        let ours =
            |name: &OsStr| name == TAG_VARIABLE || (self.handed.is_some() && name.as_bytes().starts_with(b"LISTEN_"));
        let mut variables = std::collections::BTreeMap::new();
        variables.extend(self.env.iter().filter(|(name, _)| !ours(name)).map(|(name, value)| (name, value)));
        let texts = variables.into_iter().map(|(name, value)| {
            let mut text = name.clone();
            text.push("=");
            text.push(value);
            c_string(&text)
        });
        texts.chain([c_string(OsStr::new(variable))]).collect()
    }
}

fn ids(account: &Account) -> (libc::uid_t, libc::gid_t, Vec<libc::gid_t>) {
    (account.uid.as_raw(), account.gid.as_raw(), account.groups.iter().map(|group| group.as_raw()).collect())
}

/// What the child said, to the end: its notification descriptor, or what failed.
fn heard(channel: OwnedFd) -> Result<Option<OwnedFd>, (sys::Step, nix::errno::Errno)> {
    let mut gate = None;
    loop {
        match sys::receive_report(channel.as_fd()) {
            Ok(Report::Gate(descriptor)) => gate = Some(descriptor),
            Ok(Report::Failed(step, errno)) => return Err((step, errno)),
            Ok(Report::End) => return Ok(gate),
            Err(errno) => return Err((sys::Step::SendGate, errno)),
        }
    }
}

/// Where `program` may be, in the order of `PATH`.
fn candidates(program: &OsStr, path: &OsStr, cwd: &Path) -> Vec<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return vec![cwd.join(program)];
    }
    // An empty entry means the working directory, as everywhere.
    std::env::split_paths(path).map(|directory| cwd.join(directory).join(program)).collect()
}

fn c_string(text: &OsStr) -> Result<CString, SpawnError> {
    CString::new(text.to_owned().into_vec()).map_err(|_| SpawnError::Nul { text: text.to_string_lossy().into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_in_the_path_of_its_own_environment() {
        let at = |program: &str| candidates(OsStr::new(program), OsStr::new("/a:bin:"), Path::new("/app"));
        assert_eq!(at("x"), ["/a/x", "/app/bin/x", "/app/x"].map(PathBuf::from));
        assert_eq!(at("./x"), [PathBuf::from("/app/./x")]);
        assert_eq!(at("/opt/x"), [PathBuf::from("/opt/x")]);
    }

    #[test]
    fn no_two_tags_are_alike_and_none_breaks_the_environment() {
        let tag = ProcessTag::unique("slot 1\0\n");
        assert!(tag.as_str().starts_with("slot1-"), "{tag:?}");
        assert_ne!(tag, ProcessTag::unique("slot 1\0\n"));
    }
}
