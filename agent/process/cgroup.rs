//! A cgroup for each worker, where systemd has delegated ours (`Delegate=yes`). Elsewhere there are none, and nothing depends on them.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use crate::decide::ids::{Generation, Slot};

/// Names a cgroup2 directory to use instead of our own, for tests.
pub const ROOT_VARIABLE: &str = "HERDSMAN_CGROUP_ROOT";

/// Where the agent itself goes: a cgroup with processes of its own cannot distribute resources to children.
const AGENT: &str = "agent";

/// The cgroup below which workers get theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroups {
    root: PathBuf,
}

/// The cgroup of one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    path: PathBuf,
}

impl Cgroups {
    /// Our cgroup, if it has been delegated to us; the agent then moves into a child of it.
    pub fn detect() -> Option<Self> {
        if let Some(root) = env::var_os(ROOT_VARIABLE) {
            return Self::at(PathBuf::from(root)).ok();
        }
        let own = own_path(
            &fs::read_to_string("/proc/self/cgroup").ok()?,
            &fs::read_to_string("/proc/self/mountinfo").ok()?,
        )?;
        if own.file_name().is_some_and(|name| name == AGENT) && own.parent().is_some_and(is_delegated) {
            return own.parent().map(|root| Self { root: root.to_owned() });
        }
        if !is_delegated(&own) {
            return None;
        }
        let found = Self { root: own };
        found.move_agent().ok()?;
        Some(found)
    }

    /// This directory of a cgroup2 file system.
    ///
    /// # Errors
    /// `NotADirectory` when it is no cgroup.
    pub fn at(root: PathBuf) -> io::Result<Self> {
        if root.join("cgroup.procs").is_file() { Ok(Self { root }) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    fn move_agent(&self) -> io::Result<()> {
        let agent = make(&self.root.join(AGENT))?;
        fs::write(agent.join("cgroup.procs"), "0")
    }

    /// The cgroup of a worker, made if need be.
    ///
    /// # Errors
    /// What `mkdir` says.
    pub fn of_worker(&self, slot: Slot, generation: Generation) -> io::Result<Cgroup> {
        Ok(Cgroup { path: make(&self.root.join(format!("slot-{slot}-g{generation}")))? })
    }

    /// Removes the cgroups of workers that have gone; says how many. One that still has processes stays.
    pub fn remove_empty(&self) -> usize {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return 0;
        };
        let of_workers = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("slot-"));
        of_workers.filter(|entry| fs::remove_dir(entry.path()).is_ok()).count()
    }
}

impl Cgroup {
    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opened to be joined by writing `0`.
    ///
    /// # Errors
    /// What `open` says.
    pub fn open(&self) -> io::Result<OwnedFd> {
        Ok(OpenOptions::new().write(true).open(self.path.join("cgroup.procs"))?.into())
    }

    /// Removes it. The kernel refuses while there are processes in it.
    ///
    /// # Errors
    /// What `rmdir` says.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_dir(&self.path)
    }
}

/// The processes in a cgroup and all below it.
pub(super) fn members(path: &Path) -> BTreeSet<i32> {
    let text = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    let mut found: BTreeSet<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(members(&entry.path()));
        }
    }
    found
}

/// Kills all processes in a cgroup and below it at once (Linux 5.14).
pub(super) fn kill(path: &Path) -> io::Result<()> {
    fs::write(path.join("cgroup.kill"), "1")
}

fn make(path: &Path) -> io::Result<PathBuf> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(path.to_owned()),
    }
}

/// systemd marks what it delegates with an extended attribute (systemd.resource-control(5), "Delegate=").
fn is_delegated(path: &Path) -> bool {
    ["trusted.delegate", "user.delegate"].into_iter().any(|name| {
        let mut value = [0_u8; 8];
        rustix::fs::getxattr(path, name, &mut value[..]).is_ok_and(|length| value.get(..length) == Some(b"1"))
    })
}

/// The directory of our cgroup: our path (the `0::` line) below the mount point of cgroup2.
fn own_path(cgroup: &str, mountinfo: &str) -> Option<PathBuf> {
    let own = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    mountinfo.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let fields: Vec<&str> = mount.split(' ').collect();
        let (root, point) = (unescape(fields.get(3)?), unescape(fields.get(4)?));
        let below = Path::new(own).strip_prefix(&root).ok()?;
        kind.starts_with("cgroup2 ").then(|| Path::new(&point).join(below))
    })
}

/// `mountinfo` writes blanks and the like as three octal digits.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOTED: &str =
        "24 1 0:22 / /proc rw - proc proc rw\n30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";

    #[test]
    fn our_cgroup_is_found_below_the_mount_point() {
        let own = own_path("0::/system.slice/herdsman.service\n", BOOTED);
        assert_eq!(own, Some("/sys/fs/cgroup/system.slice/herdsman.service".into()));
        let hybrid = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n41 31 0:38 / /sys/fs/cgroup/my\\040own rw - cgroup2 none rw\n";
        assert_eq!(own_path("1:name=systemd:/x\n0::/a\n", hybrid), Some("/sys/fs/cgroup/my own/a".into()));
        assert_eq!(own_path("1:name=systemd:/x\n", BOOTED), None);
        assert_eq!(own_path("0::/a\n", "24 1 0:22 / /proc rw - proc proc rw\n"), None);
    }

    #[test]
    fn a_directory_that_is_no_cgroup_is_refused() {
        Cgroups::at("/tmp".into()).unwrap_err();
        assert!(!is_delegated(Path::new("/tmp")));
    }
}
