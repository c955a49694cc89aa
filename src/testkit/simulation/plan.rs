//! How a life is made. Drawn from its seed, so that lives differ in kind: some quiet, some with one sort of disaster, some with
//! all.

use crate::broker::memory::Random;
use crate::topology::Guarantee;

#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub guarantee: Guarantee,
    /// Records written in all, duplicates and failing ones among them.
    pub records: u64,
    /// Steps before everything is mended and run to the end.
    pub steps: u64,
    /// Of a thousand calls to the broker, how many fail.
    pub faults: u64,
    /// Of a thousand commits, how many take their time: the broker hears of one later, or others do of its end.
    pub slow_commits: u64,
    /// Of a thousand steps, before how many something happens to an instance.
    pub events: u64,
    /// Of a thousand writes of a store, how many fail or kill the process.
    pub disk_faults: u64,
    /// Of a thousand steps, before how many something happens to a disk.
    pub disk_events: u64,
    /// The id stores are the program's own, on a simulated file system.
    pub own_ids: bool,
    pub static_members: bool,
    /// That run from the start, of three.
    pub instances: usize,
    /// Of every instance.
    pub workers: usize,
}

impl Plan {
    pub fn of(seed: u64) -> Plan {
        let mut random = Random::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9);
        let mut one_of = |choices: &[u64]| *random.pick(choices).unwrap();
        Plan {
            guarantee: Guarantee::ExactlyOnce,
            records: one_of(&[20, 40, 60]),
            steps: one_of(&[150, 300]),
            faults: one_of(&[0, 8, 20, 60]),
            slow_commits: one_of(&[0, 100, 400]),
            events: one_of(&[0, 30, 60]),
            disk_faults: one_of(&[0, 0, 10, 40]),
            disk_events: one_of(&[0, 20, 60]),
            own_ids: one_of(&[0, 1]) == 1,
            static_members: one_of(&[0, 0, 1]) == 1,
            instances: one_of(&[1, 2, 3]) as usize,
            workers: one_of(&[1, 1, 2]) as usize,
        }
    }

    /// The same life with `at_least_once`.
    pub fn at_least_once(seed: u64) -> Plan {
        Plan {
            guarantee: Guarantee::AtLeastOnce,
            ..Plan::of(seed)
        }
    }

    /// Nothing goes wrong.
    pub fn quiet(seed: u64) -> Plan {
        Plan {
            faults: 0,
            slow_commits: 0,
            events: 0,
            disk_faults: 0,
            disk_events: 0,
            ..Plan::of(seed)
        }
    }
}
