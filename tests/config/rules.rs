//! Rules between keys, which no single value can break alone.

use herdsman::config::{Layer, merge};

use super::{app, baked, told, user_data};

#[test]
fn one_layer_cannot_name_two_sources() {
    assert_eq!(
        told("[source]\ngit = \"https://x.org/y\"\npath = \"/srv/app\"\n"),
        ["3:1  source.path: the source is `git` or `path`, and `git` is set too (user-data:2)"]
    );
    // Even when a later layer would settle it: the image is wrong for every other instance.
    let both = baked("[source]\ngit = \"https://x.org/y\"\npath = \"/srv/app\"\n");
    assert_eq!(merge(&[both, Layer::user_data("source.path = \"/x\"")]).unwrap_err().len(), 1);
}

#[test]
fn a_directory_has_no_reference() {
    assert_eq!(
        told("[source]\npath = \"/srv/app\"\nref = \"main\"\n"),
        ["3:1  source.ref: only a git source has a branch, tag or commit, and the source is a directory (user-data:2)"]
    );
    assert!(merge(&[baked("source.path = \"/x\""), Layer::user_data("source.ref = \"v1\"")]).is_err());
    assert!(merge(&[baked("source.ref = \"v1\""), Layer::user_data("source.path = \"/x\"")]).is_ok());
    assert!(user_data("source.ref = \"v1\"").unwrap().source.is_none(), "user-data may still name the source");
}

#[test]
fn health_and_the_app_need_two_ports() {
    assert_eq!(
        told("[app]\nport = 4373\n"),
        [
            "2:1  app.port: `/health` and the app cannot both listen on port 4373 (`health.listen` and `app.port`); give one of them another"
        ]
    );
    assert_eq!(
        told("[health]\nlisten = \"127.0.0.1:3000\"\n"),
        [
            "2:1  health.listen: `/health` and the app cannot both listen on port 3000 (`health.listen` and `app.port`); give one of them another"
        ]
    );
    let between = merge(&[baked("health.listen = \"0.0.0.0:80\""), app("[app]\nport = 80")]).unwrap_err();
    assert_eq!(between.iter().next().unwrap().place.file, "/app/herdsman.toml", "the one written last");
    assert!(user_data("app.port = 4373\nworkers.share = \"none\"").is_ok(), "without a port there is none to share");
}

#[test]
fn ports_of_workers_end_at_the_last_port() {
    let with = |port: u32, count: u32| format!("[app]\nport = {port}\n[workers]\nshare = \"ports\"\ncount = {count}\n");
    assert!(user_data(&with(65532, 4)).is_ok());
    assert_eq!(
        told(&with(65533, 4)),
        [
            "5:1  workers.count: with `workers.share = \"ports\"` the workers' ports would run from 65533 to 65536, and the last port there is is 65535"
        ]
    );
    assert!(user_data(&with(65533, 4).replace("ports", "transparent")).is_ok());
}

#[test]
fn health_is_not_among_the_workers_ports() {
    assert!(user_data("[app]\nport = 4370\n[workers]\nshare = \"ports\"\ncount = 3\n").is_ok());
    assert_eq!(
        told("[app]\nport = 4370\n[workers]\nshare = \"ports\"\ncount = 4\n"),
        [
            "5:1  workers.count: `/health` cannot listen on port 4373: with `workers.share = \"ports\"` the workers have 4370 to 4373"
        ]
    );
}

#[test]
fn workers_without_a_port_are_not_probed() {
    assert_eq!(
        told("[health]\nprobe = \"/\"\n[workers]\nshare = \"none\"\n"),
        [
            "2:1  health.probe: workers without a port (`workers.share = \"none\"` (user-data:4)) cannot be asked; take one of the two out"
        ]
    );
}
