//! How far behind the tasks of this process are: from what they have committed, and where their partitions end.

use super::task::Stand;
use crate::broker::{Ends, TopicPartition};
use ahash::AHashMap;
use std::collections::BTreeMap;
use std::time::Duration;

/// Of one topic's partitions together. `None`: no partition of it is known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lag {
    /// From the committed offsets to the last stable ones.
    pub records: Option<i64>,
    /// Age of the oldest record not yet committed.
    pub age: Option<Duration>,
    /// From the last stable offsets to the ends.
    pub unstable: Option<i64>,
}

/// Remembers since when there is lag where nothing was read of it.
#[derive(Debug, Default)]
pub struct Lags {
    since: AHashMap<TopicPartition, Duration>,
}

impl Lags {
    /// By topic. `now`: milliseconds since the epoch; `clock`: the time since any fixed point.
    pub fn of(
        &mut self,
        stands: &[Stand],
        ends: &AHashMap<TopicPartition, Ends>,
        now: i64,
        clock: Duration,
    ) -> BTreeMap<String, Lag> {
        let mut lags: BTreeMap<String, Lag> = BTreeMap::new();
        let mut since = AHashMap::new();
        for stand in stands {
            let ends = ends.get(&stand.partition);
            let records = ends.map(|ends| records(stand, ends));
            let lag = lags.entry(stand.partition.topic.clone()).or_default();
            lag.records = sum(lag.records, records);
            lag.unstable = sum(lag.unstable, ends.map(|ends| (ends.end - ends.stable).max(0)));
            let age = match (stand.oldest, records) {
                (Some(oldest), _) => Some(milliseconds(now.saturating_sub(oldest))),
                (None, Some(0)) => Some(Duration::ZERO),
                (None, Some(_)) => {
                    let first = self.since.get(&stand.partition).copied().unwrap_or(clock);
                    since.insert(stand.partition.clone(), first);
                    Some(clock.saturating_sub(first))
                }
                (None, None) => None,
            };
            lag.age = lag.age.max(age);
        }
        self.since = since;
        lags
    }
}

fn records(stand: &Stand, ends: &Ends) -> i64 {
    if ends.drained && stand.oldest.is_none() {
        return 0;
    }
    (ends.stable - stand.committed.unwrap_or(ends.first)).max(0)
}

fn sum(sum: Option<i64>, more: Option<i64>) -> Option<i64> {
    match (sum, more) {
        (Some(sum), Some(more)) => Some(sum + more),
        (sum, more) => sum.or(more),
    }
}

fn milliseconds(age: i64) -> Duration {
    Duration::from_millis(u64::try_from(age).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32) -> TopicPartition {
        TopicPartition {
            topic: "in".into(),
            partition: number,
        }
    }

    fn stand(number: i32, committed: Option<i64>, oldest: Option<i64>) -> Stand {
        Stand {
            partition: partition(number),
            committed,
            oldest,
        }
    }

    fn ends(stable: i64, drained: bool) -> Ends {
        Ends {
            first: 10,
            stable,
            end: stable + 5,
            drained,
        }
    }

    fn one(lags: &mut Lags, stand: Stand, ends: Option<Ends>, clock: u64) -> Lag {
        let ends = ends.map(|ends| (stand.partition.clone(), ends)).into_iter().collect();
        let of = lags.of(&[stand], &ends, 100_000, Duration::from_secs(clock));
        of["in"]
    }

    #[test]
    fn partitions_of_a_topic_are_summed_and_the_oldest_counts() {
        let stands = [stand(0, Some(40), Some(97_000)), stand(1, None, Some(60_000))];
        let ends = [(partition(0), ends(50, false)), (partition(1), ends(30, false))]
            .into_iter()
            .collect();
        let lags = Lags::default().of(&stands, &ends, 100_000, Duration::ZERO);
        let lag = Lag {
            records: Some(10 + 20),
            age: Some(Duration::from_secs(40)),
            unstable: Some(10),
        };
        assert_eq!(lags["in"], lag);
    }

    #[test]
    fn a_marker_at_the_end_of_what_was_read_is_no_lag() {
        let lag = one(&mut Lags::default(), stand(0, Some(49), None), Some(ends(50, true)), 0);
        assert_eq!((lag.records, lag.age), (Some(0), Some(Duration::ZERO)));
        let lag = one(
            &mut Lags::default(),
            stand(0, Some(49), Some(99_000)),
            Some(ends(50, true)),
            0,
        );
        assert_eq!((lag.records, lag.age), (Some(1), Some(Duration::from_secs(1))));
    }

    #[test]
    fn lag_of_which_nothing_was_read_ages_from_when_it_was_seen() {
        let mut lags = Lags::default();
        let at = |clock| (stand(0, Some(40), None), Some(ends(50, false)), clock);
        let mut age = |(stand, ends, clock)| one(&mut lags, stand, ends, clock).age;
        assert_eq!(age(at(5)), Some(Duration::ZERO));
        assert_eq!(age(at(35)), Some(Duration::from_secs(30)));
        assert_eq!(
            age((stand(0, Some(50), None), Some(ends(50, false)), 36)),
            Some(Duration::ZERO)
        );
        assert_eq!(age(at(40)), Some(Duration::ZERO), "it begins anew");
    }

    #[test]
    fn nothing_is_said_of_what_is_not_known() {
        let lag = one(&mut Lags::default(), stand(0, Some(40), None), None, 0);
        assert_eq!(lag, Lag::default());
        let read = one(&mut Lags::default(), stand(0, Some(40), Some(98_000)), None, 0);
        assert_eq!((read.records, read.age), (None, Some(Duration::from_secs(2))));
    }
}
