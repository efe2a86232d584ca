//! The environment that a release is built and run in: put together from nothing, so that no secret of the agent leaks in.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::owner::Owner;

/// Names and values.
pub type Environment = BTreeMap<OsString, OsString>;

/// The account's basics (`HOME`, `USER`, `LOGNAME`, `SHELL`, ours without an `owner`), `PATH`, `LANG`, and over all of it
/// what `app.env` says.
pub fn environment(owner: Option<&Owner>, path: &OsStr, app_env: &BTreeMap<String, String>) -> Environment {
    let mut env = Environment::from([("PATH".into(), path.to_owned()), ("LANG".into(), "C.UTF-8".into())]);
    match owner {
        Some(owner) => {
            env.insert("HOME".into(), owner.home.clone().into());
            env.insert("USER".into(), owner.name.clone().into());
            env.insert("LOGNAME".into(), owner.name.clone().into());
            env.insert("SHELL".into(), owner.shell.clone().into());
        }
        None => {
            let ours = ["HOME", "USER", "LOGNAME", "SHELL"];
            env.extend(ours.into_iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?))));
        }
    }
    env.extend(app_env.iter().map(|(name, value)| (name.into(), value.into())));
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_agents_environment_gets_in() {
        let owner = Owner { uid: 1, gid: 1, name: "app".into(), home: "/home/app".into(), shell: "/bin/sh".into() };
        let app = BTreeMap::from([("LANG".to_owned(), "de_DE.UTF-8".to_owned()), ("A".to_owned(), "1".to_owned())]);
        let env = environment(Some(&owner), OsStr::new("/bin"), &app);
        let names: Vec<&str> = env.keys().map(|name| name.to_str().unwrap()).collect();
        assert_eq!(names, ["A", "HOME", "LANG", "LOGNAME", "PATH", "SHELL", "USER"]);
        assert_eq!(env[OsStr::new("LANG")], "de_DE.UTF-8");
        assert_eq!(env[OsStr::new("HOME")], "/home/app");
    }
}
