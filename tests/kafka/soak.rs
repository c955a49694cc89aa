//! `./test --soak MINUTES [FILTER]`: all scenarios, or those named so, again and again with new seeds, until the time is over. The
//! first time they are short, so that a short soak has seen them all, then long.

use crate::harness::broker::{self, Broker};
use crate::harness::client::Client;
use crate::harness::cluster::{self, Cluster};
use crate::harness::compare;
use crate::harness::random::Random;
use crate::scenario::{Scenario, Size, Tally};
use crate::{apart, copy, crashes, failing, outages, restore, sharing, state, transactions, verifier};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

const SCENARIOS: &[(&str, Scenario)] = &[
    ("copy", copy::copied),
    ("shutdown", sharing::shutdown),
    ("restored", restore::restored),
    ("failing", failing::failing),
    ("transactional", transactions::transactional),
    ("sharing", sharing::sharing),
    ("zombie", crashes::zombie),
    ("broker-away", crashes::broker_away),
    ("two-stages-stopped", copy::two_stages_stopped),
    ("two-stages-killed", copy::two_stages_killed),
    ("scaled", sharing::scaled),
    ("stopped-early", sharing::stopped_early),
    ("apart", apart::apart),
    ("killed", crashes::killed),
    ("rolling", sharing::rolling),
    ("one-of-three", crashes::one_of_three),
    ("long-absence", outages::long_absence),
    ("all-away", outages::all_away),
    ("hard-bounces", outages::hard_bounces),
    ("clean-bounces", outages::clean_bounces),
    ("disk-kept", state::disk_kept),
    ("disk-lost", state::disk_lost),
    ("disk-damaged", state::disk_damaged),
    ("dedupe-killed", state::dedupe_killed),
    ("at-least-once-killed", state::at_least_once_killed),
    ("sums-killed", state::sums_killed),
    ("standby", state::standby),
    ("kafkas-verifier", verifier::judged),
];

struct Line {
    scenario: &'static (&'static str, Scenario),
    rounds: u32,
    failed: Vec<String>,
    tally: Tally,
}

impl Line {
    fn of(scenario: &'static (&'static str, Scenario)) -> Self {
        Self {
            scenario,
            rounds: 0,
            failed: Vec::new(),
            tally: Tally::default(),
        }
    }
}

#[test]
#[ignore = "run by ./test --soak MINUTES"]
fn soak() {
    let minutes: f64 = std::env::var("MILLSTREAM_SOAK_MINUTES")
        .expect("MILLSTREAM_SOAK_MINUTES; ./test --soak sets it")
        .parse()
        .expect("MILLSTREAM_SOAK_MINUTES is a number");
    let end = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let filter = std::env::var("MILLSTREAM_SOAK_FILTER").unwrap_or_default();
    let chosen = SCENARIOS.iter().filter(|(name, _)| name.contains(&filter));
    let mut lines: Vec<Line> = chosen.map(Line::of).collect();
    assert!(!lines.is_empty(), "no scenario has {filter:?} in its name");
    let mut seeds = Random::seeded("soak");
    'time: loop {
        for line in &mut lines {
            let (name, scenario) = line.scenario;
            if Instant::now() >= end {
                break 'time;
            }
            let seed = seeds.next() & 0xffff_ffff;
            println!("{name}, round {}: seed {seed}", line.rounds + 1);
            let began = Instant::now();
            let size = if line.rounds == 0 { Size::Short } else { Size::Long };
            line.rounds += 1;
            match catch_unwind(AssertUnwindSafe(|| scenario(&mut Random::new(seed), size))) {
                Ok(tally) => {
                    println!("{name}: {tally}, in {:.0} s", began.elapsed().as_secs_f64());
                    line.tally += tally;
                }
                Err(_) => {
                    println!("{name}: FAILED with seed {seed}, see above");
                    // Its broker came back when it ended, and the cluster is mended when it is asked for.
                    line.failed.push(seed.to_string());
                }
            }
            let addresses = [
                broker::started().map(Broker::address),
                cluster::started().map(Cluster::address),
            ];
            for address in addresses.into_iter().flatten() {
                Client::new(address).delete_topics();
            }
        }
    }
    report(&lines);
}

fn report(lines: &[Line]) {
    println!(
        "\n{:<20} {:>6} {:>6} {:>6} {:>6} {:>8} {:>10} {:>7} {:>8} {:>9} {:>9} {:>6}",
        "scenario",
        "rounds",
        "kills",
        "stops",
        "stalls",
        "outages",
        "rebalances",
        "fenced",
        "aborted",
        "in",
        "out",
        "dead"
    );
    let mut all = Tally::default();
    let mut failed = 0;
    for line in lines {
        let Line {
            scenario: (name, _),
            rounds,
            failed: seeds,
            tally,
        } = line;
        let verdict = match (rounds, seeds.len()) {
            (0, _) => "  no time for it".to_owned(),
            (_, 0) => String::new(),
            (_, count) => format!("  FAILED {count} times, seeds {}", seeds.join(", ")),
        };
        println!(
            "{name:<20} {rounds:>6} {:>6} {:>6} {:>6} {:>8} {:>10} {:>7} {:>8} {:>9} {:>9} {:>6}{verdict}",
            tally.kills,
            tally.stops,
            tally.stalls,
            tally.outages,
            tally.rebalances,
            tally.fenced,
            tally.aborted,
            tally.input,
            tally.output,
            tally.dead_letters
        );
        all += *tally;
        failed += seeds.len();
    }
    println!("all: {all}");
    let (lost, doubled, strange) = compare::found();
    println!("{lost} lost, {doubled} doubled, {strange} unexpected, {failed} rounds failed");
    assert!(
        failed == 0 && lost + doubled + strange == 0,
        "{failed} rounds failed, {lost} lost, {doubled} doubled, {strange} unexpected"
    );
}
