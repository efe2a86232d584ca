//! A small `RunCommand` on tokio: a process group of its own, both outputs line by line, the group killed in the end.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use herdsman::act::release::build::{Command, Ended, RunCommand, RunError};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};

/// Runs as whoever runs the tests.
pub struct AsOurselves;

/// Kills the group when it goes, whatever the reason.
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = killpg(self.0, Signal::SIGKILL);
    }
}

impl RunCommand for AsOurselves {
    async fn run(
        &self,
        command: Command,
        within: Duration,
        on_line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Ended, RunError> {
        let program = command.argv[0].to_string_lossy().into_owned();
        let failed = |source| RunError { program: program.clone(), source };
        let mut child = tokio::process::Command::new(&command.argv[0])
            .args(&command.argv[1..])
            .env_clear()
            .envs(&command.env)
            .current_dir(&command.cwd)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let group = Group(Pid::from_raw(child.id().unwrap().cast_signed()));
        let mut out = lines(child.stdout.take().unwrap());
        let mut err = lines(child.stderr.take().unwrap());
        let work = async {
            let (mut more_out, mut more_err) = (true, true);
            while more_out || more_err {
                let line = tokio::select! {
                    line = out.next_line(), if more_out => line.inspect(|line| more_out = line.is_some()),
                    line = err.next_line(), if more_err => line.inspect(|line| more_err = line.is_some()),
                };
                if let Some(line) = line? {
                    on_line(&line);
                }
            }
            child.wait().await
        };
        let ended = match tokio::time::timeout(within, work).await {
            Ok(status) => {
                let status = status.map_err(failed)?;
                status.code().map_or_else(|| Ended::Signaled(status.signal().unwrap()), Ended::Exited)
            }
            Err(_) => Ended::TimedOut,
        };
        drop(group);
        let _ = child.wait().await;
        Ok(ended)
    }
}

fn lines<R: AsyncRead + Unpin>(stream: R) -> Lines<BufReader<R>> {
    BufReader::new(stream).lines()
}
