//! The format of a topic: how its keys and values are written, and which schemas they match. As the topology says it: which ids a
//! registry has for the schemas is known only when it runs.

use super::{Codec, Codecs};
use crate::expression::Expression;
use crate::registry::Subject;
use crate::schema::Schema;

/// How the bytes of a key or value are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// By a codec that needs no schema; a document may have to match one all the same.
    Plain(Codec),
    /// Avro's binary encoding, framed with the id of the writer's schema in the registry.
    Avro,
    /// Avro's binary encoding of the one schema that the topology names.
    AvroRaw,
    /// JSON, framed with the id of its JSON Schema in the registry.
    JsonSchema,
}

/// Every encoding by its name in YAML.
pub const ENCODINGS: [(&str, Encoding); 9] = [
    ("json", Encoding::Plain(Codec::Json)),
    ("json_schema", Encoding::JsonSchema),
    ("avro", Encoding::Avro),
    ("avro_raw", Encoding::AvroRaw),
    ("string", Encoding::Plain(Codec::String)),
    ("raw", Encoding::Plain(Codec::Raw)),
    ("int32", Encoding::Plain(Codec::Int32)),
    ("int64", Encoding::Plain(Codec::Int64)),
    ("double", Encoding::Plain(Codec::Double)),
];

/// The schemas that a key or value may match.
#[derive(Clone, Debug, Default)]
pub enum Schemas {
    #[default]
    None,
    One(Schema),
    /// The one that an expression names.
    By(Expression, Vec<(String, Schema)>),
}

/// Of a key or a value.
#[derive(Clone, Debug)]
pub struct Side {
    pub encoding: Encoding,
    pub schemas: Schemas,
}

/// Of a topic.
#[derive(Clone, Debug, Default)]
pub struct Format {
    /// `None`: nobody looks at keys; they pass as they are, and are text where an expression asks.
    pub key: Option<Side>,
    pub value: Side,
    pub subject: Subject,
}

impl Encoding {
    pub fn name(self) -> &'static str {
        let named = ENCODINGS.iter().find(|(_, encoding)| *encoding == self);
        named.map_or("", |(name, _)| name)
    }

    /// Whether a schema's id in the registry stands before the bytes.
    pub fn is_framed(self) -> bool {
        matches!(self, Encoding::Avro | Encoding::JsonSchema)
    }

    /// The codec that needs no schema.
    pub fn plain(self) -> Option<Codec> {
        match self {
            Encoding::Plain(codec) => Some(codec),
            _ => None,
        }
    }
}

impl Schemas {
    pub fn iter(&self) -> impl Iterator<Item = &Schema> {
        let (one, several) = match self {
            Schemas::None => (None, &[][..]),
            Schemas::One(schema) => (Some(schema), &[][..]),
            Schemas::By(_, schemas) => (None, schemas.as_slice()),
        };
        one.into_iter().chain(several.iter().map(|(_, schema)| schema))
    }
}

impl Default for Side {
    fn default() -> Self {
        Codec::default().into()
    }
}

impl From<Codec> for Side {
    fn from(codec: Codec) -> Self {
        Self {
            encoding: Encoding::Plain(codec),
            schemas: Schemas::None,
        }
    }
}

impl From<Codecs> for Format {
    fn from(codecs: Codecs) -> Self {
        Self {
            key: codecs.key.map(Side::from),
            value: codecs.value.into(),
            subject: Subject::default(),
        }
    }
}

impl Format {
    /// Its key and its value.
    pub fn sides(&self) -> impl Iterator<Item = (bool, &Side)> {
        let key = self.key.iter().map(|side| (true, side));
        key.chain([(false, &self.value)])
    }

    /// Whether it can't be read or written without the registry.
    pub fn needs_registry(&self) -> bool {
        self.sides().any(|(_, side)| side.encoding.is_framed())
    }

    /// As what was written in it is read back: with the writer's schema, whichever it was.
    #[must_use]
    pub fn as_written(&self) -> Self {
        let written = |side: &Side| match &side.schemas {
            Schemas::One(_) if side.encoding == Encoding::AvroRaw => side.clone(),
            _ => Side {
                encoding: side.encoding,
                schemas: Schemas::None,
            },
        };
        Self {
            key: self.key.as_ref().map(written),
            value: written(&self.value),
            subject: self.subject,
        }
    }

    /// As somebody else may write it: documents that need not match a schema do not.
    #[must_use]
    pub fn unchecked(&self) -> Self {
        let unchecked = |side: &Side| side.encoding.plain().map_or_else(|| side.clone(), Side::from);
        Self {
            key: self.key.as_ref().map(unchecked),
            value: unchecked(&self.value),
            subject: self.subject,
        }
    }

    /// The codec of keys that needs no schema; none, where nobody looks at keys.
    pub fn key_codec(&self) -> Option<Codec> {
        self.key.as_ref().and_then(|side| side.encoding.plain())
    }
}
