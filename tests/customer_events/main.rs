//! The shipped topology as a whole: its cases, its variants, its samples, and whatever else comes in on its feeds.

mod anything;
mod large;
mod schemas;

use millstream::testkit::case::read_folder;
use millstream::testkit::{Coverage, Driver, Message, Unreached, run_case};
use millstream::topology::{Topology, load};
use millstream::yaml;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("topology/customer-events")
}

fn loaded(file: &str) -> Arc<Topology> {
    match load(&folder().join(file), &|_| None) {
        Ok(topology) => Arc::new(topology),
        Err(mistakes) => panic!("{}", yaml::render(&mistakes, "", &|_| None)),
    }
}

/// The names of the JSON files of a folder of samples.
fn samples(feed: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder().join("samples").join(feed)).expect("a folder of samples");
    files
        .map(|file| file.expect("a sample").file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn every_case_passes_and_together_they_reach_everything() {
    let topology = loaded("topology.yaml");
    let cases = read_folder(&folder(), &topology).expect("the cases are right");
    let mut coverage = Coverage::default();
    for case in &cases {
        let outcome = run_case(&topology, case);
        assert!(outcome.problems.is_empty(), "{}: {:#?}", case.name, outcome.problems);
        coverage.add(case, &outcome);
    }
    assert_eq!(coverage.unreached(&topology), Unreached::default());
}

#[test]
fn there_is_a_case_for_every_sample() {
    let tests = fs::read_dir(folder().join("tests")).expect("the cases");
    let cases: String = tests
        .map(|file| fs::read_to_string(file.expect("a file").path()).expect("a text"))
        .collect();
    for feed in ["eventbridge", "rabbitmq", "native", "subscriber"] {
        for sample in samples(feed) {
            let path = format!("samples/{feed}/{sample}");
            assert!(cases.contains(&path), "no case has {path}");
        }
    }
}

#[test]
fn every_rabbitmq_sample_has_its_routing_key() {
    let text = fs::read_to_string(folder().join("samples/rabbitmq.yaml")).expect("the routing keys");
    let keys = yaml::read_text(&text, "rabbitmq.yaml").expect("right YAML");
    let named: BTreeSet<String> = keys.entries().iter().map(|(key, _)| key.text.clone()).collect();
    assert_eq!(named, samples("rabbitmq"));
}

#[test]
fn the_fused_variant_makes_the_same_of_every_event() {
    let sample = |name: &str| fs::read_to_string(folder().join("samples/eventbridge").join(name)).expect("a sample");
    let mut events: Vec<String> = samples("eventbridge").iter().map(|name| sample(name)).collect();
    // a duplicate, and an id that is taken by another type of event
    let updated = sample("UpdateUser.json");
    events.push(updated.clone());
    events.push(updated.replace("userservice/user/update", "userservice/user/delete"));
    let outputs = |file: &str| {
        let mut driver = Driver::new(&loaded(file)).expect("a driver");
        for event in &events {
            let message = Message {
                value: Some(event.clone().into_bytes()),
                ..Message::default()
            };
            driver.input("eventbridge", &message).expect("a source");
            driver.run_until_idle().expect("an end");
        }
        let records = driver.outputs().into_iter().flat_map(|(_, records)| records);
        records
            .map(|record| (record.topic, record.key, record.value))
            .collect::<Vec<_>>()
    };
    let fused = outputs("fused.yaml");
    assert_eq!(fused.len(), 22);
    assert_eq!(fused, outputs("topology.yaml"));
}
