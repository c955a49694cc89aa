//! The page of the metrics: its table is made of the list in the code. `MILLSTREAM_BLESS=1` writes it.

use crate::page::{Page, root};
use std::fmt::Write as _;

const PATH: &str = "docs/metrics.md";
const BEGIN: &str = "<!-- of the list in the code: MILLSTREAM_BLESS=1 cargo test --test docs -->\n";
const END: &str = "<!-- end -->\n";

pub fn findings(pages: &[Page]) -> Vec<String> {
    let wanted = table();
    let page = pages.iter().find(|page| page.path == PATH);
    let parts = page.and_then(|page| {
        let (before, rest) = page.text.split_once(BEGIN)?;
        let (made, after) = rest.split_once(END)?;
        Some((before, made, after))
    });
    let mut findings = Vec::new();
    if parts.is_none_or(|(_, made, _)| made != wanted) {
        if let Some((before, _, after)) = parts
            && std::env::var_os("MILLSTREAM_BLESS").is_some()
        {
            std::fs::write(root().join(PATH), format!("{before}{BEGIN}{wanted}{END}{after}")).expect("written");
        } else {
            let run = "run `MILLSTREAM_BLESS=1 cargo test --test docs`, and keep the lines that begin and end the list";
            findings.push(format!("{PATH}: does not say what the list of metrics says: {run}"));
        }
    }
    findings.extend(unknown_names(pages));
    findings
}

fn table() -> String {
    let mut table = "| metric | | labels | of what | |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for metric in millstream::observe::metrics_list() {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} | {} |",
            metric.name,
            metric.kind,
            labels.join(", "),
            metric.unit,
            metric.help
        );
    }
    table
}

/// Metrics that a page names and that there are not.
fn unknown_names(pages: &[Page]) -> Vec<String> {
    let name = regex::Regex::new(r"\bmillstream_[a-z][a-z0-9_]*").expect("a pattern");
    let is_known = |found: &str| {
        let plain = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| found.strip_suffix(end));
        let mut metrics = millstream::observe::metrics_list().iter();
        metrics.any(|metric| metric.name == found || plain == Some(metric.name))
    };
    let mut findings = Vec::new();
    for page in pages {
        for (number, line) in page.text.lines().enumerate() {
            let unknown = name.find_iter(line).filter(|found| {
                let is_pattern = line.get(found.end()..).is_some_and(|rest| rest.starts_with('*'));
                !is_known(found.as_str()) && !is_pattern
            });
            findings.extend(
                unknown.map(|found| format!("{}:{}: there is no metric `{}`", page.path, number + 1, found.as_str())),
            );
        }
    }
    findings
}
