//! One dead letter, decoded as its topic's format reads it, where it can be.

use crate::codec::{DecodeError, Reader};
use crate::dead_letter::Letter;
use crate::registry::{HttpRegistry, NoRegistry, Registry};
use crate::topology::Topology;
use crate::value::{SecretNames, write};
use bumpalo::Bump;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// The record has no value.
    Nothing,
    Value {
        /// The encoding that it was read by.
        by: &'static str,
        /// JSON, without secrets.
        json: String,
        /// Whether there was any secret.
        withheld: bool,
    },
    /// Why it can't be read: it is none of its format, its format is not known, or the registry is away.
    Not(String),
}

/// Reads values as the topics that they came from have them.
pub struct Readers {
    topics: BTreeMap<String, Reader>,
    secrets: SecretNames,
}

impl Readers {
    /// # Errors
    /// A schema or registry that can't be used.
    pub fn new(topology: &Topology) -> Result<Self, String> {
        let registry: Arc<dyn Registry> = match &topology.schema_registry {
            Some(settings) => Arc::new(HttpRegistry::new(settings).map_err(|error| error.to_string())?),
            None => Arc::new(NoRegistry),
        };
        let sources = topology.sources.iter().map(|source| (&source.topic, &source.format));
        let tables = topology.tables.iter().map(|table| (&table.topic, &table.format));
        let mut topics = BTreeMap::new();
        for (topic, format) in sources.chain(tables) {
            let reader = Reader::new(format, &registry).map_err(|error| format!("{topic}: {error}"))?;
            topics.insert(topic.clone(), reader);
        }
        for through in topology.processors.iter().filter_map(|node| node.definition.through()) {
            topics.insert(through.topic, Reader::plain(through.codec));
        }
        Ok(Self {
            topics,
            secrets: topology.secrets.clone(),
        })
    }

    pub fn read(&self, letter: &Letter<'_>) -> Decoded {
        let Some(bytes) = letter.value else {
            return Decoded::Nothing;
        };
        let topic = letter.source.map_or("", |source| source.topic);
        let Some(reader) = self.topics.get(topic) else {
            return Decoded::Not(
                "it came from no topic that this topology reads, so its format is not known".to_owned(),
            );
        };
        let arena = Bump::new();
        let by = reader.value_name();
        match reader.value(bytes, &arena) {
            Ok(value) => {
                let json = |secrets: &SecretNames| {
                    let mut out = Vec::new();
                    write(&value, secrets, &mut out);
                    // What was written is made of `str`s and ASCII.
                    String::from_utf8(out).unwrap_or_default()
                };
                let without = json(&self.secrets);
                Decoded::Value {
                    by,
                    withheld: json(&SecretNames::default()).len() != without.len(),
                    json: without,
                }
            }
            Err(DecodeError::Wrong(error)) => Decoded::Not(format!("it can't be read as `{by}`: {error}")),
            Err(DecodeError::Away(error)) => Decoded::Not(format!("it can't be read as `{by}` now: {error}")),
        }
    }

    /// Whether a header's value may not be shown.
    pub fn withholds(&self, header: &str) -> bool {
        self.secrets.contains(header)
    }
}
