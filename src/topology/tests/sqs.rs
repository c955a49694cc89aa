//! Feeds of SQS.

use super::{RIGHT, right, wrong};
use crate::topology::{FeedKind, Sqs, Topology};
use std::time::Duration;

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/events";

/// [`RIGHT`] with a feed that has these settings, in its last line.
fn with_feed(settings: &str) -> String {
    format!("{RIGHT}feeds: {{queue: {{type: sqs, topic: feed.orders, {settings}}}}}\n")
}

fn settings(topology: &Topology) -> &Sqs {
    match &topology.feeds[0].kind {
        FeedKind::Sqs(settings) => settings,
        other => panic!("a feed of type {}", other.type_name()),
    }
}

#[test]
fn the_queue_alone_is_enough() {
    let topology = right(&with_feed(&format!("queue_url: \"{QUEUE}\"")));
    let settings = settings(&topology);
    assert_eq!(settings.queue_url, QUEUE);
    assert_eq!((&settings.endpoint, &settings.region), (&None, &None));
    assert_eq!(settings.wait, Duration::from_secs(20));
    assert_eq!(settings.visibility, Duration::from_secs(30));
    assert_eq!(
        (settings.unwrap_sns, settings.receivers, settings.max_in_flight),
        (false, 4, 200)
    );
}

#[test]
fn every_setting_is_read() {
    let text = with_feed(
        "queue_url: \"http://localhost:4566/000000000000/q\", endpoint: \"http://localhost:4566\", region: eu-west-1, \
         wait: 2s, visibility: 10m, unwrap_sns: true, receivers: 1, max_in_flight: 10",
    );
    let topology = right(&text);
    let settings = settings(&topology);
    assert_eq!(settings.endpoint.as_deref(), Some("http://localhost:4566"));
    assert_eq!(settings.region.as_deref(), Some("eu-west-1"));
    assert_eq!(settings.wait, Duration::from_secs(2));
    assert_eq!(settings.visibility, Duration::from_secs(600));
    assert_eq!(
        (settings.unwrap_sns, settings.receivers, settings.max_in_flight),
        (true, 1, 10)
    );
}

#[test]
fn a_queue_is_needed_and_a_key_that_nobody_knows_is_told() {
    let found = wrong(&with_feed("que_url: x"));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("`queue_url`"), "{found:?}");
    assert!(
        found[1].contains("`que_url`") && found[1].contains("`queue_url`"),
        "{found:?}"
    );
}

#[test]
fn what_is_not_the_url_of_a_queue_is_told_with_one_that_is() {
    assert_eq!(
        wrong(&with_feed("queue_url: events")),
        [
            "9:59 `events` is not the URL of a host | write it with https:// (or http://), as in https://sqs.eu-west-1.amazonaws.com"
        ]
    );
    assert_eq!(
        wrong(&with_feed("queue_url: \"https://sqs.eu-west-1.amazonaws.com\"")),
        [
            "9:59 `https://sqs.eu-west-1.amazonaws.com` names no queue | write the queue's whole URL, as in https://sqs.eu-west-1.amazonaws.com/123456789012/events; `aws sqs get-queue-url --queue-name events` prints it"
        ]
    );
}

#[test]
fn what_sqs_cannot_do_is_refused_with_what_it_can() {
    let queue = format!("queue_url: \"{QUEUE}\"");
    let refused = |settings: &str| wrong(&with_feed(&format!("{settings}, {queue}"))).join("\n");
    assert_eq!(
        refused("wait: 30s"),
        "9:54 `30s` is not what SQS can do here | write whole seconds, from 1s to 20s"
    );
    assert_eq!(
        refused("visibility: 6500ms"),
        "9:60 `6500ms` is not what SQS can do here | write whole seconds, from 5s to 12h"
    );
    assert_eq!(
        refused("max_in_flight: 5"),
        "9:63 `5` is not a whole number from 10 to 20000 | write a whole number from 10 to 20000"
    );
    assert_eq!(
        refused("region: Ireland"),
        "9:56 `Ireland` is not the name of a region | write it as Amazon does: eu-west-1"
    );
    assert_eq!(
        refused("endpoint: \"https://user:hunter2@localhost\""),
        "9:58 a URL with a name or a password can't stand here | credentials come from the SDK's own chain: the environment, a profile, a role"
    );
}
