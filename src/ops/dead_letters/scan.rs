//! Reading partitions from here to there, each by itself: in a known order and in bounded memory.

use super::LettersError;
use crate::broker::{Broker, BrokerError, Position, Reaction, Reader, TopicPartition};
use crate::record::RawRecord;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How long one poll waits.
const POLL: Duration = Duration::from_millis(200);
/// Records of one poll.
const BATCH: usize = 1_000;
/// How long nothing may come.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 100 });

/// A part of a partition: from an offset to before another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub partition: TopicPartition,
    pub from: i64,
    pub to: i64,
}

/// How far reading is, in offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub read: u64,
    pub of: u64,
}

/// All of a topic that is committed now.
pub(super) fn spans(reader: &mut dyn Reader, topic: &str, partitions: i32) -> Result<Vec<Span>, LettersError> {
    let span = |partition| {
        let partition = TopicPartition {
            topic: topic.to_owned(),
            partition,
        };
        let (from, to) = patiently(|| reader.offsets(&partition))?;
        Ok(Span { partition, from, to })
    };
    (0..partitions).map(span).collect()
}

/// Tries again what time may mend: a topic that was just made has no leader for a moment.
pub(super) fn patiently<T>(mut attempt: impl FnMut() -> Result<T, BrokerError>) -> Result<T, BrokerError> {
    let began = Instant::now();
    loop {
        match attempt() {
            Err(error) if error.reaction == Reaction::Retry && began.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

/// Hands over every committed record of `spans`, until `each` has enough.
pub(super) fn scan(
    broker: &dyn Broker,
    spans: &[Span],
    progress: &mut dyn FnMut(Progress),
    each: &mut dyn FnMut(&RawRecord<'_>) -> Result<ControlFlow<()>, LettersError>,
) -> Result<(), LettersError> {
    let length = |span: &Span| u64::try_from(span.to - span.from).unwrap_or(0);
    let of = spans.iter().map(length).sum();
    // A reader of its own, so that nothing of an earlier reading can come.
    let mut reader = broker.reader()?;
    let mut read = 0;
    for span in spans.iter().filter(|span| span.from < span.to) {
        let mut told = |at: i64| {
            let done = u64::try_from(at.min(span.to) - span.from).unwrap_or(0);
            progress(Progress { read: read + done, of });
        };
        if one(reader.as_mut(), span, &mut told, each)?.is_break() {
            return Ok(());
        }
        read += length(span);
    }
    Ok(())
}

fn one(
    reader: &mut dyn Reader,
    span: &Span,
    told: &mut dyn FnMut(i64),
    each: &mut dyn FnMut(&RawRecord<'_>) -> Result<ControlFlow<()>, LettersError>,
) -> Result<ControlFlow<()>, LettersError> {
    // The reader is to know where the partition ends.
    patiently(|| reader.offsets(&span.partition))?;
    reader.assign(&[(span.partition.clone(), Position::Offset(span.from))])?;
    let mut at = span.from;
    let mut heard = Instant::now();
    while at < span.to {
        let mut outcome = Ok(ControlFlow::Continue(()));
        let polled = reader.poll(POLL, BATCH, &mut |record| {
            let origin = record.origin;
            let is_wanted =
                origin.partition == span.partition.partition && (span.from..span.to).contains(&origin.offset);
            if is_wanted && matches!(outcome, Ok(ControlFlow::Continue(()))) {
                outcome = each(&record);
            }
        });
        if outcome?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        match polled {
            Err(error) if error.reaction != Reaction::Retry || heard.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => std::thread::sleep(PAUSE),
            Ok(()) => {}
        }
        let position = reader.position(&span.partition)?.unwrap_or(at);
        if position > at {
            at = position;
            heard = Instant::now();
            told(at);
        } else if heard.elapsed() > PATIENCE {
            return Err(LettersError::Silent {
                topic: span.partition.topic.clone(),
                partition: span.partition.partition,
                at,
                seconds: heard.elapsed().as_secs(),
            });
        } else {
            // What is stable may reach further by now. No answer is no matter: it is asked again.
            let _ = reader.offsets(&span.partition);
        }
    }
    Ok(ControlFlow::Continue(()))
}
