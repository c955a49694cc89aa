//! `dead-letters`: looking at the records that failed, putting them back to where they came from, and putting them away.
//!
//! A replay never takes anything away: Kafka can't, and who reads the dead letters elsewhere is not disturbed. What was replayed is
//! marked. One transaction has a record on its way back **and** its mark, in a topic of marks (compacted; `APPLICATION-dead-letters-replayed`,
//! key `topic:partition:offset`). Committed offsets of a group would be simpler, but can't mark single records under a filter.
//!
//! What a replay does, in this order, after [`DeadLetters::look`] said what it would do:
//! 1. the topic of marks is created where it is missing;
//! 2. a producer with the transactional id `APPLICATION-dead-letters` is initialised. That ends the transaction of a predecessor,
//!    killed or still running, one way or the other, and fences it off: from now on nobody but us can commit a mark;
//! 3. the marks are read to their end, as it is now;
//! 4. the dead letters are read from the beginning to the end that was looked at, so that what fails again is not replayed again in the
//!    same run. What matches and has no mark is gathered, and each batch is one transaction.
//!
//! Why nothing is lost or doubled, whatever the moment of a `kill -9`: a record without a mark was not put back, as both are in
//! one transaction; a record with a mark was. Marks are read after the fence, so none can come that was not seen. Of two at the same time,
//! the second fences the first, whose open transaction is aborted. A batch is gathered before its transaction is begun, so that
//! consumers of the topics that are written to, who wait for open transactions, wait for a moment only, or, after a `kill -9`, for
//! `transaction.timeout.ms`.
//!
//! A mark has the checksum of its record and counts for that record only. So marks of a topic that was deleted and made anew, where other
//! records have the same offsets, hide nothing. They stay as long as their topic: also when the application is reset, since dead letters
//! stay then, and what was replayed lies in the sources.
//!
//! Memory: records are streamed. Of marks, those of records that are there are held: 4 bytes each, and a share of a chunk of sixteen. Groups
//! are [`groups::MOST`] at most.

mod carry_out;
mod filter;
mod groups;
mod look;
mod marks;
mod scan;
mod show;
#[cfg(test)]
mod tests;

pub use filter::{At, Filter, KeyCodecs, Moment, Query};
pub use groups::{Group, Groups};
pub use look::{Obstacle, Tally, What, Work};
pub use marks::Mark;
pub use scan::Progress;
pub use show::{Decoded, Readers};

use crate::broker::{Broker, BrokerError, TopicPartition};
use crate::dead_letter::Letter;
use crate::topology::Topology;
use marks::Marks;
use scan::{Span, scan, spans};
use std::ops::ControlFlow;

#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("can't print: {0}")]
    Print(#[from] std::io::Error),
    #[error(
        "topic {0} of the dead letters does not exist: the application was never started on this cluster, or it is another cluster"
    )]
    NoTopic(String),
    #[error("there is no dead letter {0}: {1}")]
    NoLetter(At, String),
    #[error(
        "nothing came of {topic} partition {partition} from offset {at} on, for {seconds} s: is a broker away, or a transaction left open?"
    )]
    Silent {
        topic: String,
        partition: i32,
        at: i64,
        seconds: u64,
    },
    #[error("{0}")]
    Marks(String),
    #[error("{0}")]
    Target(String),
    #[error(
        "{0}. Another replay or drop of this application may have begun meanwhile: it goes on where this one ended, and one at a time \
         is enough"
    )]
    Fenced(BrokerError),
    #[error("{0}. Whether the last batch was written is not known; running it again finds out, and repeats nothing")]
    Unknown(BrokerError),
}

/// What [`DeadLetters::each`] hands over: a letter, and its mark.
pub type Each<'e> = &'e mut dyn FnMut(&Letter<'_>, Option<Mark>) -> Result<ControlFlow<()>, LettersError>;

/// The dead letters of a topology, from the first that is there to the last that was committed when they were opened.
pub struct DeadLetters<'b> {
    broker: &'b dyn Broker,
    topology: &'b Topology,
    spans: Vec<Span>,
    marks: Marks,
}

impl<'b> DeadLetters<'b> {
    /// Finds them, and reads which of them are marked. Changes nothing.
    ///
    /// # Errors
    /// There is no such topic, or the broker did not do its part.
    pub fn open(
        broker: &'b dyn Broker,
        topology: &'b Topology,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, LettersError> {
        let topic = &topology.dead_letters;
        let partitions = broker.admin()?.partitions(topic)?;
        let partitions = partitions.ok_or_else(|| LettersError::NoTopic(topic.clone()))?;
        let mut reader = broker.reader()?;
        let spans = spans(reader.as_mut(), topic, partitions)?;
        let marks = Marks::read(broker, topology, &spans, progress)?;
        Ok(Self {
            broker,
            topology,
            spans,
            marks,
        })
    }

    /// Hands over what matches, in the order of partitions and offsets: what is marked, too.
    ///
    /// # Errors
    /// A letter that is named is not there, or what `each` answers.
    pub fn each(
        &self,
        filter: &Filter,
        progress: &mut dyn FnMut(Progress),
        each: Each<'_>,
    ) -> Result<(), LettersError> {
        self.matching(&self.spans_of(filter)?, filter, &self.marks, progress, each)
    }

    /// The letter at a place.
    ///
    /// # Errors
    /// It is not there, or what `each` answers.
    pub fn at(&self, at: At, each: Each<'_>) -> Result<(), LettersError> {
        let only = Filter {
            at: vec![at],
            ..Filter::default()
        };
        let mut found = false;
        self.each(&only, &mut |_| {}, &mut |letter, mark| {
            found = true;
            each(letter, mark)
        })?;
        if found { Ok(()) } else { Err(nothing_there(at)) }
    }

    fn matching(
        &self,
        spans: &[Span],
        filter: &Filter,
        marks: &Marks,
        progress: &mut dyn FnMut(Progress),
        each: Each<'_>,
    ) -> Result<(), LettersError> {
        let codecs = filter::KeyCodecs::of(self.topology);
        scan(self.broker, spans, progress, &mut |record| {
            let letter = Letter::read(record);
            if !filter.matches(&letter, &codecs) {
                return Ok(ControlFlow::Continue(()));
            }
            each(&letter, marks.of_letter(&letter))
        })
    }

    /// What has to be read for a filter.
    fn spans_of(&self, filter: &Filter) -> Result<Vec<Span>, LettersError> {
        if filter.at.is_empty() {
            return Ok(self.spans.clone());
        }
        let mut named = filter.at.clone();
        named.sort_unstable();
        named.dedup();
        let one = |at: At| {
            let span = self
                .spans
                .iter()
                .find(|span| span.partition.partition == at.partition)
                .ok_or_else(|| {
                    let (topic, count) = (&self.topology.dead_letters, self.spans.len());
                    LettersError::NoLetter(at, format!("{topic} has {count} partitions"))
                })?;
            if at.offset < span.from {
                let why = format!(
                    "its topic has deleted what lies before offset {}, by its retention",
                    span.from
                );
                return Err(LettersError::NoLetter(at, why));
            }
            if at.offset >= span.to {
                let why = format!("the partition ends at offset {}", span.to);
                return Err(LettersError::NoLetter(at, why));
            }
            Ok(Span {
                partition: TopicPartition {
                    topic: self.topology.dead_letters.clone(),
                    partition: at.partition,
                },
                from: at.offset,
                to: at.offset.saturating_add(1),
            })
        };
        named.into_iter().map(one).collect()
    }
}

fn nothing_there(at: At) -> LettersError {
    LettersError::NoLetter(
        at,
        "at this offset lies no record but the end of a transaction".to_owned(),
    )
}
