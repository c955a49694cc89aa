//! The search for a record that the broker refuses. It refuses a transaction, and does not say which of its records it would not
//! take: they are committed again one by one, and the one that is refused while it is alone becomes a dead letter.

use crate::broker::TopicPartition;

#[derive(Default)]
pub struct Suspects {
    /// Records to be committed one by one.
    left: usize,
    /// The record in the transaction, while it is alone.
    alone: Option<(TopicPartition, i64)>,
    /// Records that were refused, until their dead letters are committed. Several, as the next poll after an abort may bring
    /// another partition's.
    refused: Vec<Refused>,
}

struct Refused {
    partition: TopicPartition,
    offset: i64,
    why: String,
}

impl Suspects {
    /// Records are to be committed one by one.
    pub fn are_sought(&self) -> bool {
        self.left > 0
    }

    /// A record comes into the transaction.
    pub fn enters(&mut self, partition: &TopicPartition, offset: i64) {
        if self.are_sought() {
            self.alone = Some((partition.clone(), offset));
        }
    }

    /// Why the broker refused a record.
    pub fn refused(&self, partition: &TopicPartition, offset: i64) -> Option<&str> {
        let is = |refused: &&Refused| refused.offset == offset && refused.partition == *partition;
        self.refused.iter().find(is).map(|refused| refused.why.as_str())
    }

    /// The transaction was refused, with so many records in it. `false`: there is no way on, as even the dead letter was refused.
    pub fn are_met(&mut self, records: usize, why: &str) -> bool {
        match self.alone.take() {
            Some((partition, offset)) if self.are_sought() => {
                if self.refused(&partition, offset).is_some() {
                    return false;
                }
                let why = why.to_owned();
                self.refused.push(Refused { partition, offset, why });
            }
            _ => self.left = records.max(1),
        }
        true
    }

    /// The transaction was committed, up to these offsets.
    pub fn committed(&mut self, offsets: &[(TopicPartition, i64)]) {
        self.left = self.left.saturating_sub(1);
        self.refused.retain(|refused| {
            let mut offsets = offsets.iter();
            !offsets.any(|(committed, offset)| *committed == refused.partition && *offset > refused.offset)
        });
    }

    /// The transaction has ended, in one way or the other.
    pub fn ended(&mut self) {
        self.alone = None;
    }

    /// These partitions are no longer ours.
    pub fn leave(&mut self, partitions: &[TopicPartition]) {
        self.refused.retain(|refused| !partitions.contains(&refused.partition));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders() -> TopicPartition {
        TopicPartition {
            topic: "orders".into(),
            partition: 3,
        }
    }

    #[test]
    fn the_record_that_is_refused_alone_is_known_until_it_is_committed() {
        let mut suspects = Suspects::default();
        suspects.enters(&orders(), 7);
        assert!(suspects.are_met(2, "too large"));
        suspects.ended();
        assert!(suspects.are_sought());
        assert_eq!(suspects.refused(&orders(), 7), None, "it was not alone");

        suspects.enters(&orders(), 7);
        suspects.committed(&[(orders(), 8)]);
        suspects.ended();
        suspects.enters(&orders(), 8);
        assert!(suspects.are_met(1, "too large"));
        suspects.ended();
        assert_eq!(suspects.refused(&orders(), 8), Some("too large"));
        assert_eq!(suspects.refused(&orders(), 7), None);

        suspects.enters(&orders(), 8);
        suspects.committed(&[(orders(), 9)]);
        assert_eq!(suspects.refused(&orders(), 8), None);
        assert!(!suspects.are_sought());
    }

    #[test]
    fn where_even_the_dead_letter_is_refused_there_is_no_way_on() {
        let mut suspects = Suspects::default();
        assert!(suspects.are_met(1, "too large"));
        for again in [true, false] {
            suspects.enters(&orders(), 7);
            assert_eq!(suspects.are_met(1, "too large"), again);
        }
    }

    #[test]
    fn a_record_whose_partition_was_given_up_is_forgotten() {
        let mut suspects = Suspects::default();
        assert!(suspects.are_met(1, "too large"));
        suspects.enters(&orders(), 7);
        assert!(suspects.are_met(1, "too large"));
        suspects.leave(&[orders()]);
        assert_eq!(suspects.refused(&orders(), 7), None);
    }
}
