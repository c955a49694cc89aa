//! Whole renderings, to be read when the chart changes: what is in `golden` is what Helm says today.

use crate::rendering::{NEWEST, all};
use crate::{bless, report, root};

const CASES: [&str; 3] = ["default", "small", "production"];
/// Files of others that are rendered as they are: they have their own tests.
const LEFT_OUT: [&str; 2] = ["templates/dashboards.yaml", "templates/prometheusrule.yaml"];

#[test]
fn renderings_are_as_they_were() {
    let mut findings = Vec::new();
    for case in CASES {
        let found = all()
            .iter()
            .find(|rendering| rendering.case == case && rendering.kubernetes == NEWEST);
        let text = without_what_is_long(&found.expect("a case").text);
        let path = root().join(format!("tests/helm/golden/{case}.yaml"));
        if std::fs::read_to_string(&path).is_ok_and(|golden| golden == text) {
            continue;
        }
        if bless() {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(&path, text).expect("written");
        } else {
            findings.push(format!(
                "{case}: see it by `MILLSTREAM_BLESS=1 cargo test --test helm` and `git diff tests/helm/golden`"
            ));
        }
    }
    report(&findings);
}

fn without_what_is_long(text: &str) -> String {
    let source = |document: &str| {
        let line = document
            .lines()
            .find_map(|line| line.strip_prefix("# Source: millstream/"));
        line.unwrap_or_default().to_owned()
    };
    let documents = text.trim_start_matches("---\n").split("\n---\n");
    let kept: Vec<String> = documents
        .filter(|document| !LEFT_OUT.contains(&source(document).as_str()))
        .map(|document| format!("---\n{}\n", document.trim_end()))
        .collect();
    kept.concat()
}
