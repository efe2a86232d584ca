//! Why a program could not be started, in words that say what to do.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::Account;
use crate::ports::INSTEAD;
use crate::sys::Step;

/// Why a program could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// There is nothing to start.
    #[error("there is no program to start: the command is empty")]
    NoProgram,
    /// Something cannot be passed to a program.
    #[error("{text:?} holds a zero byte, which no argument, variable or path can")]
    Nul {
        /// The text.
        text: String,
    },
    /// The program is nowhere.
    #[error("{program}: there is no such program; looked in {}", list(looked))]
    NotFound {
        /// As asked for.
        program: String,
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// The program is a script for an interpreter that is nowhere.
    #[error("{}: its first line names the interpreter {interpreter:?}, which is not there", program.display())]
    NoInterpreter {
        /// The script.
        program: PathBuf,
        /// As its first line says.
        interpreter: String,
    },
    /// The program cannot be executed.
    #[error("{program}: cannot be executed by {user}{hint}")]
    Exec {
        /// As asked for.
        program: String,
        /// By whom.
        user: String,
        /// What to do, or nothing.
        hint: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The working directory cannot be entered.
    #[error("{}: cannot be entered by {user} as working directory", directory.display())]
    Directory {
        /// Which.
        directory: PathBuf,
        /// By whom.
        user: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The account cannot be become.
    #[error("cannot become {user}; only root can")]
    User {
        /// Which.
        user: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The filter cannot be installed.
    #[error(
        "cannot watch bind and listen of {program}, which needs Linux 5.9 or newer and no other such watcher; {INSTEAD}"
    )]
    Gate {
        /// As asked for.
        program: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The child could not be prepared.
    #[error("{program}: {step} failed before it was started")]
    Step {
        /// As asked for.
        program: String,
        /// What.
        step: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Something that the agent needs for it cannot be had.
    #[error("{what} for a new process cannot be had")]
    System {
        /// What.
        what: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

impl SpawnError {
    /// Whether the same may go well a moment later: the machine is short of something.
    pub fn is_transient(&self) -> bool {
        let source = match self {
            Self::NoProgram | Self::Nul { .. } | Self::NotFound { .. } | Self::NoInterpreter { .. } => return false,
            Self::Exec { source, .. }
            | Self::Directory { source, .. }
            | Self::User { source, .. }
            | Self::Gate { source, .. }
            | Self::Step { source, .. }
            | Self::System { source, .. } => source,
        };
        matches!(source.raw_os_error(), Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::ETXTBSY))
    }
}

/// Puts what the child reported into words.
pub(super) fn explain(
    step: Step,
    errno: Errno,
    program: &OsStr,
    looked: Vec<PathBuf>,
    cwd: &Path,
    account: Option<&Account>,
) -> SpawnError {
    let source = io::Error::from(errno);
    let program = program.to_string_lossy().into_owned();
    let user = account.map_or_else(|| "the agent's user".to_owned(), |account| format!("the user {}", account.name));
    let step = match step {
        Step::Exec => return explain_exec(errno, program, looked, user),
        Step::Directory => {
            return SpawnError::Directory { directory: cwd.to_owned(), user, source };
        }
        Step::User => return SpawnError::User { user, source },
        Step::Gate | Step::SendGate => return SpawnError::Gate { program, source },
        Step::Cgroup => "entering its cgroup",
        Step::Group => "leading a process group",
        Step::NoNewPrivileges => "giving up new privileges",
        Step::Handed => "handing over the listening socket",
    };
    SpawnError::Step { program, step, source }
}

fn explain_exec(errno: Errno, program: String, looked: Vec<PathBuf>, user: String) -> SpawnError {
    let hint = match errno {
        Errno::ENOENT | Errno::ENOTDIR => {
            // The kernel says the same of a missing file and of a missing interpreter.
            let script = looked.iter().find_map(|path| Some((path.clone(), interpreter(path)?)));
            return match script {
                Some((program, interpreter)) => SpawnError::NoInterpreter { program, interpreter },
                None => SpawnError::NotFound { program, looked },
            };
        }
        Errno::EACCES => {
            ": it has to be executable (chmod +x), and all directories above it have to let this user through"
        }
        Errno::ENOEXEC => ": it is neither a program for this machine nor a script whose first line begins with #!",
        _ => "",
    };
    SpawnError::Exec { program, user, hint, source: errno.into() }
}

/// What the first line of a script says after `#!`.
fn interpreter(path: &Path) -> Option<String> {
    // Whoever put it there may have put a pipe there: no waiting for it to be opened.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).ok()?;
    let file = file.metadata().ok()?.is_file().then_some(file)?;
    let mut line = Vec::new();
    BufReader::new(file.take(256)).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!")?).trim().to_owned();
    Some(line.split_whitespace().next().unwrap_or_default().to_owned())
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
