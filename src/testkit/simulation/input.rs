//! What is written to the topology's source, and what must come of it.
//!
//! A value is `{"amount": n, "id": n, "key": k, "kind": word, "pad": text}`. `broken` fails in the first stage; `rotten` fails in
//! the second *after* its id was remembered and its amount added, which must be undone; `huge` gives an output that is larger
//! than its topic takes, which only the broker knows; `odd` goes out by the other route.
//!
//! Event time moves on slowly, and sometimes far beyond the window; an id comes again only within it, so that what must happen
//! to it does not depend on when a store expires. Of the records that fail some are dated far into the future: what they did to
//! stream time must be undone, or the ids that come again after them are gone.

use super::topology::WINDOW;
use crate::broker::memory::Random;
use std::collections::{BTreeMap, BTreeSet};

pub const KEYS: usize = 6;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: u64,
    /// The number of its key.
    pub key: usize,
    pub kind: &'static str,
    pub timestamp: i64,
}

impl Record {
    pub fn key(&self) -> String {
        format!("k{}", self.key)
    }

    fn amount(&self) -> i64 {
        (self.id * 37 % 101) as i64 - 50
    }

    fn pad(&self) -> String {
        "x".repeat(if self.kind == "huge" { 600 } else { 0 })
    }

    /// In the canonical order of members, so that it comes out of the first stage byte for byte.
    pub fn value(&self) -> String {
        let (id, key, kind, amount, pad) = (self.id, self.key(), self.kind, self.amount(), self.pad());
        format!(r#"{{"amount":{amount},"id":{id},"key":"{key}","kind":"{kind}","pad":"{pad}"}}"#)
    }
}

/// Draws records.
pub struct Writer {
    written: Vec<Record>,
    now: i64,
}

impl Writer {
    pub fn new(now: i64) -> Writer {
        let written = Vec::new();
        Writer { written, now }
    }

    pub fn count(&self) -> u64 {
        self.written.len() as u64
    }

    pub fn next(&mut self, random: &mut Random) -> Record {
        self.now += match random.below(20) {
            0 => 4 * WINDOW,
            _ => random.below(3_000) as i64,
        };
        let mut record = match self.again(random) {
            Some(record) => record,
            None => Record {
                id: self.written.iter().map(|w| w.id + 1).max().unwrap_or(0),
                key: random.below(KEYS as u64) as usize,
                kind: match random.below(12) {
                    0 => "broken",
                    1 => "rotten",
                    2 => "odd",
                    3 => "huge",
                    _ => "plain",
                },
                timestamp: self.now,
            },
        };
        record.timestamp = match record.kind {
            "rotten" | "huge" if random.chance(500) => self.now + 20 * WINDOW,
            _ => self.now,
        };
        self.written.push(record.clone());
        record
    }

    /// One that was first written within the window, once in a while: a duplicate does not make its id live longer.
    fn again(&self, random: &mut Random) -> Option<Record> {
        let first = |record: &&Record| self.written.iter().find(|w| w.id == record.id).map(|w| w.timestamp);
        let recent = self.written.iter().rev();
        let recent = recent.take_while(|w| w.timestamp > self.now - WINDOW / 2);
        let recent: Vec<&Record> = recent
            .filter(|record| first(record) > Some(self.now - WINDOW / 2))
            .collect();
        let record = random.pick(&recent).copied()?;
        random.chance(250).then(|| record.clone())
    }
}

/// What the topology is to make of its records, told one by one in the order of their partition.
#[derive(Default)]
pub struct Model {
    ids: BTreeSet<u64>,
    totals: BTreeMap<usize, (u64, i64)>,
}

/// What a stage makes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    Nothing,
    Dead,
    Out(String),
    Odd(String),
}

impl Model {
    /// The first stage: whether it passes the record on.
    pub fn first(record: &Record) -> bool {
        record.kind != "broken"
    }

    pub fn second(&mut self, record: &Record) -> Made {
        if self.ids.contains(&record.id) {
            return Made::Nothing;
        }
        if matches!(record.kind, "rotten" | "huge") {
            return Made::Dead;
        }
        self.ids.insert(record.id);
        let (count, sum) = self.totals.entry(record.key).or_default();
        *count += 1;
        *sum += record.amount();
        let (id, kind) = (record.id, record.kind);
        let value = format!(r#"{{"count":{count},"id":{id},"kind":"{kind}","pad":"","sum":{sum}}}"#);
        match record.kind {
            "odd" => Made::Odd(value),
            _ => Made::Out(value),
        }
    }
}
