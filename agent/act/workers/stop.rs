//! Stopping one worker: its stop signal, time to finish, then the rest of its process tree is killed.

use std::time::Duration;

use nix::unistd::Pid;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::warn;

use super::crew::Wish;
use super::recipe::Recipe;
use crate::process::{Process, table};

/// Between two looks at what is left of a tree whose first process has gone: at first, and at most.
const LOOK_FIRST: Duration = Duration::from_millis(20);
const LOOK_MOST: Duration = Duration::from_secs(1);

/// Returns once nothing of it is left, and whether something had to be killed.
///
/// The signal goes to the worker's first process and to the one that listens, if that is another: `sh -c` and package managers do not
/// pass it on. It does not go to every process, because a program with workers of its own (Node's cluster, gunicorn) wants to end these itself.
/// Once the first process has gone there is nobody to do that: whatever it has left behind gets the signal too.
pub(super) async fn stop(
    process: &mut Process,
    listener: Option<Pid>,
    recipe: &Recipe,
    wish: &mut watch::Receiver<Wish>,
) -> bool {
    let grace = Instant::now() + recipe.stop_timeout;
    signal(process, listener, recipe);
    let gone = async {
        // Its output stays open until nothing of it is left: who still finishes a request must be able to log it.
        let _ = process.ended().await;
        let mut left = process.tree().members();
        for member in left.iter().filter(|member| listener.is_none_or(|pid| pid.as_raw() != member.pid)) {
            send(table::signal(member.pid, member.start_time, recipe.stop_signal), process);
        }
        let mut look = LOOK_FIRST;
        while !left.is_empty() {
            tokio::time::sleep(look).await;
            look = (look * 2).min(LOOK_MOST);
            left = process.tree().members();
        }
    };
    let killed = tokio::select! {
        () = gone => false,
        () = out_of_time(grace, wish) => true,
    };
    if killed {
        process.tree().kill().await;
    }
    let _ = process.wait().await;
    killed
}

fn signal(process: &Process, listener: Option<Pid>, recipe: &Recipe) {
    send(process.signal(recipe.stop_signal), process);
    if let Some(member) =
        listener.and_then(|pid| process.tree().members().into_iter().find(|member| member.pid == pid.as_raw()))
        && member.pid != process.pid()
    {
        send(table::signal(member.pid, member.start_time, recipe.stop_signal), process);
    }
}

fn send(sent: std::io::Result<()>, process: &Process) {
    if let Err(error) = sent {
        warn!(pid = process.pid(), "worker {}: the stop signal could not be sent: {error}", process.pid());
    }
}

/// The worker's own grace, or the moment that was wished, whichever comes first; the wish may still be moved up.
async fn out_of_time(grace: Instant, wish: &mut watch::Receiver<Wish>) {
    loop {
        let by = match *wish.borrow_and_update() {
            Wish::Stop { by } => by.min(grace),
            Wish::Run => grace,
        };
        tokio::select! {
            () = tokio::time::sleep_until(by) => return,
            changed = wish.changed() => if changed.is_err() {
                return tokio::time::sleep_until(by).await;
            },
        }
    }
}
