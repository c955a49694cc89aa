//! The topics that a topology needs of a cluster: made with the right settings, refused with the wrong ones.

use crate::harness::documents::{DEAD_LETTERS, FEEDS, TABLES};
use crate::harness::millstream::{TestTopology, run_command};
use crate::pipeline::{PARTITIONS, Pipeline};
use std::time::Duration;

/// Feeds and tables only.
fn unprepared(test: &str) -> Pipeline {
    let pipeline = Pipeline::of(TestTopology::customer_events(test));
    pipeline.create(&FEEDS, PARTITIONS, &[]);
    pipeline.create(&TABLES, 1, &[("cleanup.policy", "compact")]);
    pipeline
}

fn changelog(pipeline: &Pipeline) -> String {
    format!("{}-dedupe-changelog", pipeline.topology.application())
}

#[test]
fn internal_topics_are_made_with_settings_that_let_compaction_and_expiry_run() {
    let pipeline = unprepared("internal");
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    assert!(instance.terminate().success());

    let topics = pipeline.client.topics();
    let through = pipeline.topic("customers.normalized");
    assert_eq!(
        topics.get(&through),
        Some(&(PARTITIONS as usize)),
        "as wide as the feeds"
    );
    assert_eq!(
        topics.get(&changelog(&pipeline)),
        Some(&(PARTITIONS as usize)),
        "as wide as what it belongs to"
    );
    assert!(topics.contains_key(&pipeline.topic(DEAD_LETTERS)));
    assert!(topics.contains_key(&pipeline.topic("integration-prod")));

    let settings = pipeline.client.topic_settings(&changelog(&pipeline));
    let policy: std::collections::BTreeSet<&str> = settings["cleanup.policy"].split(',').collect();
    assert_eq!(policy, ["compact", "delete"].into());
    let number = |name: &str| {
        settings[name]
            .parse::<i64>()
            .unwrap_or_else(|_| panic!("{name} is {}", settings[name]))
    };
    const DAY: i64 = 86_400_000;
    assert!(
        number("retention.ms") >= 7 * DAY,
        "the window of seven days: {}",
        number("retention.ms")
    );
    assert!(
        number("segment.ms") <= DAY,
        "only closed segments are compacted: {}",
        number("segment.ms")
    );
    assert!(
        number("segment.bytes") < 1 << 30,
        "only closed segments are compacted: {}",
        number("segment.bytes")
    );

    let settings = pipeline.client.topic_settings(&through);
    assert_eq!(
        settings["cleanup.policy"], "delete",
        "two events of one customer are two events"
    );
}

#[test]
fn an_internal_topic_with_wrong_settings_is_refused_by_name_before_anything_starts() {
    let pipeline = unprepared("wrong-settings");
    pipeline
        .client
        .create_topic_with(&changelog(&pipeline), PARTITIONS, &[("cleanup.policy", "delete")]);
    let mut instance = pipeline.start("a");
    let status = instance.wait_ended(Duration::from_secs(20));
    assert_eq!(status.code(), Some(1), "{}", instance.log());
    let log = instance.log();
    assert!(
        log.contains(&changelog(&pipeline)) && log.contains("cleanup.policy"),
        "{log}"
    );
}

#[test]
fn an_internal_topic_with_another_width_is_refused_by_name() {
    let pipeline = unprepared("wrong-width");
    let settings = [
        ("cleanup.policy", "compact,delete"),
        ("retention.ms", "-1"),
        ("segment.ms", "3600000"),
        ("segment.bytes", "67108864"),
    ];
    pipeline
        .client
        .create_topic_with(&changelog(&pipeline), PARTITIONS + 1, &settings);
    let mut instance = pipeline.start("a");
    let status = instance.wait_ended(Duration::from_secs(20));
    assert_eq!(status.code(), Some(1), "{}", instance.log());
    let log = instance.log();
    assert!(
        log.contains(&changelog(&pipeline)) && log.contains("partitions"),
        "{log}"
    );
}

#[test]
fn a_source_topic_that_is_not_there_is_refused_by_name() {
    let pipeline = Pipeline::of(TestTopology::customer_events("no-source"));
    let mut instance = pipeline.start("a");
    let status = instance.wait_ended(Duration::from_secs(20));
    assert_eq!(status.code(), Some(1), "{}", instance.log());
    assert!(
        instance.log().contains(&pipeline.topic("feed.rabbitmq")),
        "{}",
        instance.log()
    );
}

#[test]
fn topics_are_planned_then_created_and_then_it_starts() {
    let pipeline = Pipeline::of(TestTopology::customer_events("applied"));
    let folder = pipeline.topology.path().display().to_string();
    let topics = |what: &str, more: &[&str]| {
        let arguments = ["topics", what, "--topology", &folder, "--brokers", pipeline.brokers()];
        let (status, out, err) = run_command(&[&arguments, more].concat());
        (status.success(), out, err)
    };
    let feed = pipeline.topic("feed.eventbridge");
    let (fine, out, err) = topics("plan", &["--partitions", "3"]);
    assert!(
        fine && out.contains(&format!("{feed} (source eventbridge): create, 3 partitions")),
        "{out}{err}"
    );
    assert!(!pipeline.client.topics().contains_key(&feed), "a plan changes nothing");

    let (fine, out, err) = topics(
        "apply",
        &["--partitions", "3", "--replication-factor", "1", "--output", "json"],
    );
    assert!(fine, "{out}{err}");
    let told: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(told["applied"], true);
    assert_eq!(told["topics"].as_array().map(Vec::len), Some(24));
    let there = pipeline.client.topics();
    assert_eq!(there.get(&feed), Some(&3));
    assert_eq!(there.get(&changelog(&pipeline)), Some(&3));
    let table = pipeline.client.topic_settings(&pipeline.topic("reference.stores"));
    assert_eq!(table["cleanup.policy"], "compact");

    let (fine, out, err) = topics("apply", &[]);
    assert!(
        fine && out.lines().count() == 24 && out.lines().all(|line| line.contains("): there, ")),
        "{out}{err}"
    );
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    assert!(instance.terminate().success());

    // too many copies for the only broker
    let other = Pipeline::of(TestTopology::customer_events("copies"));
    let folder = other.topology.path().display().to_string();
    let arguments = ["topics", "apply", "--topology", &folder, "--brokers", other.brokers()];
    let (status, _, err) = run_command(&[&arguments[..], &["--replication-factor", "3"]].concat());
    assert!(!status.success() && err.contains("replication"), "{err}");
}
