//! How long to wait before what failed is tried again: longer each time, and by chance, so that many don't come at once.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// Of one thing that may fail, seen by all who would try it.
#[derive(Default)]
pub struct Backoff {
    failures: Cell<u32>,
    until: Cell<Option<Instant>>,
}

impl Backoff {
    /// It failed. What was tried at the same time and fails, too, counts as one failure.
    pub fn failed(&self) {
        let now = Instant::now();
        if self.until.get().is_some_and(|until| now < until) {
            return;
        }
        self.until.set(Some(now + delay(self.failures.get(), chance())));
        self.failures.set(self.failures.get().saturating_add(1));
    }

    pub fn worked(&self) {
        self.failures.set(0);
        self.until.set(None);
    }

    pub fn is_failing(&self) -> bool {
        self.failures.get() > 0
    }

    /// Waits until it may be tried.
    pub async fn wait(&self) {
        while let Some(until) = self.until.get().filter(|until| *until > Instant::now()) {
            tokio::time::sleep_until(until).await;
        }
    }
}

/// After so many failures before: between half of and all of what doubles each time. `chance` is any number.
fn delay(failures: u32, chance: u64) -> Duration {
    let most = FIRST.saturating_mul(1 << failures.min(16)).min(LONGEST);
    let half = most / 2;
    let range = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_millis(chance % range)
}

/// The keys of a new hasher are random.
fn chance() -> u64 {
    RandomState::new().hash_one(0_u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_half_of_each_is_chance() {
        for (failures, most) in [
            (0, 250),
            (1, 500),
            (2, 1_000),
            (6, 16_000),
            (7, 30_000),
            (u32::MAX, 30_000),
        ] {
            for chance in [0, 1, 123_456_789, u64::MAX] {
                let delay = delay(failures, chance).as_millis();
                assert!(delay >= most / 2 && delay <= most, "{failures} failures: {delay} ms");
            }
        }
        assert_ne!(delay(5, 1), delay(5, 2));
    }

    #[test]
    fn what_fails_together_fails_once() {
        let backoff = Backoff::default();
        assert!(!backoff.is_failing());
        for _ in 0..100 {
            backoff.failed();
        }
        assert_eq!(backoff.failures.get(), 1);
        backoff.worked();
        assert!(!backoff.is_failing() && backoff.until.get().is_none());
    }
}
