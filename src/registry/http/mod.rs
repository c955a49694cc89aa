//! A registry over HTTP, by each of its addresses.
//!
//! Invariants: an address that does not answer does not spoil what another one says; an answer is read up to a limit; a request ends
//! by the time that it is given.
//!
//! Deliberately not here: trying again. Whoever asks knows what waits for the answer, and what is to be said meanwhile.

mod address;
mod answer;
mod asking;
mod kept;
#[cfg(test)]
mod tests;

use super::{Declared, Level, Registered, Registry, RegistryError, Settings, Subjects, Version};
use crate::observe::names;
use address::Address;
use asking::Asking;
use kept::Kept;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A schema may be registered after somebody wrote its id; then it is found after this time.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);

/// To be shared by all who need a registry: what one was told, all know. Not to be called from an asynchronous task, as it blocks.
pub struct HttpRegistry {
    addresses: Vec<Arc<Address>>,
    /// The address that answered last is asked first.
    first: AtomicUsize,
    kept: Kept,
    asking: Asking,
}

impl HttpRegistry {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// Files of certificates that can't be read or don't hold what they should, and which.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        Self::forgetting(settings, UNKNOWN_FOR)
    }

    /// As [`Self::new`], where it is not asked again for so long about an id that it did not know.
    fn forgetting(settings: &Settings, unknown_for: Duration) -> Result<Self, String> {
        let addresses = settings
            .urls
            .iter()
            .map(|url| Address::new(url, settings).map(Arc::new));
        Ok(Self {
            addresses: addresses.collect::<Result<_, _>>()?,
            first: AtomicUsize::new(0),
            kept: Kept::new(unknown_for),
            asking: Asking::start()?,
        })
    }

    /// Asks one address after the other until one knows. A copy of a registry may lag behind, so that one does not know is what counts
    /// only if no other does; but it counts more than that another does not answer.
    fn ask<T, F>(&self, request: impl Fn(Arc<Address>) -> F) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RegistryError>> + Send + 'static,
    {
        let count = self.addresses.len();
        let first = self.first.load(Ordering::Relaxed);
        let mut worst = None;
        for at in (0..count).map(|step| (first + step) % count) {
            let Some(address) = self.addresses.get(at) else {
                continue;
            };
            let answer = self.asking.wait(request(Arc::clone(address)));
            names::registry_requests(result_of(&answer)).increment(1);
            match answer {
                Err(RegistryError::Away(why)) => {
                    let why = if count == 1 {
                        why
                    } else {
                        format!("address {} of {count}: {why}", at + 1)
                    };
                    worst.get_or_insert(RegistryError::Away(why));
                }
                Err(unknown @ RegistryError::Unknown(_)) => worst = Some(unknown),
                answer => {
                    self.first.store(at, Ordering::Relaxed);
                    return answer;
                }
            }
        }
        Err(worst.unwrap_or_else(|| RegistryError::Away("it has no address".to_owned())))
    }

    /// Of a subject, where the registry does not know what is asked for.
    fn about<T, F>(
        &self,
        subject: &str,
        what: &str,
        request: impl Fn(Arc<Address>, String) -> F,
    ) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, RegistryError>> + Send + 'static,
    {
        let answer = self.ask(|address| request(address, subject.to_owned()));
        answer.map_err(|error| match error {
            RegistryError::Unknown(_) => RegistryError::Unknown(format!("{what} `{subject}`")),
            other => other,
        })
    }
}

impl Registry for HttpRegistry {
    fn schema(&self, id: u32) -> Result<Arc<Registered>, RegistryError> {
        self.kept.get(id, || {
            let answer = self.ask(|address| async move { address.schema(id).await });
            match answer {
                Ok(schema) => Ok(Arc::new(schema)),
                Err(RegistryError::Unknown(_)) => Err(RegistryError::Unknown(format!("schema {id}"))),
                Err(error) => Err(error),
            }
        })
    }

    fn id(&self, subject: &str, schema: &Declared) -> Result<u32, RegistryError> {
        self.find(subject, schema).map(|version| version.id)
    }

    fn register(&self, subject: &str, schema: &Declared) -> Result<u32, RegistryError> {
        self.about(subject, "subject", |address, subject| {
            let schema = schema.clone();
            async move { address.register(&subject, &schema).await }
        })
    }
}

impl Subjects for HttpRegistry {
    fn find(&self, subject: &str, schema: &Declared) -> Result<Version, RegistryError> {
        let found = self.about(subject, "such schema under the subject", |address, subject| {
            let schema = schema.clone();
            async move { address.find(&subject, &schema).await }
        });
        match found {
            // Apicurio compares texts: another order of members, or other spaces, are the same schema all the same
            Err(RegistryError::Unknown(_)) => match self.latest(subject) {
                Ok(latest) if same(&latest.schema, schema) => Ok(latest),
                Err(error @ RegistryError::Away(_)) => Err(error),
                _ => found,
            },
            found => found,
        }
    }

    fn latest(&self, subject: &str) -> Result<Version, RegistryError> {
        self.about(subject, "subject", |address, subject| async move {
            address.latest(&subject).await
        })
    }

    fn level(&self, subject: &str) -> Result<Level, RegistryError> {
        self.about(
            subject,
            "compatibility for the subject",
            |address, subject| async move { address.level(&subject).await },
        )
    }

    fn breaks(&self, subject: &str, schema: &Declared) -> Result<Vec<String>, RegistryError> {
        self.about(subject, "subject", |address, subject| {
            let schema = schema.clone();
            async move { address.breaks(&subject, &schema).await }
        })
    }
}

/// A label of metrics.
fn result_of<T>(answer: &Result<T, RegistryError>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(RegistryError::Away(_)) => "away",
        Err(RegistryError::Unknown(_)) => "unknown",
        Err(RegistryError::Refused(_)) => "refused",
    }
}

/// Whether two texts are one schema, as JSON.
fn same(one: &Declared, other: &Declared) -> bool {
    let read = |schema: &Declared| serde_json::from_str::<serde_json::Value>(&schema.text).ok();
    one.language == other.language && (one.text == other.text || read(one).is_some_and(|one| Some(one) == read(other)))
}
