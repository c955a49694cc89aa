//! Names: what may be one, and the names that we make ourselves.

use crate::yaml::{Mistakes, Node, Place, text};

/// What Kafka takes as a topic's name. `Err`: why it would not.
pub(super) fn legal_topic(name: &str) -> Result<(), String> {
    const LONGEST: usize = 249;
    if name.is_empty() || name == "." || name == ".." {
        return Err("a topic's name can't be empty, `.` or `..`".to_owned());
    }
    if let Some(wrong) = name.chars().find(|c| !is_topic_character(*c)) {
        return Err(format!("a topic's name can't have {wrong:?} in it"));
    }
    if name.len() > LONGEST {
        return Err(format!("a topic's name can't be longer than {LONGEST} characters"));
    }
    Ok(())
}

pub(super) const TOPIC_HELP: &str = "use letters, digits, `.`, `_` and `-`";

/// A topic's name, with its place.
pub(super) fn topic(node: &Node, mistakes: &mut Mistakes) -> Option<(String, Place)> {
    let name = text(node, mistakes)?;
    match legal_topic(&name) {
        Ok(()) => Some((name, node.place.clone())),
        Err(why) => {
            mistakes.add(&node.place, why, TOPIC_HELP);
            None
        }
    }
}

/// Names of the application, sources, tables, processors, sinks: they end up in names of topics, groups and metrics.
pub(super) fn is_name(name: &str) -> bool {
    const LONGEST: usize = 100;
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_topic_character)
        && name.len() <= LONGEST
}

pub(super) const NAME_HELP: &str =
    "begin with a letter or digit, go on with letters, digits, `.`, `_` and `-`, at most 100 of them";

pub(super) fn is_topic_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// The topic of a store's changelog, named as Kafka Streams names it.
pub(super) fn changelog(application: &str, store: &str) -> String {
    format!("{application}-{store}-changelog")
}

/// The topic with the marks of dead letters that were replayed or dropped.
pub(super) fn marks(application: &str) -> String {
    format!("{application}-dead-letters-replayed")
}

/// librdkafka properties that the guarantee hangs on, and why each is not the user's to set.
pub(super) const OURS: [(&str, &str); 18] = [
    ("acks", "an output counts only when all in-sync replicas have it"),
    (
        "allow.auto.create.topics",
        "topics are created by the plan, with the settings they need",
    ),
    ("auto.commit.interval.ms", "`commit_interval` says how often to commit"),
    (
        "delivery.report.only.error",
        "deliveries are counted for each transaction",
    ),
    (
        "enable.auto.commit",
        "offsets are committed with the outputs they belong to",
    ),
    (
        "enable.auto.offset.store",
        "offsets are committed with the outputs they belong to",
    ),
    ("enable.gapless.guarantee", "the transaction sees to that"),
    ("enable.idempotence", "`processing_guarantee` decides on it"),
    ("enable.partition.eof", "the end of a partition is found by its offsets"),
    ("group.id", "it is the `application`"),
    (
        "group.instance.id",
        "it is made of the application, the instance and the worker",
    ),
    ("group.protocol", "partitions are assigned by the classic protocol"),
    ("isolation.level", "it is always read_committed"),
    ("partition.assignment.strategy", "it is always cooperative-sticky"),
    (
        "partitioner",
        "keys are hashed as Java clients do, so that topics are co-partitioned",
    ),
    (
        "partitioner_cb",
        "keys are hashed as Java clients do, so that topics are co-partitioned",
    ),
    (
        "request.required.acks",
        "an output counts only when all in-sync replicas have it",
    ),
    (
        "transactional.id",
        "it is made of the application, the instance and the worker",
    ),
];
