//! Small topologies that show what the shipped one does not use: their cases pass, and together reach everything.

use millstream::testkit::case::read_folder;
use millstream::testkit::{Coverage, Unreached, run_case};
use millstream::topology::load;
use millstream::yaml;
use std::path::Path;
use std::sync::Arc;

fn every_case_passes(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/topologies")
        .join(name);
    let topology = match load(&folder, &|_| None) {
        Ok(topology) => Arc::new(topology),
        Err(mistakes) => panic!("{}", yaml::render(&mistakes, "", &|_| None)),
    };
    let cases = match read_folder(&folder, &topology) {
        Ok(cases) => cases,
        Err(mistakes) => panic!("{}", yaml::render(&mistakes, "", &|_| None)),
    };
    assert!(!cases.is_empty(), "{name} has no cases");
    let mut coverage = Coverage::default();
    for case in &cases {
        let outcome = run_case(&topology, case);
        assert!(outcome.problems.is_empty(), "{}: {:#?}", case.name, outcome.problems);
        coverage.add(case, &outcome);
    }
    assert_eq!(coverage.unreached(&topology), Unreached::default(), "{name}");
}

#[test]
fn accounts() {
    every_case_passes("accounts");
}

#[test]
fn kafkas_own_exactly_once_test() {
    every_case_passes("kafka-eos");
}
