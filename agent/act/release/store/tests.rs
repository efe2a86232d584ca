//! The store: what a crash at each step leaves, and what is never removed.

use std::os::unix::fs::symlink;

use super::*;

fn revision(digit: char) -> Revision {
    Revision::new(digit.to_string().repeat(40))
}

fn draft(store: &Store, digit: char) -> Draft {
    match store.prepare(&revision(digit), "https://h/r", "detect").unwrap() {
        Prepared::Empty(draft) => draft,
        Prepared::Whole(release) => panic!("{release:?} should not be there"),
    }
}

fn release(store: &Store, digit: char) -> Release {
    let mut draft = draft(store, digit);
    std::fs::write(draft.dir().join("app.js"), digit.to_string()).unwrap();
    draft.fetched();
    store.seal(draft).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names = list(dir).unwrap();
    names.sort();
    names
}

#[test]
fn a_sealed_release_costs_nothing_the_second_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let made = release(&store, 'a');
    assert_eq!(made.id.as_str(), "aaaaaaaaaaaa");
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    match store.prepare(&revision('a'), "https://h/r", "detect").unwrap() {
        Prepared::Whole(found) => assert_eq!((found.id, found.dir), (made.id, made.dir)),
        Prepared::Empty(_) => panic!("it is whole"),
    }
}

#[test]
fn another_source_or_another_build_gets_a_directory_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    release(&store, 'a');
    let mut ids = BTreeSet::new();
    for (source, key) in [("https://h/r (web)", "detect"), ("https://h/r", "make"), ("https://h/r", "detect")] {
        match store.prepare(&revision('a'), source, key).unwrap() {
            Prepared::Empty(draft) => ids.insert(store.seal(draft).unwrap().id),
            Prepared::Whole(release) => ids.insert(release.id),
        };
    }
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| id.as_str().starts_with("aaaaaaaaaaaa")));
}

#[test]
fn a_draft_that_was_left_is_gone_after_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let left = draft(&store, 'b');
    std::fs::write(left.dir().join("half"), "x").unwrap();
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(names(&store.releases), [""; 0]);
}

#[test]
fn preparing_again_begins_with_an_empty_directory() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let first = draft(&store, 'b');
    std::fs::write(first.dir().join("half"), "x").unwrap();
    let second = draft(&store, 'b');
    assert_eq!(names(second.dir()), [""; 0]);
    assert_eq!(second.dir().metadata().unwrap().permissions().mode() & 0o777, 0o755);
    store.discard(second).unwrap();
    assert_eq!(names(&store.releases), [""; 0]);
}

/// What is on the disk after each step of sealing and activating `b` while `a` is current, step by step.
#[test]
fn a_crash_at_any_step_leaves_the_old_release_or_the_new_one() {
    type Step = fn(&Path);
    let steps: [Step; 8] = [
        |state| std::fs::create_dir(state.join("releases/bbbbbbbbbbbb")).unwrap(),
        |state| std::fs::write(state.join("releases/bbbbbbbbbbbb/app.js"), "b").unwrap(),
        |state| std::fs::write(state.join("releases/.bbbbbbbbbbbb.json.tmp"), "").unwrap(),
        |state| std::fs::write(state.join("releases/.bbbbbbbbbbbb.json.tmp"), b_json(state)).unwrap(),
        |state| {
            std::fs::rename(state.join("releases/.bbbbbbbbbbbb.json.tmp"), state.join("releases/bbbbbbbbbbbb.json"))
                .unwrap();
        },
        |state| symlink("releases/bbbbbbbbbbbb", state.join(".current.tmp")).unwrap(),
        |state| std::fs::rename(state.join(".current.tmp"), state.join("current")).unwrap(),
        |state| symlink("releases/bbbbbbbbbbbb", state.join(".last-good.tmp")).unwrap(),
    ];
    for done in 0..=steps.len() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let old = release(&store, 'a').id;
        store.activate(&old).unwrap();
        store.mark_good(&old).unwrap();
        drop(store);
        steps[..done].iter().for_each(|step| step(dir.path()));

        let store = Store::open(dir.path()).unwrap();
        let current = store.current().expect("there is always a current release");
        assert_eq!(current.id.as_str(), if done < 7 { "aaaaaaaaaaaa" } else { "bbbbbbbbbbbb" }, "after {done} steps");
        assert_eq!(store.last_good().unwrap().id, old);
        let releases: Vec<String> = store.releases().unwrap().into_iter().map(|r| r.id.to_string()).collect();
        assert_eq!(releases.contains(&"bbbbbbbbbbbb".to_owned()), done >= 5, "after {done} steps");
        let leftovers: Vec<String> = names(dir.path()).into_iter().chain(names(&store.releases)).collect();
        assert!(leftovers.iter().all(|name| !name.starts_with('.')), "after {done} steps: {leftovers:?}");
        // And the same deployment goes through from here.
        let id = match store.prepare(&revision('b'), "https://h/r", "detect").unwrap() {
            Prepared::Whole(release) => release.id,
            Prepared::Empty(draft) => store.seal(draft).unwrap().id,
        };
        assert_eq!(store.activate(&id).unwrap().id, store.current().unwrap().id);
    }
}

/// What sealing writes: taken from a real one, in a store of its own.
fn b_json(_: &Path) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    release(&store, 'b').to_json()
}

#[test]
fn pruning_keeps_the_newest_and_never_takes_the_current_or_the_last_good_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let ids: Vec<ReleaseId> = ['a', 'b', 'c', 'd', 'e'].into_iter().map(|digit| release(&store, digit).id).collect();
    store.mark_good(&ids[0]).unwrap();
    store.activate(&ids[1]).unwrap();
    let removed = store.prune(0).unwrap();
    assert_eq!(removed.len(), 3);
    assert_eq!(store.current().unwrap().id, ids[1]);
    assert_eq!(store.last_good().unwrap().id, ids[0]);
    assert_eq!(names(&store.releases).len(), 4, "two directories and their metadata");
    assert_eq!(store.prune(5).unwrap(), []);
}

#[test]
fn only_whole_releases_can_be_activated() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let half = draft(&store, 'a');
    for id in [half.id().clone(), ReleaseId::new("../../etc"), ReleaseId::new("")] {
        assert!(matches!(store.activate(&id), Err(StoreError::NoRelease { .. })));
    }
    assert!(store.current().is_none());
}

#[test]
fn links_that_lead_elsewhere_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    for target in ["/etc", "releases/../../x", "releases", "releases/absent"] {
        let _ = std::fs::remove_file(dir.path().join("current"));
        symlink(target, dir.path().join("current")).unwrap();
        assert!(Store::open(dir.path()).unwrap().current().is_none());
    }
}

#[test]
fn a_second_agent_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Store::open(dir.path()).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::InUse { .. })));
}
