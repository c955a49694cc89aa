//! Killed and stalled processes: nothing lost, nothing doubled, dead letters included.

use crate::crew::Crew;
use crate::harness::load::Load;
use crate::harness::random::Random;
use crate::harness::wait_until;
use crate::pipeline::{Pipeline, joined};
use crate::scenario::{Size, Tally, check};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn killed_at_random_moments_and_restarted_nothing_is_lost_and_nothing_doubled() {
    check("killed", killed);
}

pub fn killed(random: &mut Random, size: Size) -> Tally {
    let pipeline = Pipeline::customer_events("killed");
    let load = pipeline.load("killed", size.of(30_000, 60_000), 2_000, random);
    // A part is there before the first start, the rest comes while processes die.
    let (before, rest) = load.messages.split_at(load.messages.len() / 4);
    pipeline.produce(before);
    let mut crew = Crew::new(&pipeline);
    crew.start("a");
    for chunk in rest.chunks(rest.len().div_ceil(size.of(8, 20))) {
        pipeline.produce(chunk);
        // From the middle of starting up to the middle of work.
        std::thread::sleep(Duration::from_millis(random.between(100, 1_800)));
        crew.assert_running();
        crew.kill("a");
        crew.start("a");
    }
    pipeline.finish(crew, &load, LIMIT)
}

#[test]
fn one_of_three_is_killed_again_and_again_while_input_flows() {
    check("one-of-three", one_of_three);
}

pub fn one_of_three(random: &mut Random, size: Size) -> Tally {
    const NAMES: [&str; 3] = ["a", "b", "c"];
    let pipeline = Pipeline::customer_events("one-of-three");
    let rounds = size.of(3, 12);
    let load = pipeline.load("one-of-three", 5_000 * rounds, 2_000, random);
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&NAMES);
    let flow = pipeline.flow(&load.messages, Duration::from_secs(5 * rounds));
    for round in 0..rounds {
        std::thread::sleep(Duration::from_millis(random.between(300, 3_000)));
        let victim = NAMES[random.below(3) as usize];
        crew.assert_running();
        crew.kill(victim);
        // Every other time it stays away until its session is over and the others have its partitions.
        if round % 2 == 1 {
            std::thread::sleep(Duration::from_secs(7));
        }
        crew.start(victim);
    }
    flow.finish();
    pipeline.finish(crew, &load, LIMIT)
}

#[test]
fn a_stalled_instance_that_comes_back_is_fenced_and_nothing_of_it_is_seen() {
    check("zombie", zombie);
}

pub fn zombie(random: &mut Random, _: Size) -> Tally {
    let pipeline = Pipeline::customer_events("zombie");
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&["a", "b"]);

    let mut loads: Vec<Load> = Vec::new();
    let mut feed = |name: &str, random: &mut Random| {
        let load = pipeline.load(name, 3_000, 500, random);
        pipeline.produce(&load.messages);
        loads.push(load);
    };
    feed("zombie-before", random);
    // In the middle of a transaction, for longer than its session lasts.
    crew.pause("a");
    feed("zombie-while", random);
    std::thread::sleep(Duration::from_secs(9));
    feed("zombie-after", random);
    crew.instance("a").resume();
    feed("zombie-back", random);

    // The numbers of a customer begin anew in each load, so order is checked by the other scenarios.
    let all = joined(loads);
    pipeline.wait_done(&all, LIMIT);
    let tally = crew.finish();
    pipeline.verify_multiset(&all);
    pipeline.tally(tally, &all)
}

#[test]
fn a_broker_that_goes_away_and_comes_back_costs_time_only() {
    check("broker-away", broker_away);
}

pub fn broker_away(random: &mut Random, _: Size) -> Tally {
    let pipeline = Pipeline::customer_events("broker-away");
    let load = pipeline.load("broker-away", 6_000, 500, random);
    let (before, after) = load.messages.split_at(load.messages.len() / 2);
    pipeline.produce(before);
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&["a"]);
    std::thread::sleep(Duration::from_millis(random.between(0, 500)));

    let broker = crate::harness::broker::shared();
    let gone = broker.kill();
    crew.tally.outages += 1;
    let away = Instant::now();
    let instance = crew.instance("a");
    wait_until(
        "health to say that the broker is away",
        Duration::from_secs(30),
        || match instance.get("/readyz") {
            Ok((200, _)) => Err("/readyz is fine".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        },
    );
    crew.assert_running();
    gone.over();
    crew.wait_ready();
    println!("the broker was away for {:?}", away.elapsed());

    pipeline.produce(after);
    pipeline.finish(crew, &load, LIMIT)
}
