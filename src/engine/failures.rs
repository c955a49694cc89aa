//! The last records that failed, for whoever looks: why and where, never what was in them. A few of each processor.
//!
//! Noted when they fail, before their transaction is committed: one that is aborted is processed again, and takes its own place
//! here again.

use crate::dead_letter::Reason;
use crate::record::Origin;
use ahash::AHashMap;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// So many of each processor are kept.
pub const KEPT: usize = 5;
/// The longest message that is kept, in characters.
const MESSAGE: usize = 400;

/// One record that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub kind: &'static str,
    pub message: String,
    /// The expression and its place, where there is one.
    pub detail: Option<String>,
    /// Where the record is.
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub at: SystemTime,
}

/// Shared by all workers. The lock is taken for records that fail only, and for a moment.
#[derive(Debug, Default)]
pub struct Failures {
    by_processor: Mutex<AHashMap<String, VecDeque<Failed>>>,
}

impl Failures {
    pub(super) fn note(&self, origin: &Origin<'_>, reason: &Reason) {
        let failed = Failed {
            kind: reason.kind,
            message: reason.message.chars().take(MESSAGE).collect(),
            detail: reason
                .detail
                .as_ref()
                .map(|detail| detail.chars().take(MESSAGE).collect()),
            topic: origin.topic.to_owned(),
            partition: origin.partition,
            offset: origin.offset,
            at: SystemTime::now(),
        };
        let mut all = self.by_processor.lock().unwrap_or_else(PoisonError::into_inner);
        // names are those of the topology's parts: a few
        let kept = all.entry(reason.processor.clone()).or_default();
        kept.retain(|old| {
            (old.offset, old.partition) != (failed.offset, failed.partition) || old.topic != failed.topic
        });
        kept.push_front(failed);
        kept.truncate(KEPT);
    }

    /// The last ones by processor, source or sink, the newest first.
    pub fn latest(&self) -> Vec<(String, Vec<Failed>)> {
        let all = self.by_processor.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.iter();
        kept.map(|(name, kept)| (name.clone(), kept.iter().cloned().collect()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(failures: &Failures, offset: i64, message: &str) {
        let origin = Origin {
            topic: "in",
            partition: 0,
            offset,
        };
        let reason = Reason {
            kind: "decode",
            message: message.to_owned(),
            detail: None,
            processor: "feed".to_owned(),
        };
        failures.note(&origin, &reason);
    }

    #[test]
    fn the_last_few_are_kept_the_newest_first() {
        let failures = Failures::default();
        (0..100).for_each(|offset| note(&failures, offset, "no"));
        let latest = failures.latest();
        assert_eq!(latest.len(), 1);
        let offsets: Vec<i64> = latest[0].1.iter().map(|failed| failed.offset).collect();
        assert_eq!(offsets, [99, 98, 97, 96, 95]);
    }

    #[test]
    fn a_record_that_fails_again_is_there_once() {
        let failures = Failures::default();
        [1, 2, 1].into_iter().for_each(|offset| note(&failures, offset, "no"));
        let offsets: Vec<i64> = failures.latest()[0].1.iter().map(|failed| failed.offset).collect();
        assert_eq!(offsets, [1, 2]);
    }

    #[test]
    fn a_message_without_end_is_cut() {
        let failures = Failures::default();
        note(&failures, 1, &"ä".repeat(100_000));
        assert_eq!(failures.latest()[0].1[0].message.chars().count(), MESSAGE);
    }
}
