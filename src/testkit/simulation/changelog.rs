//! The stores on the disks against their changelogs, as soon as something was written to one.
//!
//! - Restored from where it says that it stands, a store is what the whole changelog comes to: nothing in it that is not
//!   committed, nothing missing that lies before.
//! - Where nothing on its changelog is undecided it is even, as it is, what some piece of the changelog comes to that reaches at
//!   least to where it stands: at rest, state is the fold of the changelog.
//! - It stands nowhere behind the changelog's end.
//!
//! For the stores that were not written to there is nothing new to be looked at: a changelog only grows.

use super::disk::Disk;
use super::kept::{Kept, Seen, fold};
use super::topology::{PARTITIONS, STORES, WINDOW};
use crate::broker::TopicPartition;
use crate::broker::memory::{Dumped, MemoryBroker};
use crate::state::{StoreId, decode_id};
use std::collections::BTreeMap;

pub struct Changelogs {
    broker: MemoryBroker,
    read: BTreeMap<(String, i32), Changelog>,
}

struct Changelog {
    at: TopicPartition,
    records: Vec<Dumped>,
    next: i64,
}

type Values = BTreeMap<Vec<u8>, Vec<u8>>;

impl Changelogs {
    pub fn new(broker: &MemoryBroker) -> Changelogs {
        let mut read = BTreeMap::new();
        for (store, topic) in STORES {
            for partition in 0..PARTITIONS {
                let (store, topic) = (store.to_owned(), topic.to_owned());
                let changelog = Changelog {
                    at: TopicPartition { topic, partition },
                    records: Vec::new(),
                    next: 0,
                };
                read.insert((store, partition), changelog);
            }
        }
        Changelogs {
            broker: broker.clone(),
            read,
        }
    }

    /// # Errors
    /// What does not hold.
    pub fn check<'d>(&mut self, mut disks: impl Iterator<Item = &'d Disk>) -> Result<(), String> {
        let Changelogs { broker, read } = self;
        disks.try_for_each(|disk| {
            disk.check(|id, kept| {
                let changelog = read.get_mut(&(id.store.clone(), id.partition));
                let checked = changelog.map_or(Ok(()), |changelog| changelog.check(broker, kept));
                checked.map_err(|wrong| told(id, kept, &wrong))
            })
        })
    }
}

fn told(id: &StoreId, kept: &Kept, wrong: &str) -> String {
    let checkpoint = kept.checkpoint();
    format!(
        "the store {} {}, which stands at {checkpoint:?}, {wrong}",
        id.store, id.partition
    )
}

impl Changelog {
    fn check(&mut self, broker: &MemoryBroker, kept: &Kept) -> Result<(), String> {
        let settled = broker.committed_from(&self.at, self.next);
        self.records.extend(settled.records);
        self.next = settled.next;
        let (more, undecided) = broker.decided_from(&self.at, self.next);
        let stands = kept.checkpoint().unwrap_or(0);
        let end = broker.end_with_markers(&self.at);
        if stands > end {
            return Err(format!("stands behind the end of its changelog, {end}"));
        }
        let records: Vec<&Dumped> = self.records.iter().chain(&more).collect();
        if let Some(seen) = &kept.seen {
            return check_ids(&records, seen, stands);
        }
        let (before, after): (Vec<&Dumped>, Vec<&Dumped>) = records.iter().partition(|record| record.offset < stands);
        if !undecided {
            let mut values = Values::new();
            before.iter().for_each(|record| take(&mut values, record));
            let mut rest = after.iter();
            loop {
                if values == kept.values {
                    return Ok(());
                }
                match rest.next() {
                    Some(record) => take(&mut values, record),
                    None => break,
                }
            }
        }
        let mut all = Values::new();
        records.iter().for_each(|record| take(&mut all, record));
        let mut restored = kept.values.clone();
        after.iter().for_each(|record| take(&mut restored, record));
        if restored == all && undecided {
            return Ok(());
        }
        let restorable = if restored == all {
            "was at no time"
        } else {
            "is not, even restored,"
        };
        let wrong: Vec<String> = restored
            .iter()
            .filter(|(key, value)| all.get(*key) != Some(value))
            .chain(all.iter().filter(|(key, _)| !restored.contains_key(*key)))
            .map(|(key, value)| format!("{} = {}", key.escape_ascii(), value.escape_ascii()))
            .collect();
        Err(format!("{restorable} what its changelog says: {}", wrong.join(", ")))
    }
}

fn take(values: &mut Values, record: &Dumped) {
    let key = record.key.clone().unwrap_or_default();
    fold(values, &[(key, record.value.clone())]);
}

/// The program's own store forgets ids by and by, so that it is not equal to anything: it has nothing that is not committed, and
/// all that lies before where it stands and within the window.
fn check_ids(records: &[&Dumped], seen: &Seen, stands: i64) -> Result<(), String> {
    let ids = records.iter().map(|record| {
        let write = decode_id(record.key.as_deref(), record.value.as_deref()).unwrap();
        (write.id, write.time, record.offset)
    });
    let mut unknown = seen.ids.clone();
    let horizon = seen.stream_time.saturating_sub(WINDOW);
    let mut missing = None;
    for (id, time, offset) in ids {
        unknown.remove(&id);
        if offset < stands && time > horizon && !seen.ids.contains(&id) {
            missing = Some(id);
        }
    }
    match (unknown.first(), missing) {
        (None, None) => Ok(()),
        (Some(id), _) => Err(format!("has {id:x}, which is not in its changelog")),
        (None, Some(id)) => Err(format!("has not {id:x}, which is in its changelog before that")),
    }
}
