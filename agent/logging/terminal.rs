//! The standard error stream as a place for lines: it may neither hold the agent nor end it.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A line of a worker or of a build for whoever reads the terminal.
pub fn to_terminal(line: &str) {
    // What cannot be written there is still in `herdsman logs`.
    let _ = Terminal.write_all(format!("{line}\n").as_bytes());
}

/// A pipe takes so much at once without waiting once it says that it takes something (`PIPE_BUF`, pipe(7)).
const AT_ONCE: usize = 4096;
/// A reader that is only slow gets so long, in milliseconds. One that has stopped (a pager, Ctrl-S) costs that once.
const SLOW_MS: u16 = 100;

/// The standard error stream, which may neither hold the agent nor end it: what its reader does not take is left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal;

impl Write for Terminal {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        static STOPPED: AtomicBool = AtomicBool::new(false);
        let stderr = io::stderr();
        let patience = if STOPPED.load(Ordering::Relaxed) { PollTimeout::ZERO } else { PollTimeout::from(SLOW_MS) };
        let mut polled = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
        let takes = matches!(poll(&mut polled, patience), Ok(1..));
        STOPPED.store(!takes, Ordering::Relaxed);
        if takes { stderr.lock().write(&text[..text.len().min(AT_ONCE)]) } else { Ok(text.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
