//! Fault points: before and after every call, a hook may make it fail, time out although it happened, or kill the process.
//!
//! Only what a real cluster can do is on offer to [`RandomFaults`]; a script may ask for anything.

use super::operation::{Operation, failure};
use crate::broker::{BrokerError, Reaction};
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum When {
    /// The call has no effect.
    Before,
    /// The call took effect, its answer was lost.
    After,
}

/// Where a fault may strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point<'a> {
    pub operation: Operation,
    pub when: When,
    /// The process that calls, as named in `MemoryBroker::process`.
    pub process: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call fails so. `After` with `Retry`: it timed out although it happened.
    Fail(Reaction),
    /// `kill -9`: this call and all later ones of the process fail (see [`is_crash`]) and change nothing any more.
    Crash,
    /// A transaction that ends now has its markers written only after so many further calls, as brokers do.
    LateMarkers(u32),
    /// The process's membership ends just now, though the call goes on: it learns of it by and by.
    Expire,
}

/// Decides which calls fail. Any `FnMut(&Point) -> Option<Fault>` is one.
pub trait Faults: Send {
    fn at(&mut self, point: &Point<'_>) -> Option<Fault>;
}

impl<F: FnMut(&Point<'_>) -> Option<Fault> + Send> Faults for F {
    fn at(&mut self, point: &Point<'_>) -> Option<Fault> {
        self(point)
    }
}

const CRASH: &str = "the process was killed by a fault";

pub(super) fn crash(operation: Operation) -> BrokerError {
    failure(operation, Reaction::Fatal, CRASH.to_owned())
}

/// Whether an error means that the process is dead, so that a harness must drop its worker without any clean-up.
pub fn is_crash(error: &BrokerError) -> bool {
    error.reaction == Reaction::Fatal && error.message == CRASH
}

/// A small generator of reproducible randomness (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// True `per_mille` times in a thousand.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len() as u64) as usize)
    }
}

/// Faults drawn from a seed: the same seed and the same calls give the same faults.
#[derive(Clone, Debug)]
pub struct RandomFaults {
    random: Random,
    per_mille: u64,
    crashes: bool,
    fatal: bool,
    /// Processes with a commit whose outcome they do not know: a coordinator that was asked to commit does not answer
    /// "abort" any more.
    uncertain: BTreeSet<String>,
}

impl RandomFaults {
    /// `per_mille`: how many of a thousand points fail.
    pub fn new(seed: u64, per_mille: u64) -> RandomFaults {
        RandomFaults {
            random: Random::new(seed),
            per_mille,
            crashes: true,
            fatal: true,
            uncertain: BTreeSet::new(),
        }
    }

    /// No `kill -9`.
    pub fn without_crashes(mut self) -> RandomFaults {
        self.crashes = false;
        self
    }

    /// No errors that only a person can mend.
    pub fn without_fatal(mut self) -> RandomFaults {
        self.fatal = false;
        self
    }
}

impl Faults for RandomFaults {
    fn at(&mut self, point: &Point<'_>) -> Option<Fault> {
        if point.operation == Operation::Begin {
            self.uncertain.remove(point.process);
        }
        if !self.random.chance(self.per_mille) {
            return None;
        }
        let fault = *self.random.pick(possible(point.operation, point.when))?;
        let wanted = match fault {
            Fault::Crash => self.crashes,
            Fault::Fail(Reaction::Fatal) => self.fatal,
            Fault::Fail(Reaction::Abort) => {
                point.operation != Operation::Commit || !self.uncertain.contains(point.process)
            }
            _ => true,
        };
        if wanted && point.operation == Operation::Commit && fault == Fault::Fail(Reaction::Retry) {
            self.uncertain.insert(point.process.to_owned());
        }
        wanted.then_some(fault)
    }
}

/// What a real cluster or client can answer at a point.
pub fn possible(operation: Operation, when: When) -> &'static [Fault] {
    use Fault::{Crash, Expire, Fail, LateMarkers};
    use Reaction::{Abort, Fatal, Rebuild, Retry};
    match (operation, when) {
        (Operation::Init, When::Before) => &[Fail(Retry), Fail(Fatal), Crash],
        (Operation::Init, When::After) => &[Fail(Retry), Crash],
        (Operation::Begin, When::Before) => &[Fail(Rebuild), Fail(Fatal), Crash],
        (Operation::Send, When::Before) => &[Fail(Abort), Fail(Rebuild), Fail(Fatal), Crash],
        (Operation::Flush | Operation::SendOffsets, _) => &[
            Fail(Retry),
            Fail(Retry),
            Fail(Abort),
            Fail(Rebuild),
            Fail(Fatal),
            Crash,
            Expire,
        ],
        // An abortable error is an answer of the coordinator that nothing was committed: never after the fact.
        (Operation::Commit, When::Before) => &[
            Fail(Retry),
            Fail(Abort),
            Fail(Rebuild),
            Fail(Fatal),
            Crash,
            LateMarkers(3),
            LateMarkers(20),
            Expire,
        ],
        (Operation::Commit, When::After) => &[Fail(Retry), Fail(Retry), Fail(Rebuild), Fail(Fatal), Crash],
        (Operation::Abort, When::Before) => &[Fail(Retry), Fail(Rebuild), Fail(Fatal), Crash, LateMarkers(3)],
        (Operation::Abort, When::After) => &[Fail(Retry), Fail(Rebuild), Fail(Fatal), Crash],
        (Operation::Subscribe, When::Before) => &[Crash],
        (Operation::Poll, When::Before) => &[Fail(Retry), Fail(Rebuild), Fail(Fatal), Crash],
        (Operation::Committed, When::Before) => &[Fail(Retry), Fail(Rebuild), Crash, Expire],
        (Operation::CommitOffsets, _) => &[Fail(Retry), Fail(Abort), Fail(Rebuild), Crash, Expire],
        (Operation::Read | Operation::Offsets, When::Before) => &[Fail(Retry), Crash],
        (Operation::Complete | Operation::Begin | Operation::Send, _) => &[Crash, Expire],
        (Operation::Poll | Operation::Committed | Operation::Read, When::After) => &[Crash],
        _ => &[],
    }
}
