//! Mistakes of single parts.

use super::{RIGHT, codecs, load, right, with, wrong};
use crate::codec::{Codec, Codecs};
use crate::topology::{Guarantee, OnError};
use std::time::Duration;

#[test]
fn a_small_topology_is_read_with_its_defaults() {
    let topology = right(RIGHT);
    assert_eq!(topology.application, "shop");
    assert_eq!(topology.guarantee, Guarantee::ExactlyOnce);
    assert_eq!(topology.commit_interval, Duration::from_millis(100));
    assert_eq!(topology.workers, 1);
    assert_eq!(codecs(&topology.sources[0].format), Codecs::default());
    assert_eq!(topology.sources[0].on_error, OnError::DeadLetter);
    assert_eq!(topology.sinks[0].topic.topics(), ["shop.orders"]);
    assert_eq!(topology.dead_letters, "shop.dead-letters");
}

#[test]
fn every_setting_is_taken() {
    let topology = right(&format!(
        "processing_guarantee: at_least_once\ncommit_interval: 2s\nworkers: 4\nkafka: {{linger.ms: 5, compression.type: zstd}}\nsecrets: [Token]\n{}",
        with(
            "{topic: feed.orders}",
            "{topic: feed.orders, codec: {key: int32, value: string}, tombstones: pass, on_error: drop}"
        )
    ));
    assert_eq!(topology.guarantee, Guarantee::AtLeastOnce);
    assert_eq!(topology.commit_interval, Duration::from_secs(2));
    assert_eq!(topology.workers, 4);
    assert_eq!(topology.kafka["linger.ms"].0, "5");
    assert!(topology.secrets.contains("token"));
    let expected = Codecs {
        key: Some(Codec::Int32),
        value: Codec::String,
    };
    let source = &topology.sources[0];
    assert_eq!(
        (codecs(&source.format), source.tombstones, source.on_error),
        (expected, true, OnError::Drop)
    );
}

#[test]
fn an_empty_file_and_one_that_is_no_map_are_refused() {
    assert_eq!(
        wrong(""),
        ["1:1 the topology is empty | begin with `application:`, `sources:`, `sinks:` and `dead_letters:`"]
    );
    assert_eq!(
        wrong("[a]"),
        ["1:1 a topology must be a map, and this is a list | write it as {key: value}"]
    );
}

#[test]
fn what_is_missing_is_told_all_at_once() {
    assert_eq!(
        wrong("workers: 2\n"),
        [
            "1:1 a topology has no `application` | add `application:`",
            "1:1 a topology has no `dead_letters` | add `dead_letters:`",
            "1:1 a topology has no `sinks` | add `sinks:`",
            "1:1 a topology has no `sources` | add `sources:`",
        ]
    );
}

#[test]
fn unknown_keys_are_told_with_the_one_that_was_meant() {
    assert_eq!(
        wrong(&with("dead_letters:", "dead_leters:"))[0],
        "1:1 a topology has no `dead_letters` | add `dead_letters:`"
    );
    let found = wrong(&with("{topic: feed.orders}", "{topc: feed.orders}"));
    assert_eq!(
        found,
        [
            "3:3 a source has no `topic` | add `topic:`",
            "3:12 unknown key `topc` | did you mean `topic`? a source takes: topic, codec, schema, tombstones, on_error, description",
        ]
    );
    let found = wrong(&with("fields: [token]", "fields: [token], form: x"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("5:56 unknown key `form` | did you mean `from`? processor `clean` takes: type, from, "),
        "{found:?}"
    );
}

#[test]
fn unknown_words_are_told_with_those_there_are() {
    assert_eq!(
        wrong(&with("type: redact", "type: redakt")),
        [
            "5:17 `redakt` is not known here | did you mean `redact`? it can be: map, switch, filter, repartition, dedupe, enrich, redact, validate, aggregate, table"
        ]
    );
    assert_eq!(
        wrong(&format!("processing_guarantee: exactly-once\n{RIGHT}")),
        ["1:23 `exactly-once` is not known here | did you mean `exactly_once`? it can be: exactly_once, at_least_once"]
    );
    assert_eq!(
        wrong(&with(
            "{topic: feed.orders}",
            "{topic: feed.orders, on_error: deadletter}"
        )),
        ["3:42 `deadletter` is not known here | did you mean `dead_letter`? it can be: dead_letter, drop, fail"]
    );
}

#[test]
fn wrong_durations_and_numbers_are_told() {
    assert_eq!(
        wrong(&format!("commit_interval: 100\nworkers: 0\n{RIGHT}")),
        [
            "1:18 `100` is not a duration | write a number and its unit, as in 100ms, 5s, 10m, 2h or 7d",
            "2:10 `0` is not a whole number from 1 to 256 | write a whole number from 1 to 256",
        ]
    );
}

#[test]
fn names_that_kafka_would_not_take_are_told() {
    assert_eq!(
        wrong(&with("feed.orders", "feed orders")),
        ["3:19 a topic's name can't have ' ' in it | use letters, digits, `.`, `_` and `-`"]
    );
    assert_eq!(
        wrong(&with("shop.dead-letters", "..")),
        ["8:23 a topic's name can't be empty, `.` or `..` | use letters, digits, `.`, `_` and `-`"]
    );
    assert_eq!(
        wrong(&with("shop.orders", &"x".repeat(250))),
        ["7:29 a topic's name can't be longer than 249 characters | use letters, digits, `.`, `_` and `-`"]
    );
    let help = "begin with a letter or digit, go on with letters, digits, `.`, `_` and `-`, at most 100 of them";
    assert_eq!(
        wrong(&with("application: shop", "application: the shop")),
        [format!("1:14 this can't be a name | {help}")]
    );
    assert_eq!(
        wrong(&with("  out:", "  _out:")),
        [format!("7:3 this can't be a name | {help}")]
    );
}

#[test]
fn properties_that_hold_the_guarantee_are_not_the_users() {
    for name in [
        "group.id",
        "transactional.id",
        "enable.auto.commit",
        "isolation.level",
        "partition.assignment.strategy",
        "acks",
    ] {
        let found = wrong(&format!("kafka: {{linger.ms: 5, {name}: x}}\n{RIGHT}"));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with(&format!("1:23 `{name}` is not yours to set | remove it: ")),
            "{found:?}"
        );
    }
}

#[test]
fn a_file_that_is_not_there_is_told_where_it_is_named() {
    assert_eq!(
        wrong(&with(
            "type: redact, from: orders, fields: [token]",
            "type: validate, from: orders, schema: no.json"
        )),
        [
            "5:49 can't read the schema `no.json`: No such file or directory (os error 2) | name a file, relative to the topology's folder"
        ]
    );
    assert_eq!(
        wrong(&with(
            "type: redact, from: orders, fields: [token]",
            "type: map, from: orders, mapping: no.yaml"
        )),
        ["5:45 there is no file `no.yaml` | name a mapping's file, relative to the topology's folder"]
    );
}

#[test]
fn a_section_must_hold_named_parts() {
    assert_eq!(
        wrong(&with(
            "sources:\n  orders: {topic: feed.orders}\n",
            "sources: [feed.orders]\n"
        ))[0],
        "2:10 `sources` must be a map, and this is a list | write each under its own name, as in {name: {...}}"
    );
    assert_eq!(
        wrong(&with("sinks:\n  out: {from: clean, topic: shop.orders}\n", "sinks:\n"))[0],
        "6:6 there is nothing under `sinks` | add at least one, as in {name: {...}}"
    );
    assert!(load(&format!("tables:\nkafka:\n{RIGHT}")).is_ok());
}

#[test]
fn a_from_names_each_input_once() {
    assert_eq!(
        wrong(&with("from: clean", "from: [clean, clean]")),
        ["7:23 `clean` is here twice | name it once"]
    );
    assert_eq!(
        wrong(&with("from: clean", "from: []"))[0],
        "7:15 this list is empty | name at least one"
    );
}

#[test]
fn a_variable_that_is_not_set_is_a_mistake_only_where_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("topology.yaml"),
        format!(
            "workers: ${{WORKERS}}\nkafka: {{sasl.password: \"${{PASSWORD}}\"}}\n{}",
            with("feed.orders", "\"${IN}\"")
        ),
    )
    .unwrap();
    let found = crate::topology::load(folder.path(), &|_| None).err().unwrap();
    assert_eq!(found.iter().map(|m| m.place.line).collect::<Vec<_>>(), [1, 2, 5]);
    let (topology, unset) = crate::topology::inspect(folder.path(), &|_| None).ok().unwrap();
    assert_eq!(unset.into_iter().collect::<Vec<_>>(), ["IN", "PASSWORD", "WORKERS"]);
    assert_eq!(topology.sources[0].topic, "IN");
    let set = |name: &str| Some(if name == "WORKERS" { "3" } else { "secret" }.to_owned());
    let topology = crate::topology::load(&folder.path().join("topology.yaml"), &set)
        .ok()
        .unwrap();
    assert_eq!(
        (topology.workers, topology.kafka["sasl.password"].0.as_str()),
        (3, "secret")
    );
}

#[test]
fn what_came_from_the_environment_is_in_no_message() {
    let secret = |_: &str| Some("hun ter2".to_owned());
    let text = "workers: ${A}\ncommit_interval: ${A}\nprocessing_guarantee: ${A}\napplication: ${A}\nsources: {a: {topic: \"${A}\"}}\nprocessors: {b: {type: \"${A}\", from: \"${A}\"}}\nsinks: {c: {from: a, topic: \"${A}{x}\"}}\ndead_letters: {topic: \"${A}\"}\n";
    let found = crate::topology::load_text(text, std::path::Path::new("."), &secret)
        .err()
        .unwrap();
    assert!(found.len() >= 7, "{found:?}");
    let shown = format!("{found:?}");
    assert!(!shown.contains("hun ter2"), "{shown}");
}
