//! Lines of output, read by the agent from a pipe. Loses none that was written before the end, and never waits for a grandchild.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::unix::pipe::Receiver;
use tokio::sync::{mpsc, oneshot};

/// A longer line is cut in pieces.
pub const LONGEST: usize = 8 * 1024;

/// More than this no pipe holds (`/proc/sys/fs/pipe-max-size`); what comes after is a grandchild's.
const FULLEST_PIPE: usize = 1 << 20;

/// So many lines are remembered.
pub const REMEMBERED: usize = 25;

/// Where lines go. Full: the program waits, like at a terminal. Closed: they are only remembered.
pub type LineSink = mpsc::Sender<Line>;

/// One line of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From where.
    pub stream: Stream,
    /// Without the line end; what is not UTF-8 is replaced.
    pub text: String,
}

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// The last lines of both streams.
#[derive(Debug, Clone, Default)]
pub struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    /// The last lines, the oldest first; complete once the process has been waited for.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == REMEMBERED {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
struct Splitter {
    begun: Vec<u8>,
}

impl Splitter {
    fn push(&mut self, bytes: &[u8], into: &mut impl FnMut(String)) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            while self.begun.strip_suffix(b"\n").unwrap_or(&self.begun).len() > LONGEST {
                let rest = self.begun.split_off(whole_characters(&self.begun[..LONGEST]));
                into(text(&mem::replace(&mut self.begun, rest)));
            }
            if part.ends_with(b"\n") {
                into(text(&mem::take(&mut self.begun)));
            }
        }
    }

    fn finish(&mut self, into: &mut impl FnMut(String)) {
        if !self.begun.is_empty() {
            into(text(&mem::take(&mut self.begun)));
        }
    }
}

/// Where to cut so that no character is cut in two.
fn whole_characters(bytes: &[u8]) -> usize {
    match bytes.utf8_chunks().last() {
        Some(chunk) if chunk.invalid().len() < 4 => bytes.len() - chunk.invalid().len(),
        _ => bytes.len(),
    }
}

fn text(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes)).into_owned()
}

/// One pipe and where its lines go.
#[derive(Debug)]
pub(super) struct Reader {
    pipe: Receiver,
    stream: Stream,
    sink: LineSink,
    tail: Tail,
    splitter: Splitter,
    pending: VecDeque<Line>,
}

/// The process's side of a reader.
#[derive(Debug)]
pub(super) struct Reading {
    /// Says that the process has ended; dropping it says so too.
    ended: Option<oneshot::Sender<()>>,
    /// Says that everything written before is in the tail.
    complete: oneshot::Receiver<()>,
    is_complete: bool,
}

impl Reading {
    /// The process has ended: what is in the pipe is its last word. Returns once the tail has it; the sink may get it later.
    pub(super) async fn end(&mut self) {
        if let Some(ended) = self.ended.take() {
            let _ = ended.send(());
        }
        if !self.is_complete {
            // An error means that the reader has come to its end by itself.
            let _ = (&mut self.complete).await;
            self.is_complete = true;
        }
    }
}

impl Reader {
    pub(super) fn new(pipe: OwnedFd, stream: Stream, sink: LineSink, tail: Tail) -> io::Result<Self> {
        let pipe = Receiver::from_owned_fd(pipe)?;
        Ok(Self { pipe, stream, sink, tail, splitter: Splitter::default(), pending: VecDeque::new() })
    }

    /// Reads until the pipe or the process ends and every line has gone to the sink, or the sink has been closed. The task is bound
    /// to both, so nobody has to join it.
    pub(super) fn start(self) -> Reading {
        let (ended, end) = oneshot::channel();
        let (completed, complete) = oneshot::channel();
        #[allow(clippy::disallowed_methods, reason = "bound to the process and the sink, ends with either")]
        tokio::spawn(self.run(end, completed));
        Reading { ended: Some(ended), complete, is_complete: false }
    }

    async fn run(mut self, mut end: oneshot::Receiver<()>, completed: oneshot::Sender<()>) {
        let sink = self.sink.clone();
        loop {
            tokio::select! {
                place = sink.reserve(), if !self.pending.is_empty() => match (place, self.pending.pop_front()) {
                    (Ok(place), Some(line)) => place.send(line),
                    _ => self.pending.clear(),
                },
                readable = self.pipe.readable(), if self.pending.is_empty() => {
                    if readable.is_err() || !self.read(false) {
                        break;
                    }
                }
                _ = &mut end => {
                    self.read(true);
                    break;
                }
            }
        }
        let Self { mut splitter, tail, stream, mut pending, .. } = self;
        splitter.finish(&mut |text| note(&tail, &mut pending, stream, text));
        let _ = completed.send(());
        for line in pending {
            if sink.send(line).await.is_err() {
                break;
            }
        }
    }

    /// Reads once, or all that is there. Whether more may come.
    fn read(&mut self, all: bool) -> bool {
        let Self { pipe, stream, tail, splitter, pending, .. } = self;
        let (mut bytes, mut total) = ([0; 4096], 0);
        loop {
            match pipe.try_read(&mut bytes) {
                Ok(0) => return false,
                Ok(length) => {
                    total += length;
                    splitter.push(&bytes[..length], &mut |text| note(tail, pending, *stream, text));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return false,
            }
            if !all || total >= FULLEST_PIPE {
                return true;
            }
        }
    }
}

fn note(tail: &Tail, pending: &mut VecDeque<Line>, stream: Stream, text: String) {
    tail.push(text.clone());
    pending.push_back(Line { stream, text });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(parts: &[&[u8]]) -> Vec<String> {
        let (mut splitter, mut lines) = (Splitter::default(), Vec::new());
        for part in parts {
            splitter.push(part, &mut |line| lines.push(line));
        }
        splitter.finish(&mut |line| lines.push(line));
        lines
    }

    #[test]
    fn lines_are_whole_however_they_arrive() {
        assert_eq!(split(&[b"a", b"b\nc\r\n\nd"]), ["ab", "c", "", "d"]);
        assert_eq!(split(&[b"caf\xc3", b"\xa9 \xff\n"]), ["caf\u{e9} \u{fffd}"]);
        assert!(split(&[]).is_empty());
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let long = format!("x{}", "\u{20ac}".repeat(LONGEST));
        let pieces = split(&[long.as_bytes()]);
        assert_eq!(pieces.concat(), long);
        assert!(pieces.iter().all(|piece| piece.len() <= LONGEST && !piece.contains('\u{fffd}')));
        let just_fits = [vec![b'x'; LONGEST], b"\n".to_vec()].concat();
        assert_eq!(split(&[&just_fits]).len(), 1);
        let noise = vec![0xff; 3 * LONGEST];
        assert_eq!(split(&[&noise]).concat().chars().count(), 3 * LONGEST);
    }
}
