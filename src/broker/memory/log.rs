//! One partition's log: records and control markers, both at offsets of their own.
//!
//! Invariant: what a read hands out lies before the last stable offset and is of no aborted transaction.

use crate::record::{self, Origin, RawRecord};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A record as it lies in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    pub timestamp: i64,
}

impl Stored {
    /// What the broker holds against `max.message.bytes`: the payload and Kafka's overhead for a batch of one.
    pub fn size(&self) -> usize {
        const OVERHEAD: usize = 70;
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + length(value))
            .sum();
        OVERHEAD + length(&self.key) + length(&self.value) + headers
    }

    /// Hands the record to `each` in the shape that a poll has.
    pub fn hand(&self, topic: &str, partition: i32, offset: i64, each: &mut dyn FnMut(RawRecord<'_>)) {
        let headers = record::headers(&self.headers);
        each(RawRecord {
            origin: Origin {
                topic,
                partition,
                offset,
            },
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &headers,
            timestamp: self.timestamp,
        });
    }
}

enum Entry {
    Record(Arc<Stored>, Option<u64>),
    Marker,
}

#[derive(Default)]
pub(super) struct Log {
    entries: Vec<Entry>,
    /// Transactions not ended yet, and where each began here.
    open: BTreeMap<u64, i64>,
    aborted: HashSet<u64>,
}

impl Log {
    pub fn append(&mut self, record: Arc<Stored>, transaction: Option<u64>) -> i64 {
        let offset = self.end();
        if let Some(transaction) = transaction {
            self.open.entry(transaction).or_insert(offset);
        }
        self.entries.push(Entry::Record(record, transaction));
        offset
    }

    /// Writes a transaction's marker; its records become visible, or never will.
    pub fn end_transaction(&mut self, transaction: u64, commit: bool) {
        self.open.remove(&transaction);
        if !commit {
            self.aborted.insert(transaction);
        }
        self.entries.push(Entry::Marker);
    }

    pub fn end(&self) -> i64 {
        self.entries.len() as i64
    }

    /// The last stable offset: everything before it is decided.
    pub fn stable(&self) -> i64 {
        self.open.values().copied().min().unwrap_or_else(|| self.end())
    }

    /// The first committed record that is not older than `time`.
    pub fn offset_at(&self, time: i64) -> Option<i64> {
        let mut found = None;
        self.read(0, usize::MAX, &mut |offset, record| {
            if record.timestamp >= time {
                found.get_or_insert(offset);
            }
        });
        found
    }

    /// Reads committed records from `from` on, up to `max`. Returns the position to read on at: past the last record
    /// handed out and past everything invisible that follows it.
    pub fn read(&self, from: i64, max: usize, hand: &mut dyn FnMut(i64, &Arc<Stored>)) -> i64 {
        let stable = self.stable();
        let mut position = from.max(0);
        let mut left = max;
        while position < stable {
            match self.entries.get(position as usize) {
                Some(Entry::Record(record, transaction)) => {
                    if !transaction.is_some_and(|id| self.aborted.contains(&id)) {
                        if left == 0 {
                            break;
                        }
                        left -= 1;
                        hand(position, record);
                    }
                }
                Some(Entry::Marker) => {}
                None => break,
            }
            position += 1;
        }
        position
    }

    /// Hands over what is committed or, as `decided` knows, will be, whatever lies before it; whether anything is left undecided.
    #[cfg(test)]
    pub fn read_decided(
        &self,
        from: i64,
        decided: &dyn Fn(u64) -> bool,
        hand: &mut dyn FnMut(i64, &Arc<Stored>),
    ) -> bool {
        for (offset, entry) in (0..).zip(&self.entries).skip(from.max(0) as usize) {
            if let Entry::Record(record, transaction) = entry {
                let open = |id| self.open.contains_key(&id) && !decided(id);
                if !transaction.is_some_and(|id| self.aborted.contains(&id) || open(id)) {
                    hand(offset, record);
                }
            }
        }
        self.open.keys().any(|id| !decided(*id))
    }
}
