//! What keys mean for each other: rules that no single value can break alone.

use std::cmp::Ordering;

use super::draft::{Draft, Placed};
use super::problems::{Place, Problem};
use super::values::{Count, Share};

/// After each layer: of `git` and `path` the later one holds, and one layer cannot name both.
pub(super) fn one_source(draft: &mut Draft) -> Option<Problem> {
    let mut told = None;
    if let (Some(git), Some(path)) = (&draft.git, &draft.path) {
        match git.layer().cmp(&path.layer()) {
            Ordering::Greater => draft.path = None,
            Ordering::Less => draft.git = None,
            Ordering::Equal => {
                let git = at(git);
                let message = format!("the source is `git` or `path`, and `git` is set too{git}");
                told = problem(path, "source.path", message);
                draft.path = None;
            }
        }
    }
    // An earlier layer meant it for its git remote; the layer of the path itself cannot.
    if let (Some(reference), Some(path)) = (&draft.reference, &draft.path)
        && reference.layer() < path.layer()
    {
        draft.reference = None;
    }
    told
}

/// After all layers. What is already `told` about a key is not told again by its consequences.
pub(super) fn between_keys(draft: &mut Draft, told: &[Problem]) -> Vec<Problem> {
    if told.iter().any(|problem| problem.key.is_none()) {
        return Vec::new();
    }
    let sound = |keys: &[&str]| !told.iter().any(|problem| keys.iter().any(|key| problem.key.as_deref() == Some(key)));
    let mut problems = Vec::new();
    if sound(&["source.git", "source.path", "source.ref"]) {
        problems.extend(reference_of_a_directory(draft));
    }
    if sound(&["app.port", "workers.count", "workers.share", "health.listen"]) {
        problems.extend(worker_ports_end(draft));
        problems.extend(health_among_the_workers(draft));
    }
    if sound(&["workers.share", "health.probe"]) {
        problems.extend(probe_without_port(draft));
    }
    problems
}

fn reference_of_a_directory(draft: &Draft) -> Option<Problem> {
    let (reference, path) = (draft.reference.as_ref()?, draft.path.as_ref()?);
    problem(
        reference,
        "source.ref",
        format!("only a git source has a branch, tag or commit, and the source is a directory{}", at(path)),
    )
}

/// The first and the last port of the workers, as far as the number of workers is known.
fn worker_ports(draft: &Draft) -> Option<(u32, u32)> {
    let port = u32::from(draft.port.value.get());
    match (draft.share.value, draft.count.value) {
        (Share::None, _) => None,
        (Share::Ports, Count::Fixed(count)) => Some((port, port + u32::from(count.get()) - 1)),
        (Share::Ports, Count::Cores) | (Share::Transparent | Share::SocketActivation, _) => Some((port, port)),
    }
}

fn worker_ports_end(draft: &Draft) -> Option<Problem> {
    let (first, last) = worker_ports(draft)?;
    if last <= u32::from(u16::MAX) {
        return None;
    }
    let message = format!(
        "with `workers.share = \"ports\"` the workers' ports would run from {first} to {last}, and the last port there is is 65535"
    );
    latest(
        [(&draft.port.from, "app.port"), (&draft.count.from, "workers.count"), (&draft.share.from, "workers.share")],
        message,
    )
}

fn health_among_the_workers(draft: &Draft) -> Option<Problem> {
    let (first, last) = worker_ports(draft)?;
    let health = u32::from(draft.listen.value.port());
    if !(first..=last).contains(&health) {
        return None;
    }
    let message = if first == last {
        format!(
            "`/health` and the app cannot both listen on port {health} (`health.listen` and `app.port`); give one of them another"
        )
    } else {
        format!(
            "`/health` cannot listen on port {health}: with `workers.share = \"ports\"` the workers have {first} to {last}"
        )
    };
    latest(
        [
            (&draft.listen.from, "health.listen"),
            (&draft.port.from, "app.port"),
            (&draft.count.from, "workers.count"),
            (&draft.share.from, "workers.share"),
        ],
        message,
    )
}

fn probe_without_port(draft: &Draft) -> Option<Problem> {
    let probe = draft.probe.as_ref()?;
    if draft.share.value != Share::None {
        return None;
    }
    let share = at(&draft.share);
    problem(
        probe,
        "health.probe",
        format!("workers without a port (`workers.share = \"none\"`{share}) cannot be asked; take one of the two out"),
    )
}

/// The problem at the place that was written last: that one is likely to be the new one.
fn latest<const N: usize>(keys: [(&Option<super::draft::From>, &str); N], message: String) -> Option<Problem> {
    let (from, key) = keys
        .into_iter()
        .filter_map(|(from, key)| from.as_ref().map(|from| (from, key)))
        .max_by_key(|(from, _)| (from.layer, from.place.line))?;
    Some(Problem { place: from.place.clone(), key: Some(key.to_owned()), found: None, message })
}

fn problem<T>(value: &Placed<T>, key: &str, message: String) -> Option<Problem> {
    let place = value.from.as_ref()?.place.clone();
    Some(Problem { place, key: Some(key.to_owned()), found: None, message })
}

/// " (file:line)" of a value that was set.
fn at<T>(value: &Placed<T>) -> String {
    value.from.as_ref().map_or_else(String::new, |from| {
        let Place { file, line, .. } = &from.place;
        format!(" ({})", Place { file: file.clone(), line: *line, column: None })
    })
}
