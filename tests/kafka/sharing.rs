//! Several instances sharing the partitions while they come and go.

use crate::harness::millstream::Instance;
use crate::harness::random::Random;
use crate::pipeline::Pipeline;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn two_instances_share_the_partitions_while_one_stops_and_one_is_added() {
    let mut random = Random::seeded("sharing");
    let pipeline = Pipeline::customer_events("sharing");
    let load = pipeline.load("sharing", 30_000, 2_000, &mut random);
    let mut chunks = load.messages.chunks(load.messages.len().div_ceil(12));
    let mut feed = |times: usize| {
        for chunk in chunks.by_ref().take(times) {
            pipeline.produce(chunk);
            std::thread::sleep(Duration::from_millis(300));
        }
    };

    let mut first = pipeline.start("a");
    let mut second = pipeline.start("b");
    first.wait_ready();
    second.wait_ready();
    feed(4);
    let status = first.terminate();
    assert!(status.success(), "ended with {status}:\n{}", first.log());
    feed(4);
    let mut third = pipeline.start("c");
    third.wait_ready();
    feed(4);

    pipeline.wait_done(&load, LIMIT);
    Instance::terminate_all(&mut [second, third]);
    pipeline.verify(&load);
}

#[test]
fn a_clean_shutdown_commits_what_was_done_and_a_restart_does_nothing_again() {
    let mut random = Random::seeded("shutdown");
    let pipeline = Pipeline::customer_events("shutdown");
    let load = pipeline.load("shutdown", 4_000, 300, &mut random);
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    pipeline.produce(&load.messages);
    // In the middle of it.
    pipeline
        .client
        .wait_committed(&pipeline.topic("integration-dev"), 1, LIMIT);
    let status = instance.terminate();
    assert!(status.success(), "ended with {status}:\n{}", instance.log());

    let mut again = pipeline.start("a");
    again.wait_ready();
    pipeline.wait_done(&load, LIMIT);
    assert!(again.terminate().success());
    pipeline.verify(&load);

    // All is committed: a third start finds nothing to do.
    let before = pipeline.client.committed_count(&pipeline.topic("customers.normalized"));
    let mut third = pipeline.start("a");
    third.wait_ready();
    std::thread::sleep(Duration::from_secs(1));
    assert!(third.terminate().success());
    assert_eq!(
        pipeline.client.committed_count(&pipeline.topic("customers.normalized")),
        before
    );
    pipeline.verify(&load);
}
