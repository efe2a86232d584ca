//! `local-cloud`: an Auto Scaling group on this machine, for demonstrations. Prints one line of JSON when it is up and ends on SIGTERM.

#[path = "mod.rs"]
mod local_cloud;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use local_cloud::{HookSpec, InstanceOptions, LocalCloud, Options};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// An Auto Scaling group with its instances' metadata service, on loopback.
#[derive(Debug, Parser)]
struct Arguments {
    /// Port of the Auto Scaling API and, below /control, of the control API; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The group's name.
    #[arg(long, default_value = "herd")]
    group: String,
    #[arg(long, default_value = "eu-west-1")]
    region: String,
    /// How many of the group's seconds pass in one.
    #[arg(long, default_value_t = 1.0)]
    time_scale: f64,
    /// Heartbeat time-out of the launching hook "boot", in the group's seconds; 0 for no such hook.
    #[arg(long, default_value_t = 300.0)]
    launch_hook: f64,
    /// Heartbeat time-out of the terminating hook "drain", in the group's seconds; 0 for no such hook.
    #[arg(long, default_value_t = 300.0)]
    terminate_hook: f64,
    /// How long the balancer lets go of an instance, in the group's seconds.
    #[arg(long, default_value_t = 10.0)]
    drain: f64,
    /// Launch an instance at once.
    #[arg(long)]
    launch: bool,
    /// Its user-data.
    #[arg(long, requires = "launch")]
    user_data: Option<PathBuf>,
    /// The port of its IMDS; 0 takes a free one.
    #[arg(long, requires = "launch", default_value_t = 0)]
    imds_port: u16,
    /// One of its tags, KEY=VALUE; may be given again.
    #[arg(long, requires = "launch")]
    tag: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut terminated = signal(SignalKind::terminate())?;
    let hooks =
        [HookSpec::launching("boot", arguments.launch_hook), HookSpec::terminating("drain", arguments.terminate_hook)];
    let cloud = LocalCloud::start(Options {
        group: arguments.group.clone(),
        region: arguments.region.clone(),
        hooks: hooks.into_iter().filter(|hook| hook.heartbeat_seconds != 0.0).collect(),
        time_scale: arguments.time_scale,
        drain: Duration::try_from_secs_f64(arguments.drain)?,
        port: arguments.port,
        ..Options::default()
    })
    .await?;
    let url = cloud.autoscaling_url();
    let mut up = json!({ "autoscaling_url": url, "control_url": format!("{url}/control"), "group": arguments.group });
    if arguments.launch {
        let instance = cloud.launch(instance_options(&arguments)?);
        let env: serde_json::Map<_, _> =
            cloud.env_for(&instance).into_iter().map(|(name, value)| (name, json!(value))).collect();
        up["instance"] = json!({ "id": instance.id, "imds_url": instance.imds_url, "env": env });
    }
    println!("{up}");
    tokio::select! {
        _ = terminated.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}

fn instance_options(arguments: &Arguments) -> anyhow::Result<InstanceOptions> {
    let pair = |tag: &String| tag.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    let tags = arguments.tag.iter().map(|tag| pair(tag).ok_or_else(|| anyhow::anyhow!("{tag:?} is not KEY=VALUE")));
    Ok(InstanceOptions {
        user_data: arguments.user_data.as_ref().map(std::fs::read_to_string).transpose()?,
        tags: tags.collect::<anyhow::Result<_>>()?,
        imds_port: arguments.imds_port,
        ..InstanceOptions::default()
    })
}
