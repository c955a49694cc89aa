//! A record through its chain: decoded, then from node to node, until it has come out or failed.

use super::chain::{Chain, ChainError, Stop, Surroundings};
use super::samples::Part;
use super::tables::TablesView;
use super::wiring::Entry;
use crate::codec::DecodeError;
use crate::dead_letter::Reason;
use crate::processor::Failure;
use crate::record::{Key, RawRecord, Record};
use crate::topology::{OnError, Topology};
use crate::value::Value;
use bumpalo::Bump;

/// Why a record did not get through its chain.
pub enum Ended {
    Failed(Failed),
    /// A store of its task failed.
    Store,
    /// The schema registry does not answer what must be known to read it.
    Away(String),
}

impl From<Failed> for Ended {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// A record that failed, and what is to become of it.
pub struct Failed {
    pub on_error: OnError,
    pub reason: Reason,
    /// Of the dead letter, where it must be smaller than usual.
    pub limit: Option<usize>,
}

impl Failed {
    /// More than may be written.
    pub fn too_large(message: String, limit: usize) -> Self {
        let reason = Reason {
            kind: "too_large",
            message,
            detail: None,
            processor: String::new(),
        };
        Self {
            on_error: OnError::DeadLetter,
            reason,
            limit: Some(limit),
        }
    }
}

/// Decodes the record and runs it through its chain.
pub fn run<'c, 't: 'c>(
    record: &RawRecord<'_>,
    chain: &mut Chain,
    arena: &Bump,
    around: Surroundings<'c, 't>,
    view: &'c mut Option<TablesView<'t>>,
) -> Result<(), Ended> {
    let (topology, wiring, index) = (around.topology, around.wiring, around.task.entry);
    let Some(entry) = wiring.entries.get(index) else {
        return Ok(());
    };
    // What comes back from a topic in the middle was seen when it left.
    let samples = around.samples.filter(|_| index < topology.sources.len());
    let (key, value) = decode(entry, record, arena).map_err(|undecoded| match undecoded {
        Undecoded::Away(why) => Ended::Away(why),
        Undecoded::Wrong(kind, message) => {
            if let Some(samples) = samples {
                samples.unreadable(Part::Source(index), record, &message);
            }
            Ended::Failed(Failed {
                on_error: entry.on_error,
                reason: Reason {
                    kind,
                    message,
                    detail: None,
                    processor: entry.name.clone(),
                },
                limit: None,
            })
        }
    })?;
    let decoded = Record {
        key,
        value,
        headers: record.headers,
        timestamp: record.timestamp,
        origin: record.origin,
    };
    if let Some(samples) = samples {
        samples.passed(Part::Source(index), &decoded);
    }
    chain.run(decoded, arena, around, view).map_err(|stop| match stop {
        Stop::Store => Ended::Store,
        Stop::Failed(error) if error.failure.kind == Failure::REGISTRY_AWAY => Ended::Away(error.failure.message),
        Stop::Failed(error) => Ended::Failed(failed(error, topology)),
    })
}

fn failed(error: ChainError, topology: &Topology) -> Failed {
    let node = error.processor.and_then(|index| topology.processors.get(index));
    Failed {
        on_error: node.map_or(OnError::DeadLetter, |node| node.on_error),
        reason: Reason {
            kind: error.failure.kind,
            message: error.failure.message,
            detail: error.failure.detail,
            processor: error.name,
        },
        limit: None,
    }
}

/// Why a record was not decoded.
enum Undecoded {
    /// The kind of failure, and the message.
    Wrong(&'static str, String),
    Away(String),
}

fn decode<'a>(
    entry: &Entry,
    record: &RawRecord<'a>,
    arena: &'a Bump,
) -> Result<(Option<Key<'a>>, Value<'a>), Undecoded> {
    let undecoded = |part: &str, error| match error {
        DecodeError::Wrong(error) => Undecoded::Wrong("decode", format!("{part}{error}")),
        DecodeError::Away(why) => Undecoded::Away(why),
    };
    let key = record.key.map(|key| entry.reader.key(key, arena)).transpose();
    let key = key.map_err(|error| undecoded("the key is ", error))?;
    let value = match record.value {
        Some(value) => entry.reader.value(value, arena).map_err(|error| undecoded("", error))?,
        None if entry.tombstones => Value::Null,
        None => {
            let message = "the record has no value (a tombstone)".to_owned();
            return Err(Undecoded::Wrong("null_value", message));
        }
    };
    Ok((key, value))
}
