//! What to write to files and what to merge. Pure.

use super::manifest::RunInfo;
use std::collections::BTreeMap;

/// So many runs of like size become one while their segment is still written to.
const FAN: usize = 8;
/// And so many when its time has passed: few ids come late, and the fewer runs the fewer filters for each look-up.
const FAN_OF_PAST: usize = 4;

/// Runs to merge, by their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Merge {
    pub places: Vec<usize>,
    /// They are all that their segment has, whose time has passed.
    pub settles: bool,
}

/// The segments to write to files, of those that wait in memory with so many ids: the largest, so that no more than an eighth
/// of the ids stays. Late events trickle into many segments; each gets a file only when it is worth one.
pub(super) fn to_flush(waiting: &BTreeMap<i64, usize>) -> Vec<i64> {
    let mut segments: Vec<(usize, i64)> = waiting.iter().map(|(segment, ids)| (*ids, *segment)).collect();
    segments.sort_unstable();
    let all: usize = waiting.values().sum();
    let mut stay = 0;
    let mut flush = Vec::new();
    for (ids, segment) in segments {
        stay += ids;
        if stay > all / 8 {
            flush.push(segment);
        }
    }
    flush.sort_unstable();
    flush
}

/// What to merge next, about `most` ids at the most; `None`: it is good as it is.
///
/// Runs are merged with others of their segment and of like size, so that each id is rewritten a few times only; and once more
/// all of a segment when its time has passed, for then most of what a store has lies in one run a segment.
pub(super) fn to_merge(runs: &[RunInfo], stream_time: i64, most: usize) -> Option<Merge> {
    to_settle(runs, stream_time, 2 * most).or_else(|| alike(runs, stream_time, most))
}

fn to_settle(runs: &[RunInfo], stream_time: i64, most: usize) -> Option<Merge> {
    let mut segments: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
    for (place, run) in runs.iter().enumerate().filter(|(_, run)| is_past(run, stream_time)) {
        segments.entry((run.from, run.to)).or_default().push(place);
    }
    let places = segments.into_values().find(|places| {
        let runs = places.iter().filter_map(|place| runs.get(*place));
        let ids: usize = runs.clone().map(|run| run.ids).sum();
        places.len() > 1 && ids <= most && !runs.clone().any(|run| run.settled)
    })?;
    Some(Merge { places, settles: true })
}

fn alike(runs: &[RunInfo], stream_time: i64, most: usize) -> Option<Merge> {
    let mut alike: BTreeMap<(i64, i64, u32), Vec<(usize, usize)>> = BTreeMap::new();
    let small = runs
        .iter()
        .enumerate()
        .filter(|(_, run)| run.ids <= most / 2 && !run.settled);
    for (place, run) in small {
        let size = run.ids.max(1).ilog(fan(run, stream_time));
        alike
            .entry((run.from, run.to, size))
            .or_default()
            .push((run.ids, place));
    }
    alike.into_values().find_map(|mut group| {
        group.sort_unstable();
        let first = group.first().and_then(|(_, place)| runs.get(*place))?;
        let fan = fan(first, stream_time);
        if group.len() < fan {
            return None;
        }
        let mut sum = 0;
        let fitting = group.iter().take(fan).take_while(|(ids, _)| {
            sum += ids;
            sum <= most
        });
        Some(Merge {
            places: fitting.map(|(_, place)| *place).collect(),
            settles: false,
        })
    })
}

fn fan(run: &RunInfo, stream_time: i64) -> usize {
    if is_past(run, stream_time) { FAN_OF_PAST } else { FAN }
}

/// Stream time is a whole segment beyond its end.
fn is_past(run: &RunInfo, stream_time: i64) -> bool {
    run.to.saturating_add(run.to.saturating_sub(run.from)) <= stream_time
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 2 << 20;

    fn run(ids: usize, segment: i64) -> RunInfo {
        RunInfo {
            number: 0,
            ids,
            from: segment * 10,
            to: segment * 10 + 10,
            settled: false,
        }
    }

    fn alike(places: &[usize]) -> Option<Merge> {
        Some(Merge {
            places: places.to_vec(),
            settles: false,
        })
    }

    #[test]
    fn the_largest_segments_are_flushed_and_an_eighth_may_stay() {
        let waiting = BTreeMap::from([(1, 10), (2, 700), (3, 30), (4, 200)]);
        assert_eq!(to_flush(&waiting), [2, 4]);
        assert_eq!(to_flush(&BTreeMap::from([(7, 1)])), [7]);
        assert!(to_flush(&BTreeMap::new()).is_empty());
    }

    #[test]
    fn eight_runs_alike_of_one_segment_become_one() {
        let mut runs = vec![run(200_000, 1); 7];
        runs.push(run(200_000, 2));
        assert_eq!(to_merge(&runs, 20, MOST), None);
        runs.push(run(150_000, 1));
        assert_eq!(to_merge(&runs, 20, MOST), alike(&[8, 0, 1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn small_runs_are_not_merged_into_large_ones() {
        let mut runs = vec![run(100, 1); 7];
        runs.extend(vec![run(10_000, 1); 7]);
        assert_eq!(to_merge(&runs, 20, MOST), None);
    }

    #[test]
    fn a_past_segment_is_settled_once_and_of_what_comes_later_four_are_enough() {
        let mut runs = vec![run(100_000, 1), run(3, 1), run(5, 2), run(5, 2)];
        assert_eq!(to_merge(&runs, 29, MOST), None);
        let settles = Merge {
            places: vec![0, 1],
            settles: true,
        };
        assert_eq!(to_merge(&runs, 30, MOST), Some(settles));
        runs[0].settled = true;
        runs.extend(vec![run(3, 1); 2]);
        assert_eq!(to_merge(&runs, 30, MOST), None);
        runs.push(run(3, 1));
        assert_eq!(to_merge(&runs, 30, MOST), alike(&[1, 4, 5, 6]));
        let full = vec![run(MOST, 1); 3];
        assert_eq!(to_merge(&full, 30, MOST), None, "too much for one");
    }

    #[test]
    fn a_merge_stops_at_the_largest_size_of_a_run() {
        let runs = vec![run(400_000, 1); 8];
        assert_eq!(to_merge(&runs, 20, MOST), alike(&[0, 1, 2, 3, 4]));
        assert_eq!(to_merge(&vec![run(MOST / 2 + 1, 1); 9], 20, MOST), None);
    }

    /// As a store does it: flush after flush, merged until nothing is to be merged.
    #[test]
    fn runs_stay_few_and_ids_are_rewritten_seldom() {
        for (flush, flushes) in [(200_000, 150), (14_000, 2_000), (1_000, 20_000)] {
            let mut runs: Vec<RunInfo> = Vec::new();
            let mut rewritten = 0;
            for _ in 0..flushes {
                runs.push(run(flush, 1));
                while let Some(Merge { places, .. }) = to_merge(&runs, 20, MOST) {
                    assert!(places.len() > 1);
                    let ids = places.iter().map(|place| runs[*place].ids).sum();
                    let mut place = 0;
                    runs.retain(|_| {
                        place += 1;
                        !places.contains(&(place - 1))
                    });
                    runs.push(run(ids, 1));
                    rewritten += ids;
                }
            }
            let ids = flush * flushes;
            let full = ids / (MOST / 2);
            assert!(runs.len() <= full + 30, "{} runs of {ids} ids", runs.len());
            assert!(rewritten <= 5 * ids, "{ids} ids, rewritten {rewritten}");
        }
    }
}
