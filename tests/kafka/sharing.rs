//! Several instances sharing the partitions while they come and go.

use crate::crew::Crew;
use crate::harness::group;
use crate::harness::millstream::TestTopology;
use crate::harness::random::Random;
use crate::harness::wait_until;
use crate::numbers::{COPY, THROUGH, numbered, verify};
use crate::pipeline::Pipeline;
use crate::scenario::{Size, Tally, check};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn two_instances_share_the_partitions_while_one_stops_and_one_is_added() {
    check("sharing", sharing);
}

pub fn sharing(random: &mut Random, _: Size) -> Tally {
    let pipeline = Pipeline::customer_events("sharing");
    let load = pipeline.load("sharing", 30_000, 2_000, random);
    let mut chunks = load.messages.chunks(load.messages.len().div_ceil(12));
    let mut feed = |times: usize| {
        for chunk in chunks.by_ref().take(times) {
            pipeline.produce(chunk);
            std::thread::sleep(Duration::from_millis(300));
        }
    };
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&["a", "b"]);
    feed(4);
    crew.stop("a");
    feed(4);
    crew.start_all(&["c"]);
    feed(4);
    pipeline.finish(crew, &load, LIMIT)
}

#[test]
fn an_instance_that_no_partition_is_left_for_is_ready_and_takes_over() {
    let pipeline = Pipeline::of(TestTopology::of("idle", COPY));
    pipeline.create(&["in", "out"], 1, &[]);
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&["a"]);
    crew.start_all(&["b"]);
    crew.stop("a");
    pipeline.produce(&numbered(&pipeline, 0..1_000));
    pipeline.client.wait_committed(&pipeline.topic("out"), 1_000, LIMIT);
    crew.finish();
    verify(&pipeline, 1_000);
}

#[test]
fn one_instance_becomes_three_and_then_two_under_load() {
    check("scaled", scaled);
}

pub fn scaled(random: &mut Random, size: Size) -> Tally {
    let pipeline = Pipeline::customer_events("scaled");
    let seconds = size.of(8, 30);
    let load = pipeline.load("scaled", 2_000 * seconds, 2_000, random);
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&["a"]);
    let flow = pipeline.flow(&load.messages, Duration::from_secs(seconds));
    let step = Duration::from_millis(seconds * 1_000 / 4);
    std::thread::sleep(step);
    crew.start("b");
    std::thread::sleep(Duration::from_millis(random.between(0, 1_000)));
    crew.start("c");
    crew.wait_ready();
    std::thread::sleep(step);
    crew.stop(["a", "b", "c"][random.below(3) as usize]);
    flow.finish();
    pipeline.finish(crew, &load, LIMIT)
}

#[test]
fn a_clean_shutdown_commits_what_was_done_and_a_restart_does_nothing_again() {
    check("shutdown", shutdown);
}

pub fn shutdown(random: &mut Random, _: Size) -> Tally {
    let pipeline = Pipeline::customer_events("shutdown");
    let load = pipeline.load("shutdown", 4_000, 300, random);
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&["a"]);
    pipeline.produce(&load.messages);
    // In the middle of it.
    pipeline
        .client
        .wait_committed(&pipeline.topic("integration-dev"), 1, LIMIT);
    crew.stop("a");

    crew.start_all(&["a"]);
    pipeline.wait_done(&load, LIMIT);
    crew.stop("a");
    pipeline.verify(&load);

    // All is committed: a third start finds nothing to do.
    let before = pipeline.client.committed_count(&pipeline.topic("customers.normalized"));
    crew.start_all(&["a"]);
    std::thread::sleep(Duration::from_secs(1));
    crew.stop("a");
    assert_eq!(
        pipeline.client.committed_count(&pipeline.topic("customers.normalized")),
        before
    );
    pipeline.finish(crew, &load, LIMIT)
}

#[test]
fn told_to_stop_at_any_moment_an_instance_stops() {
    check("stopped-early", stopped_early);
}

/// In the middle of starting, of joining, of a rebalance that another's start or stop began.
pub fn stopped_early(random: &mut Random, size: Size) -> Tally {
    const NAMES: [&str; 3] = ["a", "b", "c"];
    let topology = TestTopology::of("stopped-early", THROUGH)
        .kafka("session.timeout.ms", "6000")
        .kafka("heartbeat.interval.ms", "300");
    let pipeline = Pipeline::of(topology);
    pipeline.create(&["in", "out"], 6, &[]);
    let rounds = size.of(12, 60);
    let count = 1_000 * rounds;
    let flow = pipeline.flow(&numbered(&pipeline, 0..count), Duration::from_secs(rounds.into()));
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&NAMES);
    for round in 0..rounds as usize {
        let name = NAMES[round % NAMES.len()];
        crew.stop(name);
        std::thread::sleep(Duration::from_millis(random.between(0, 600)));
        crew.start(name);
        std::thread::sleep(Duration::from_millis(random.between(0, 900)));
    }
    flow.finish();
    pipeline
        .client
        .wait_committed(&pipeline.topic("out"), count as usize, LIMIT);
    let mut tally = crew.finish();
    verify(&pipeline, count);
    tally.input += u64::from(count);
    tally.output += u64::from(count);
    tally
}

#[test]
fn a_rolling_restart_of_static_members_moves_no_partition_and_begins_no_generation() {
    check("rolling", rolling);
}

pub fn rolling(random: &mut Random, size: Size) -> Tally {
    const NAMES: [&str; 3] = ["a", "b", "c"];
    let topology = TestTopology::of("rolling", THROUGH)
        .kafka("session.timeout.ms", "30000")
        .kafka("heartbeat.interval.ms", "500");
    let pipeline = Pipeline::of(topology);
    pipeline.create(&["in", "out"], 6, &[]);
    let mut crew = Crew::with(&pipeline, &["--static-membership"]);
    crew.start_all(&NAMES);
    let before = settled_generation(&pipeline);

    let seconds = size.of(8, 45);
    let count = 2_000 * seconds;
    let flow = pipeline.flow(&numbered(&pipeline, 0..count), Duration::from_secs(seconds.into()));
    let mut restarts = 0;
    while restarts < NAMES.len() || !flow.is_over() {
        let name = NAMES[restarts % NAMES.len()];
        let others: Vec<&str> = NAMES.into_iter().filter(|other| *other != name).collect();
        let rebalances =
            |crew: &mut Crew<'_>| -> Vec<u64> { others.iter().map(|other| assignments(crew, other)).collect() };
        let counted = rebalances(&mut crew);
        // A crash is no different from an upgrade, as long as it is back in time.
        if random.one_in(3) {
            crew.kill(name);
        } else {
            crew.stop(name);
        }
        std::thread::sleep(Duration::from_millis(random.between(0, 1_000)));
        crew.start(name);
        crew.wait_ready();
        wait_until(&format!("{name} to have its partitions"), LIMIT, || {
            if assignments(&mut crew, name) > 0 {
                Ok(())
            } else {
                Err("it has none yet".to_owned())
            }
        });
        assert_eq!(
            rebalances(&mut crew),
            counted,
            "rebalances of {others:?} while {name} restarted"
        );
        restarts += 1;
    }
    flow.finish();
    pipeline
        .client
        .wait_committed(&pipeline.topic("out"), count as usize, LIMIT);
    let after = group::generation(pipeline.brokers(), pipeline.topology.application());
    println!("{restarts} restarts, generation {before:?} before and {after:?} after");
    assert_eq!(after, before, "the group's generation");
    let mut tally = crew.finish();
    verify(&pipeline, count);
    tally.input += u64::from(count);
    tally.output += u64::from(count);
    tally
}

/// How often its partitions changed since it started.
fn assignments(crew: &mut Crew<'_>, name: &str) -> u64 {
    crew.instance(name).metric("millstream_rebalances_total")
}

/// The group's generation when it has not changed for three seconds.
fn settled_generation(pipeline: &Pipeline) -> Option<i32> {
    let read = || group::generation(pipeline.brokers(), pipeline.topology.application());
    let (mut last, mut since) = (read(), Instant::now());
    wait_until("the group to settle", LIMIT, || {
        let now = read();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        if last.is_some() && since.elapsed() > Duration::from_secs(3) {
            Ok(last)
        } else {
            Err(format!("generation {last:?}"))
        }
    })
}
