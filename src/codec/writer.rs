//! Writes the keys and values of a topic: its format, at work.

use super::format::{Encoding, Format, Schemas, Side};
use super::{Codec, CodecError, Codecs, framing};
use crate::expression::{Expression, ExpressionError, Scope};
use crate::record::Key;
use crate::registry::{Declared, Language, Registry, RegistryError};
use crate::schema::Schema;
use crate::value::{SecretNames, Value};
use bumpalo::Bump;
use std::sync::OnceLock;

/// Writes the records of a topic. Shared by all workers.
#[derive(Debug)]
pub struct Writer {
    key: Option<Encode>,
    value: Encode,
    /// Names one of the value's schemas.
    by: Option<Expression>,
}

#[derive(Debug)]
struct Encode {
    encoding: Encoding,
    /// By name, where there is more than one.
    forms: Vec<(String, Form)>,
}

/// A schema as it is written with.
#[derive(Debug)]
struct Form {
    schema: Schema,
    /// Where it must be registered, and its id once that is known.
    registration: Option<(String, Declared)>,
    id: OnceLock<u32>,
}

/// Which of a topic's schemas a value is written with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice(usize);

/// Why a schema could not be chosen.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    #[error(transparent)]
    Expression(#[from] ExpressionError),
    /// The names that there are.
    #[error("no schema has the name that `schema.by` gives: there is {0}")]
    Unknown(String),
}

impl Writer {
    /// Of a format, in a topic.
    ///
    /// # Errors
    /// A schema that can't be written with, or has no subject.
    pub fn new(format: &Format, topic: &str) -> Result<Self, CodecError> {
        let key = format.key.as_ref().map(|side| Encode::new(side, format, topic, true));
        Ok(Self {
            key: key.transpose()?,
            value: Encode::new(&format.value, format, topic, false)?,
            by: match &format.value.schemas {
                Schemas::By(by, _) => Some(by.clone()),
                _ => None,
            },
        })
    }

    /// Of codecs that need no schema.
    pub fn plain(codecs: Codecs) -> Self {
        let encode = |codec| Encode {
            encoding: Encoding::Plain(codec),
            forms: Vec::new(),
        };
        Self {
            key: codecs.key.map(encode),
            value: encode(codecs.value),
            by: None,
        }
    }

    /// Subjects and what must be registered under them.
    pub fn registrations(&self) -> impl Iterator<Item = &(String, Declared)> {
        self.forms().filter_map(|form| form.registration.as_ref())
    }

    fn forms(&self) -> impl Iterator<Item = &Form> {
        let sides = self.key.iter().chain([&self.value]);
        sides.flat_map(|side| side.forms.iter().map(|(_, form)| form))
    }

    /// Learns the ids of its schemas: registers them where it may, else finds them.
    ///
    /// # Errors
    /// What the registry said; to be called again after [`RegistryError::Away`].
    pub fn prepare(&self, registry: &dyn Registry, register: bool) -> Result<(), RegistryError> {
        for form in self.forms().filter(|form| form.id.get().is_none()) {
            let Some((subject, declared)) = &form.registration else {
                continue;
            };
            let id = if register {
                registry.register(subject, declared)?
            } else {
                registry.id(subject, declared)?
            };
            form.id.get_or_init(|| id);
        }
        Ok(())
    }

    /// The schema for the value of a record.
    ///
    /// # Errors
    /// The expression fails, or names none.
    pub fn choose(&self, scope: &Scope<'_>) -> Result<Choice, ChoiceError> {
        let Some(by) = &self.by else {
            return Ok(Choice::default());
        };
        let name = by.evaluate_text(scope)?;
        let mut names = self.value.forms.iter().map(|(name, _)| name.as_str());
        match name.and_then(|name| names.clone().position(|known| known == name)) {
            Some(position) => Ok(Choice(position)),
            None => Err(ChoiceError::Unknown(names.by_ref().collect::<Vec<_>>().join(", "))),
        }
    }

    /// Whether bytes are what a codec makes of a value, and no schema has a say.
    pub fn is_plain(&self) -> bool {
        self.value.encoding.plain().is_some()
    }

    /// Whether keys are anything but bytes that pass as they are.
    pub fn has_key_codec(&self) -> bool {
        self.key.is_some()
    }

    /// Appends the bytes of a key to `out`.
    ///
    /// # Errors
    /// A key that does not fit; `out` is as it was.
    pub fn key(&self, key: &Key<'_>, secrets: &SecretNames, arena: &Bump, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let Some(encode) = &self.key else {
            out.extend_from_slice(key.bytes);
            return Ok(());
        };
        match encode.encoding.plain() {
            Some(codec) if encode.forms.is_empty() => {
                let codecs = Codecs {
                    key: Some(codec),
                    value: Codec::default(),
                };
                codecs.encode_key(key, secrets, out)
            }
            _ => {
                let why = "the key is not UTF-8, and no codec says what it is, so it has no schema";
                let value = key.value().ok_or_else(|| CodecError(why.to_owned()))?;
                encode.write(&value, Choice::default(), secrets, arena, out)
            }
        }
    }

    /// Appends the bytes of a value to `out`; members with a secret name are left out.
    ///
    /// # Errors
    /// A value that does not fit or does not match its schema; `out` is as it was.
    pub fn value(
        &self,
        value: &Value<'_>,
        choice: Choice,
        secrets: &SecretNames,
        arena: &Bump,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        self.value.write(value, choice, secrets, arena, out)
    }
}

impl Encode {
    fn new(side: &Side, format: &Format, topic: &str, is_key: bool) -> Result<Self, CodecError> {
        let form = |schema: &Schema| -> Result<Form, CodecError> {
            let registration = match registered_as(side.encoding, schema)? {
                None => None,
                Some(declared) => {
                    let subject = format.subject.of(topic, is_key, schema.record());
                    let unnamed = || {
                        let file = schema.file();
                        CodecError(format!("the schema `{file}` has no name, and its subject needs one"))
                    };
                    Some((subject.ok_or_else(unnamed)?, declared))
                }
            };
            Ok(Form {
                schema: schema.clone(),
                registration,
                id: OnceLock::new(),
            })
        };
        let forms = match &side.schemas {
            Schemas::None => Vec::new(),
            Schemas::One(schema) => vec![(String::new(), form(schema)?)],
            Schemas::By(_, schemas) => {
                let named = schemas.iter().map(|(name, schema)| Ok((name.clone(), form(schema)?)));
                named.collect::<Result<_, CodecError>>()?
            }
        };
        Ok(Self {
            encoding: side.encoding,
            forms,
        })
    }

    fn write(
        &self,
        value: &Value<'_>,
        Choice(choice): Choice,
        secrets: &SecretNames,
        arena: &Bump,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let form = self.forms.get(choice).map(|(_, form)| form);
        match (self.encoding, form) {
            (Encoding::Plain(codec), None) => codec.encode(value, secrets, out),
            (Encoding::Plain(codec), Some(form)) => {
                form.check(value, secrets, arena)?;
                codec.encode(value, secrets, out)
            }
            (Encoding::JsonSchema, Some(form)) => {
                form.check(value, secrets, arena)?;
                framing::write(form.id()?, out);
                Codec::Json.encode(value, secrets, out)
            }
            (Encoding::Avro | Encoding::AvroRaw, Some(form)) => {
                let start = out.len();
                if self.encoding.is_framed() {
                    framing::write(form.id()?, out);
                }
                let schema = form.schema.avro().ok_or_else(|| no_schema(self.encoding))?;
                schema.encode(value, secrets, out).map_err(|error| {
                    out.truncate(start);
                    form.mismatch(&error.to_string())
                })
            }
            (encoding, None) => Err(no_schema(encoding)),
        }
    }
}

impl Form {
    fn id(&self) -> Result<u32, CodecError> {
        let why = "the schema's id in the registry is not known yet: this is a bug of millstream";
        self.id.get().copied().ok_or_else(|| CodecError(why.to_owned()))
    }

    fn check(&self, value: &Value<'_>, secrets: &SecretNames, arena: &Bump) -> Result<(), CodecError> {
        self.schema
            .check(value, secrets, arena)
            .map_err(|why| self.mismatch(&why))
    }

    fn mismatch(&self, why: &str) -> CodecError {
        CodecError(format!("it does not match `{}`: {why}", self.schema.file()))
    }
}

/// What a registry is to know of a schema, where anything is framed with its id.
fn registered_as(encoding: Encoding, schema: &Schema) -> Result<Option<Declared>, CodecError> {
    let declared = match encoding {
        Encoding::Plain(_) | Encoding::AvroRaw => return Ok(None),
        Encoding::Avro => Declared {
            language: Language::Avro,
            text: schema.avro().ok_or_else(|| no_schema(encoding))?.text().to_owned(),
        },
        Encoding::JsonSchema => {
            let schema = schema.to_json_schema().map_err(|reference| {
                let file = schema.file();
                CodecError(format!(
                    "the schema `{file}` refers to `{reference}`, and what is registered must be one file"
                ))
            })?;
            Declared {
                language: Language::Json,
                text: schema.to_string(),
            }
        }
    };
    Ok(Some(declared))
}

fn no_schema(encoding: Encoding) -> CodecError {
    CodecError(format!("`{}` needs a schema of its language", encoding.name()))
}
