//! The shipped feeds as the README shows them: the example publishes, and everything arrives.

use crate::harness::broker::shared;
use crate::harness::compare::assert_same_multiset;
use crate::harness::documents::{Outcome, documents, outputs};
use crate::harness::free_port;
use crate::harness::millstream::TestTopology;
use crate::harness::rabbitmq;
use crate::pipeline::Pipeline;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const KEY: &str = "not-for-production";
/// EventBridge's and RabbitMQ's, in the order of the documents.
const PUBLISHED: usize = 21 + 11;

#[test]
fn what_the_customers_example_publishes_twice_comes_out_once() {
    let rabbit = rabbitmq::shared();
    let port = free_port();
    let topology = TestTopology::customer_events_fed("fed")
        .edit(|yaml| {
            yaml.replace("exchange: ecomm", "exchange: fed").replace(
                "path: /feeds/eventbridge",
                &format!("path: /feeds/eventbridge\n    listen: \"127.0.0.1:{port}\""),
            )
        })
        .variable("RABBITMQ_URL", &rabbit.url())
        .variable("EVENTBRIDGE_KEY", KEY);
    let pipeline = Pipeline::customers(topology, &shared().address());
    let mut instance = pipeline.start("a");
    instance.wait_ready();

    let webhook = format!("http://127.0.0.1:{port}/feeds/eventbridge");
    let published = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--example", "customers", "--"])
        .args(["--rabbitmq", &rabbit.url(), "--exchange", "fed", "--webhook", &webhook])
        .args(["--api-key", KEY, "--times", "2"])
        .output()
        .expect("the example runs");
    let said = String::from_utf8_lossy(&published.stderr);
    assert!(published.status.success(), "{said}");

    // An id of RabbitMQ's is the example's own.
    let without_id = |outcome: Outcome| Outcome {
        id: outcome
            .id
            .filter(|id| !id.starts_with("rabbitmq-") && !id.starts_with("customers-")),
        ..outcome
    };
    let expected: Vec<Outcome> = documents(&pipeline.topology)
        .outcomes
        .into_iter()
        .take(PUBLISHED)
        .map(without_id)
        .collect();
    for topic in outputs() {
        let count = expected.iter().filter(|outcome| outcome.topic == topic).count();
        pipeline.client.wait_committed(&pipeline.topic(&topic), count, LIMIT);
    }
    let duplicates = || instance.metric("millstream_duplicates_total");
    crate::harness::wait_until("the second of each to be dropped", LIMIT, || {
        let found = duplicates();
        (found == PUBLISHED as u64)
            .then_some(())
            .ok_or(format!("{found} of {PUBLISHED}"))
    });
    let mut seen = Vec::new();
    for topic in outputs() {
        let records = pipeline.committed(&topic);
        seen.extend(records.iter().map(|record| without_id(Outcome::of(&topic, record))));
    }
    assert_same_multiset("outputs", expected, seen);
    assert!(instance.terminate().success());
}
