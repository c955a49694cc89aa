//! Reads the keys and values of a topic: its format, at work.

use super::format::{Encoding, Format, Side};
use super::framing::{self, Framed};
use super::known::Known;
use super::{Codec, CodecError, Codecs};
use crate::record::Key;
use crate::registry::{Language, Registered, Registry, RegistryError};
use crate::schema::Schema;
use crate::schema::avro::{AvroSchema, Decoder};
use crate::value::{SecretNames, Value};
use bumpalo::Bump;
use std::sync::Arc;

/// Why bytes were not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They are none of the format, and never will be.
    #[error(transparent)]
    Wrong(#[from] CodecError),
    /// Nobody knows yet: the registry did not answer.
    #[error("{0}")]
    Away(String),
}

/// Reads the records of a topic. Shared by all workers.
pub struct Reader {
    key: Option<Decode>,
    value: Decode,
    value_name: &'static str,
}

enum Decode {
    Plain(Codec),
    /// What a codec gives must match a schema.
    Checked(Codec, Schema),
    Avro {
        /// The shape that values are to have; `None`: the one that they were written in.
        shape: Option<AvroSchema>,
        registry: Arc<dyn Registry>,
        known: Known<Result<Decoder, CodecError>>,
    },
    AvroRaw(Decoder),
    JsonSchema {
        shape: Option<Schema>,
        registry: Arc<dyn Registry>,
        known: Known<Result<(), CodecError>>,
    },
}

impl Reader {
    /// # Errors
    /// A schema that can't be read by.
    pub fn new(format: &Format, registry: &Arc<dyn Registry>) -> Result<Self, CodecError> {
        let key = format.key.as_ref().map(|side| Decode::new(side, registry));
        Ok(Self {
            key: key.transpose()?,
            value: Decode::new(&format.value, registry)?,
            value_name: format.value.encoding.name(),
        })
    }

    /// Of codecs that need no schema.
    pub fn plain(codecs: Codecs) -> Self {
        Self {
            key: codecs.key.map(Decode::Plain),
            value: Decode::Plain(codecs.value),
            value_name: codecs.value.name(),
        }
    }

    /// The name of the value's encoding.
    pub fn value_name(&self) -> &'static str {
        self.value_name
    }

    /// A key as it was read.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn key<'a>(&self, bytes: &'a [u8], arena: &'a Bump) -> Result<Key<'a>, DecodeError> {
        let value = self.key.as_ref().map(|key| key.decode(bytes, arena)).transpose()?;
        Ok(Key { bytes, value })
    }

    /// The value of some bytes, borrowed from them where that is possible.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn value<'a>(&self, bytes: &'a [u8], arena: &'a Bump) -> Result<Value<'a>, DecodeError> {
        self.value.decode(bytes, arena)
    }

    /// Of a table's keys: the bytes that a key is kept under.
    ///
    /// # Errors
    /// A key that the codec has no bytes for.
    pub fn key_bytes(&self, key: &Key<'_>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let codec = match &self.key {
            Some(Decode::Plain(codec)) => Some(*codec),
            _ => None,
        };
        let codecs = Codecs {
            key: codec,
            value: Codec::default(),
        };
        codecs.encode_key(key, &SecretNames::default(), out)
    }

    /// Whether keys are kept as they come.
    pub fn keeps_key_bytes(&self) -> bool {
        self.key.is_none()
    }
}

impl Decode {
    fn new(side: &Side, registry: &Arc<dyn Registry>) -> Result<Self, CodecError> {
        let schema = side.schemas.iter().next().cloned();
        let avro = schema.as_ref().and_then(Schema::avro).cloned();
        let registry = Arc::clone(registry);
        Ok(match (side.encoding, schema) {
            (Encoding::Plain(codec), None) => Self::Plain(codec),
            (Encoding::Plain(codec), Some(schema)) => Self::Checked(codec, schema),
            (Encoding::Avro, _) => Self::Avro {
                shape: avro,
                registry,
                known: Known::default(),
            },
            (Encoding::AvroRaw, _) => {
                let schema = avro.ok_or_else(|| CodecError("`avro_raw` needs an Avro schema".to_owned()))?;
                let decoder = Decoder::new(&schema, &schema);
                Self::AvroRaw(decoder.map_err(|error| CodecError(error.to_string()))?)
            }
            (Encoding::JsonSchema, shape) => Self::JsonSchema {
                shape,
                registry,
                known: Known::default(),
            },
        })
    }

    fn decode<'a>(&self, bytes: &'a [u8], arena: &'a Bump) -> Result<Value<'a>, DecodeError> {
        match self {
            Self::Plain(codec) => Ok(codec.decode(bytes, arena)?),
            Self::Checked(codec, schema) => checked(codec.decode(bytes, arena)?, schema, arena),
            Self::Avro { shape, registry, known } => {
                let Framed { id, body } = framing::read(bytes)?;
                let decoder = match known.get(id) {
                    Some(decoder) => Some(decoder),
                    None => {
                        let written = asked(registry.as_ref(), id)?;
                        known.learn(id, decoder(&written, shape.as_ref()))
                    }
                };
                let decoder = decoder.ok_or_else(lost)?.as_ref().map_err(Clone::clone)?;
                Ok(decoder.decode(body, arena).map_err(|error| not_avro(&error))?)
            }
            Self::AvroRaw(decoder) => Ok(decoder.decode(bytes, arena).map_err(|error| not_avro(&error))?),
            Self::JsonSchema { shape, registry, known } => {
                let Framed { id, body } = framing::read(bytes)?;
                let is_json = match known.get(id) {
                    Some(is_json) => Some(is_json),
                    None => {
                        let written = asked(registry.as_ref(), id)?;
                        known.learn(id, is_json(&written))
                    }
                };
                is_json.ok_or_else(lost)?.as_ref().map_err(Clone::clone)?;
                let value = Codec::Json.decode(body, arena)?;
                match shape {
                    Some(schema) => checked(value, schema, arena),
                    None => Ok(value),
                }
            }
        }
    }
}

/// What comes in is looked at whole: nothing of it is a secret to a schema.
fn checked<'a>(value: Value<'a>, schema: &Schema, arena: &'a Bump) -> Result<Value<'a>, DecodeError> {
    let checked = schema.check(arena.alloc(value), &SecretNames::default(), arena);
    let not = |why| CodecError(format!("not as `{}` says: {why}", schema.file()));
    checked.map_err(not)?;
    Ok(value)
}

/// The schema of an id. That the registry has none, or refuses to say, is the record's fault; that it does not answer is not.
fn asked(registry: &dyn Registry, id: u32) -> Result<Arc<Registered>, DecodeError> {
    registry.schema(id).map_err(|error| match error {
        RegistryError::Unknown(_) => DecodeError::Wrong(CodecError(format!(
            "of schema {id}, which the schema registry does not have"
        ))),
        error @ (RegistryError::Away(_) | RegistryError::Refused(_)) => DecodeError::Away(error.to_string()),
    })
}

fn decoder(written: &Registered, shape: Option<&AvroSchema>) -> Result<Decoder, CodecError> {
    let id = written.id;
    if written.language != Language::Avro {
        return Err(CodecError(format!("of schema {id}, which is not Avro")));
    }
    let references: Vec<&str> = written.references.iter().map(|(_, text)| text.as_str()).collect();
    let unusable = |error| CodecError(format!("of schema {id}, which can't be read by: {error}"));
    let schema = AvroSchema::parse(&written.text, &references).map_err(unusable)?;
    Decoder::new(&schema, shape.unwrap_or(&schema)).map_err(unusable)
}

fn is_json(written: &Registered) -> Result<(), CodecError> {
    match written.language {
        Language::Json => Ok(()),
        _ => Err(CodecError(format!("of schema {}, which is no JSON Schema", written.id))),
    }
}

fn not_avro(error: &crate::schema::avro::AvroError) -> CodecError {
    CodecError(format!("not as its Avro schema says: {error}"))
}

fn lost() -> CodecError {
    CodecError("its schema was learnt and is not known: this is a bug of millstream".to_owned())
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Reader").field(&self.value_name).finish()
    }
}
