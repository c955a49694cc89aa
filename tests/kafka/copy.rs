//! The engine alone: records copied from one and from many partitions, and through a repartition topic.

use crate::crew::Crew;
use crate::harness::millstream::TestTopology;
use crate::harness::random::Random;
use crate::numbers::{COPY, THROUGH, numbered, verify};
use crate::pipeline::Pipeline;
use crate::scenario::{Size, Tally, check};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(90);

/// `partitions` each way.
fn pipeline(test: &str, yaml: &str, partitions: i32) -> Pipeline {
    let topology = TestTopology::of(test, yaml)
        .kafka("session.timeout.ms", "6000")
        .kafka("heartbeat.interval.ms", "500");
    let pipeline = Pipeline::of(topology);
    pipeline.create(&["in", "out"], partitions, &[]);
    pipeline
}

fn verified(mut tally: Tally, pipeline: &Pipeline, count: u32) -> Tally {
    verify(pipeline, count);
    tally.input += u64::from(count);
    tally.output += u64::from(count);
    tally
}

#[test]
fn a_copy_of_one_partition_and_of_many_is_exact_and_in_order() {
    check("copy", copied);
}

pub fn copied(_: &mut Random, _: Size) -> Tally {
    let mut tally = Tally::default();
    for partitions in [1, 6] {
        let pipeline = pipeline("copy", COPY, partitions);
        pipeline.produce(&numbered(&pipeline, 0..5_000));
        let mut crew = Crew::new(&pipeline);
        crew.start_all(&["a"]);
        pipeline.produce(&numbered(&pipeline, 5_000..20_000));
        pipeline.client.wait_committed(&pipeline.topic("out"), 20_000, LIMIT);
        tally += verified(crew.finish(), &pipeline, 20_000);
    }
    tally
}

#[test]
fn two_stages_joined_by_a_topic_stay_exact_while_processes_are_killed_and_stopped() {
    check("two-stages-killed", two_stages_killed);
}

pub fn two_stages_killed(random: &mut Random, size: Size) -> Tally {
    let pipeline = pipeline("through", THROUGH, 4);
    let rounds = size.of(8, 20);
    let mut crew = Crew::new(&pipeline);
    for name in ["a", "b"] {
        crew.start(name);
    }
    for round in 0..rounds {
        pipeline.produce(&numbered(&pipeline, round * 5_000..(round + 1) * 5_000));
        std::thread::sleep(Duration::from_millis(random.between(50, 1_200)));
        let victim = ["a", "b"][random.below(2) as usize];
        if random.one_in(3) {
            crew.stop(victim);
        } else {
            crew.kill(victim);
        }
        crew.start(victim);
    }
    let count = rounds * 5_000;
    pipeline
        .client
        .wait_committed(&pipeline.topic("out"), count as usize, LIMIT);
    verified(crew.finish(), &pipeline, count)
}

#[test]
fn two_stages_go_on_where_they_were_when_all_stopped_in_between_from_one_partition_and_from_many() {
    check("two-stages-stopped", two_stages_stopped);
}

pub fn two_stages_stopped(random: &mut Random, size: Size) -> Tally {
    const ROUNDS: u32 = 3;
    let share = size.of(2_500, 20_000);
    let mut tally = Tally::default();
    for partitions in [1, 6] {
        let pipeline = pipeline("stopped", THROUGH, partitions);
        let mut crew = Crew::new(&pipeline);
        for round in 0..ROUNDS {
            // It flows also while nobody works.
            let numbers = numbered(&pipeline, round * share..(round + 1) * share);
            let flow = pipeline.flow(&numbers, Duration::from_secs(2));
            crew.start_all(&["a", "b"]);
            std::thread::sleep(Duration::from_millis(random.between(200, 1_500)));
            for name in ["a", "b"] {
                crew.stop(name);
            }
            flow.finish();
        }
        crew.start_all(&["a"]);
        let count = ROUNDS * share;
        pipeline
            .client
            .wait_committed(&pipeline.topic("out"), count as usize, LIMIT);
        tally += verified(crew.finish(), &pipeline, count);
    }
    tally
}
