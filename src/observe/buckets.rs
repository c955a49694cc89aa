//! A histogram that its owner keeps alone: no lock, no allocation, and nobody waits for it.

/// Numbers by size. Cheap to copy: one is handed to the metrics a few times a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    bounds: &'static [f64],
    /// By bound, each without those below it; the last one: above all bounds.
    counts: Vec<u64>,
    sum: f64,
}

impl Buckets {
    /// `bounds` go up; a number that equals a bound belongs to it.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
        }
    }

    /// Notes a number, `times` times.
    #[expect(clippy::cast_precision_loss, reason = "sums are doubles")]
    pub fn record(&mut self, number: f64, times: u64) {
        let at = self.bounds.partition_point(|bound| *bound < number);
        if let Some(count) = self.counts.get_mut(at) {
            *count += times;
        }
        self.sum += number * times as f64;
    }

    /// Adds another one with the same bounds; one that has none yet takes the other's.
    pub fn add(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.clone_from(other);
            return;
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum += other.sum;
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Every bound with how many numbers are not above it.
    pub fn cumulated(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut below = 0;
        self.bounds.iter().zip(&self.counts).map(move |(bound, count)| {
            below += count;
            (*bound, below)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_to_the_first_bound_that_they_are_not_above() {
        let mut buckets = Buckets::new(&[1.0, 2.0, 5.0]);
        for number in [0.5, 1.0, 1.5, 7.0] {
            buckets.record(number, 1);
        }
        buckets.record(5.0, 3);
        let cumulated: Vec<_> = buckets.cumulated().collect();
        assert_eq!(cumulated, [(1.0, 2), (2.0, 3), (5.0, 6)]);
        assert_eq!((buckets.count(), buckets.sum()), (7, 25.0));
        let mut both = buckets.clone();
        both.add(&buckets);
        assert_eq!((both.count(), both.sum()), (14, 50.0));
    }
}
