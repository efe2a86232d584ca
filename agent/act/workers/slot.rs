//! One slot: a worker is started, watched and replaced until it is wished to end. The policy of restarts is `decide::restart`.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use super::crew::Wish;
use super::output::Outlet;
use super::ready::{Complaints, until_ready};
use super::recipe::Recipe;
use super::stop::stop;
use crate::clock::Clock;
use crate::config::Share;
use crate::decide::event::Event;
use crate::decide::ids::{Generation, Slot};
use crate::decide::restart::Restarts;
use crate::decide::steering::Seat;
use crate::decide::workers::WorkerNews;
use crate::ports::{Gate, PortEvent, PortKeeper};
use crate::process::{Cgroup, Cgroups, Exit, Process};
use crate::words::chain;

/// So long after a worker's end news from its gate may still come.
const HEAR_WITHIN: Duration = Duration::from_secs(1);

/// What one slot's task is given.
pub(super) struct SlotTask {
    pub slot: Slot,
    pub recipe: Rc<Recipe>,
    pub keeper: PortKeeper,
    pub cgroups: Option<Rc<Cgroups>>,
    pub clock: Clock,
    pub events: mpsc::Sender<Event>,
    pub outlet: Outlet,
    pub wish: watch::Receiver<Wish>,
}

/// How one worker's life ended.
enum End {
    /// Unasked.
    Failed { why: String, ready_for: Duration },
    /// Because it was asked to.
    Stopped { killed: bool },
}

/// Keeps a worker in the slot until it is wished to end.
pub(super) async fn run(mut task: SlotTask) {
    let mut restarts = Restarts::default();
    let mut generation = Generation(0);
    let mut seat = task.keeper.seat(task.slot);
    loop {
        generation = generation.next();
        match task.one_life(seat, generation).await {
            End::Stopped { killed } => {
                task.release(seat);
                return task.tell(WorkerNews::Stopped { killed }).await;
            }
            End::Failed { why, ready_for } => {
                let retry_in = restarts.on_end(ready_for, task.clock.now().jitter);
                let (failures, looping) = (restarts.failures(), restarts.looping());
                let next = humantime::format_duration(Duration::from_millis(
                    retry_in.as_millis().try_into().unwrap_or(u64::MAX),
                ));
                warn!(
                    event = "worker-ended",
                    retry_in_ms = retry_in.as_millis(),
                    why,
                    slot = task.slot.0,
                    generation = generation.0,
                    failures,
                    looping,
                    "slot {}: the worker ended ({failures} in a row, the next starts in {next}): {why}",
                    task.slot
                );
                if failures > 1 {
                    // A crash loop must not hold connections: they move to the other workers.
                    task.release(seat);
                    seat = task.keeper.seat(task.slot);
                }
                task.tell(WorkerNews::Failed { why, failures, looping, retry_in }).await;
                if !retry_in.is_zero() {
                    tokio::select! {
                        () = tokio::time::sleep(retry_in) => {}
                        () = wished_to_end(&mut task.wish) => {}
                    }
                }
                if matches!(*task.wish.borrow(), Wish::Stop { .. }) {
                    task.release(seat);
                    return task.tell(WorkerNews::Stopped { killed: false }).await;
                }
            }
        }
    }
}

impl SlotTask {
    /// From spawn to its end, with nothing of its process tree left.
    async fn one_life(&mut self, seat: Seat, generation: Generation) -> End {
        let failed = |why| End::Failed { why, ready_for: Duration::ZERO };
        let mut launch = self.recipe.launch(self.slot, generation, self.outlet.open(), self.cgroup(generation));
        if self.recipe.share == Share::SocketActivation {
            match self.keeper.open(seat) {
                Ok(socket) => launch.handed = Some(socket),
                Err(error) => return failed(format!("port {} cannot be had: {error}", self.recipe.port)),
            }
        }
        let mut process = match launch.spawn() {
            Ok(process) => process,
            Err(error) => return failed(chain(&error)),
        };
        let pid = process.pid().unsigned_abs();
        info!(event = "worker-started", slot = self.slot.0, generation = generation.0, pid, release = %self.recipe.release, "slot {}: worker {pid} started", self.slot);
        self.tell(WorkerNews::Started { pid, generation }).await;

        let gate = process.take_gate();
        let (port_events, mut inbox) = mpsc::channel(64);
        let keeper = self.keeper.clone();
        let guarded = guard(&keeper, seat, gate, port_events);
        let end = {
            let living = self.live(&mut process, seat, &mut inbox);
            tokio::pin!(guarded);
            tokio::pin!(living);
            tokio::select! {
                end = &mut living => end,
                () = &mut guarded => living.await,
            }
        };
        // Whatever it left behind would hold the port.
        process.tree().kill().await;
        self.outlet.finish().await;
        if let Some(cgroups) = &self.cgroups {
            // Its own is empty now, or will be by the next time: a crash loop must not fill the kernel with them.
            cgroups.remove_empty();
        }
        end
    }

    /// Ready, then until it ends or is asked to.
    async fn live(&mut self, process: &mut Process, seat: Seat, inbox: &mut mpsc::Receiver<PortEvent>) -> End {
        let started = Instant::now();
        let mut complaints = Complaints::default();
        let limit = tokio::time::sleep(self.recipe.ready_timeout);
        let ended = tokio::select! {
            exit = process.wait() => Err(exit),
            () = limit => Ok(false),
            () = until_ready(&self.recipe, &self.keeper, seat, inbox, &mut complaints) => Ok(true),
            () = wished_to_end(&mut self.wish) => return self.stop(process, seat, &complaints).await,
        };
        match ended {
            Ok(true) => {}
            Ok(false) => {
                process.tree().kill().await;
                let _ = process.wait().await;
                let why = complaints.not_ready(&self.recipe, self.slot);
                return End::Failed { why: self.outlet.with_last_words(why, process).await, ready_for: Duration::ZERO };
            }
            Err(exit) => {
                self.hear_out(inbox, &mut complaints).await;
                let why = why_ended(process, exit, &complaints);
                return End::Failed { why: self.outlet.with_last_words(why, process).await, ready_for: Duration::ZERO };
            }
        }
        let ready_at = Instant::now();
        self.serve(seat, true);
        let took = started.elapsed().as_millis();
        info!(
            event = "worker-ready",
            after_ms = took,
            slot = self.slot.0,
            pid = process.pid(),
            "slot {}: worker {} ready after {took} ms",
            self.slot,
            process.pid()
        );
        self.tell(WorkerNews::Ready).await;
        loop {
            tokio::select! {
                exit = process.wait() => {
                    self.serve(seat, false);
                    let why = why_ended(process, exit, &complaints);
                    let ready_for = ready_at.elapsed();
                    return End::Failed { why: self.outlet.with_last_words(why, process).await, ready_for };
                }
                Some(event) = inbox.recv() => complaints.hear(event),
                () = wished_to_end(&mut self.wish) => return self.stop(process, seat, &complaints).await,
            }
        }
    }

    async fn stop(&mut self, process: &mut Process, seat: Seat, complaints: &Complaints) -> End {
        info!(
            slot = self.slot.0,
            pid = process.pid(),
            "slot {}: stopping the worker ({} to {})",
            self.slot,
            self.recipe.stop_signal,
            process.pid()
        );
        self.tell(WorkerNews::Stopping).await;
        // Who still serves gets what comes from now on: the duplicate that is kept of this worker's socket would go on taking connections.
        self.serve(seat, false);
        let killed = stop(process, complaints.listener(), &self.recipe, &mut self.wish).await;
        if killed {
            warn!(
                slot = self.slot.0,
                pid = process.pid(),
                "slot {}: worker {} did not end in time, and was killed",
                self.slot,
                process.pid()
            );
        }
        End::Stopped { killed }
    }

    /// What the worker did at its gate just before it ended, told a moment later: who has the port takes time to find out.
    async fn hear_out(&self, inbox: &mut mpsc::Receiver<PortEvent>, complaints: &mut Complaints) {
        if self.recipe.gated() {
            let all = async {
                while let Some(event) = inbox.recv().await {
                    complaints.hear(event);
                }
            };
            // What it left in the background holds the gate open; then there may be no more to come.
            let _ = tokio::time::timeout(HEAR_WITHIN, all).await;
        }
    }

    /// A cgroup for the worker, where we have some to give; without one it is told apart by its process group and its environment.
    fn cgroup(&self, generation: Generation) -> Option<Cgroup> {
        let cgroup = self.cgroups.as_ref()?.of_worker(self.slot, generation);
        cgroup
            .inspect_err(|error| warn!(slot = self.slot.0, "slot {}: no cgroup for the worker: {error}", self.slot))
            .ok()
    }

    fn serve(&self, seat: Seat, serving: bool) {
        if self.recipe.gated()
            && let Err(error) = self.keeper.set_serving(seat, serving)
        {
            warn!(slot = self.slot.0, "slot {}: the steering could not be changed: {error}", self.slot);
        }
    }

    fn release(&self, seat: Seat) {
        if let Err(error) = self.keeper.release(seat) {
            warn!(slot = self.slot.0, "slot {}: the steering could not be changed: {error}", self.slot);
        }
    }

    async fn tell(&self, news: WorkerNews) {
        // The driver's end is closed only when everything is.
        let _ = self.events.send(Event::Worker(self.slot, news)).await;
    }
}

async fn wished_to_end(wish: &mut watch::Receiver<Wish>) {
    // Without a crew there is nobody to work for.
    let _ = wish.wait_for(|wish| matches!(wish, Wish::Stop { .. })).await;
}

/// Answers the worker's `bind` and `listen` as long as anything of its process tree is there.
async fn guard(keeper: &PortKeeper, seat: Seat, gate: Option<Gate>, events: mpsc::Sender<PortEvent>) {
    let Some(gate) = gate else {
        // Kept open, so that nobody takes the silence for an end.
        let _open = events;
        return std::future::pending().await;
    };
    if let Err(error) = keeper.serve_gate(seat, gate, events).await {
        warn!("a worker's calls can no longer be watched: {error}");
    }
}

fn why_ended(process: &Process, exit: io::Result<Exit>, complaints: &Complaints) -> String {
    let exit = match exit {
        Ok(exit) => exit,
        Err(error) => return format!("its end could not be waited for: {error}"),
    };
    let left = process.tree().members();
    let mut why = match left.first() {
        Some(member) if exit.is_success() => format!(
            "the program put itself into the background (pid {} still ran): let it run in the foreground, without options such as --daemon",
            member.pid
        ),
        _ => exit.to_string(),
    };
    if let Some(complaint) = complaints.told() {
        why.push_str("; ");
        why.push_str(&complaint);
    }
    why
}
