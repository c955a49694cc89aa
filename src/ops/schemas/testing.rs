//! A registry in memory that asks for one level, and calls incompatible what a test says.

use super::Wanted;
use crate::registry::{Declared, Language, Level, Registered, Registry, RegistryError, Subjects, Version};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// A text that says `breaks` breaks something, one that says `unreadable` is, one that says `late` is refused in the end.
#[derive(Default)]
pub(crate) struct Fake {
    pub versions: Mutex<Vec<(String, Declared)>>,
    pub level: Option<Level>,
}

impl Fake {
    pub fn of(&self, subject: &str) -> Vec<Version> {
        let versions = self.versions.lock().unwrap();
        let of = versions.iter().enumerate().filter(|(_, (name, _))| name == subject);
        of.enumerate()
            .map(|(version, (id, (_, schema)))| Version {
                id: id as u32 + 1,
                version: version as u32 + 1,
                schema: schema.clone(),
            })
            .collect()
    }
}

impl Registry for Fake {
    fn schema(&self, id: u32) -> Result<Arc<Registered>, RegistryError> {
        Err(RegistryError::Unknown(format!("schema {id}")))
    }

    fn id(&self, subject: &str, schema: &Declared) -> Result<u32, RegistryError> {
        self.find(subject, schema).map(|version| version.id)
    }

    fn register(&self, subject: &str, schema: &Declared) -> Result<u32, RegistryError> {
        if schema.text.contains("late") {
            return Err(RegistryError::Refused("409: too late".to_owned()));
        }
        self.versions.lock().unwrap().push((subject.to_owned(), schema.clone()));
        self.id(subject, schema)
    }
}

impl Subjects for Fake {
    fn find(&self, subject: &str, schema: &Declared) -> Result<Version, RegistryError> {
        if schema.text.contains("unreadable") {
            return Err(RegistryError::Refused("422: it can't be read".to_owned()));
        }
        let found = self.of(subject).into_iter().find(|version| version.schema == *schema);
        found.ok_or_else(|| RegistryError::Unknown("such schema".to_owned()))
    }

    fn latest(&self, subject: &str) -> Result<Version, RegistryError> {
        self.of(subject)
            .pop()
            .ok_or_else(|| RegistryError::Unknown("subject".to_owned()))
    }

    fn level(&self, _: &str) -> Result<Level, RegistryError> {
        Ok(self.level.unwrap_or(Level::None))
    }

    fn breaks(&self, _: &str, schema: &Declared) -> Result<Vec<String>, RegistryError> {
        let breaks = schema.text.contains("breaks");
        Ok(breaks
            .then(|| "something at /fields/0".to_owned())
            .into_iter()
            .collect())
    }
}

pub(crate) fn schema(text: &str) -> Declared {
    Declared {
        language: Language::Json,
        text: text.to_owned(),
    }
}

pub(crate) fn of(subject: &str, text: &str) -> Wanted {
    Wanted {
        subject: subject.to_owned(),
        schema: schema(text),
        sinks: BTreeSet::from(["out".to_owned()]),
    }
}
