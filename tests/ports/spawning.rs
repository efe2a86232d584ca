//! How programs are started, and what is said when they are not.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use herdsman::process::{Account, Launch, Output, ProcessTag, SpawnError};
use tokio::sync::mpsc;

use crate::rig::soon;

fn launch(directory: &Path, argv: &[&str]) -> Launch {
    Launch {
        argv: argv.iter().map(Into::into).collect(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into()), ("GIVEN".into(), "yes".into())],
        cwd: directory.to_owned(),
        account: None,
        output: Output::Null,
        tag: ProcessTag::unique("test"),
        cgroup: None,
        yields: false,
        gate: false,
        handed: None,
    }
}

fn message(launch: Launch) -> String {
    launch.spawn().unwrap_err().to_string()
}

async fn output(mut launch: Launch) -> Vec<String> {
    let (sink, mut lines) = mpsc::channel(100);
    launch.output = Output::Pipe(sink);
    let mut process = launch.spawn().unwrap();
    soon("its end", process.wait()).await.unwrap();
    let mut seen = Vec::new();
    while let Some(line) = soon("its lines", lines.recv()).await {
        seen.push(line.text);
    }
    seen
}

#[tokio::test]
async fn an_unknown_program_is_named_with_the_places_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let unknown = message(launch(directory.path(), &["no-such-program"]));
    assert_eq!(
        unknown,
        "no-such-program: there is no such program; looked in /usr/bin/no-such-program, /bin/no-such-program"
    );
    let mut gated = launch(directory.path(), &["no-such-program"]);
    gated.gate = true;
    assert!(matches!(gated.spawn(), Err(SpawnError::NotFound { .. })));
    let mut handed = launch(directory.path(), &["no-such-program"]);
    handed.handed = Some(std::net::TcpListener::bind("127.0.0.1:0").unwrap().into());
    assert!(matches!(handed.spawn(), Err(SpawnError::NotFound { .. })));
    assert!(matches!(launch(directory.path(), &[]).spawn(), Err(SpawnError::NoProgram)));
    assert!(matches!(launch(directory.path(), &["a\0b"]).spawn(), Err(SpawnError::Nul { .. })));
}

#[tokio::test]
async fn a_script_that_cannot_run_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("start");
    fs::write(&script, "#!/opt/nowhere/ruby -w\n").unwrap();
    assert!(message(launch(directory.path(), &["./start"])).contains("chmod +x"));
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let missing = message(launch(directory.path(), &["./start"]));
    assert!(missing.contains("names the interpreter \"/opt/nowhere/ruby\", which is not there"), "{missing}");
    fs::write(&script, "echo no first line\n").unwrap();
    assert!(message(launch(directory.path(), &["./start"])).contains("begins with #!"));
}

#[tokio::test]
async fn a_directory_that_the_user_may_not_enter_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = message(launch(&directory.path().join("gone"), &["true"]));
    assert!(missing.contains("gone: cannot be entered by the agent's user"), "{missing}");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let mut other = launch(directory.path(), &["true"]);
    other.account = Some(Account::find("nobody").unwrap());
    let closed = message(other);
    assert!(closed.ends_with("cannot be entered by the user nobody as working directory"), "{closed}");
}

#[tokio::test]
async fn a_program_gets_what_was_named_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    // An inheritable descriptor of the agent's, as a careless library might leave it.
    let leak = fs::File::open("/etc/hostname").unwrap();
    nix::fcntl::fcntl(&leak, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let mut wanted =
        launch(directory.path(), &["sh", "-c", "env; ls -l /proc/self/fd; umask; pwd; cat /proc/self/status"]);
    wanted.gate = true;
    let tag = wanted.tag.as_str().to_owned();
    let seen = output(wanted).await;
    for line in ["GIVEN=yes", "0022", &format!("HERDSMAN_WORKER={tag}"), directory.path().to_str().unwrap()] {
        assert!(seen.iter().any(|seen| seen == line), "{line} is not in {seen:#?}");
    }
    for line in ["NoNewPrivs:\t1", "SigIgn:\t0000000000000000", "SigBlk:\t0000000000000000", "Seccomp:\t2"] {
        assert!(seen.iter().any(|seen| seen == line), "{line} is not in {seen:#?}");
    }
    assert!(!seen.iter().any(|line| line.starts_with("HOME=") || line.contains("/etc/hostname")), "{seen:#?}");
    let descriptors: Vec<_> = seen.iter().filter_map(|line| line.split_once(" -> ")).collect();
    // The fourth is the directory that `ls` reads.
    assert_eq!(descriptors.len(), 4, "{descriptors:?} (leaked: {})", leak.as_raw_fd());
    assert!(descriptors.iter().any(|(_, target)| *target == "/dev/null"), "{descriptors:?}");
}

#[tokio::test]
async fn output_goes_to_a_journald_stream() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("stdout");
    let journald = UnixListener::bind(&socket).unwrap();
    let mut wanted = launch(directory.path(), &["sh", "-c", "echo out; echo err >&2"]);
    wanted.output = Output::Journal { identifier: "herdsman-0".into(), socket };
    let mut process = wanted.spawn().unwrap();
    assert!(soon("its end", process.wait()).await.unwrap().is_success());
    let text = tokio::task::spawn_blocking(move || std::io::read_to_string(journald.accept().unwrap().0).unwrap());
    assert_eq!(soon("its lines", text).await.unwrap(), "herdsman-0\n\n6\n1\n0\n0\n0\nout\nerr\n");
}

#[tokio::test]
async fn a_process_has_the_groups_of_its_account_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let account = Account::find("nobody").unwrap();
    let expected =
        format!("Groups:\t{} ", account.groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    let mut wanted = launch(directory.path(), &["cat", "/proc/self/status"]);
    wanted.account = Some(account);
    let seen = output(wanted).await;
    assert!(seen.contains(&expected), "{expected:?} is not in {seen:#?}");
    assert!(seen.contains(&"CapEff:\t0000000000000000".to_owned()), "{seen:#?}");
}
