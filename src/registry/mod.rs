//! The schema registry: schemas by their id, and ids by subject.
//!
//! A registry speaks Confluent's HTTP API. What a record names by id is asked for once and kept, as an id never changes its meaning.
//!
//! Invariants: an answer that did not come is [`RegistryError::Away`], never [`RegistryError::Unknown`]; addresses and credentials
//! stand in no message.

mod http;
mod level;
pub mod memory;
mod settings;
mod subject;

pub use http::HttpRegistry;
pub use level::Level;
pub use settings::{Auth, Settings, TIMEOUT, Tls};
pub use subject::{STRATEGIES, Subject};

use std::sync::Arc;

/// The language of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    Avro,
    Json,
    Protobuf,
}

/// A schema as the registry has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub id: u32,
    pub language: Language,
    pub text: String,
    /// The texts of all that it refers to, each after what it needs itself, with the names that it refers to them by.
    pub references: Vec<(String, String)>,
}

/// A schema to be found or registered: one text that needs no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    pub language: Language,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No answer, or one that may be another the next time: to be tried again.
    #[error("the schema registry is away: {0}")]
    Away(String),
    /// The registry answered that there is no such schema, id or subject.
    #[error("the schema registry has no {0}")]
    Unknown(String),
    /// The registry answered no, and will again: credentials, an incompatible schema.
    #[error("the schema registry refused it: {0}")]
    Refused(String),
}

/// A schema as a version of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub id: u32,
    pub version: u32,
    pub schema: Declared,
}

/// What the engine and the commands need of a registry. Calls block; whoever calls decides how often to try again.
pub trait Registry: Send + Sync {
    /// The schema of an id: at once if it is known; else it is asked for, once for all who wait.
    ///
    /// # Errors
    /// [`RegistryError`]; that there is no such id is kept for a while too. Credentials that are not taken are [`RegistryError::Away`]:
    /// they say nothing of the id, and may be mended.
    fn schema(&self, id: u32) -> Result<Arc<Registered>, RegistryError>;

    /// The id that a subject gives this very schema.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`]: the subject does not have it.
    fn id(&self, subject: &str, schema: &Declared) -> Result<u32, RegistryError>;

    /// Registers a schema as the newest version of a subject.
    ///
    /// # Errors
    /// [`RegistryError::Refused`]: it is incompatible, or the registry can't read it.
    fn register(&self, subject: &str, schema: &Declared) -> Result<u32, RegistryError>;
}

/// What else those need who look after subjects: which versions there are, and what may follow them.
pub trait Subjects: Registry {
    /// The version of a subject that is this very schema.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`]: the subject does not have it, or is not there.
    fn find(&self, subject: &str, schema: &Declared) -> Result<Version, RegistryError>;

    /// The newest version of a subject.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`]: there is no such subject.
    fn latest(&self, subject: &str) -> Result<Version, RegistryError>;

    /// What the subject asks of a new version; where nobody said it of this subject, what the registry asks of all.
    ///
    /// # Errors
    /// [`RegistryError`].
    fn level(&self, subject: &str) -> Result<Level, RegistryError>;

    /// What a schema would break as the next version of a subject, in the registry's words. Empty: nothing.
    ///
    /// # Errors
    /// [`RegistryError::Refused`]: the registry can't read it.
    fn breaks(&self, subject: &str, schema: &Declared) -> Result<Vec<String>, RegistryError>;
}

/// The registry of a topology that names none.
#[derive(Clone, Copy, Debug)]
pub struct NoRegistry;

impl NoRegistry {
    fn refused<T>() -> Result<T, RegistryError> {
        let why = "the topology has no `schema_registry:`";
        Err(RegistryError::Refused(why.to_owned()))
    }
}

impl Registry for NoRegistry {
    fn schema(&self, _: u32) -> Result<Arc<Registered>, RegistryError> {
        Self::refused()
    }

    fn id(&self, _: &str, _: &Declared) -> Result<u32, RegistryError> {
        Self::refused()
    }

    fn register(&self, _: &str, _: &Declared) -> Result<u32, RegistryError> {
        Self::refused()
    }
}
