//! Whatever stands in the file: a topology or mistakes, and never a panic.

use super::RIGHT;
use crate::topology::{compare, load_text};
use proptest::prelude::*;
use std::path::Path;

const LARGER: &str = include_str!("../../../topology/customer-events/topology.yaml");

/// What may stand where something else was.
fn pieces() -> impl Strategy<Value = String> {
    let words = "orders|clean|out|from|topic|type|[a-z{}\\[\\]:,\"'= .-]{0,6}|\\$\\{X\\}|\\$\\{X:-y\\}|= event.a|null|7d|0|\n  |&a|\\*a|!!x|<<: |dedupe|repartition|switch|enrich";
    proptest::string::string_regex(words).unwrap_or_else(|error| panic!("{error}"))
}

fn mutated(base: &'static str) -> impl Strategy<Value = String> {
    let change = (0..base.len(), 0..20_usize, pieces());
    prop::collection::vec(change, 1..6).prop_map(move |changes| {
        let mut characters: Vec<char> = base.chars().collect();
        for (at, length, piece) in changes {
            let at = at.min(characters.len());
            let end = (at + length).min(characters.len());
            characters.splice(at..end, piece.chars());
        }
        characters.into_iter().collect()
    })
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/topology/customer-events");

fn try_all(text: &str) -> Result<(), TestCaseError> {
    match load_text(text, Path::new(FOLDER), &|_| None) {
        Ok(topology) => {
            let plan = topology.plan();
            prop_assert_eq!(compare(&plan, &[]).len(), plan.topics.len());
            let graph = topology.graph();
            let counted: usize = graph.subtopologies.iter().map(|sub| sub.processors.len()).sum();
            prop_assert_eq!(counted, topology.processors.len());
            let sinks: usize = graph.subtopologies.iter().map(|sub| sub.sinks.len()).sum();
            prop_assert_eq!(sinks, topology.sinks.len());
        }
        Err(mistakes) => {
            prop_assert!(!mistakes.is_empty());
            prop_assert!(
                mistakes
                    .iter()
                    .all(|mistake| mistake.place.line > 0 && mistake.place.column > 0)
            );
            prop_assert!(mistakes.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_small_topology_with_random_changes_never_panics(text in mutated(RIGHT)) {
        try_all(&text)?;
    }

}

proptest! {
    // each compiles every mapping of the shipped topology
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_large_topology_with_random_changes_never_panics(text in mutated(LARGER)) {
        try_all(&text)?;
    }
}
