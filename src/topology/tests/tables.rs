//! Tables that a topology keeps itself, and codecs where topics are named.

use super::{right, with, wrong};
use crate::broker::TopicState;
use crate::codec::{Codec, Codecs};
use crate::topology::{Action, Missing, Partitions, Role, compare};

const KEPT: &str = "\
application: shop
sources: {customers: {topic: feed.customers}, orders: {topic: feed.orders}}
tables: {latest: {topic: customers.latest}}
processors:
  keep: {type: table, from: customers, topic: customers.latest}
  known: {type: enrich, from: orders, with: {customer: {table: latest, key: = event.customer}}}
sinks: {out: {from: known, topic: out}}
dead_letters: {topic: dead}
";

fn kept_with(old: &str, new: &str) -> String {
    assert!(KEPT.contains(old), "{old} is not in it");
    KEPT.replacen(old, new, 1)
}

#[test]
fn a_kept_table_is_created_compacted_and_as_wide_as_what_it_comes_from() {
    for text in [
        KEPT,
        &kept_with(
            "tables: {latest: {topic: customers.latest}}",
            "tables: {latest: {topic: other}}",
        ),
    ] {
        let plan = right(text).plan();
        let topic = plan
            .topics
            .iter()
            .find(|topic| topic.name == "customers.latest")
            .unwrap();
        assert_eq!(topic.missing, Missing::Create);
        assert_eq!(topic.partitions, Partitions::Same("feed.customers".to_owned()));
        let policy = topic.settings.iter().find(|setting| setting.name == "cleanup.policy");
        assert_eq!(policy.map(|policy| policy.value.as_str()), Some("compact"));
    }
    let plan = right(&kept_with("from: customers", "from: [customers, orders]")).plan();
    let topic = plan
        .topics
        .iter()
        .find(|topic| topic.name == "customers.latest")
        .unwrap();
    assert_eq!(
        topic.partitions,
        Partitions::Widest(vec!["feed.customers".to_owned(), "feed.orders".to_owned()])
    );
}

#[test]
fn a_table_that_is_deleted_by_time_is_told() {
    let found = TopicState {
        name: "customers.latest".to_owned(),
        partitions: 3,
        settings: vec![("cleanup.policy".to_owned(), "delete".to_owned())],
    };
    let source = TopicState {
        name: "feed.customers".to_owned(),
        partitions: 3,
        settings: Vec::new(),
    };
    let plan = right(KEPT).plan();
    let verdicts = compare(&plan, &[found, source]);
    let verdict = verdicts
        .iter()
        .find(|verdict| verdict.topic.name == "customers.latest")
        .unwrap();
    assert!(
        matches!(&verdict.action, Action::Wrong(wrong) if wrong[0].to_string().contains("cleanup.policy is delete, and must be compact")),
        "{verdict:?}"
    );
}

#[test]
fn a_kept_table_needs_nobody_behind_it_and_changelogs_of_values_are_compacted() {
    let plan = right(KEPT).plan();
    assert!(plan.topics.iter().all(|topic| topic.role != Role::Changelog));
    let aggregate = "application: a\nsources: {in: {topic: in}}\nprocessors: {sum: {type: aggregate, from: in, value: count}}\nsinks: {out: {from: sum, topic: out}}\ndead_letters: {topic: dead}\n";
    let plan = right(aggregate).plan();
    let changelog = plan.topics.iter().find(|topic| topic.role == Role::Changelog).unwrap();
    assert_eq!(
        (changelog.name.as_str(), &changelog.partitions),
        ("a-sum-changelog", &Partitions::Same("in".to_owned()))
    );
    let policy = changelog
        .settings
        .iter()
        .find(|setting| setting.name == "cleanup.policy");
    assert_eq!(policy.map(|policy| policy.value.as_str()), Some("compact"));
}

#[test]
fn a_kept_tables_topic_is_its_own_and_is_read_as_it_is_written() {
    assert_eq!(
        wrong(&kept_with("known, topic: out", "known, topic: customers.latest")),
        [
            "7:35 the topic of sink `out` is also the one in which `keep` keeps its table, in line 5 | nothing else may be in the topic of a table, and what is in it is looked up: choose another name"
        ]
    );
    assert!(
        wrong(&kept_with(
            "from: customers, topic: customers.latest",
            "from: customers, topic: 'a b'"
        ))[0]
            .contains("can't have ' ' in it")
    );
    assert_eq!(
        wrong(&kept_with(
            "from: customers, topic",
            "from: customers, codec: int64, topic"
        )),
        [
            "3:26 values of this table are read as `json`, and `keep` writes them as `int64` | write `codec: int64` here, or another there"
        ]
    );
}

#[test]
fn two_inputs_of_an_aggregate_are_refused() {
    let text = "application: a\nsources: {one: {topic: one}, two: {topic: two}}\nprocessors: {sum: {type: aggregate, from: [one, two], value: count}}\nsinks: {out: {from: sum, topic: out}}\ndead_letters: {topic: dead}\n";
    assert!(wrong(text)[0].contains("`sum` keeps state, and its sub-topology reads more than one topic"));
}

#[test]
fn codecs_are_said_where_topics_are() {
    let codecs = Codecs {
        key: Some(Codec::String),
        value: Codec::Int64,
    };
    let text = with(
        "topic: shop.orders",
        "topic: shop.orders, codec: {key: string, value: int64}",
    );
    assert_eq!(super::codecs(&right(&text).sinks[0].format), codecs);
    let text = kept_with(
        "{latest: {topic: customers.latest}}",
        "{latest: {topic: customers.latest, codec: {key: string}}}",
    );
    assert_eq!(right(&text).tables[0].format.key_codec(), Some(Codec::String));
    let text = with(
        "type: redact, from: orders, fields: [token]",
        "type: repartition, from: orders, topic: t, codec: int64",
    );
    let through = right(&text).processors[0].definition.through().unwrap();
    assert_eq!(through.codec, Codecs { key: None, ..codecs });
    assert_eq!(
        wrong(&with("{topic: feed.orders}", "{topic: feed.orders, codec: int46}")),
        [
            "3:39 `int46` is not known here | did you mean `int64`? it can be: json, json_schema, avro, avro_raw, string, raw, int32, int64, double"
        ]
    );
}
