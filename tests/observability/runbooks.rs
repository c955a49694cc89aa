//! The runbooks: whether each says what one needs at night, and names panels, messages and commands that there are. Metrics are
//! the business of `tests/docs`.
//!
//! A panel is named as in Overview: *Lag*; a message of the log or of `/readyz` in backticks and quotes, as `"all state restored"`.

use crate::dashboards::dashboards;
use crate::{files, read, report, root};
use regex::Regex;
use std::collections::BTreeSet;

const FOLDER: &str = "docs/runbooks";
const SECTIONS: [&str; 4] = [
    "## What it means",
    "## What to look at",
    "## What to do",
    "## When to escalate",
];

/// Every runbook, by the name of its alert.
fn runbooks() -> Vec<(String, String)> {
    let all = files(FOLDER, "md").into_iter();
    all.filter(|(name, _)| name != "README")
        .map(|(name, path)| (name, read(&path)))
        .collect()
}

/// What `find` finds in each, where `is_there` says that it is not there.
fn check(pattern: &str, is_there: impl Fn(&regex::Captures<'_>) -> bool) {
    let pattern = Regex::new(pattern).expect("a pattern");
    let (mut findings, mut found) = (Vec::new(), 0);
    for (name, text) in runbooks() {
        for place in pattern.captures_iter(&text) {
            found += 1;
            if !is_there(&place) {
                findings.push(format!("{name}: there is no {}", &place[0]));
            }
        }
    }
    report(&findings);
    assert!(found > 0, "{found} places by {pattern}: is it written otherwise now?");
}

#[test]
fn each_says_what_it_means_what_to_look_at_what_to_do_and_when_to_escalate() {
    let mut findings = Vec::new();
    for (name, text) in runbooks() {
        if !text.starts_with(&format!("# {name}\n")) {
            findings.push(format!("{name}: it does not begin with its alert's name"));
        }
        let found: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        if found != SECTIONS {
            findings.push(format!("{name}: its sections are {found:?}"));
        }
    }
    report(&findings);
}

#[test]
fn panels_that_they_name_are_there() {
    let mut panels = BTreeSet::new();
    for dashboard in dashboards() {
        let titles = dashboard.panels().filter_map(|panel| panel["title"].as_str());
        panels.extend(titles.map(|title| (dashboard.name.clone(), title.to_owned())));
    }
    check(r"\b(Overview|Processors|State|Feeds): \*([^*]+)\*", |place| {
        panels.contains(&(place[1].to_lowercase(), place[2].to_owned()))
    });
    // the second one of the same dashboard has its title only
    check(r"(?:^|[^*])\*([^* ][^*]*)\*(?:[^*]|$)", |place| {
        panels.iter().any(|(_, title)| *title == place[1])
    });
}

#[test]
fn messages_that_they_name_are_there() {
    let mut source = String::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of src") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                source.push_str(&read(&path));
            }
        }
    }
    check(r#"`"([^"`]+)"`"#, |place| source.contains(&place[1]));
}

#[test]
fn commands_that_they_name_are_there() {
    check(r"`millstream ([a-z][a-z-]+)", |place| {
        root().join("docs/commands").join(format!("{}.md", &place[1])).exists()
    });
}
