//! The engine alone: records copied from one and from many partitions, and through a repartition topic.

use crate::harness::client::Message;
use crate::harness::compare::assert_same_multiset;
use crate::harness::millstream::{Instance, TestTopology};
use crate::harness::random::Random;
use crate::pipeline::Pipeline;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

const COPY: &str = "application: copy
sources: {in: {topic: in}}
sinks: {out: {from: in, topic: out}}
dead_letters: {topic: dead}
";

const THROUGH: &str = "application: through
sources: {in: {topic: in}}
processors: {middle: {type: repartition, from: in, topic: middle}}
sinks: {out: {from: middle, topic: out}}
dead_letters: {topic: dead}
";

fn numbered(pipeline: &Pipeline, numbers: std::ops::Range<u32>) -> Vec<Message> {
    let topic = pipeline.topic("in");
    numbers
        .map(|number| Message::new(&topic, Some(&format!("k{}", number % 997)), number.to_string()))
        .collect()
}

fn verify(pipeline: &Pipeline, count: u32) {
    let records = pipeline.committed("out");
    let copies = records
        .iter()
        .map(|record| (record.key_text().unwrap_or_default(), record.value_text()));
    let expected = (0..count).map(|number| (format!("k{}", number % 997), number.to_string()));
    assert_same_multiset("out", expected, copies);
    let mut last = std::collections::HashMap::new();
    for record in &records {
        let number: u32 = record.value_text().parse().expect("a number");
        let before = last.insert(record.key_text(), number);
        assert!(
            before.is_none_or(|before| before < number),
            "{number} after {before:?} of {:?}",
            record.key_text()
        );
    }
}

#[test]
fn a_copy_of_one_partition_and_of_many_is_exact_and_in_order() {
    for partitions in [1, 6] {
        let pipeline = Pipeline::of(TestTopology::of("copy", COPY));
        pipeline.create(&["in", "out"], partitions, &[]);
        pipeline.produce(&numbered(&pipeline, 0..5_000));
        let mut instance = pipeline.start("a");
        instance.wait_ready();
        pipeline.produce(&numbered(&pipeline, 5_000..20_000));
        pipeline.client.wait_committed(&pipeline.topic("out"), 20_000, LIMIT);
        assert!(instance.terminate().success());
        verify(&pipeline, 20_000);
    }
}

#[test]
fn two_stages_joined_by_a_topic_stay_exact_while_processes_are_killed_and_stopped() {
    let mut random = Random::seeded("copy-killed");
    let pipeline = Pipeline::of(TestTopology::of("through", THROUGH).kafka("session.timeout.ms", "6000"));
    pipeline.create(&["in", "out"], 4, &[]);
    let mut instances: Vec<Instance> = ["a", "b"].iter().map(|name| pipeline.start(name)).collect();
    for round in 0..8u32 {
        pipeline.produce(&numbered(&pipeline, round * 5_000..(round + 1) * 5_000));
        std::thread::sleep(Duration::from_millis(random.between(50, 1_200)));
        let victim = random.below(2) as usize;
        if random.one_in(3) {
            assert!(instances[victim].terminate().success(), "{}", instances[victim].log());
        } else {
            instances[victim].kill();
        }
        instances[victim] = pipeline.start(["a", "b"][victim]);
    }
    pipeline.client.wait_committed(&pipeline.topic("out"), 40_000, LIMIT);
    Instance::terminate_all(&mut instances);
    verify(&pipeline, 40_000);
}
