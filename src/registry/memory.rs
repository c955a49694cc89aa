//! A registry in memory: for the test driver, and for tests that make it go away.

use super::{Declared, Registered, Registry, RegistryError};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ids are given in the order of registration, from 1; the same schema has one id under all its subjects.
#[derive(Debug, Default)]
pub struct MemoryRegistry {
    kept: Mutex<Kept>,
    away: AtomicBool,
    asked: AtomicUsize,
}

#[derive(Debug, Default)]
struct Kept {
    schemas: Vec<Arc<Registered>>,
    subjects: Vec<(String, u32)>,
}

impl MemoryRegistry {
    /// From now on nobody is answered, or everybody is again.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    /// How often it was asked for the schema of an id.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn kept(&self) -> Result<MutexGuard<'_, Kept>, RegistryError> {
        if self.away.load(Ordering::Relaxed) {
            return Err(RegistryError::Away("it was told to be".to_owned()));
        }
        Ok(self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Registry for MemoryRegistry {
    fn schema(&self, id: u32) -> Result<Arc<Registered>, RegistryError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let kept = self.kept()?;
        let found = kept.schemas.iter().find(|schema| schema.id == id);
        found
            .cloned()
            .ok_or_else(|| RegistryError::Unknown(format!("schema {id}")))
    }

    fn id(&self, subject: &str, schema: &Declared) -> Result<u32, RegistryError> {
        let kept = self.kept()?;
        let is = |registered: &&Arc<Registered>| registered.is(schema);
        let id = kept.schemas.iter().find(is).map(|registered| registered.id);
        let under = id.filter(|id| kept.subjects.iter().any(|(name, of)| name == subject && of == id));
        under.ok_or_else(|| RegistryError::Unknown(format!("such schema under the subject `{subject}`")))
    }

    fn register(&self, subject: &str, schema: &Declared) -> Result<u32, RegistryError> {
        let mut kept = self.kept()?;
        let known = kept
            .schemas
            .iter()
            .find(|registered| registered.is(schema))
            .map(|known| known.id);
        let id = match known {
            Some(id) => id,
            None => {
                let id = u32::try_from(kept.schemas.len() + 1).unwrap_or(u32::MAX);
                kept.schemas.push(Arc::new(Registered {
                    id,
                    language: schema.language,
                    text: schema.text.clone(),
                    references: Vec::new(),
                }));
                id
            }
        };
        if !kept.subjects.iter().any(|(name, of)| name == subject && *of == id) {
            kept.subjects.push((subject.to_owned(), id));
        }
        Ok(id)
    }
}

impl Registered {
    fn is(&self, schema: &Declared) -> bool {
        self.language == schema.language && self.text == schema.text && self.references.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Language;
    use super::*;

    #[test]
    fn a_schema_has_one_id_under_all_its_subjects_and_none_under_others() {
        let registry = MemoryRegistry::default();
        let schema = |text: &str| Declared {
            language: Language::Avro,
            text: text.to_owned(),
        };
        assert_eq!(registry.register("a", &schema("\"int\"")), Ok(1));
        assert_eq!(registry.register("a", &schema("\"long\"")), Ok(2));
        assert_eq!(registry.register("b", &schema("\"int\"")), Ok(1));
        assert_eq!(registry.id("b", &schema("\"int\"")), Ok(1));
        assert!(matches!(
            registry.id("b", &schema("\"long\"")),
            Err(RegistryError::Unknown(_))
        ));
        assert_eq!(registry.schema(2).unwrap().text, "\"long\"");
        registry.set_away(true);
        assert!(matches!(registry.schema(2), Err(RegistryError::Away(_))));
    }
}
