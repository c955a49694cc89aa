//! What would be said again and again is said at once, and then once in a while with how often it was held back.

use std::time::Duration;

/// How often the same is said.
pub const EVERY: Duration = Duration::from_secs(10);
/// So many different things are told apart; of more, the one said longest ago is forgotten.
const MOST: usize = 64;

/// Of one speaker.
#[derive(Debug)]
pub struct Repeats<K> {
    known: Vec<Known<K>>,
}

#[derive(Debug)]
struct Known<K> {
    key: K,
    said: Duration,
    held: u64,
}

impl<K> Default for Repeats<K> {
    fn default() -> Self {
        Self { known: Vec::new() }
    }
}

impl<K: PartialEq> Repeats<K> {
    /// Whether to say it, and how often it was held back since it was last said; `None`: hold it back. `now`: the time since any
    /// fixed point.
    pub fn ask(&mut self, key: K, now: Duration) -> Option<Held> {
        if let Some(known) = self.known.iter_mut().find(|known| known.key == key) {
            if now.saturating_sub(known.said) < EVERY {
                known.held += 1;
                return None;
            }
            known.said = now;
            return Some(Held(std::mem::take(&mut known.held)));
        }
        if self.known.len() >= MOST {
            let oldest = self.known.iter().enumerate().min_by_key(|(_, known)| known.said);
            if let Some((index, _)) = oldest {
                self.known.swap_remove(index);
            }
        }
        self.known.push(Known {
            key,
            said: now,
            held: 0,
        });
        Some(Held(0))
    }
}

/// How often something was held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held(u64);

impl Held {
    /// As a field of a log line, which is left out where there is none.
    pub fn field(self) -> Option<u64> {
        (self.0 > 0).then_some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_and_then_one_in_a_while_with_the_number_of_the_others() {
        let mut repeats = Repeats::default();
        let mut said = Vec::new();
        for tick in 0..500 {
            let now = Duration::from_millis(tick * 50);
            if let Some(held) = repeats.ask("away", now) {
                said.push((tick, held.field()));
            }
        }
        assert_eq!(said, [(0, None), (200, Some(199)), (400, Some(199))]);
        assert_eq!(repeats.ask("other", Duration::from_secs(25)), Some(Held(0)));
    }

    #[test]
    fn memory_is_bounded_whatever_is_said() {
        let mut repeats = Repeats::default();
        for number in 0..10_000 {
            assert!(repeats.ask(number, Duration::from_millis(number)).is_some());
        }
        assert_eq!(repeats.known.len(), MOST);
    }
}
