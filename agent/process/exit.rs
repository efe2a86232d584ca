//! How a process ended.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

/// How a process ended: by itself with a code, or by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// The exit code.
    pub code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// Whether the kernel wrote a core dump.
    pub core_dumped: bool,
}

impl Exit {
    /// Whether it ended with exit code 0.
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        Self { code: status.code(), signal: status.signal(), core_dumped: status.core_dumped() }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit code {code}")?,
            (None, Some(signal)) => match Signal::try_from(signal) {
                Ok(signal) => write!(f, "killed by {signal}")?,
                Err(_) => write!(f, "killed by signal {signal}")?,
            },
            (None, None) => f.write_str("ended, nobody knows how")?,
        }
        if self.core_dumped { f.write_str(" (core dumped)") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_reads_like_a_sentence_of_a_log() {
        let text = |status| Exit::from(ExitStatus::from_raw(status)).to_string();
        assert_eq!(text(0x0100), "exit code 1");
        assert_eq!(text(9), "killed by SIGKILL");
        assert_eq!(text(0x80 | 11), "killed by SIGSEGV (core dumped)");
        assert_eq!(text(40), "killed by signal 40");
    }
}
