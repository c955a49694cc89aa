//! Codecs: what the bytes of a key or value stand for.
//!
//! | codec | bytes | in expressions |
//! | --- | --- | --- |
//! | `json` | a JSON document; written in canonical form | the document |
//! | `string` | UTF-8, as Kafka's `StringSerializer` | a text; numbers and booleans are written as their text |
//! | `int32`, `int64` | 4 or 8 bytes, big-endian, as `IntegerSerializer` and `LongSerializer` | a whole number |
//! | `double` | 8 bytes, IEEE 754, big-endian, as `DoubleSerializer` | a number |
//! | `raw` | any bytes, as `ByteArraySerializer` | a text of one character a byte, U+0000 to U+00FF |
//!
//! Invariants:
//! - what is decoded and encoded again is the same bytes, for all but `json` (which is the same document);
//! - a number is never changed to fit: one that is out of range, has a fraction or more digits than there is room for is an error;
//! - `null` is `json`'s alone: no other codec writes it, and none writes a record without a value;
//! - a message says what was found by type and size, never by value.

mod format;
mod framing;
mod known;
mod read;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use format::{ENCODINGS, Encoding, Format, Schemas, Side};
pub use read::{read, read_value};
pub use reader::{DecodeError, Reader};
pub use writer::{Choice, ChoiceError, Writer};

use crate::record::Key;
use crate::registry::RegistryError;
use crate::value::{Exact, SecretNames, Value, exact, parse, write};
use bumpalo::Bump;

/// How bytes become a value, and a value bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codec {
    #[default]
    Json,
    String,
    Raw,
    Int32,
    Int64,
    Double,
}

/// The codecs of a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codecs {
    /// `None`: nobody looks at keys; they pass as they are, and are text where an expression asks.
    pub key: Option<Codec>,
    pub value: Codec,
}

/// What can't be decoded or encoded, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(String);

impl From<RegistryError> for CodecError {
    fn from(error: RegistryError) -> Self {
        Self(error.to_string())
    }
}

/// Every codec by its name in YAML.
pub const NAMES: [(&str, Codec); 6] = [
    ("json", Codec::Json),
    ("string", Codec::String),
    ("raw", Codec::Raw),
    ("int32", Codec::Int32),
    ("int64", Codec::Int64),
    ("double", Codec::Double),
];

impl Codec {
    pub fn name(self) -> &'static str {
        let named = NAMES.iter().find(|(_, codec)| *codec == self);
        named.map_or("", |(name, _)| name)
    }

    /// The value of some bytes, borrowed from them where that is possible.
    ///
    /// # Errors
    /// Bytes that are none of this codec's.
    pub fn decode<'a>(self, bytes: &'a [u8], arena: &'a Bump) -> Result<Value<'a>, CodecError> {
        match self {
            Codec::Json => parse(bytes, arena).map_err(|error| CodecError(format!("not JSON: {error}"))),
            Codec::String => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Value::String(text)),
                Err(error) => Err(CodecError(format!("not UTF-8 from byte {}", error.valid_up_to()))),
            },
            Codec::Raw => Ok(Value::String(characters(bytes, arena))),
            Codec::Int32 => Ok(shown(i32::from_be_bytes(self.sized(bytes)?), arena)),
            Codec::Int64 => Ok(shown(i64::from_be_bytes(self.sized(bytes)?), arena)),
            Codec::Double => {
                let number = f64::from_be_bytes(self.sized(bytes)?);
                if !number.is_finite() {
                    return Err(CodecError(format!(
                        "a double that is {number} is no number of a document"
                    )));
                }
                // as it is debugged, so that 1.0 stays a double, and in as few digits as keep it whole
                Ok(Value::Number(arena.alloc_str(&format!("{number:?}"))))
            }
        }
    }

    /// Appends the bytes of a value to `out`; members with a secret name are left out of a document.
    ///
    /// # Errors
    /// A value that this codec has no bytes for; `out` is as it was.
    pub fn encode(self, value: &Value<'_>, secrets: &SecretNames, out: &mut Vec<u8>) -> Result<(), CodecError> {
        match (self, value) {
            (Codec::Json, value) => write(value, secrets, out),
            (Codec::String, Value::String(text) | Value::Number(text)) => out.extend_from_slice(text.as_bytes()),
            (Codec::String, Value::Bool(flag)) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
            (Codec::Raw, Value::String(text)) => {
                let start = out.len();
                for character in text.chars() {
                    let Ok(byte) = u8::try_from(character) else {
                        out.truncate(start);
                        let why = "the text has characters beyond U+00FF, and `raw` writes one byte a character";
                        return Err(CodecError(why.to_owned()));
                    };
                    out.push(byte);
                }
            }
            (Codec::Int32, Value::Number(text)) => {
                let number = i32::try_from(self.integer(text)?).map_err(|_| self.beyond())?;
                out.extend_from_slice(&number.to_be_bytes());
            }
            (Codec::Int64, Value::Number(text)) => out.extend_from_slice(&self.integer(text)?.to_be_bytes()),
            (Codec::Double, Value::Number(text)) => out.extend_from_slice(&double(text)?.to_be_bytes()),
            (codec, value) => {
                let needed = match codec {
                    Codec::Json | Codec::String | Codec::Raw => "a text",
                    Codec::Int32 | Codec::Int64 => "a whole number",
                    Codec::Double => "a number",
                };
                let (name, found) = (codec.name(), value.type_name());
                return Err(CodecError(format!(
                    "`{name}` needs {needed}, and this is of type {found}"
                )));
            }
        }
        Ok(())
    }

    fn sized<const N: usize>(self, bytes: &[u8]) -> Result<[u8; N], CodecError> {
        bytes.try_into().map_err(|_| {
            let found = bytes.len();
            CodecError(format!("`{}` has {N} bytes, and here are {found}", self.name()))
        })
    }

    fn integer(self, text: &str) -> Result<i64, CodecError> {
        /// Up to here doubles have every whole number.
        const WHOLE: f64 = 9_007_199_254_740_992.0;
        match exact(text) {
            Some(Exact::Int(number)) => Ok(number),
            Some(Exact::Double(number)) if number.fract() != 0.0 => Err(CodecError(format!(
                "`{}` needs a whole number, and this one has a fraction",
                self.name()
            ))),
            Some(Exact::Double(number)) if number.abs() <= WHOLE => Ok(number as i64),
            _ => Err(self.beyond()),
        }
    }

    fn beyond(self) -> CodecError {
        CodecError(format!("the number is beyond the range of `{}`", self.name()))
    }
}

impl Codecs {
    /// A key as it was read.
    ///
    /// # Errors
    /// As [`Codec::decode`].
    pub fn decode_key<'a>(self, bytes: &'a [u8], arena: &'a Bump) -> Result<Key<'a>, CodecError> {
        let value = self.key.map(|codec| codec.decode(bytes, arena)).transpose()?;
        Ok(Key { bytes, value })
    }

    /// Appends the bytes of a key to `out`.
    ///
    /// # Errors
    /// As [`Codec::encode`].
    pub fn encode_key(self, key: &Key<'_>, secrets: &SecretNames, out: &mut Vec<u8>) -> Result<(), CodecError> {
        match (self.key, key.value()) {
            (None, _) => out.extend_from_slice(key.bytes),
            (Some(Codec::Raw), _) if key.value.is_none() => out.extend_from_slice(key.bytes),
            (Some(codec), Some(value)) => codec.encode(&value, secrets, out)?,
            (Some(codec), None) => {
                let why = format!(
                    "the key is not UTF-8, and no codec says what it is, so it can't be a `{}`",
                    codec.name()
                );
                return Err(CodecError(why));
            }
        }
        Ok(())
    }
}

fn shown<'a>(number: impl ToString, arena: &'a Bump) -> Value<'a> {
    Value::Number(arena.alloc_str(&number.to_string()))
}

/// One character a byte.
fn characters<'a>(bytes: &'a [u8], arena: &'a Bump) -> &'a str {
    if bytes.is_ascii()
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return text;
    }
    let text = bumpalo::collections::String::from_iter_in(bytes.iter().map(|byte| char::from(*byte)), arena);
    text.into_bump_str()
}

fn double(text: &str) -> Result<f64, CodecError> {
    let number = match exact(text) {
        Some(Exact::Double(number)) => Some(number),
        Some(Exact::Int(number)) => Some(number as f64).filter(|double| *double as i128 == i128::from(number)),
        Some(Exact::Uint(number)) => Some(number as f64).filter(|double| *double as i128 == i128::from(number)),
        None => None,
    };
    number.ok_or_else(|| CodecError("the number has more digits than a `double` keeps".to_owned()))
}
