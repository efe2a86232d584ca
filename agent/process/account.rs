//! Whose rights the build and the workers have. Never root's.

use std::ffi::CString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, User, geteuid, getgrouplist};

/// Tried in this order when the configuration names nobody: one made for it, then the usual first users of the images.
pub const WELL_KNOWN: [&str; 4] = ["herdsman-app", "ec2-user", "ubuntu", "admin"];

/// There on every Linux, and owns nothing.
const LAST: &str = "nobody";

/// A user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: String,
    /// The number.
    pub uid: Uid,
    /// The main group.
    pub gid: Gid,
    /// The home directory.
    pub home: PathBuf,
    /// The login shell.
    pub shell: PathBuf,
    /// All groups, the main one among them.
    pub groups: Vec<Gid>,
}

/// Why there is no account to run as.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// No such user.
    #[error("there is no user {name}; create it with: useradd --system --create-home {name}")]
    Unknown {
        /// As asked for.
        name: String,
    },
    /// The users cannot be read.
    #[error("the user {name} could not be looked up")]
    Lookup {
        /// As asked for.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Root was asked for.
    #[error(
        "app.user is {name}, which is root (uid 0): never root for the app; name another user or leave app.user out"
    )]
    Root {
        /// As asked for.
        name: String,
    },
    /// Only root can become another user.
    #[error(
        "app.user is {name}, but the agent runs as {agent} and cannot become another user; start it as root, or leave app.user out"
    )]
    NotRoot {
        /// As asked for.
        name: String,
        /// Who the agent is.
        agent: String,
    },
    /// A home directory could not be made.
    #[error("{}: no home directory for the user {name} could be made here", path.display())]
    Home {
        /// Where.
        path: PathBuf,
        /// For whom.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Account {
    /// The user of this name.
    ///
    /// # Errors
    /// When there is none, or the users cannot be read.
    pub fn find(name: &str) -> Result<Self, AccountError> {
        let failed = |source: nix::Error| AccountError::Lookup { name: name.to_owned(), source: source.into() };
        let user = User::from_name(name).map_err(failed)?;
        let user = user.ok_or_else(|| AccountError::Unknown { name: name.to_owned() })?;
        let text = CString::new(name).map_err(|_| AccountError::Unknown { name: name.to_owned() })?;
        let groups = getgrouplist(&text, user.gid).map_err(failed)?;
        Ok(Self { name: user.name, uid: user.uid, gid: user.gid, home: user.dir, shell: user.shell, groups })
    }

    /// The account of the app: the configured one; else the first of [`WELL_KNOWN`] that exists; else `nobody` with a home below
    /// `state_dir`. `None`: the agent is not root, so the app runs as the agent does.
    ///
    /// # Errors
    /// When the configured user is root, unknown, or cannot be become.
    pub fn for_app(configured: Option<&str>, state_dir: &Path) -> Result<Option<Self>, AccountError> {
        choose(geteuid(), configured, &WELL_KNOWN, state_dir)
    }
}

fn choose(
    agent: Uid,
    configured: Option<&str>,
    well_known: &[&str],
    state_dir: &Path,
) -> Result<Option<Account>, AccountError> {
    let configured = configured.map(Account::find).transpose()?;
    match configured {
        Some(account) if account.uid.is_root() => Err(AccountError::Root { name: account.name }),
        Some(account) if agent.is_root() => Ok(Some(account)),
        Some(account) if account.uid == agent => Ok(None),
        Some(account) => Err(AccountError::NotRoot { name: account.name, agent: name_of(agent) }),
        None if agent.is_root() => first_of(well_known, state_dir).map(Some),
        None => Ok(None),
    }
}

fn name_of(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| format!("uid {uid}"), |user| user.name)
}

fn first_of(well_known: &[&str], state_dir: &Path) -> Result<Account, AccountError> {
    for name in well_known {
        match Account::find(name) {
            Ok(account) if !account.uid.is_root() => return Ok(account),
            Ok(_) | Err(AccountError::Unknown { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let mut account = Account::find(LAST)?;
    account.home = state_dir.join("home");
    make_home(&account).map_err(|source| AccountError::Home {
        path: account.home.clone(),
        name: account.name.clone(),
        source,
    })?;
    Ok(account)
}

/// Makes the home directory if need be. What is no directory of ours or the account's is not touched, and no link is followed.
fn make_home(account: &Account) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(&account.home) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if !fs::symlink_metadata(&account.home)?.is_dir() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
        }
        Err(error) => return Err(error),
    }
    fs::set_permissions(&account.home, fs::Permissions::from_mode(0o700))?;
    std::os::unix::fs::lchown(&account.home, Some(account.uid.as_raw()), Some(account.gid.as_raw()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    const ROOT: Uid = Uid::from_raw(0);
    const SOMEBODY: Uid = Uid::from_raw(4242);

    fn state_dir() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn root_is_refused_whoever_the_agent_is() {
        let refused = choose(ROOT, Some("root"), &[], state_dir().path());
        assert!(matches!(refused, Err(AccountError::Root { .. })), "{refused:?}");
    }

    #[test]
    fn an_unknown_user_comes_with_the_way_to_create_it() {
        let message = choose(ROOT, Some("no-such-user"), &[], state_dir().path()).unwrap_err().to_string();
        assert!(message.ends_with("useradd --system --create-home no-such-user"), "{message}");
    }

    #[test]
    fn an_agent_that_is_not_root_runs_the_app_as_itself_or_says_why_not() {
        assert_eq!(choose(SOMEBODY, None, &["nobody"], state_dir().path()).unwrap(), None);
        let message = choose(SOMEBODY, Some("nobody"), &[], state_dir().path()).unwrap_err().to_string();
        assert!(message.contains("the agent runs as uid 4242"), "{message}");
        let nobody = Account::find("nobody").unwrap();
        assert_eq!(choose(nobody.uid, Some("nobody"), &[], state_dir().path()).unwrap(), None);
    }

    #[test]
    fn the_first_well_known_user_that_exists_and_is_not_root_is_taken() {
        let found = choose(ROOT, None, &["no-such-user", "root", "nobody"], state_dir().path()).unwrap().unwrap();
        assert_eq!(found, Account::find("nobody").unwrap());
        assert!(found.groups.contains(&found.gid));
    }

    #[test]
    fn nobody_gets_a_home_of_its_own() {
        if !geteuid().is_root() {
            eprintln!("SKIPPED: only root can give a directory away");
            return;
        }
        let state = state_dir();
        for _ in 0..2 {
            let found = choose(ROOT, None, &[], state.path()).unwrap().unwrap();
            let home = fs::symlink_metadata(&found.home).unwrap();
            assert_eq!(
                (found.home, home.uid(), home.mode() & 0o777),
                (state.path().join("home"), found.uid.as_raw(), 0o700)
            );
        }
        let other = state_dir();
        std::os::unix::fs::symlink("/etc", other.path().join("home")).unwrap();
        choose(ROOT, None, &[], other.path()).unwrap_err();
    }
}
