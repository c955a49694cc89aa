//! How long to wait between attempts: longer each time, and not as long as everybody else.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(15);

/// Twice as long each time.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait: from half of what is due to all of it, by `chance`.
    pub fn next(&mut self, chance: u64) -> Duration {
        let due = FIRST
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let half = due / 2;
        let most = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
        half.saturating_add(Duration::from_micros(chance % most))
    }
}

/// A number that nobody foresees.
pub fn chance() -> u64 {
    // Each has keys of its own.
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_then_stay_as_they_are_for_ever() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..10).map(|_| backoff.next(0).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 6_400, 7_500, 7_500, 7_500]);
        for _ in 0..100 {
            assert_eq!(backoff.next(0), LONGEST / 2);
        }
    }

    #[test]
    fn a_wait_is_from_half_of_what_is_due_to_all_of_it() {
        let waits: Vec<Duration> = (0..1_000).map(|_| Backoff::default().next(chance())).collect();
        assert!(waits.iter().all(|wait| (FIRST / 2..=FIRST).contains(wait)));
        assert!(waits.iter().any(|wait| *wait > FIRST * 9 / 10), "never long");
        assert!(waits.iter().any(|wait| *wait < FIRST * 6 / 10), "never short");
    }
}
