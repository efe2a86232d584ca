//! Which layer wins, and what the app's own file may not say.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use herdsman::config::{BuildRun, Cloud, Count, FlagOverrides, Layer, Origin, Share, effective, merge};
use nix::sys::signal::Signal;

use super::{app, baked, drop_in, user_data};

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn without_any_layer_the_defaults_hold() {
    let config = merge(&[]).unwrap();
    assert_eq!(config.instance.cloud, Cloud::Auto);
    assert_eq!(config.source, None);
    assert_eq!(config.build.run, BuildRun::Detect);
    assert_eq!(config.build.timeout, Duration::from_secs(600));
    assert_eq!((config.app.run, config.app.port.get(), config.app.user), (None, 3000, None));
    assert!(config.app.env.is_empty());
    assert_eq!((config.workers.count, config.workers.share), (Count::Cores, Share::Transparent));
    assert_eq!(config.workers.stop_signal, Signal::SIGTERM);
    assert_eq!(config.workers.stop_timeout, Duration::from_secs(30));
    assert_eq!(config.workers.ready_timeout, Duration::from_secs(60));
    assert_eq!(config.health.listen, "0.0.0.0:4373".parse().unwrap());
    assert_eq!(config.health.probe, None);
    assert_eq!(config.lifecycle.drain_timeout, Duration::from_secs(300));
    assert_eq!(config.lifecycle.unready_wait, None);
    let source = user_data("source.path = \"/srv/app\"").unwrap().source.unwrap();
    assert_eq!((source.subdir, source.deadline), (None, Duration::from_secs(300)));
}

#[test]
fn every_key_reaches_the_configuration() {
    let config = user_data(
        r#"
        [instance]
        cloud = "aws"
        [source]
        git = "https://github.com/you/app"
        ref = "v1"
        subdir = "apps/api"
        deadline = "7m"
        [build]
        run = "make"
        timeout = "11m"
        [app]
        run = "bun index.ts"
        port = 8080
        user = "ubuntu"
        env = { LOG_LEVEL = "info" }
        [workers]
        count = 4
        share = "socket-activation"
        stop_signal = "SIGINT"
        stop_timeout = "10s"
        ready_timeout = "20s"
        [health]
        listen = "127.0.0.1:81"
        probe = "/ok"
        [lifecycle]
        drain_timeout = "0s"
        unready_wait = "1m"
        "#,
    )
    .unwrap();
    assert_eq!(config.instance.cloud, Cloud::Aws);
    let source = config.source.unwrap();
    let reference = Some("v1".to_owned());
    assert_eq!(source.origin, Origin::Git { url: "https://github.com/you/app".to_owned(), reference });
    assert_eq!(source.subdir, Some(PathBuf::from("apps/api")));
    assert_eq!(source.deadline, Duration::from_secs(420));
    assert_eq!(config.build.run, BuildRun::Command("make".to_owned()));
    assert_eq!(config.build.timeout, Duration::from_secs(660));
    assert_eq!(config.app.run.as_deref(), Some("bun index.ts"));
    assert_eq!(config.app.port.get(), 8080);
    assert_eq!(config.app.user.as_deref(), Some("ubuntu"));
    assert_eq!(config.app.env, env(&[("LOG_LEVEL", "info")]));
    assert_eq!(config.workers.count, Count::Fixed(NonZeroU16::new(4).unwrap()));
    assert_eq!(config.workers.share, Share::SocketActivation);
    assert_eq!(config.workers.stop_signal, Signal::SIGINT);
    assert_eq!(config.workers.stop_timeout, Duration::from_secs(10));
    assert_eq!(config.workers.ready_timeout, Duration::from_secs(20));
    assert_eq!(config.health.listen, "127.0.0.1:81".parse().unwrap());
    assert_eq!(config.health.probe.as_deref(), Some("/ok"));
    assert_eq!(config.lifecycle.drain_timeout, Duration::ZERO);
    assert_eq!(config.lifecycle.unready_wait, Some(Duration::from_secs(60)));
}

#[test]
fn later_layers_win_key_by_key_in_whatever_order_they_are_given() {
    let flags = FlagOverrides { count: Some("5".to_owned()), ..FlagOverrides::default() };
    let layers = [
        Layer::flags(&flags),
        Layer::user_data("[workers]\ncount = 4\nstop_timeout = \"4s\""),
        app("[workers]\ncount = 3\nstop_timeout = \"3s\"\nready_timeout = \"3s\""),
        drop_in("10.toml", "[app]\nport = 2000"),
        drop_in("20.toml", "[app]\nport = 2001\n[workers]\nstop_signal = \"SIGHUP\"\nready_timeout = \"2s\""),
        baked("[workers]\nstop_signal = \"SIGINT\"\nshare = \"ports\""),
    ];
    let workers = merge(&layers).unwrap().workers;
    assert_eq!(workers.count, Count::Fixed(NonZeroU16::new(5).unwrap()));
    assert_eq!(workers.stop_timeout, Duration::from_secs(4));
    assert_eq!(workers.ready_timeout, Duration::from_secs(3));
    assert_eq!(workers.stop_signal, Signal::SIGHUP);
    assert_eq!(workers.share, Share::Ports);
    assert_eq!(merge(&layers).unwrap().app.port.get(), 2001);
}

#[test]
fn variables_of_all_layers_come_together() {
    let layers = [
        baked("[app.env]\nA = \"1\"\nB = \"1\""),
        app("[app]\nenv = { B = \"2\", C = \"2\" }"),
        Layer::user_data("app.env.C = \"3\""),
    ];
    assert_eq!(merge(&layers).unwrap().app.env, env(&[("A", "1"), ("B", "2"), ("C", "3")]));
}

#[test]
fn a_later_source_of_another_kind_replaces_the_earlier_one() {
    let git = "[source]\ngit = \"https://github.com/you/app\"\nref = \"main\"\nsubdir = \"api\"";
    let path = "[source]\npath = \"/srv/app\"";
    let source = merge(&[baked(git), Layer::user_data(path)]).unwrap().source.unwrap();
    assert_eq!(source.origin, Origin::Path("/srv/app".into()));
    assert_eq!(source.subdir, Some(PathBuf::from("api")), "the app's directory is the same in both");

    let source = merge(&[baked(path), Layer::user_data(git)]).unwrap().source.unwrap();
    assert!(matches!(source.origin, Origin::Git { reference: Some(reference), .. } if reference == "main"));

    let again = [baked(git), drop_in("a.toml", path), Layer::user_data("[source]\ngit = \"/srv/repo.git\"")];
    let source = merge(&again).unwrap().source.unwrap();
    assert_eq!(source.origin, Origin::Git { url: "/srv/repo.git".to_owned(), reference: None });
}

#[test]
fn user_data_can_change_the_reference_alone() {
    let layers =
        [baked("[source]\ngit = \"https://x.org/y\"\nref = \"main\""), Layer::user_data("[source]\nref = \"v2\"")];
    let source = merge(&layers).unwrap().source.unwrap();
    assert_eq!(source.origin, Origin::Git { url: "https://x.org/y".to_owned(), reference: Some("v2".to_owned()) });
}

#[test]
fn the_layer_that_set_a_value_is_known() {
    let flags = FlagOverrides { port: Some("8080".to_owned()), ..FlagOverrides::default() };
    let layers = [baked("[workers]\ncount = 2\n[app.env]\nTOKEN = \"hunter2\""), Layer::flags(&flags)];
    let said: Vec<_> = effective(&layers)
        .unwrap()
        .into_iter()
        .filter_map(|value| Some(format!("{} = {} ({})", value.key, value.value, value.from?)))
        .collect();
    assert_eq!(
        said,
        [
            "app.port = 8080 (command line)",
            "app.env = { TOKEN = \"…\" } (/etc/herdsman/herdsman.toml:3:6)",
            "workers.count = 2 (/etc/herdsman/herdsman.toml:2:1)",
        ]
    );
}

#[test]
fn the_app_may_not_choose_the_account_the_ports_or_the_source() {
    let problems = merge(&[app(
        "[source]\ngit = \"/x\"\nref = \"y\"\n[app]\nuser = \"root\"\nport = 0\n[health]\nlisten = \"0.0.0.0:22\"\nprobe = \"/\"\n[lifecycle]\ndrain_timeout = \"1h\"\n",
    )])
    .unwrap_err();
    assert_eq!(
        problems.to_string(),
        "5 problems in the configuration:\
       \n  /app/herdsman.toml:1:2  source: the app's own herdsman.toml may not set this: whoever can push to the app's repository must not rule the instance; it may have `build`, `app`, `workers` and `health`, the rest belongs into /etc/herdsman or user-data\
       \n  /app/herdsman.toml:5:1  app.user: the app's own herdsman.toml may not set this: whoever can push to the app's repository must not choose the account; set it in /etc/herdsman or user-data\
       \n  /app/herdsman.toml:6:8  app.port = 0: a port is a number from 1 to 65535\
       \n  /app/herdsman.toml:8:1  health.listen: the app's own herdsman.toml may not set this: whoever can push to the app's repository must not open ports; set it in /etc/herdsman or user-data\
       \n  /app/herdsman.toml:10:2  lifecycle: the app's own herdsman.toml may not set this: whoever can push to the app's repository must not rule the instance; it may have `build`, `app`, `workers` and `health`, the rest belongs into /etc/herdsman or user-data"
    );
}
