//! The rules: whether each alert says enough, has a runbook, and is tested to fire and not to fire.

use crate::known::Known;
use crate::{files, read, report, root};
use millstream::yaml::{Kind, Node, read_text};
use std::collections::BTreeSet;

pub const FILE: &str = "helm/millstream/alerts/millstream.yaml";
const TESTS: &str = "helm/millstream/alerts/tests";

/// A rule of the file, an alert or one that records.
pub struct Rule(Node);

impl Rule {
    /// The text of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        scalar(self.0.get(key)?)
    }

    pub fn label(&self, key: &str) -> &str {
        self.within("labels", key)
    }

    pub fn annotation(&self, key: &str) -> &str {
        self.within("annotations", key)
    }

    fn within(&self, map: &str, key: &str) -> &str {
        let value = self.0.get(map).and_then(|map| map.get(key));
        value.and_then(scalar).unwrap_or_default()
    }
}

fn scalar(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::String(text) | Kind::Number(text) => Some(text),
        _ => None,
    }
}

fn list<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    match node.get(key).map(|node| &node.kind) {
        Some(Kind::List(nodes)) => nodes,
        _ => &[],
    }
}

fn parse(path: &std::path::Path) -> Node {
    let shown = path.display().to_string();
    read_text(&read(path), &shown).unwrap_or_else(|mistakes| panic!("{shown}: {mistakes:?}"))
}

pub fn rules() -> Vec<Rule> {
    let file = parse(&root().join(FILE));
    let groups = list(&file, "groups").iter();
    let rules: Vec<Rule> = groups
        .flat_map(|group| list(group, "rules"))
        .cloned()
        .map(Rule)
        .collect();
    assert!(rules.len() > 20, "{} rules", rules.len());
    rules
}

/// The alerts, each with its name.
pub fn alerts() -> Vec<(String, Rule)> {
    let named = |rule: Rule| Some((rule.get("alert")?.to_owned(), rule));
    rules().into_iter().filter_map(named).collect()
}

#[test]
fn each_says_whom_it_wakes_what_is_wrong_and_what_to_read() {
    let mut findings = Vec::new();
    for (name, rule) in alerts() {
        if !["page", "ticket"].contains(&rule.label("severity")) {
            findings.push(format!("{name}: its severity is neither page nor ticket"));
        }
        for key in ["summary", "description"] {
            if rule.annotation(key).is_empty() {
                findings.push(format!("{name}: it has no {key}"));
            }
        }
        let runbook = format!("${{RUNBOOKS}}/{name}.md");
        if rule.annotation("runbook_url") != runbook {
            findings.push(format!("{name}: its runbook_url is not {runbook}"));
        }
        if rule.get("for").is_none() {
            findings.push(format!("{name}: it fires at once: what mends itself shall wake nobody"));
        }
    }
    report(&findings);
}

#[test]
fn each_has_a_runbook_and_each_runbook_its_alert() {
    let alerts: BTreeSet<String> = alerts().into_iter().map(|(name, _)| name).collect();
    let runbooks: BTreeSet<String> = files("docs/runbooks", "md")
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name != "README")
        .collect();
    let missing = alerts
        .difference(&runbooks)
        .map(|name| format!("write docs/runbooks/{name}.md"));
    let left = runbooks
        .difference(&alerts)
        .map(|name| format!("docs/runbooks/{name}.md: there is no such alert"));
    report(&missing.chain(left).collect::<Vec<_>>());
}

#[test]
fn they_name_metrics_that_there_are() {
    let known = Known::new();
    let unknown = |rule: &Rule| known.unknown(rule.get("expr").unwrap_or_default());
    report(&rules().iter().flat_map(unknown).collect::<Vec<_>>());
}

#[test]
fn each_is_tested_to_fire_and_not_to_fire() {
    let (mut fires, mut does_not) = (BTreeSet::new(), BTreeSet::new());
    for (_, path) in files(TESTS, "yaml") {
        let file = parse(&path);
        let expectations = list(&file, "tests")
            .iter()
            .flat_map(|test| list(test, "alert_rule_test"));
        for expectation in expectations {
            let name = expectation
                .get("alertname")
                .and_then(scalar)
                .unwrap_or_default()
                .to_owned();
            let expected = list(expectation, "exp_alerts");
            if expected.is_empty() {
                does_not.insert(name.clone());
            }
            for alert in expected {
                let severity = alert.get("exp_labels").and_then(|labels| labels.get("severity"));
                fires.insert((name.clone(), severity.and_then(scalar).unwrap_or_default().to_owned()));
            }
        }
    }
    let mut findings = Vec::new();
    for (name, rule) in alerts() {
        let severity = rule.label("severity").to_owned();
        if !fires.contains(&(name.clone(), severity.clone())) {
            findings.push(format!("{name}: no test in {TESTS} expects it as a {severity}"));
        }
        if !does_not.contains(&name) {
            findings.push(format!("{name}: no test in {TESTS} expects that it does not fire"));
        }
    }
    report(&findings);
}
