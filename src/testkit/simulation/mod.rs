//! Exactly-once under random disaster: the real engine over the broker in memory and simulated disks, thousands of times.
//!
//! Every seed is another life of a small cluster: how it is made ([`plan`]), what happens in it, and when. Workers die, freeze,
//! wake as zombies, come and go; calls to the broker fail at every point of the protocol, their answers are lost; disks lose
//! what was not synced, are lost, damaged, full, moved. After every step the [`oracle`] looks whether all holds that must.
//! [`mutations`] shows that it would notice.
//!
//! `MILLSTREAM_SEED=n` lives that seed alone and prints what happened in it; `MILLSTREAM_SEEDS=n` sets how many are tried.

mod arrivals;
mod changelog;
mod disk;
mod events;
mod faults;
mod input;
mod judge;
mod kept;
mod log;
mod mutations;
mod opening;
mod oracle;
mod own;
mod place;
mod plan;
mod store;
mod topology;
mod world;

use log::Log;
use plan::Plan;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use world::{Happened, World};

/// Seeds tried unless told otherwise.
const SEEDS: u64 = 3_000;

/// Lives one life; with what was wrong, if anything.
fn life(seed: u64, plan: Plan, log: &Log) -> (World, Result<(), String>) {
    let mut world = World::new(seed, plan, log.clone());
    let lived = world.live();
    (world, lived)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Told whether or not the test's output is kept back.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Lives all seeds, on every core.
fn run(what: &str, seeds: u64, plan: fn(u64) -> Plan) {
    if let Some(seed) = number("MILLSTREAM_SEED") {
        let log = Log::new(true);
        let (_, lived) = life(seed, plan(seed), &log);
        println!("{:?}\n{}", plan(seed), log.text());
        assert_eq!(lived, Ok(()), "seed {seed}");
        return;
    }
    let seeds = number("MILLSTREAM_SEEDS").unwrap_or(seeds);
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let (failed, happened) = (Mutex::new(None), Mutex::new(Happened::new()));
    let work = || {
        let log = Log::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return;
            }
            let (world, lived) = life(seed, plan(seed), &log);
            for (what, times) in &world.happened {
                *happened.lock().unwrap().entry(*what).or_default() += times;
            }
            if let Err(wrong) = lived {
                next.store(seeds, Ordering::Relaxed);
                failed.lock().unwrap().get_or_insert((seed, wrong));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    if let Some((seed, wrong)) = failed.into_inner().unwrap() {
        panic!("seed {seed}: {wrong}\nsee it happen with MILLSTREAM_SEED={seed}");
    }
    let happened = happened.into_inner().unwrap();
    let happened: Vec<String> = happened.iter().map(|(what, times)| format!("{times} {what}")).collect();
    tell(&format!(
        "simulation, {what}: {seeds} seeds in {:.1?}: {}",
        began.elapsed(),
        happened.join(", ")
    ));
}

#[test]
fn a_quiet_life_has_everything_once_and_in_order() {
    run("nothing goes wrong", SEEDS / 100, Plan::quiet);
}

#[test]
fn whatever_happens_nothing_is_lost_or_doubled_and_state_is_what_its_changelog_says() {
    run("everything goes wrong", SEEDS, Plan::of);
}

#[test]
fn with_at_least_once_nothing_is_lost_whatever_happens() {
    run("everything goes wrong, at least once", SEEDS / 5, Plan::at_least_once);
}
