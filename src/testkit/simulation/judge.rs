//! Who looks whether all holds that must, by what is promised.

use super::arrivals::Arrivals;
use super::disk::Disk;
use super::input::Record;
use super::oracle::Oracle;
use crate::broker::memory::MemoryBroker;
use crate::topology::Guarantee;

pub enum Judge {
    ExactlyOnce(Oracle),
    AtLeastOnce(Arrivals),
}

impl Judge {
    pub fn new(broker: &MemoryBroker, guarantee: Guarantee) -> Judge {
        match guarantee {
            Guarantee::ExactlyOnce => Judge::ExactlyOnce(Oracle::new(broker)),
            Guarantee::AtLeastOnce => Judge::AtLeastOnce(Arrivals::new(broker)),
        }
    }

    /// A record was written to partition `partition` of the source.
    pub fn expect(&mut self, record: &Record, partition: i32, offset: i64) {
        match self {
            Judge::ExactlyOnce(oracle) => oracle.expect(record, partition, offset),
            Judge::AtLeastOnce(arrivals) => arrivals.expect(record),
        }
    }

    /// After every step.
    ///
    /// # Errors
    /// What does not hold.
    pub fn look<'d>(&mut self, disks: impl Iterator<Item = &'d Disk>) -> Result<(), String> {
        match self {
            Judge::ExactlyOnce(oracle) => oracle.look(disks),
            Judge::AtLeastOnce(_) => Ok(()),
        }
    }

    /// At the end.
    ///
    /// # Errors
    /// What was lost.
    pub fn all_is_there(&self) -> Result<(), String> {
        match self {
            Judge::ExactlyOnce(oracle) => oracle.all_is_there(),
            Judge::AtLeastOnce(arrivals) => arrivals.all_are_there(),
        }
    }
}
