//! Plans and what they make of what is there.

use super::{RIGHT, right};
use crate::broker::TopicState;
use crate::topology::{Action, Missing, Partitions, Role, compare};

const STATEFUL: &str = "\
application: shop
sources:
  orders: {topic: feed.orders}
  returns: {topic: feed.returns}
processors:
  by-customer: {type: repartition, from: [orders, returns], topic: shop.by-customer}
  once: {type: dedupe, from: by-customer, id: = event.id, window: 7d}
sinks:
  out: {from: once, topic: out}
dead_letters: {topic: dead}
";

fn there(name: &str, partitions: i32, settings: &[(&str, &str)]) -> TopicState {
    let settings = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    TopicState {
        name: name.to_owned(),
        partitions,
        settings,
    }
}

/// Every verdict on one line.
fn verdicts(text: &str, found: &[TopicState]) -> Vec<String> {
    let plan = right(text).plan();
    let verdict = |verdict: &crate::topology::Verdict<'_>| match &verdict.action {
        Action::Fine => format!("{} fine", verdict.topic.name),
        Action::Create(state) => format!("{} create {}", state.name, state.partitions),
        Action::Wrong(wrong) => wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join(" & "),
    };
    compare(&plan, found).iter().map(verdict).collect()
}

#[test]
fn a_plan_has_every_topic_once_and_its_groups() {
    let plan = right(STATEFUL).plan();
    let topics: Vec<_> = plan
        .topics
        .iter()
        .map(|topic| (topic.name.as_str(), topic.role, topic.missing))
        .collect();
    assert_eq!(
        topics,
        [
            ("feed.orders", Role::Source, Missing::Refuse),
            ("feed.returns", Role::Source, Missing::Refuse),
            ("shop.by-customer", Role::Through, Missing::Create),
            ("shop-once-changelog", Role::Changelog, Missing::Create),
            ("out", Role::Sink, Missing::Create),
            ("dead", Role::DeadLetters, Missing::Create),
        ]
    );
    assert_eq!(plan.group, "shop");
    assert_eq!(
        plan.topics[3].partitions,
        Partitions::Same("shop.by-customer".to_owned())
    );
    let setting = |name: &str| {
        plan.topics[3]
            .settings
            .iter()
            .find(|setting| setting.name == name)
            .map(|setting| setting.value.clone())
    };
    assert_eq!(setting("cleanup.policy").as_deref(), Some("compact,delete"));
    assert_eq!(setting("retention.ms"), Some((8_i64 * 86_400_000).to_string()));
}

#[test]
fn what_is_missing_is_created_as_wide_as_what_it_comes_from() {
    let found = [there("feed.orders", 6, &[]), there("feed.returns", 12, &[])];
    assert_eq!(
        verdicts(STATEFUL, &found),
        [
            "feed.orders fine",
            "feed.returns fine",
            "shop.by-customer create 12",
            "shop-once-changelog create 12",
            "out create 12",
            "dead create 12",
        ]
    );
}

#[test]
fn sources_are_never_created() {
    let found = verdicts(RIGHT, &[]);
    assert_eq!(
        found[0],
        "topic feed.orders: topic is missing, and must be there: create it, or correct the topic of the source `orders`"
    );
    assert_eq!(found.len(), 3);
}

#[test]
fn explicit_partitions_are_kept_and_compared() {
    let text = STATEFUL.replace("topic: shop.by-customer", "topic: shop.by-customer, partitions: 24");
    let mut found = vec![there("feed.orders", 6, &[]), there("feed.returns", 6, &[])];
    assert_eq!(
        verdicts(&text, &found)[2..4],
        ["shop.by-customer create 24", "shop-once-changelog create 24"]
    );
    found.push(there("shop.by-customer", 8, &[]));
    assert_eq!(
        verdicts(&text, &found)[2..4],
        [
            "topic shop.by-customer: partitions is 8, and must be 24: create it anew, or write `partitions: 8`",
            "shop-once-changelog create 8"
        ]
    );
}

#[test]
fn a_topic_that_would_lose_records_is_told_with_the_command_that_mends_it() {
    let mut found = vec![there("feed.orders", 6, &[]), there("feed.returns", 6, &[])];
    found.push(there(
        "shop.by-customer",
        6,
        &[("cleanup.policy", "compact"), ("retention.ms", "1")],
    ));
    found.push(there(
        "shop-once-changelog",
        4,
        &[
            ("cleanup.policy", "delete, compact"),
            ("retention.ms", "1000"),
            ("retention.bytes", "-1"),
            ("segment.ms", "9"),
        ],
    ));
    let verdicts = verdicts(STATEFUL, &found);
    assert_eq!(
        verdicts[2],
        "topic shop.by-customer: cleanup.policy is compact, and must be delete: kafka-configs --alter --entity-type topics --entity-name shop.by-customer --add-config 'cleanup.policy=[delete]'"
    );
    assert_eq!(
        verdicts[3],
        "topic shop-once-changelog: partitions is 4, and must be 6: it must have as many as `shop.by-customer`: stop the application, delete it, and start again; its state is lost & topic shop-once-changelog: retention.ms is 1000, and must be at least 691200000: kafka-configs --alter --entity-type topics --entity-name shop-once-changelog --add-config 'retention.ms=[691200000]'"
    );
}

#[test]
fn a_setting_without_limit_is_at_least_anything() {
    let mut found = vec![
        there("feed.orders", 6, &[]),
        there("feed.returns", 6, &[]),
        there("shop.by-customer", 6, &[]),
    ];
    found.push(there(
        "shop-once-changelog",
        6,
        &[("cleanup.policy", "delete,compact"), ("retention.ms", "-1")],
    ));
    assert_eq!(verdicts(STATEFUL, &found)[3], "shop-once-changelog fine");
}
