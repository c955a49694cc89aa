//! Schemas by their id: kept for ever, and each asked for by one caller for all who wait.

use crate::registry::{Registered, RegistryError};
use ahash::AHashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Beyond so many ids, those that there are none of are forgotten: bytes from anywhere can name four billion.
const MOST: usize = 10_000;

type Answer = Result<Arc<Registered>, RegistryError>;
/// Filled by whoever comes first, while the others wait; with the time of the answer.
type Slot = Arc<OnceLock<(Answer, Instant)>>;

pub(super) struct Kept {
    /// For how long an id that there is none of is not asked for again.
    unknown_for: Duration,
    slots: Mutex<AHashMap<u32, Slot>>,
}

impl Kept {
    pub fn new(unknown_for: Duration) -> Self {
        Self {
            unknown_for,
            slots: Mutex::default(),
        }
    }

    /// The schema that is kept, or what `ask` says. That nobody answered is told to all who wait, and not kept.
    pub fn get(&self, id: u32, ask: impl FnOnce() -> Answer) -> Answer {
        let slot = self.slot(id);
        let (answer, _) = slot.get_or_init(|| (ask(), Instant::now()));
        if !matches!(answer, Ok(_) | Err(RegistryError::Unknown(_))) {
            let mut slots = self.slots();
            // somebody may have come after us and asks anew
            if slots.get(&id).is_some_and(|there| Arc::ptr_eq(there, &slot)) {
                slots.remove(&id);
            }
        }
        answer.clone()
    }

    fn slot(&self, id: u32) -> Slot {
        let mut slots = self.slots();
        if slots.len() >= MOST {
            slots.retain(|_, slot| !matches!(slot.get(), Some((Err(_), _))));
        }
        let slot = slots.entry(id).or_default();
        if matches!(slot.get(), Some((Err(_), at)) if at.elapsed() >= self.unknown_for) {
            *slot = Slot::default();
        }
        Arc::clone(slot)
    }

    fn slots(&self) -> MutexGuard<'_, AHashMap<u32, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_anywhere_do_not_fill_the_memory_and_do_not_push_schemas_out() {
        let kept = Kept::new(Duration::from_secs(60));
        let schema = Registered {
            id: 1,
            language: crate::registry::Language::Avro,
            text: String::new(),
            references: Vec::new(),
        };
        kept.get(1, || Ok(Arc::new(schema))).unwrap();
        for id in 2..3 * MOST as u32 {
            let unknown = kept.get(id, || Err(RegistryError::Unknown(format!("schema {id}"))));
            assert!(unknown.is_err());
        }
        assert!(kept.slots().len() <= MOST);
        assert!(
            kept.get(1, || Err(RegistryError::Away("asked again".to_owned())))
                .is_ok()
        );
    }

    #[test]
    fn that_nobody_answered_is_not_kept() {
        let kept = Kept::new(Duration::from_secs(60));
        for _ in 0..2 {
            let mut asked = false;
            let answer = kept.get(1, || {
                asked = true;
                Err(RegistryError::Away("no connection".to_owned()))
            });
            assert!(asked && answer.is_err());
        }
        assert!(kept.slots().is_empty());
    }
}
