//! Which dead letters were replayed or dropped: a topic of marks, and what is known of it.
//!
//! A mark is a record with the key `topic:partition:offset`, and a JSON document: what was done (`is`), the checksum of the dead letter
//! that it is of, when it was done (`at`), and where it was put (`to`). Whoever wants to take a mark away writes the key without a value.

use super::scan::{Progress, Span, patiently, scan, spans};
use super::{LettersError, What};
use crate::broker::Broker;
use crate::dead_letter::Letter;
use crate::topology::{Action, Topology, compare};
use serde_json::json;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What was done with a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Replayed,
    Dropped,
}

impl Mark {
    pub fn name(self) -> &'static str {
        match self {
            Mark::Replayed => "replayed",
            Mark::Dropped => "dropped",
        }
    }
}

/// Offsets of a partition that are kept together.
const CHUNK: usize = 16;
/// The bits of an entry that say what was done; the others are the checksum's.
const STATE: u32 = 3;

/// The marks of the dead letters that are there. Of each, what was done and nearly all of its checksum, in 4 bytes.
#[derive(Default)]
pub(super) struct Marks {
    chunks: BTreeMap<(i32, i64), [u32; CHUNK]>,
}

impl Marks {
    /// The marks that are committed.
    pub fn read(
        broker: &dyn Broker,
        topology: &Topology,
        letters: &[Span],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, LettersError> {
        let Some(partitions) = broker.admin()?.partitions(&topology.marks())? else {
            return Ok(Self::default());
        };
        let mut reader = broker.reader()?;
        let marks = spans(reader.as_mut(), &topology.marks(), partitions)?;
        Self::of(broker, topology, &marks, letters, progress)
    }

    /// All marks that there are, for whoever has fenced off all others: what is undecided is decided soon.
    pub fn read_fenced(
        broker: &dyn Broker,
        topology: &Topology,
        letters: &[Span],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, LettersError> {
        let topic = topology.marks();
        let partitions = broker.admin()?.partitions(&topic)?;
        let partitions = partitions.ok_or_else(|| {
            LettersError::Marks(format!(
                "topic {topic} of the marks is gone: somebody deleted it just now"
            ))
        })?;
        let mut reader = broker.reader()?;
        let mut marks = spans(reader.as_mut(), &topic, partitions)?;
        for span in &mut marks {
            span.to = patiently(|| reader.end(&span.partition))?;
        }
        Self::of(broker, topology, &marks, letters, progress)
    }

    fn of(
        broker: &dyn Broker,
        topology: &Topology,
        marks: &[Span],
        letters: &[Span],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, LettersError> {
        let mut known = Self::default();
        scan(broker, marks, progress, &mut |record| {
            let wrong = || {
                let at = record.origin;
                let (topic, partition, offset) = (at.topic, at.partition, at.offset);
                LettersError::Marks(format!(
                    "topic {topic} partition {partition} offset {offset} is no mark of a dead letter, so nobody can say what was \
                     replayed: only `dead-letters` may write to this topic"
                ))
            };
            let (topic, partition, offset) = record.key.and_then(read_key).ok_or_else(wrong)?;
            let entry = match record.value {
                None => 0,
                Some(value) => read_value(value).ok_or_else(wrong)?,
            };
            let span = letters.iter().find(|span| span.partition.partition == partition);
            // What was deleted since, or lies in other dead letters, needs no room.
            if topic == topology.dead_letters && span.is_some_and(|span| (span.from..span.to).contains(&offset)) {
                known.set(partition, offset, entry);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(known)
    }

    /// The mark of a letter.
    pub fn of_letter(&self, letter: &Letter<'_>) -> Option<Mark> {
        let (chunk, index) = position(letter.offset);
        let entry = self.chunks.get(&(letter.partition, chunk))?.get(index)?;
        if entry & !STATE != letter.checksum() & !STATE {
            return None;
        }
        match entry & STATE {
            1 => Some(Mark::Replayed),
            2 => Some(Mark::Dropped),
            _ => None,
        }
    }

    fn set(&mut self, partition: i32, offset: i64, entry: u32) {
        let (chunk, index) = position(offset);
        let entries = self.chunks.entry((partition, chunk)).or_default();
        if let Some(slot) = entries.get_mut(index) {
            *slot = entry;
        }
    }
}

fn position(offset: i64) -> (i64, usize) {
    let size = CHUNK as i64;
    (
        offset.div_euclid(size),
        usize::try_from(offset.rem_euclid(size)).unwrap_or(0),
    )
}

fn entry(mark: Mark, checksum: u32) -> u32 {
    let state = match mark {
        Mark::Replayed => 1,
        Mark::Dropped => 2,
    };
    (checksum & !STATE) | state
}

/// The key of a letter's mark.
pub(super) fn key(topic: &str, letter: &Letter<'_>) -> String {
    format!("{topic}:{}:{}", letter.partition, letter.offset)
}

fn read_key(key: &[u8]) -> Option<(&str, i32, i64)> {
    let key = std::str::from_utf8(key).ok()?;
    let (rest, offset) = key.rsplit_once(':')?;
    let (topic, partition) = rest.rsplit_once(':')?;
    Some((topic, partition.parse().ok()?, offset.parse().ok()?))
}

/// The document of a letter's mark. `now`: ms since the epoch.
pub(super) fn value(what: &What, target: &str, letter: &Letter<'_>, now: i64) -> String {
    let mut document = json!({
        "is": what.mark().name(),
        "checksum": format!("{:08x}", letter.checksum()),
        "at": jiff::Timestamp::from_millisecond(now).map_or_else(|_| now.to_string(), |time| time.to_string()),
    });
    if what.mark() == Mark::Replayed {
        document["to"] = json!(target);
    }
    document.to_string()
}

fn read_value(value: &[u8]) -> Option<u32> {
    let document: serde_json::Value = serde_json::from_slice(value).ok()?;
    let checksum = u32::from_str_radix(document.get("checksum")?.as_str()?, 16).ok()?;
    let marks = [Mark::Replayed, Mark::Dropped];
    let is = document.get("is")?.as_str()?;
    let mark = marks.into_iter().find(|mark| mark.name() == is)?;
    Some(entry(mark, checksum))
}

/// Creates the topic of marks where it is missing.
pub(super) fn ensure(broker: &dyn Broker, topology: &Topology) -> Result<(), LettersError> {
    let plan = topology.marks_plan();
    let names: Vec<String> = plan.topics.iter().map(|topic| topic.name.clone()).collect();
    let mut admin = broker.admin()?;
    let found = admin.describe(&names)?;
    for verdict in compare(&plan, &found) {
        match verdict.action {
            Action::Fine => {}
            Action::Create(state) => admin.create(&[state], None)?,
            Action::Wrong(wrong) => {
                let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
                return Err(LettersError::Marks(wrong.join("; ")));
            }
        }
    }
    Ok(())
}
