//! No two rooms may use each other, by whatever way round: such rooms are one room that does not know it.

use std::collections::{BTreeMap, BTreeSet};

use crate::Finding;

/// `from` names something of `to`, in this file on this line.
pub struct Arrow {
    pub from: String,
    pub to: String,
    pub at: (String, usize),
}

/// One finding for each pair of rooms whose arrow is part of a circle. `lib` and `run` name everyone and are left out:
/// nobody may name them back, which is the business of another rule.
pub fn findings(arrows: &[Arrow]) -> Vec<Finding> {
    let mut first_seen: BTreeMap<(&str, &str), &(String, usize)> = BTreeMap::new();
    for arrow in arrows.iter().filter(|arrow| arrow.from != arrow.to && arrow.from != "lib") {
        first_seen.entry((&arrow.from, &arrow.to)).or_insert(&arrow.at);
    }
    let mut findings = Vec::new();
    for ((from, to), (path, line)) in &first_seen {
        if let Some(way) = way_back(to, from, first_seen.keys().copied().collect()) {
            findings.push(Finding {
                path: path.clone(),
                line: *line,
                rule: format!("a circle: {from} → {}", way.join(" → ")),
            });
        }
    }
    findings
}

/// A shortest way along the arrows from one room to another, both included.
fn way_back<'a>(from: &'a str, to: &str, arrows: Vec<(&'a str, &'a str)>) -> Option<Vec<&'a str>> {
    let mut ways = vec![vec![from]];
    let mut seen = BTreeSet::from([from]);
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let end = *way.last()?;
            if end == to {
                return Some(way);
            }
            for (_, next) in arrows.iter().filter(|(start, _)| *start == end) {
                if seen.insert(next) {
                    longer.push([way.clone(), vec![*next]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}
