//! One record through a running pipeline, from a topic to a topic: whether it works from end to end.
//!
//! Invariant: what is read is read from where the topics ended before the record was sent, and only a record that has its id counts.

#[cfg(test)]
mod tests;

use crate::broker::{Broker, BrokerError, Outgoing, Position, Reader, TopicPartition};
use crate::dead_letter::Letter;
use crate::record::{self, RawRecord};
use memchr::memmem;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Stands for the canary's id wherever it is written.
pub const PLACEHOLDER: &str = "{canary}";

/// A wait for records of one topic, before the other topic and the time are looked at.
const POLL: Duration = Duration::from_millis(100);
/// Records of one poll.
const BATCH: usize = 1_000;

/// What is sent, and where it must come out.
#[derive(Clone, Debug)]
pub struct Canary {
    pub to: String,
    pub key: Option<String>,
    pub value: String,
    pub headers: Vec<(String, String)>,
    pub from: String,
    /// Where it would be if it failed.
    pub dead_letters: Option<String>,
    pub timeout: Duration,
}

/// Where it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub partition: i32,
    pub offset: i64,
    /// From the moment when Kafka had it.
    pub after: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    #[error("{PLACEHOLDER} is neither in the value nor in the key: without its id nobody knows it again")]
    Nameless,
    #[error("there is no topic `{0}`")]
    NoTopic(String),
    #[error("it became a dead letter at {topic}[{partition}]@{offset}: {kind} in `{processor}`: {message}")]
    Died {
        topic: String,
        partition: i32,
        offset: i64,
        kind: String,
        processor: String,
        message: String,
    },
    #[error(
        "it went into `{to}` and did not come out of `{from}` within {seconds} s: see whether instances run and are ready \
         (/readyz), their lag, and the dead letters"
    )]
    Lost { to: String, from: String, seconds: u64 },
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// Sends it and waits for it. `id` takes the placeholder's place, and must never have been sent before.
///
/// # Errors
/// It did not come out in time, or came out as a dead letter; a topic is not there; what the broker said.
pub fn fly(broker: &dyn Broker, canary: &Canary, id: &str) -> Result<Arrived, CanaryError> {
    let written = |text: &str| text.replace(PLACEHOLDER, id);
    let named = |text: &str| text.contains(PLACEHOLDER);
    if !named(&canary.value) && !canary.key.as_deref().is_some_and(named) {
        return Err(CanaryError::Nameless);
    }
    if broker.admin()?.partitions(&canary.to)?.is_none() {
        return Err(CanaryError::NoTopic(canary.to.clone()));
    }
    let mut out = at_the_end(broker, &canary.from)?;
    let dead = canary.dead_letters.as_deref();
    let mut dead = dead.map(|topic| at_the_end(broker, topic)).transpose()?;

    let (key, value) = (canary.key.as_deref().map(written), written(&canary.value));
    let headers = canary
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), Some(written(value))));
    let headers: Vec<_> = headers.collect();
    let record = Outgoing {
        topic: &canary.to,
        partition: None,
        key: key.as_deref().map(str::as_bytes),
        value: Some(value.as_bytes()),
        headers: &record::headers(&headers),
        timestamp: None,
    };
    write(broker, record, canary)?;

    let began = Instant::now();
    while began.elapsed() < canary.timeout {
        if let Some((partition, offset)) = find(out.as_mut(), id, |record| {
            (record.origin.partition, record.origin.offset)
        })? {
            let after = began.elapsed();
            return Ok(Arrived {
                partition,
                offset,
                after,
            });
        }
        let Some(dead) = &mut dead else { continue };
        if let Some(died) = find(dead.as_mut(), id, died)? {
            return Err(died);
        }
    }
    Err(lost(canary))
}

/// A reader of what comes from now on.
fn at_the_end(broker: &dyn Broker, topic: &str) -> Result<Box<dyn Reader>, CanaryError> {
    let partitions = broker.admin()?.partitions(topic)?;
    let partitions = partitions.ok_or_else(|| CanaryError::NoTopic(topic.to_owned()))?;
    let mut reader = broker.reader()?;
    let mut positions = Vec::new();
    for partition in 0..partitions {
        let partition = TopicPartition {
            topic: topic.to_owned(),
            partition,
        };
        let (_, end) = reader.offsets(&partition)?;
        positions.push((partition, Position::Offset(end)));
    }
    reader.assign(&positions)?;
    Ok(reader)
}

/// Returns when Kafka has it.
fn write(broker: &dyn Broker, record: Outgoing<'_>, canary: &Canary) -> Result<(), CanaryError> {
    let writer = broker.writer()?;
    let (tell, heard) = mpsc::channel();
    let done = Box::new(move |outcome| {
        // Nobody hears it who has given up.
        let _ = tell.send(outcome);
    });
    if writer.write(record, done).is_some() {
        return Err(lost(canary));
    }
    match heard.recv_timeout(canary.timeout) {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(lost(canary)),
    }
}

/// What `of` says of the first record that has the id.
fn find<T>(reader: &mut dyn Reader, id: &str, of: impl Fn(&RawRecord<'_>) -> T) -> Result<Option<T>, BrokerError> {
    let finder = memmem::Finder::new(id);
    let mut found = None;
    reader.poll(POLL, BATCH, &mut |record| {
        let has = |bytes: Option<&[u8]>| bytes.is_some_and(|bytes| finder.find(bytes).is_some());
        if found.is_none() && (has(record.value) || has(record.key)) {
            found = Some(of(&record));
        }
    })?;
    Ok(found)
}

fn died(record: &RawRecord<'_>) -> CanaryError {
    let letter = Letter::read(record);
    CanaryError::Died {
        topic: record.origin.topic.to_owned(),
        partition: letter.partition,
        offset: letter.offset,
        kind: letter.kind.to_owned(),
        processor: letter.processor.to_owned(),
        message: letter.message.to_owned(),
    }
}

fn lost(canary: &Canary) -> CanaryError {
    CanaryError::Lost {
        to: canary.to.clone(),
        from: canary.from.clone(),
        seconds: canary.timeout.as_secs(),
    }
}
