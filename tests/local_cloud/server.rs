//! The emulator as a whole: its ports, its tasks, and what tests ask of it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::calls::Call;
use super::faults::{ApiFaults, ImdsFaults};
use super::http::{reserve, serve};
use super::options::{HookSpec, InstanceOptions, Options};
use super::state::{Member, Refusal, Wish};
use super::world::{Door, Instance, NewPort, World, lock};

/// One group with its instances. Dropping it ends everything that it began.
pub struct LocalCloud {
    world: Arc<World>,
    _tasks: JoinSet<()>,
}

impl LocalCloud {
    /// Serves the group's API from now on.
    pub async fn start(options: Options) -> io::Result<Self> {
        if !(options.time_scale.is_finite() && options.time_scale > 0.0) {
            return Err(io::Error::other(format!("a time scale of {} cannot be", options.time_scale)));
        }
        if let Some(problem) = options.hooks.iter().find_map(|hook| hook.problem(options.short_hooks)) {
            return Err(io::Error::other(problem));
        }
        let listener = reserve(options.port)?.listen(1024)?;
        let (ports, new_ports) = mpsc::unbounded_channel();
        let api_url = format!("http://{}", listener.local_addr()?);
        let world = Arc::new(World::new(options, api_url, ports));
        let mut tasks = JoinSet::new();
        let (clock, api) = (Arc::clone(&world), Arc::clone(&world));
        tasks.spawn(async move { clock.run_clock().await });
        tasks.spawn(serve_instances(Arc::clone(&world), new_ports));
        tasks.spawn(serve(listener, move |ask| {
            let world = Arc::clone(&api);
            async move { world.answer_api(ask).await }
        }));
        Ok(Self { world, _tasks: tasks })
    }

    /// Begins the launch of an instance.
    pub fn launch(&self, options: InstanceOptions) -> Instance {
        self.world.launch(&options).expect("a loopback port is free")
    }

    /// Scales an instance in.
    pub fn terminate(&self, id: &str) {
        self.wish(id, Wish::Terminate).expect("the instance exists");
    }

    pub fn wish(&self, id: &str, wish: Wish) -> Result<(), Refusal> {
        self.world.wish(id, wish)
    }

    /// Puts the group's clock forward: nothing has to be waited for.
    pub fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    /// The endpoint for `AWS_ENDPOINT_URL_AUTO_SCALING`; the control API is below `/control` on it.
    pub fn autoscaling_url(&self) -> &str {
        &self.world.api_url
    }

    /// What the agent on this instance is started with: nothing of it is special to tests, any AWS SDK reads the same.
    pub fn env_for(&self, instance: &Instance) -> Vec<(String, String)> {
        env_for(&self.world.api_url, instance)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.world.calls.all()
    }

    /// The calls of one action of the Auto Scaling API.
    pub fn calls_of(&self, action: &str) -> Vec<Call> {
        self.world.calls.of(action)
    }

    /// Waits for so many calls, past ones included; panics when they don't come.
    pub async fn await_calls(&self, wanted: usize, within: Duration, like: impl Fn(&Call) -> bool) -> Vec<Call> {
        self.world.calls.wait(wanted, within, like).await
    }

    pub fn member(&self, id: &str) -> Option<Member> {
        self.world.member(id)
    }

    /// Waits until an instance is as `wanted` says; panics with its history when it is not in time.
    pub async fn await_state(&self, id: &str, within: Duration, wanted: impl Fn(&Member) -> bool) -> Member {
        match self.world.wait(id, within, wanted).await {
            Ok(member) => member,
            Err(last) => panic!("not so within {within:?}: {last:#?}\ncalls: {:#?}", self.calls()),
        }
    }

    /// Waits until an instance is in this very state. A state that passes at once may be missed: look at the history instead.
    pub async fn await_in(&self, id: &str, state: &str, within: Duration) -> Member {
        self.await_state(id, within, |member| member.state == state).await
    }

    /// Changes what goes wrong with the Auto Scaling API.
    pub fn faults(&self, change: impl FnOnce(&mut ApiFaults)) {
        change(&mut lock(&self.world.faults));
    }

    /// Changes what goes wrong with an instance's IMDS.
    pub fn imds_faults(&self, id: &str, change: impl FnOnce(&mut ImdsFaults)) {
        self.world.metadata(id, |metadata| change(&mut metadata.faults)).expect("the instance exists");
    }

    pub fn forget_tokens(&self, id: &str) {
        self.world.metadata(id, |metadata| metadata.forget_tokens()).expect("the instance exists");
    }

    pub fn set_user_data(&self, id: &str, user_data: Option<Vec<u8>>) {
        self.world.metadata(id, |metadata| metadata.user_data = user_data).expect("the instance exists");
    }

    pub fn set_tag(&self, id: &str, key: &str, value: &str) {
        let set = |tags: &mut std::collections::BTreeMap<String, String>| tags.insert(key.to_owned(), value.to_owned());
        self.world.metadata(id, |metadata| set(&mut metadata.tags)).expect("the instance exists");
    }

    pub fn set_hooks(&self, hooks: Vec<HookSpec>) {
        self.world.set_hooks(hooks);
    }
}

pub fn env_for(api_url: &str, instance: &Instance) -> Vec<(String, String)> {
    [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.imds_url.as_str()),
        ("AWS_ENDPOINT_URL_AUTO_SCALING", api_url),
        // What this machine's user has of his own must not get in between.
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// One server for each instance's IMDS.
async fn serve_instances(world: Arc<World>, mut new_ports: mpsc::UnboundedReceiver<NewPort>) {
    let mut servers = JoinSet::new();
    while let Some(port) = new_ports.recv().await {
        let world = Arc::clone(&world);
        servers.spawn(async move {
            let listener = match port.door {
                Door::Open(listener) => listener,
                Door::OpensAfter(delay, socket) => {
                    sleep(delay).await;
                    socket.listen(1024).expect("a port of our own can be listened on")
                }
            };
            let handler = move |ask| {
                let (world, id) = (Arc::clone(&world), port.id.clone());
                async move { world.answer_imds(&id, ask).await }
            };
            serve(listener, handler).await;
        });
    }
}
