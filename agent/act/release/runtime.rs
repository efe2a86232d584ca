//! Where node, bun, deno, python and the rest are: a fixed list of places, no shell profile, no guess by substring.
//!
//! A version manager (nvm, fnm, …) is one more place in [`Runtimes::new`]'s list.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const SYSTEM: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// A program that is not on this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{program} is not on this machine (looked in {looked}); {advice}")]
pub struct MissingRuntime {
    /// What was looked for.
    pub program: String,
    looked: String,
    advice: String,
}

/// Where programs are looked for on behalf of one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtimes {
    app: PathBuf,
    places: Vec<PathBuf>,
}

impl Runtimes {
    /// For the release in `app`, run by the account whose home is `home`.
    pub fn new(app: &Path, home: Option<&Path>) -> Self {
        let mut places = vec![app.join("node_modules/.bin"), app.join(".venv/bin")];
        let of_home = [".bun/bin", ".deno/bin", ".local/bin"];
        places.extend(home.into_iter().flat_map(|home| of_home.map(|dir| home.join(dir))));
        places.extend(SYSTEM.map(PathBuf::from));
        Self { app: app.to_owned(), places }
    }

    /// The places as a `PATH`.
    pub fn path_variable(&self) -> OsString {
        // A colon cannot be written in PATH; such a directory is not searched by programs either.
        let writable = self.places.iter().filter(|place| !place.as_os_str().as_encoded_bytes().contains(&b':'));
        writable.map(|place| place.as_os_str()).collect::<Vec<&OsStr>>().join(OsStr::new(":"))
    }

    /// The absolute path of `program`: looked up in the places in their order, or, when it has a slash, taken relative to
    /// the release.
    ///
    /// # Errors
    /// With advice when it is nowhere.
    pub fn find(&self, program: &str) -> Result<PathBuf, MissingRuntime> {
        if program.contains('/') {
            let path = self.app.join(program);
            let advice = "it must be in the release, and executable".to_owned();
            let looked = self.app.display().to_string();
            return if is_program(&path) {
                Ok(path)
            } else {
                Err(MissingRuntime { program: program.into(), looked, advice })
            };
        }
        let found = self.places.iter().map(|place| place.join(program)).find(|path| is_program(path));
        found.filter(|_| !program.is_empty()).ok_or_else(|| MissingRuntime {
            program: program.to_owned(),
            looked: self.path_variable().to_string_lossy().into_owned(),
            advice: advice(program),
        })
    }
}

/// Root may "execute" anything, so it is the mode that is asked.
fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn advice(program: &str) -> String {
    let what = match program {
        "node" | "npm" | "npx" => {
            "install Node.js 20 or newer on the image, for all users (/usr/local or the distribution's package; not nvm)"
        }
        "bun" | "bunx" => "install Bun on the image, for all users (BUN_INSTALL=/usr/local)",
        "deno" => "install Deno on the image, for all users (DENO_INSTALL=/usr/local)",
        "yarn" | "pnpm" => {
            "install it on the image with `npm install --global`, or bundle node_modules with the source"
        }
        "python" | "python3" | "pip" | "pip3" => {
            "install Python 3 with its venv module on the image (python3, python3-venv)"
        }
        "uv" => "install uv on the image in /usr/local/bin",
        "ruby" | "bundle" => "install Ruby on the image",
        "go" => "install Go on the image, or deploy the built program",
        _ => "install it on the image, add it to the dependencies, or correct the command",
    };
    what.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(path: &Path, mode: u32) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_release_comes_before_the_home_and_the_home_before_the_system() {
        let dir = tempfile::tempdir().unwrap();
        let (app, home) = (dir.path().join("ubuntu-app"), dir.path().join("home"));
        let runtimes = Runtimes::new(&app, Some(&home));
        program(&home.join(".bun/bin/sh"), 0o755);
        assert_eq!(runtimes.find("sh").unwrap(), home.join(".bun/bin/sh"));
        program(&app.join("node_modules/.bin/sh"), 0o755);
        assert_eq!(runtimes.find("sh").unwrap(), app.join("node_modules/.bin/sh"));
        let path = runtimes.path_variable().into_string().unwrap();
        assert!(path.starts_with(app.to_str().unwrap()) && path.ends_with(":/usr/bin:/sbin:/bin"), "{path}");
    }

    #[test]
    fn what_cannot_be_executed_is_not_found() {
        let dir = tempfile::tempdir().unwrap();
        program(&dir.path().join("node_modules/.bin/thing"), 0o644);
        std::fs::create_dir_all(dir.path().join(".venv/bin/thing")).unwrap();
        let runtimes = Runtimes::new(dir.path(), None);
        let error = runtimes.find("thing").unwrap_err();
        assert!(error.to_string().contains("thing is not on this machine (looked in "), "{error}");
        assert!(runtimes.find("").is_err());
        assert!(runtimes.find("bin/server").unwrap_err().to_string().contains("must be in the release"));
        program(&dir.path().join("bin/server"), 0o755);
        assert_eq!(runtimes.find("./bin/server").unwrap(), dir.path().join("./bin/server"));
    }

    #[test]
    fn a_missing_runtime_says_what_to_install() {
        let runtimes = Runtimes { app: "/x".into(), places: vec!["/nowhere".into()] };
        let error = runtimes.find("node").unwrap_err().to_string();
        assert!(error.contains("Node.js 20"), "{error}");
    }
}
