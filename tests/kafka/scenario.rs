//! A scenario: something done to a pipeline at work, verified afterwards, with a tally of what was done. A test runs it once,
//! short; the soak runs all of them again and again, long, with new seeds.

use crate::harness::random::Random;
use std::fmt;
use std::ops::AddAssign;

pub type Scenario = fn(&mut Random, Size) -> Tally;

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Short,
    Long,
}

impl Size {
    pub fn of<T>(self, short: T, long: T) -> T {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }
}

/// Runs a scenario once, as a test.
pub fn check(name: &str, scenario: Scenario) {
    let mut random = Random::seeded(name);
    let began = std::time::Instant::now();
    let tally = scenario(&mut random, Size::Short);
    println!("{name}: {tally}, in {:.0} s", began.elapsed().as_secs_f64());
}

/// What was done, and what came of it. What a killed instance counted since it was last asked is not in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Instances killed with SIGKILL.
    pub kills: u64,
    /// Instances stopped with SIGTERM, or that ended by themselves as they should.
    pub stops: u64,
    /// Instances stalled.
    pub stalls: u64,
    /// Brokers killed, stopped or stalled.
    pub outages: u64,
    pub rebalances: u64,
    /// Producers that were fenced or of no more use otherwise.
    pub fenced: u64,
    /// Transactions aborted by an instance that went on.
    pub aborted: u64,
    pub input: u64,
    pub output: u64,
    pub dead_letters: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.kills += other.kills;
        self.stops += other.stops;
        self.stalls += other.stalls;
        self.outages += other.outages;
        self.rebalances += other.rebalances;
        self.fenced += other.fenced;
        self.aborted += other.aborted;
        self.input += other.input;
        self.output += other.output;
        self.dead_letters += other.dead_letters;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills, {} stops, {} stalls, {} broker outages, {} rebalances, {} fenced, {} aborted; {} records in, {} out, {} dead letters",
            self.kills,
            self.stops,
            self.stalls,
            self.outages,
            self.rebalances,
            self.fenced,
            self.aborted,
            self.input,
            self.output,
            self.dead_letters
        )
    }
}
