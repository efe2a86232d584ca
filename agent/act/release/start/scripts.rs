//! Following `npm run x` and its like to the script it names: npm and the others stay between the agent and the program,
//! and npm swallows SIGTERM (npm/cli#6684).

use super::StartError;
use super::line::{Line, understand};
use crate::act::release::package::Package;

/// A line at the end of its indirections.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Followed {
    pub(super) line: Line,
    /// The scripts on the way, in their order.
    pub(super) through: Vec<String>,
    /// Scripts that a package manager would have run before or after these, and that are now not run.
    pub(super) left_out: Vec<String>,
}

/// Follows `line` through the scripts of `package`. What cannot be followed stays as it is.
pub(super) fn follow(line: &str, found_in: &str, package: &Package) -> Result<Followed, StartError> {
    let mut text = line.to_owned();
    let mut assigned = Vec::new();
    let mut through: Vec<String> = Vec::new();
    loop {
        let mut place = vec![found_in.to_owned()];
        place.extend(through.iter().map(|name| format!("scripts.{name}")));
        let place = place.join(" → ");
        let understood = understand(&text).map_err(|source| StartError::Line {
            found_in: place.clone(),
            line: text.clone(),
            source,
        })?;
        let next = match &understood {
            Line::Direct { words, .. } => target(words, package),
            Line::Shell(_) => None,
        };
        let Some((script, arguments)) = next else {
            let line = match understood {
                Line::Direct { env, words } => {
                    assigned.extend(env);
                    Line::Direct { env: assigned, words }
                }
                Line::Shell(script) if assigned.is_empty() => Line::Shell(script),
                Line::Shell(script) => Line::Shell(exported(&assigned, &script)),
            };
            return Ok(Followed { line, left_out: left_out(&through, package), through });
        };
        if through.contains(&script) {
            return Err(StartError::Loop { found_in: place, script });
        }
        let body = package.scripts.get(&script).map(String::as_str).unwrap_or_default();
        text = if arguments.is_empty() { body.to_owned() } else { format!("{body} {}", shell_words::join(arguments)) };
        if let Line::Direct { env, .. } = understood {
            assigned.extend(env);
        }
        through.push(script);
    }
}

/// The script that these words run, and the arguments they hand to it.
fn target<'a>(words: &'a [String], package: &Package) -> Option<(String, &'a [String])> {
    let program = words.first()?.as_str();
    let rest: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    let quiet = rest.iter().take_while(|word| matches!(**word, "-s" | "--silent")).count();
    let (name, used) = match (program, &rest[quiet..]) {
        ("npm" | "yarn" | "pnpm" | "bun", ["run" | "run-script", inner @ ..]) => {
            let more = inner.iter().take_while(|word| matches!(**word, "-s" | "--silent")).count();
            (*inner.get(more)?, quiet + more + 2)
        }
        ("npm" | "pnpm" | "bun", ["start", ..]) => ("start", quiet + 1),
        ("node", ["--run", name, ..]) => (*name, quiet + 2),
        ("yarn" | "pnpm", [name, ..]) => (*name, quiet + 1),
        _ => return None,
    };
    let mut arguments = words.get(1 + used..)?;
    if let Some(("--", after)) = arguments.split_first().map(|(first, after)| (first.as_str(), after)) {
        arguments = after;
    } else if program == "npm" && arguments.iter().any(|word| word.starts_with('-')) {
        // Without `--` npm takes options for its own.
        return None;
    }
    package.scripts.contains_key(name).then(|| (name.to_owned(), arguments))
}

fn exported(assigned: &[(String, String)], script: &str) -> String {
    let words = assigned.iter().map(|(name, value)| format!("export {name}={}; ", shell_words::quote(value)));
    words.chain([script.to_owned()]).collect()
}

fn left_out(through: &[String], package: &Package) -> Vec<String> {
    let around = through.iter().flat_map(|name| [format!("pre{name}"), format!("post{name}")]);
    around.filter(|name| package.scripts.contains_key(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(scripts: &[(&str, &str)]) -> Package {
        let scripts = scripts.iter().map(|(name, line)| ((*name).to_owned(), (*line).to_owned())).collect();
        Package { scripts, ..Package::default() }
    }

    fn words(line: &str, scripts: &[(&str, &str)]) -> Vec<String> {
        match follow(line, "app.run", &package(scripts)).unwrap().line {
            Line::Direct { words, .. } => words,
            Line::Shell(script) => panic!("{script}"),
        }
    }

    #[test]
    fn package_managers_are_followed_to_the_program() {
        let scripts = [("start", "npm run serve"), ("serve", "node app.js")];
        for line in [
            "npm start",
            "npm run start",
            "npm run-script start",
            "npm -s run serve",
            "yarn start",
            "yarn run serve",
            "pnpm start",
            "pnpm serve",
            "bun run start",
            "bun start",
            "node --run serve",
            "npm run --silent serve",
        ] {
            assert_eq!(words(line, &scripts), ["node", "app.js"], "{line}");
        }
    }

    #[test]
    fn arguments_and_assignments_come_along() {
        let scripts = [("serve", "B=2 node app.js")];
        assert_eq!(words("npm run serve -- --name 'a b'", &scripts), ["node", "app.js", "--name", "a b"]);
        assert_eq!(words("yarn serve --port 1", &scripts), ["node", "app.js", "--port", "1"]);
        let followed = follow("A=1 npm run serve", "app.run", &package(&scripts)).unwrap();
        assert!(
            matches!(followed.line, Line::Direct { env, .. } if env == [("A".into(), "1".into()), ("B".into(), "2".into())])
        );
        let followed = follow("A='x y' npm run s", "app.run", &package(&[("s", "a && b")])).unwrap();
        assert_eq!(followed.line, Line::Shell("export A='x y'; a && b".to_owned()));
    }

    #[test]
    fn what_names_no_script_stays_as_it_is() {
        for line in [
            "npm run absent",
            "yarn install",
            "npm --prefix web start",
            "bun index.ts",
            "npm run serve --port 1",
            "npm",
        ] {
            assert_eq!(words(line, &[("serve", "node app.js")]).join(" "), line);
        }
    }

    #[test]
    fn a_loop_is_told() {
        let error =
            follow("npm start", "app.run", &package(&[("start", "yarn serve"), ("serve", "npm start")])).unwrap_err();
        assert!(error.to_string().contains("app.run → scripts.start → scripts.serve"), "{error}");
    }

    #[test]
    fn scripts_around_it_are_told_to_be_left_out() {
        let scripts = [("start", "node a"), ("prestart", "migrate"), ("poststart", "x"), ("prebuild", "y")];
        assert_eq!(follow("npm start", "app.run", &package(&scripts)).unwrap().left_out, ["prestart", "poststart"]);
    }
}
