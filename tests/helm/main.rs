//! The Helm chart, by a real Helm: what it renders with every option on and off, what it refuses, and that its README, schema and examples say the same.
//!
//! `matrix` has the values that it is rendered with; most tests look at all of these renderings. kubectl-validate judges them by several
//! versions of Kubernetes. `MILLSTREAM_BLESS=1 cargo test --test helm` writes the golden files and the README's table of values.

mod chart;
mod contradictions;
mod documented;
mod examples;
mod golden;
mod matrix;
mod memory;
mod observed;
mod pods;
mod program;
#[path = "../harness/programs.rs"]
mod programs;
mod readme;
mod rendering;
mod security;
mod selectors;
mod topology;
mod valid;

use std::fmt::Write as _;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether what is generated shall be written instead of compared.
fn bless() -> bool {
    std::env::var_os("MILLSTREAM_BLESS").is_some()
}

fn report(findings: &[String]) {
    let mut list = String::new();
    for finding in findings {
        let _ = writeln!(list, "  {finding}");
    }
    assert!(findings.is_empty(), "{} findings:\n{list}", findings.len());
}
