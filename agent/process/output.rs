//! Where a process's output goes: to a journald stream of its own, so that the agent is not in the way, or to the agent as lines.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use super::lines::{LineSink, Reader, Reading, Stream, Tail};

/// Where journald takes streams.
pub const JOURNAL: &str = "/run/systemd/journal/stdout";

/// Standard output and standard error of a process.
#[derive(Debug)]
pub enum Output {
    /// A journald stream: outlives the agent.
    Journal {
        /// `SYSLOG_IDENTIFIER` of the lines.
        identifier: String,
        /// journald's socket; [`JOURNAL`].
        socket: PathBuf,
    },
    /// The agent reads the lines.
    Pipe(LineSink),
    /// Nowhere.
    Null,
}

/// A journald stream, as `sd_journal_stream_fd(3)` makes it: priority info, which a line may change by the prefix `<3>` and the like.
/// Lines are filed under the unit of this process, or under `unit` where root asks for another.
///
/// # Errors
/// When nobody listens at `socket`. An identifier with a line end is refused.
pub fn journal_stream(identifier: &str, unit: Option<&str>, socket: &Path) -> io::Result<OwnedFd> {
    let unit = unit.unwrap_or_default();
    if identifier.contains('\n') || unit.contains('\n') {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut stream = UnixStream::connect(socket)?;
    stream.shutdown(Shutdown::Read)?;
    // Identifier, unit, priority 6, prefixes yes; to syslog, kernel log and console no.
    stream.write_all(format!("{identifier}\n{unit}\n6\n1\n0\n0\n0\n").as_bytes())?;
    Ok(stream.into())
}

/// What becomes of an [`Output`] once it has been opened.
#[derive(Debug)]
pub(super) struct Opened {
    /// The child's standard output and standard error; `None` is `/dev/null`.
    pub(super) ends: Option<(OwnedFd, OwnedFd)>,
    /// Our ends of pipes.
    pub(super) readers: Vec<Reader>,
    /// What the readers remember.
    pub(super) tail: Tail,
}

impl Output {
    pub(super) fn open(self) -> io::Result<Opened> {
        let tail = Tail::default();
        match self {
            Self::Null => Ok(Opened { ends: None, readers: Vec::new(), tail }),
            Self::Journal { identifier, socket } => {
                let stream = journal_stream(&identifier, None, &socket)?;
                Ok(Opened { ends: Some((stream.try_clone()?, stream)), readers: Vec::new(), tail })
            }
            Self::Pipe(sink) => {
                let (out, out_end) = pipe2(OFlag::O_CLOEXEC)?;
                let (err, err_end) = pipe2(OFlag::O_CLOEXEC)?;
                let readers = vec![
                    Reader::new(out, Stream::Out, sink.clone(), tail.clone())?,
                    Reader::new(err, Stream::Err, sink, tail.clone())?,
                ];
                Ok(Opened { ends: Some((out_end, err_end)), readers, tail })
            }
        }
    }
}

pub(super) fn start(readers: Vec<Reader>) -> Vec<Reading> {
    readers.into_iter().map(Reader::start).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn the_journal_stream_begins_with_the_header_and_carries_what_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("stdout");
        let journald = UnixListener::bind(&socket).unwrap();
        let stream = journal_stream("herdsman-worker-3", None, &socket).unwrap();
        UnixStream::from(stream).write_all(b"hello\n").unwrap();
        let mut seen = String::new();
        journald.accept().unwrap().0.read_to_string(&mut seen).unwrap();
        assert_eq!(seen, "herdsman-worker-3\n\n6\n1\n0\n0\n0\nhello\n");
    }

    #[test]
    fn an_identifier_cannot_forge_the_header() {
        let refused = journal_stream("a\n\n0", None, Path::new("/nowhere")).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(journal_stream("a", None, Path::new("/nowhere")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
