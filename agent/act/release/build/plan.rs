//! What has to be run to make a release ready. Pure: names of files, a `package.json` and the configuration in, steps out.

use std::collections::BTreeSet;

use crate::act::release::package::Package;
use crate::config::BuildRun;

/// One program to run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// For the log, such as `package-lock.json → npm ci`.
    pub reason: String,
    /// Whether it fetches from the network, so that a failure may be the network's.
    pub network: bool,
}

impl Step {
    fn new(why: &str, line: &[&str], network: bool) -> Self {
        let argv: Vec<String> = line.iter().map(|&word| word.to_owned()).collect();
        Self { reason: format!("{why} → {}", argv.join(" ")), argv, network }
    }
}

/// Who installs and runs scripts for a Node.js program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    Bun,
    Pnpm,
    Yarn,
    Npm,
}

/// The lockfiles, in the order in which they are believed.
const LOCKFILES: [(&str, Manager); 6] = [
    ("bun.lock", Manager::Bun),
    ("bun.lockb", Manager::Bun),
    ("pnpm-lock.yaml", Manager::Pnpm),
    ("yarn.lock", Manager::Yarn),
    ("package-lock.json", Manager::Npm),
    ("npm-shrinkwrap.json", Manager::Npm),
];

/// The steps that make a release ready, in their order; none when nothing is to be built.
///
/// `names` are the names at the top of the release. Development dependencies are installed whatever `NODE_ENV` says:
/// compilers and start scripts come from them.
pub fn plan(names: &BTreeSet<String>, package: Option<&Package>, run: &BuildRun) -> Vec<Step> {
    match run {
        BuildRun::Nothing => Vec::new(),
        BuildRun::Command(line) => vec![Step::new("build.run", &["/bin/sh", "-c", line], false)],
        BuildRun::Detect => {
            let mut steps = package.map(|package| node(names, package)).unwrap_or_default();
            steps.extend(python(names));
            steps
        }
    }
}

fn node(names: &BTreeSet<String>, package: &Package) -> Vec<Step> {
    let (lockfile, manager) = manager(names, package);
    let mut steps = Vec::new();
    if !names.contains("node_modules") {
        match lockfile {
            Some(lockfile) => steps.push(Step::new(lockfile, frozen(manager, names, package), true)),
            None if package.has_dependencies => {
                steps.push(Step::new("package.json, no lockfile", unlocked(manager), true))
            }
            None => {}
        }
    }
    if package.scripts.contains_key("build") {
        steps.push(Step::new("package.json scripts.build", &[name(manager), "run", "build"], false));
    }
    steps
}

/// The lockfile that counts and who wrote it. `packageManager` decides between several.
fn manager(names: &BTreeSet<String>, package: &Package) -> (Option<&'static str>, Manager) {
    let declared = package.package_manager.as_deref().and_then(|text| match text.split('@').next() {
        Some("bun") => Some(Manager::Bun),
        Some("pnpm") => Some(Manager::Pnpm),
        Some("yarn") => Some(Manager::Yarn),
        Some("npm") => Some(Manager::Npm),
        _ => None,
    });
    let there: Vec<_> = LOCKFILES.into_iter().filter(|(file, _)| names.contains(*file)).collect();
    let of_declared = there.iter().find(|(_, manager)| Some(*manager) == declared);
    match of_declared.or(there.first()) {
        Some((file, manager)) => (Some(file), *manager),
        None => (None, declared.unwrap_or(Manager::Npm)),
    }
}

fn name(manager: Manager) -> &'static str {
    match manager {
        Manager::Bun => "bun",
        Manager::Pnpm => "pnpm",
        Manager::Yarn => "yarn",
        Manager::Npm => "npm",
    }
}

/// Exactly what the lockfile says, or an error.
fn frozen(manager: Manager, names: &BTreeSet<String>, package: &Package) -> &'static [&'static str] {
    match manager {
        Manager::Bun => &["bun", "install", "--frozen-lockfile"],
        Manager::Pnpm => &["pnpm", "install", "--frozen-lockfile", "--prod=false"],
        Manager::Yarn if is_berry(names, package) => &["yarn", "install", "--immutable"],
        Manager::Yarn => &["yarn", "install", "--frozen-lockfile", "--production=false", "--non-interactive"],
        Manager::Npm => &["npm", "ci", "--include=dev", "--no-audit", "--no-fund"],
    }
}

fn unlocked(manager: Manager) -> &'static [&'static str] {
    match manager {
        Manager::Bun => &["bun", "install"],
        Manager::Pnpm => &["pnpm", "install", "--prod=false"],
        Manager::Yarn => &["yarn", "install"],
        Manager::Npm => &["npm", "install", "--include=dev", "--no-audit", "--no-fund"],
    }
}

/// Yarn 2 and later take other options than Yarn 1.
fn is_berry(names: &BTreeSet<String>, package: &Package) -> bool {
    let declared = package.package_manager.as_deref().and_then(|text| text.strip_prefix("yarn@"));
    names.contains(".yarnrc.yml")
        || declared.is_some_and(|version| !version.starts_with("0.") && !version.starts_with("1."))
}

fn python(names: &BTreeSet<String>) -> Vec<Step> {
    if names.contains("uv.lock") {
        return vec![Step::new("uv.lock", &["uv", "sync", "--frozen"], true)];
    }
    if names.contains("requirements.txt") {
        let pip = [
            ".venv/bin/python",
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "-r",
            "requirements.txt",
        ];
        return vec![
            Step::new("requirements.txt", &["python3", "-m", "venv", ".venv"], false),
            Step::new("requirements.txt", &pip, true),
        ];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(files: &[&str], package: Option<&str>) -> Vec<String> {
        let names = files.iter().map(|&name| name.to_owned()).collect();
        let package = package.map(|text| Package::parse(text).unwrap());
        plan(&names, package.as_ref(), &BuildRun::Detect).into_iter().map(|step| step.reason).collect()
    }

    #[test]
    fn the_lockfile_decides() {
        let install = |lock| reasons(&["package.json", lock], Some("{}"));
        assert_eq!(install("package-lock.json"), ["package-lock.json → npm ci --include=dev --no-audit --no-fund"]);
        assert_eq!(install("npm-shrinkwrap.json"), ["npm-shrinkwrap.json → npm ci --include=dev --no-audit --no-fund"]);
        assert_eq!(install("bun.lock"), ["bun.lock → bun install --frozen-lockfile"]);
        assert_eq!(install("bun.lockb"), ["bun.lockb → bun install --frozen-lockfile"]);
        assert_eq!(install("pnpm-lock.yaml"), ["pnpm-lock.yaml → pnpm install --frozen-lockfile --prod=false"]);
        assert!(install("yarn.lock")[0].starts_with("yarn.lock → yarn install --frozen-lockfile"));
        assert_eq!(reasons(&["yarn.lock", ".yarnrc.yml"], Some("{}")), ["yarn.lock → yarn install --immutable"]);
        assert_eq!(
            reasons(&["yarn.lock"], Some(r#"{"packageManager": "yarn@4.1.0"}"#)),
            ["yarn.lock → yarn install --immutable"]
        );
        assert_eq!(install("xbun.lock.txt"), [""; 0], "names are compared whole");
    }

    #[test]
    fn the_declared_manager_decides_between_lockfiles() {
        let steps = reasons(&["bun.lock", "package-lock.json"], Some(r#"{"packageManager": "npm@10.0.0"}"#));
        assert!(steps[0].starts_with("package-lock.json → npm ci"));
    }

    #[test]
    fn nothing_is_installed_that_is_there_or_not_wanted() {
        assert_eq!(reasons(&["app.js"], None), [""; 0]);
        assert_eq!(reasons(&["package.json"], Some("{}")), [""; 0]);
        assert_eq!(reasons(&["package-lock.json", "node_modules"], Some("{}")), [""; 0]);
        let steps = reasons(&["package.json"], Some(r#"{"dependencies": {"a": "1"}}"#));
        assert!(steps[0].starts_with("package.json, no lockfile → npm install"));
    }

    #[test]
    fn the_build_script_runs_after_the_installation() {
        let package = r#"{"scripts": {"build": "tsc"}}"#;
        let steps = reasons(&["pnpm-lock.yaml"], Some(package));
        assert_eq!(steps[1], "package.json scripts.build → pnpm run build");
        assert_eq!(
            reasons(&["node_modules", "yarn.lock"], Some(package)),
            ["package.json scripts.build → yarn run build"]
        );
    }

    #[test]
    fn python_gets_a_virtual_environment() {
        assert_eq!(reasons(&["uv.lock", "requirements.txt"], None), ["uv.lock → uv sync --frozen"]);
        assert_eq!(reasons(&["requirements.txt"], None).len(), 2);
    }

    #[test]
    fn a_command_replaces_all_of_it_and_an_empty_one_means_nothing() {
        let names = BTreeSet::from(["package-lock.json".to_owned()]);
        let package = Package::default();
        let steps = plan(&names, Some(&package), &BuildRun::Command("make all".to_owned()));
        assert_eq!(steps[0].argv, ["/bin/sh", "-c", "make all"]);
        assert_eq!(plan(&names, Some(&package), &BuildRun::Nothing), []);
    }
}
