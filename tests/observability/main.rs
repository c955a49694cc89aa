//! Dashboards, alerts and runbooks, held to the code and to each other: no metric, panel, log line or command that does not
//! exist, no alert without a runbook and a test, and no dashboard that cannot be read.
//!
//! What needs a Prometheus is in `tests/kafka/prometheus.rs`: every query runs there, and every alert's own tests.
//! `MILLSTREAM_BLESS=1 cargo test --test observability` writes the dashboards as they shall be written.

mod alerts;
mod dashboards;
mod known;
mod pretty;
mod runbooks;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder with that ending, each with its name without it, in order.
fn files(folder: &str, ending: &str) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut found: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .map(|path| {
            (
                path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                path,
            )
        })
        .collect();
    found.sort();
    assert!(!found.is_empty(), "there is nothing in {folder}");
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn report(findings: &[String]) {
    let mut list = String::new();
    for finding in findings {
        let _ = writeln!(list, "  {finding}");
    }
    assert!(findings.is_empty(), "{} findings:\n{list}", findings.len());
}
