//! Killed and stalled processes: nothing lost, nothing doubled, dead letters included.

use crate::harness::load::Load;
use crate::harness::millstream::Instance;
use crate::harness::random::Random;
use crate::harness::wait_until;
use crate::pipeline::{Pipeline, joined};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn killed_at_random_moments_and_restarted_nothing_is_lost_and_nothing_doubled() {
    let mut random = Random::seeded("killed");
    let pipeline = Pipeline::customer_events("killed");
    let load = pipeline.load("killed", 30_000, 2_000, &mut random);
    // A part is there before the first start, the rest comes while processes die.
    let (before, rest) = load.messages.split_at(load.messages.len() / 4);
    pipeline.produce(before);

    let mut chunks = rest.chunks(rest.len().div_ceil(8));
    let mut kills = 0;
    let mut instance = pipeline.start("a");
    loop {
        let chunk = chunks.next();
        if let Some(chunk) = chunk {
            pipeline.produce(chunk);
        }
        // From the middle of starting up to the middle of work.
        std::thread::sleep(Duration::from_millis(random.between(100, 1_800)));
        assert!(instance.is_running(), "it ended by itself:\n{}", instance.log());
        if chunk.is_none() {
            break;
        }
        instance.kill();
        kills += 1;
        instance = pipeline.start("a");
    }
    instance.wait_ready();
    pipeline.wait_done(&load, LIMIT);
    assert!(instance.terminate().success());
    pipeline.verify(&load);
    println!(
        "{kills} kills, {} records in, {} out, {} dead letters",
        load.messages.len(),
        load.outcomes.len(),
        load.dead.len()
    );
}

#[test]
fn a_stalled_instance_that_comes_back_is_fenced_and_nothing_of_it_is_seen() {
    let mut random = Random::seeded("zombie");
    let pipeline = Pipeline::customer_events("zombie");
    let mut zombie = pipeline.start("a");
    let mut other = pipeline.start("b");
    zombie.wait_ready();
    other.wait_ready();

    let mut loads: Vec<Load> = Vec::new();
    let mut feed = |name: &str, random: &mut Random| {
        let load = pipeline.load(name, 3_000, 500, random);
        pipeline.produce(&load.messages);
        loads.push(load);
    };
    feed("zombie-before", &mut random);
    // In the middle of a transaction, for longer than its session lasts.
    zombie.pause();
    feed("zombie-while", &mut random);
    std::thread::sleep(Duration::from_secs(9));
    feed("zombie-after", &mut random);
    zombie.resume();
    feed("zombie-back", &mut random);

    let all = joined(loads);
    // The numbers of a customer begin anew in each load, so order is checked by the other tests.
    wait_and_compare(&pipeline, &all, &mut [zombie, other]);
}

fn wait_and_compare(pipeline: &Pipeline, all: &Load, instances: &mut [Instance]) {
    pipeline.wait_done(all, LIMIT);
    for instance in instances.iter_mut() {
        assert!(instance.is_running(), "it ended by itself:\n{}", instance.log());
    }
    Instance::terminate_all(instances);
    pipeline.verify_multiset(all);
}

#[test]
fn a_broker_that_goes_away_and_comes_back_costs_time_only() {
    let mut random = Random::seeded("broker-away");
    let pipeline = Pipeline::customer_events("broker-away");
    let load = pipeline.load("broker-away", 6_000, 500, &mut random);
    let (before, after) = load.messages.split_at(load.messages.len() / 2);
    pipeline.produce(before);
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    std::thread::sleep(Duration::from_millis(random.between(0, 500)));

    let broker = crate::harness::broker::shared();
    broker.kill();
    let away = Instant::now();
    wait_until(
        "health to say that the broker is away",
        Duration::from_secs(30),
        || match instance.get("/readyz") {
            Ok((200, _)) => Err("/readyz is fine".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        },
    );
    assert!(instance.is_running(), "it ended by itself:\n{}", instance.log());
    broker.relaunch();
    instance.wait_ready();
    println!("the broker was away for {:?}", away.elapsed());

    pipeline.produce(after);
    pipeline.wait_done(&load, LIMIT);
    assert!(instance.terminate().success());
    pipeline.verify(&load);
}
