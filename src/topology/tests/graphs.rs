//! Sub-topologies.

use super::{RIGHT, right, wrong};
use crate::topology::Input;

const STAGES: &str = "\
application: shop
sources:
  orders: {topic: feed.orders}
  returns: {topic: feed.returns}
  visits: {topic: feed.visits}
processors:
  clean: {type: redact, from: orders, fields: [x]}
  by-customer: {type: repartition, from: [clean, returns], topic: shop.by-customer}
  late: {type: redact, from: by-customer, fields: [x]}
  visit: {type: redact, from: visits, fields: [x]}
sinks:
  out: {from: late, topic: out}
  seen: {from: visit, topic: seen}
dead_letters: {topic: dead}
";

#[test]
fn a_topology_without_topics_in_the_middle_is_one_sub_topology() {
    let graph = right(RIGHT).graph();
    assert_eq!(graph.subtopologies.len(), 1);
    let sub = &graph.subtopologies[0];
    assert_eq!(
        (sub.name.as_str(), sub.topics().collect::<Vec<_>>()),
        ("orders", vec!["feed.orders"])
    );
    assert_eq!(
        (sub.processors.as_slice(), sub.sinks.as_slice()),
        ([0].as_slice(), [0].as_slice())
    );
}

#[test]
fn topics_in_the_middle_cut_and_what_is_not_connected_is_apart() {
    let topology = right(STAGES);
    let graph = topology.graph();
    let names: Vec<_> = graph.subtopologies.iter().map(|sub| sub.name.as_str()).collect();
    assert_eq!(names, ["orders", "visits", "by-customer"]);
    let members = |index: usize| -> Vec<&str> {
        graph.subtopologies[index]
            .processors
            .iter()
            .map(|index| topology.processors[*index].name.as_str())
            .collect()
    };
    assert_eq!(members(0), ["clean", "by-customer"]);
    assert_eq!(members(1), ["visit"]);
    assert_eq!(members(2), ["late"]);
    assert_eq!(
        graph.subtopologies[0].topics().collect::<Vec<_>>(),
        ["feed.orders", "feed.returns"]
    );
    assert_eq!(graph.reader_of("shop.by-customer"), Some(2));
    assert_eq!(graph.reader_of("out"), None);
    let entry = &graph.subtopologies[2].entries[0];
    assert!(matches!(entry.input, Input::Processor(index) if topology.processors[index].name == "by-customer"));
}

#[test]
fn whoever_reads_both_sides_of_a_topic_joins_them() {
    let joined = STAGES.replace(
        "late: {type: redact, from: by-customer",
        "late: {type: redact, from: [by-customer, clean]",
    );
    let names: Vec<_> = right(&joined)
        .graph()
        .subtopologies
        .into_iter()
        .map(|sub| sub.name)
        .collect();
    assert_eq!(names, ["orders", "visits"]);
}

#[test]
fn state_behind_several_topics_is_refused() {
    let text = STAGES.replace(
        "  late: {type: redact, from: by-customer, fields: [x]}",
        "  late: {type: dedupe, from: [by-customer, visits], id: = event.id, window: 7d}",
    );
    assert_eq!(
        wrong(&text),
        [
            "9:3 `late` keeps state, and its sub-topology reads more than one topic, through `visits`, `by-customer` | merge them into one topic first: add a processor {type: repartition, from: [by-customer, visits], key: = ..., topic: ...} and take from that one"
        ]
    );
}
