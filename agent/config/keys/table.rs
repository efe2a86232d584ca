//! The one table of all sections and keys.
//!
//! Whoever adds a key adds a row here, a field in `draft` and a value in `values`; then `reference` says how to renew the documents.

use std::sync::LazyLock;

use super::key::{Key, Section};
use crate::config::kinds;

/// All sections, in the order in which the documentation shows them.
pub(in crate::config) static SECTIONS: LazyLock<Vec<Section>> =
    LazyLock::new(|| vec![instance(), source(), build(), app(), workers(), health(), lifecycle()]);

fn instance() -> Section {
    Section {
        name: "instance",
        meaning: "What kind of machine this is.",
        app_may: false,
        not_yet: &[],
        keys: vec![
            Key::always("cloud", &kinds::CLOUD, |draft| &mut draft.cloud)
                .meaning("Whether there is a cloud to ask. `auto` is AWS when the firmware says Amazon EC2; `none` is any Linux machine: no metadata, no group.")
                .example("\"aws\"")
                .also(&["provider", "platform"]),
        ],
    }
}

fn source() -> Section {
    const ELSEWHERE: &str = "this version fetches from git (`source.git`) or from a directory (`source.path`) only";
    Section {
        name: "source",
        meaning: "Where releases come from: exactly one of `git` and `path`. A later layer that names the other one replaces the earlier one.",
        app_may: false,
        not_yet: &[("s3", ELSEWHERE), ("url", ELSEWHERE)],
        keys: vec![
            Key::maybe("git", &kinds::GIT, |draft| &mut draft.git)
                .meaning("A git remote. No user, password or token may stand in it: it shows in status and logs.")
                .example("\"https://github.com/you/app\"")
                .absent("none")
                .also(&["repo", "repository", "remote", "uri"]),
            Key::maybe("path", &kinds::DIRECTORY, |draft| &mut draft.path)
                .meaning("A directory of this machine, instead of `git`.")
                .example("\"/srv/app\"")
                .absent("none")
                .also(&["dir", "directory", "folder"]),
            Key::maybe("ref", &kinds::REFERENCE, |draft| &mut draft.reference)
                .meaning("What to take from the git remote.")
                .example("\"main\"")
                .absent("the remote's default branch")
                .also(&["branch", "tag", "commit", "revision", "rev", "reference", "version"]),
            Key::maybe("subdir", &kinds::SUBDIR, |draft| &mut draft.subdir)
                .meaning("The app's directory inside the source.")
                .example("\"api\"")
                .absent("the source's root")
                .also(&["subdirectory", "root"]),
            Key::always("deadline", &kinds::SPAN, |draft| &mut draft.deadline)
                .meaning("How long an unreachable source is asked again before the instance is given up.")
                .example("\"10m\"")
                .also(&["timeout", "retry"]),
        ],
    }
}

fn build() -> Section {
    Section {
        name: "build",
        meaning: "How a release is made ready.",
        app_may: true,
        not_yet: &[],
        keys: vec![
            Key::maybe("run", &kinds::BUILD_COMMAND, |draft| &mut draft.build)
                .meaning("What builds the release.")
                .example("\"bun install\"")
                .absent("detected from the lockfile")
                .also(&["command", "cmd", "script", "install"]),
            Key::always("timeout", &kinds::SPAN, |draft| &mut draft.build_timeout)
                .meaning("How long the build may take before all its processes are killed.")
                .example("\"20m\"")
                .also(&["deadline"]),
        ],
    }
}

fn app() -> Section {
    Section {
        name: "app",
        meaning: "How the program is started.",
        app_may: true,
        not_yet: &[],
        keys: vec![
            Key::maybe("run", &kinds::APP_COMMAND, |draft| &mut draft.run)
                .meaning("The command that starts one worker.")
                .example("\"bun index.ts\"")
                .absent("detected (Procfile, package.json, well-known files)")
                .also(&["command", "cmd", "start", "script", "exec", "main", "entrypoint"]),
            Key::always("port", &kinds::PORT, |draft| &mut draft.port)
                .meaning("The one port that all workers share; they find it in `PORT`.")
                .example("8080")
                .also(&["listen"]),
            Key::maybe("user", &kinds::USER, |draft| &mut draft.user)
                .meaning("The account for build and workers. Never root.")
                .example("\"ubuntu\"")
                .absent("an account that herdsman chooses")
                .also(&["account", "uid", "username"])
                .not_for_app("choose the account"),
            Key::combined(
                "env",
                &kinds::ENV,
                |draft| &mut draft.env,
                |mut earlier, later| {
                    earlier.extend(later);
                    earlier
                },
            )
            .meaning("Variables for build and workers. Layers add to each other; of one name the later value wins.")
            .example("{ LOG_LEVEL = \"info\" }")
            .absent("none")
            .also(&["environment", "vars", "variables"]),
        ],
    }
}

fn workers() -> Section {
    Section {
        name: "workers",
        meaning: "How many workers there are, and how they live.",
        app_may: true,
        not_yet: &[],
        keys: vec![
            Key::always("count", &kinds::COUNT, |draft| &mut draft.count)
                .meaning("How many; `cores` is one for each core that herdsman may use.")
                .example("4")
                .also(&["instances", "number", "processes", "concurrency", "size"]),
            Key::always("share", &kinds::SHARE, |draft| &mut draft.share)
                .meaning("How the workers come to share the port. `transparent`: any unmodified program. `socket-activation`: each is handed a listening socket (`LISTEN_FDS`). `ports`: each has a port of its own from `app.port` on. `none`: no port at all (queue workers).")
                .example("\"socket-activation\"")
                .also(&["mode", "sharing"]),
            Key::always("stop_signal", &kinds::SIGNAL, |draft| &mut draft.stop_signal)
                .meaning("Asks a worker to end.")
                .example("\"SIGINT\"")
                .also(&["kill_signal", "signal"]),
            Key::always("stop_timeout", &kinds::SPAN, |draft| &mut draft.stop_timeout)
                .meaning("How long a worker then has before all its processes are killed.")
                .example("\"10s\"")
                .also(&["kill_timeout", "grace", "grace_period"]),
            Key::always("ready_timeout", &kinds::SPAN, |draft| &mut draft.ready_timeout)
                .meaning("How long a new worker has to listen and to answer its probe.")
                .example("\"2m\"")
                .also(&["listen_timeout", "start_timeout"]),
        ],
    }
}

fn health() -> Section {
    Section {
        name: "health",
        meaning: "What the load balancer asks, and what the workers are asked.",
        app_may: true,
        not_yet: &[],
        keys: vec![
            Key::always("listen", &kinds::LISTEN, |draft| &mut draft.listen)
                .meaning("Where `/health` answers; not the app's own port.")
                .example("\"0.0.0.0:8081\"")
                .also(&["port", "address", "bind"])
                .not_for_app("open ports"),
            Key::maybe("probe", &kinds::PROBE, |draft| &mut draft.probe)
                .meaning("The path that is asked of each worker.")
                .example("\"/healthz\"")
                .absent("a worker that listens is ready")
                .also(&["path", "check", "url"]),
        ],
    }
}

fn lifecycle() -> Section {
    Section {
        name: "lifecycle",
        meaning: "Budgets of the way out.",
        app_may: false,
        not_yet: &[],
        keys: vec![
            Key::always("drain_timeout", &kinds::SPAN_OR_ZERO, |draft| &mut draft.drain_timeout)
                .meaning("How long the workers have to finish, from the moment the load balancer has let go.")
                .example("\"15m\"")
                .also(&["drain", "grace_period"]),
            Key::maybe("unready_wait", &kinds::SPAN_OR_ZERO, |draft| &mut draft.unready_wait)
                .meaning("How long to go on serving with `/health` at 503 where nothing tells that the load balancer has let go.")
                .example("\"60s\"")
                .absent("60s in a group, 0s without one")
                .also(&["deregistration_delay"]),
        ],
    }
}
