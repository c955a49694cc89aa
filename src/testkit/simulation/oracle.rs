//! What must hold after every step, whatever happened:
//! - what is committed of every output is a beginning of what is expected there, in order: nothing doubled, nothing left out
//!   in between, nothing that an aborted transaction made;
//! - the group's offsets and the outputs agree: what lies before a committed offset has its outcome in the log, and what has an
//!   outcome in the log lies before a committed offset, for both are one transaction's;
//! - every store on every disk is what its changelog says (see [`changelog`](super::changelog)).
//!
//! And at the end: nothing is lost.
//!
//! Outputs are read as they are committed, each once, so that a step in which nothing happened costs nothing.

use super::changelog::Changelogs;
use super::disk::Disk;
use super::input::{KEYS, Made, Model, Record};
use super::topology::{GROUP, PARTITIONS};
use crate::broker::TopicPartition;
use crate::broker::memory::{Dumped, MemoryBroker};

/// A sequence of records that keeps its order: a partition of `middle`, a key of an output, a key of one stage's dead letters.
#[derive(Default)]
struct Lane {
    expected: Vec<Expected>,
    /// How many of them are committed.
    seen: usize,
}

struct Expected {
    value: String,
    /// Which input it comes of, and which of its records.
    source: (usize, usize),
}

/// A partition that a stage reads.
struct Input {
    at: TopicPartition,
    /// Of every record: the lane and the place in it where it comes out; none for a duplicate.
    outcomes: Vec<Option<(usize, usize)>>,
    /// Where they lie, as far as they are there.
    offsets: Vec<i64>,
    /// The first whose outcome is not in the log.
    first_open: usize,
    committed: i64,
}

/// A partition of an output, read up to some offset.
struct Output {
    at: TopicPartition,
    position: i64,
}

pub struct Oracle {
    broker: MemoryBroker,
    models: Vec<Model>,
    lanes: Vec<Lane>,
    /// Those of the first stage, then those of the second.
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    changelogs: Changelogs,
    /// How much was written when it was last looked.
    written: i64,
}

const STAGE: usize = PARTITIONS as usize;
const OUT: usize = STAGE;
const ODD: usize = OUT + KEYS;
const DEAD_FIRST: usize = ODD + KEYS;
const DEAD_SECOND: usize = DEAD_FIRST + KEYS;
const LANES: usize = DEAD_SECOND + KEYS;

fn partitions(topic: &str, count: i32) -> impl Iterator<Item = TopicPartition> {
    let topic = topic.to_owned();
    (0..count).map(move |partition| TopicPartition {
        topic: topic.clone(),
        partition,
    })
}

impl Oracle {
    pub fn new(broker: &MemoryBroker) -> Oracle {
        let input = |at| Input {
            at,
            outcomes: Vec::new(),
            offsets: Vec::new(),
            first_open: 0,
            committed: 0,
        };
        let read = partitions("in", PARTITIONS).chain(partitions("middle", PARTITIONS));
        let outputs = [("middle", PARTITIONS), ("out", 2), ("odd", 2), ("dead", 1)];
        let outputs = outputs.iter().flat_map(|(topic, count)| partitions(topic, *count));
        Oracle {
            broker: broker.clone(),
            models: (0..STAGE).map(|_| Model::default()).collect(),
            lanes: (0..LANES).map(|_| Lane::default()).collect(),
            inputs: read.map(input).collect(),
            outputs: outputs.map(|at| Output { at, position: 0 }).collect(),
            changelogs: Changelogs::new(broker),
            written: 0,
        }
    }

    /// A record was written to partition `partition` of the source.
    pub fn expect(&mut self, record: &Record, partition: i32, offset: i64) {
        let first = partition as usize;
        self.inputs[first].offsets.push(offset);
        if !Model::first(record) {
            return self.comes_out(first, DEAD_FIRST + record.key, record.value());
        }
        self.comes_out(first, first, record.value());
        let second = STAGE + first;
        match self.models[first].second(record) {
            Made::Nothing => self.inputs[second].outcomes.push(None),
            Made::Dead => self.comes_out(second, DEAD_SECOND + record.key, record.value()),
            Made::Out(value) => self.comes_out(second, OUT + record.key, value),
            Made::Odd(value) => self.comes_out(second, ODD + record.key, value),
        }
    }

    fn comes_out(&mut self, input: usize, lane: usize, value: String) {
        let outcomes = &mut self.inputs[input].outcomes;
        let source = (input, outcomes.len());
        outcomes.push(Some((lane, self.lanes[lane].expected.len())));
        self.lanes[lane].expected.push(Expected { value, source });
    }

    /// Looks whether all holds.
    ///
    /// # Errors
    /// What does not.
    pub fn look<'d>(&mut self, disks: impl Iterator<Item = &'d Disk>) -> Result<(), String> {
        let written = self.broker.written();
        if written != self.written {
            self.written = written;
            self.look_at_offsets()?;
            self.look_at_outputs()?;
            (0..self.inputs.len()).try_for_each(|input| self.outcomes_are_there(input))?;
        }
        self.changelogs.check(disks)
    }

    fn look_at_offsets(&mut self) -> Result<(), String> {
        for input in &mut self.inputs {
            let TopicPartition { topic, partition } = &input.at;
            let committed = self.broker.committed_offset(GROUP, topic, *partition).unwrap_or(0);
            if committed < input.committed {
                let before = input.committed;
                return Err(format!(
                    "the offset of {topic} {partition} went from {before} back to {committed}"
                ));
            }
            input.committed = committed;
        }
        Ok(())
    }

    fn look_at_outputs(&mut self) -> Result<(), String> {
        for index in 0..self.outputs.len() {
            let Output { at, position } = &mut self.outputs[index];
            let committed = self.broker.committed_from(at, *position);
            *position = committed.next;
            for record in &committed.records {
                self.comes(record)?;
            }
        }
        Ok(())
    }

    /// A record came out for good.
    fn comes(&mut self, record: &Dumped) -> Result<(), String> {
        let lane = &mut self.lanes[lane_of(record)];
        let value = text(record.value.as_deref());
        let expected = lane.expected.get(lane.seen);
        if expected.is_none_or(|expected| expected.value != value) {
            let (at, expected) = (place(record), expected.map(|expected| expected.value.as_str()));
            let again = lane.expected[..lane.seen].iter().any(|before| before.value == value);
            let how = if again { "came out again" } else { "came out" };
            return Err(format!("{at}: {value} {how}, expected {expected:?}"));
        }
        let (input, index) = lane.expected[lane.seen].source;
        lane.seen += 1;
        if record.topic == "middle" {
            self.inputs[STAGE + record.partition as usize]
                .offsets
                .push(record.offset);
        }
        let input = &self.inputs[input];
        if input.offsets[index] >= input.committed {
            let (at, offset, TopicPartition { topic, partition }) = (place(record), input.offsets[index], &input.at);
            let committed = input.committed;
            return Err(format!(
                "{at}: {value} came out of {topic} {partition}, offset {offset}, but only {committed} is committed there"
            ));
        }
        Ok(())
    }

    /// What lies before the committed offset of an input has come out.
    fn outcomes_are_there(&mut self, index: usize) -> Result<(), String> {
        let lanes = &self.lanes;
        let input = &mut self.inputs[index];
        let is_there = |outcome: &Option<(usize, usize)>| outcome.is_none_or(|(lane, place)| place < lanes[lane].seen);
        while input.outcomes.get(input.first_open).is_some_and(is_there) {
            input.first_open += 1;
        }
        let Some(offset) = input
            .offsets
            .get(input.first_open)
            .filter(|offset| **offset < input.committed)
        else {
            return Ok(());
        };
        // It may be committed, and not to be read before something else is decided.
        let mut counts = vec![0; LANES];
        for Output { at, position } in &self.outputs {
            let (records, _) = self.broker.decided_from(at, *position);
            records.iter().for_each(|record| counts[lane_of(record)] += 1);
        }
        let missing = input.outcomes.iter().zip(&input.offsets).skip(input.first_open);
        let missing = missing.take_while(|(_, offset)| **offset < input.committed);
        for (outcome, _) in missing {
            if let Some((lane, place)) = *outcome
                && place >= self.lanes[lane].seen + counts[lane]
            {
                let (TopicPartition { topic, partition }, committed) = (&input.at, input.committed);
                let value = &self.lanes[lane].expected[place].value;
                return Err(format!(
                    "{topic} {partition} is committed up to {committed}, but what became of offset {offset} is not there: {value}"
                ));
            }
        }
        Ok(())
    }

    /// Everything has come out.
    ///
    /// # Errors
    /// What has not.
    pub fn all_is_there(&self) -> Result<(), String> {
        let lost = self.lanes.iter().find_map(|lane| lane.expected.get(lane.seen));
        lost.map_or(Ok(()), |lost| {
            let TopicPartition { topic, partition } = &self.inputs[lost.source.0].at;
            let (number, value) = (lost.source.1, &lost.value);
            Err(format!(
                "lost: {value}, of record number {number} of {topic} {partition}"
            ))
        })
    }
}

fn lane_of(record: &Dumped) -> usize {
    let key = || text(record.key.as_deref())[1..].parse::<usize>().unwrap();
    match record.topic.as_str() {
        "middle" => record.partition as usize,
        "out" => OUT + key(),
        "odd" => ODD + key(),
        _ => {
            let topic = record.headers.iter().find(|(name, _)| name == "__streams.errors.topic");
            let first = topic.is_some_and(|(_, topic)| topic.as_deref() == Some(b"in"));
            key() + if first { DEAD_FIRST } else { DEAD_SECOND }
        }
    }
}

fn place(record: &Dumped) -> String {
    format!("{} {} offset {}", record.topic, record.partition, record.offset)
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}
