//! Exactly-once under random disaster: the real engine over the broker in memory, thousands of times.
//!
//! Every seed is another life of a small cluster. `MILLSTREAM_SEED=n` runs that seed alone and prints what happened in it;
//! `MILLSTREAM_SEEDS=n` sets how many are tried.

mod topology;
mod world;

use crate::topology::Guarantee;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use world::{Plan, World, Written, by_key};

/// A topic's values by key, in order.
type ByKey = BTreeMap<String, Vec<String>>;

/// What must come out: of each key its records in order, each id once, and what fails, every time.
fn expected(written: &[Written]) -> BTreeMap<&'static str, ByKey> {
    let mut expected: BTreeMap<&'static str, ByKey> = TOPICS.iter().map(|topic| (*topic, ByKey::new())).collect();
    let mut seen = BTreeSet::new();
    for record in written {
        let topic = match record.kind {
            "broken" | "rotten" | "huge" => "dead",
            _ if !seen.insert(record.id) => continue,
            "odd" => "odd",
            _ => "out",
        };
        let of_key = expected
            .entry(topic)
            .or_default()
            .entry(record.key.clone())
            .or_default();
        of_key.push(record.value());
    }
    expected
}

const TOPICS: [&str; 3] = ["out", "odd", "dead"];

/// Lives one seed's life; with what was wrong in the end, if anything.
fn life(seed: u64, plan: Plan, log: bool) -> (World, Option<String>) {
    let mut world = World::new(seed, plan);
    world.log.on.store(log, Ordering::Relaxed);
    let wrong = world.live().err().or_else(|| wrong(&world));
    (world, wrong)
}

fn wrong(world: &World) -> Option<String> {
    let expected = expected(&world.written);
    expected.into_iter().find_map(|(topic, mut expected)| {
        let mut found = by_key(&world.broker, topic);
        if topic == "dead" {
            // Dead letters of both stages share a topic, so their order is not fixed.
            expected
                .values_mut()
                .chain(found.values_mut())
                .for_each(|values| values.sort());
        }
        (found != expected).then(|| difference(topic, &expected, &found))
    })
}

fn difference(topic: &str, expected: &ByKey, found: &ByKey) -> String {
    let keys: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let mut lines = format!("{topic} is wrong\n");
    for key in keys {
        let (expected, found) = (expected.get(key), found.get(key));
        if expected != found {
            lines += &format!("  {key} expected {expected:?}\n  {key} found    {found:?}\n");
        }
    }
    lines
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn run(plan: Plan) {
    if let Some(seed) = number("MILLSTREAM_SEED") {
        let (world, wrong) = life(seed, plan, true);
        println!("{}", world.log.text());
        assert_eq!(wrong, None, "seed {seed}");
        return;
    }
    let seeds = if cfg!(debug_assertions) { 60 } else { 1_000 };
    for seed in 0..number("MILLSTREAM_SEEDS").unwrap_or(seeds) {
        if let (_, Some(wrong)) = life(seed, plan, false) {
            panic!("{wrong}\nrun it alone with MILLSTREAM_SEED={seed}");
        }
    }
}

const PLAN: Plan = Plan {
    guarantee: Guarantee::ExactlyOnce,
    records: 60,
    steps: 300,
    faults: 0,
    events: 0,
    static_members: false,
};

#[test]
fn a_quiet_life_has_everything_once_and_in_order() {
    run(PLAN);
}

#[test]
fn calls_that_fail_at_every_point_lose_and_double_nothing() {
    run(Plan { faults: 30, ..PLAN });
}

#[test]
fn workers_that_come_and_go_lose_and_double_nothing() {
    run(Plan { events: 60, ..PLAN });
}

#[test]
fn everything_at_once_loses_and_doubles_nothing() {
    run(Plan {
        faults: 20,
        events: 60,
        ..PLAN
    });
}

#[test]
fn static_members_that_come_and_go_lose_and_double_nothing() {
    run(Plan {
        faults: 20,
        events: 60,
        static_members: true,
        ..PLAN
    });
}
