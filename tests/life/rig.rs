//! What every life here has: a group, an instance, an app that can be held up, and users who never stop asking.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::local_cloud::{Call, HookSpec, Instance, InstanceOptions, LocalCloud, Options};
use crate::support::{Agent, PATIENCE, Setup, get};

/// Answers `/` at once, `/ready` once the file `ready` is there, `/held` once `done` is; on SIGTERM finishes what it has, then ends.
pub const APP: &str = r"
const http = require('http'), fs = require('fs'), dir = process.env.GATES;
const when = (name, then) => fs.existsSync(`${dir}/${name}`) ? then() : setTimeout(when, 20, name, then);
const server = http.createServer((q, r) => {
  if (q.url === '/held') return when('done', () => r.end('held'));
  r.statusCode = q.url === '/ready' && !fs.existsSync(`${dir}/ready`) ? 503 : 200;
  r.end('served');
});
server.listen(process.env.PORT);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
";

/// A time-out that no test waits for.
pub const HOUR: f64 = 3600.0;

/// A group with the launching hook `boot` and the terminating hook `drain`. Its balancer drains until the group's clock is put forward.
pub fn both_hooks() -> Options {
    let hooks = vec![HookSpec::launching("boot", HOUR), HookSpec::terminating("drain", HOUR)];
    Options { hooks, drain: Duration::from_secs(3600), ..Options::default() }
}

/// A group without hooks.
pub fn no_hooks() -> Options {
    Options { hooks: Vec::new(), ..both_hooks() }
}

/// With the terminating hook alone.
pub fn drain_hook() -> Options {
    Options { hooks: vec![HookSpec::terminating("drain", HOUR)], ..both_hooks() }
}

/// The group, and its first instance.
pub async fn launch(options: Options) -> (LocalCloud, Instance) {
    launch_with(options, InstanceOptions::default()).await
}

/// The same with an instance of a special kind.
pub async fn launch_with(options: Options, instance: InstanceOptions) -> (LocalCloud, Instance) {
    let cloud = LocalCloud::start(options).await.unwrap();
    let instance = cloud.launch(instance);
    (cloud, instance)
}

/// The instance as a machine without a source: one worker, and a minute's wait of nobody.
pub fn bare(env: Vec<(String, String)>) -> Setup {
    let setup = Setup::new();
    let gates = setup.dir().join("gates");
    std::fs::create_dir(&gates).unwrap();
    let gates = gates.display().to_string();
    setup.envs(env).config(format!("app.env.GATES = \"{gates}\"\nworkers.count = 1"))
}

/// The instance with [`APP`].
pub fn machine(cloud: &LocalCloud, instance: &Instance) -> Setup {
    bare(cloud.env_for(instance)).app(&[("index.js", APP)])
}

/// A shell command that holds the build up until [`open`] lets it go.
pub const HELD_BUILD: &str = "build.run = \"while ! test -e $GATES/build; do sleep 0.05; done\"";

/// Lets go what waits for this.
pub fn open(agent: &Agent, gate: &str) {
    std::fs::write(gates(agent).join(gate), "").unwrap();
}

fn gates(agent: &Agent) -> PathBuf {
    agent.setup.dir().join("gates")
}

/// `HOOK RESULT` of each completion that the group took.
pub fn completions(cloud: &LocalCloud) -> Vec<String> {
    let taken = cloud.calls_of("CompleteLifecycleAction").into_iter().filter(|call| call.outcome.starts_with("200"));
    taken
        .map(|call| format!("{} {}", call.parameters["LifecycleHookName"], call.parameters["LifecycleActionResult"]))
        .collect()
}

/// Whether this is a call that was taken.
pub fn good(action: &'static str) -> impl Fn(&Call) -> bool {
    move |call| call.action == action && call.is_good()
}

/// Waits until a status gives a reason with this in it.
pub async fn await_reason(agent: &Agent, words: &str) -> serde_json::Value {
    let has = |status: &serde_json::Value| status["reason"].as_str().is_some_and(|reason| reason.contains(words));
    agent.await_status(&format!("gives the reason {words:?}"), has).await
}

/// From launch to service.
pub async fn in_service(cloud: &LocalCloud, instance: &Instance, agent: &Agent) {
    agent.await_phase("in-service").await;
    cloud.await_in(&instance.id, "InService", PATIENCE).await;
}

/// To be terminated, and noticed so.
pub async fn terminate(cloud: &LocalCloud, instance: &Instance, agent: &Agent) {
    cloud.terminate(&instance.id);
    agent.await_phase("draining").await;
}

/// The balancer lets go.
pub fn let_go(cloud: &LocalCloud) {
    cloud.pass(3600);
}

/// Nothing that this agent started runs any more, or is about to end: what is killed takes a moment to go.
pub async fn assert_nothing_runs(agent: &Agent) {
    let here = agent.setup.dir().join("gates").display().to_string();
    let gone = async || {
        let carries = |entry: &std::fs::DirEntry| {
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment).contains(&here)
        };
        let left = std::fs::read_dir("/proc").unwrap().flatten().any(|entry| carries(&entry));
        (!left).then_some(())
    };
    crate::support::eventually("nothing of the agent's runs any more", gone).await;
}

/// Somebody who asks for `/` again and again, each time on a new connection.
pub struct Users {
    stop: oneshot::Sender<()>,
    task: JoinHandle<(usize, Vec<String>)>,
}

impl Users {
    pub fn of(agent: &Agent) -> Self {
        let port = agent.setup.port;
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let (mut served, mut lost) = (0, Vec::new());
            while stopped.try_recv().is_err() {
                match ask(port).await {
                    Some((200, _)) => served += 1,
                    other => lost.push(format!("after {served}: {other:?}")),
                }
                sleep(Duration::from_millis(10)).await;
            }
            (served, lost)
        });
        Self { stop, task }
    }

    /// Everybody was served.
    pub async fn were_served(self) {
        let _ = self.stop.send(());
        let (served, lost) = self.task.await.unwrap();
        assert!(served > 0 && lost.is_empty(), "{served} served; lost: {lost:?}");
    }
}

async fn ask(port: u16) -> Option<(u16, String)> {
    get(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?, "/").await
}
