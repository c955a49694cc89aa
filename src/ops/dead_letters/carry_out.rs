//! Doing it, in the order that [`super`] gives reasons for.

use super::marks::{self, Marks};
use super::scan::{Progress, patiently};
use super::{DeadLetters, LettersError, Obstacle, Tally, Work};
use crate::broker::{BrokerError, Outgoing, Producer, ProducerSettings, Reaction};
use crate::dead_letter::Letter;
use crate::record;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Records of one transaction.
const RECORDS: usize = if cfg!(test) { 3 } else { 500 };
/// And bytes: one record more than this at most.
const BYTES: usize = 4 * 1024 * 1024;
/// How long one call may take before it is tried again.
const CALL: Duration = Duration::from_secs(5);
/// How long it is tried again.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 10 });

impl DeadLetters<'_> {
    /// Does it. `done` has what is committed, also after an error; what was marked by another meanwhile is left.
    ///
    /// # Errors
    /// When another has begun the same, or a broker did not do its part. Done again, it goes on.
    pub fn carry_out(
        &self,
        work: &Work,
        done: &mut Tally,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), LettersError> {
        marks::ensure(self.broker, self.topology)?;
        #[cfg(test)]
        let early = sabotaged(Sabotage::MarksBeforeFence)
            .then(|| Marks::read(self.broker, self.topology, &work.spans, progress));
        let settings = ProducerSettings {
            transactional_id: Some(format!("{}-dead-letters", self.topology.application)),
        };
        let producer = patiently(|| self.broker.producer(&settings))?;
        let marks = Marks::read_fenced(self.broker, self.topology, &work.spans, progress);
        #[cfg(test)]
        let marks = early.unwrap_or(marks);
        let marks = marks?;
        let mut batches = Batches {
            producer,
            marks: self.topology.marks(),
            held: Vec::new(),
            bytes: 0,
        };
        self.todo(work, &marks, done, progress, &mut |letter, target, done| {
            batches.hold(Held::of(&self.topology.dead_letters, letter, target, work));
            if batches.is_full() {
                batches.commit(done)?;
            }
            Ok(())
        })?;
        batches.commit(done)
    }
}

/// A record and its mark, held until their transaction is begun.
struct Held {
    /// Where it is put; empty: nowhere.
    target: String,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    timestamp: i64,
    mark_key: String,
    mark: String,
}

impl Held {
    fn of(topic: &str, letter: &Letter<'_>, target: &str, work: &Work) -> Self {
        let bytes = |bytes: Option<&[u8]>| bytes.filter(|_| !target.is_empty()).map(<[u8]>::to_vec);
        let headers = letter.headers.iter().filter(|_| !target.is_empty());
        Self {
            target: target.to_owned(),
            key: bytes(letter.key),
            value: bytes(letter.value),
            headers: headers
                .map(|header| (header.name.to_owned(), bytes(header.value)))
                .collect(),
            timestamp: letter.timestamp,
            mark_key: marks::key(topic, letter),
            mark: marks::value(&work.what, target, letter, now()),
        }
    }

    fn size(&self) -> usize {
        let size = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = self.headers.iter().map(|(name, value)| name.len() + size(value));
        size(&self.key) + size(&self.value) + headers.sum::<usize>() + self.mark_key.len() + self.mark.len()
    }

    fn send(&self, producer: &mut dyn Producer) -> Result<(), BrokerError> {
        if self.target.is_empty() {
            return Ok(());
        }
        let headers = record::headers(&self.headers);
        producer.send(Outgoing {
            topic: &self.target,
            partition: None,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &headers,
            timestamp: (self.timestamp >= 0).then_some(self.timestamp),
        })
    }

    fn send_mark(&self, topic: &str, producer: &mut dyn Producer) -> Result<(), BrokerError> {
        producer.send(Outgoing {
            topic,
            partition: None,
            key: Some(self.mark_key.as_bytes()),
            value: Some(self.mark.as_bytes()),
            headers: &[],
            timestamp: None,
        })
    }
}

struct Batches {
    producer: Box<dyn Producer>,
    /// The topic of marks.
    marks: String,
    held: Vec<Held>,
    bytes: usize,
}

impl Batches {
    fn hold(&mut self, held: Held) {
        self.bytes += held.size();
        self.held.push(held);
    }

    fn is_full(&self) -> bool {
        self.held.len() >= RECORDS || self.bytes >= BYTES
    }

    /// One transaction of all that is held.
    fn commit(&mut self, done: &mut Tally) -> Result<(), LettersError> {
        let held = std::mem::take(&mut self.held);
        self.bytes = 0;
        self.write(&held, done)
    }

    /// All in one transaction. Where a record in it is refused as too large, nobody says which: it is looked for by halves, so that it
    /// alone is left.
    fn write(&mut self, held: &[Held], done: &mut Tally) -> Result<(), LettersError> {
        if held.is_empty() {
            return Ok(());
        }
        #[cfg(test)]
        if sabotaged(Sabotage::MarksApart) {
            self.transaction(held, &|held, _, producer| held.send(producer))?;
        }
        let is_taken = self.transaction(held, &|held, marks, producer| {
            #[cfg(test)]
            if sabotaged(Sabotage::MarksApart) {
                return held.send_mark(marks, producer);
            }
            held.send(producer)?;
            held.send_mark(marks, producer)
        })?;
        if is_taken {
            for held in held {
                *done.done.entry(held.target.clone()).or_default() += 1;
            }
        } else if let [_] = held {
            *done.obstacles.entry(Obstacle::TooLarge).or_default() += 1;
        } else {
            let (first, second) = held.split_at(held.len() / 2);
            self.write(first, done)?;
            self.write(second, done)?;
        }
        Ok(())
    }

    /// Whether it was taken: a record of it may be too large.
    fn transaction(&mut self, held: &[Held], send: Send<'_>) -> Result<bool, LettersError> {
        let began = Instant::now();
        loop {
            let error = match self.attempt(held, send) {
                Ok(()) => return Ok(true),
                Err(Cut::Unknown(error)) => return Err(LettersError::Unknown(error)),
                Err(Cut::Failed(error)) => error,
            };
            // Where that fails, too, the next initialisation does it, or time.
            match (self.producer.abort(CALL), error.reaction) {
                (Ok(()), Reaction::DeadLetter) => return Ok(false),
                (Ok(()), Reaction::Abort) if began.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                // What was queued is given up before anybody says that the producer is fenced: only the abort says it.
                (Err(fenced), Reaction::Abort) if fenced.reaction == Reaction::Rebuild => return Err(told(fenced)),
                _ => return Err(told(error)),
            }
        }
    }

    fn attempt(&mut self, held: &[Held], send: Send<'_>) -> Result<(), Cut> {
        let producer = self.producer.as_mut();
        producer.begin().map_err(Cut::Failed)?;
        let sent = held.iter().try_for_each(|held| send(held, &self.marks, producer));
        sent.and_then(|()| again(&mut || producer.flush(CALL)))
            .map_err(Cut::Failed)?;
        // After a time-out nobody knows: asked again for the same, the coordinator says.
        again(&mut || producer.commit(CALL)).map_err(|error| match error.reaction {
            Reaction::Retry => Cut::Unknown(error),
            _ => Cut::Failed(error),
        })
    }
}

/// Puts a record, its mark, or both into the open transaction.
type Send<'s> = &'s dyn Fn(&Held, &str, &mut dyn Producer) -> Result<(), BrokerError>;

/// How a transaction was cut short.
enum Cut {
    /// It may be committed.
    Unknown(BrokerError),
    /// It is not.
    Failed(BrokerError),
}

/// As often as an answer does not come.
fn again(call: &mut dyn FnMut() -> Result<(), BrokerError>) -> Result<(), BrokerError> {
    let began = Instant::now();
    loop {
        match call() {
            Err(error) if error.reaction == Reaction::Retry && began.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

fn told(error: BrokerError) -> LettersError {
    match error.reaction {
        Reaction::Rebuild => LettersError::Fenced(error),
        _ => LettersError::Broker(error),
    }
}

/// Milliseconds since the epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
