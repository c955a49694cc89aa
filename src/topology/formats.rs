//! Formats in YAML: `codec`, `schema` and `subject` of a source, a table or a sink.
//!
//! ```yaml
//! codec: avro                                     # or {key: string, value: avro}
//! schema: schemas/order.avsc                      # or {key: FILE, value: FILE}
//! schema: {by: = event.type, of: {OrderPlaced: schemas/placed.avsc, OrderPaid: schemas/paid.avsc}}
//! subject: topic_record
//! ```

use super::draft::Draft;
use super::expressions::{expression, without_secrets};
use super::parts::Parts;
use crate::codec::{Codec, ENCODINGS, Encoding, Format, Schemas, Side};
use crate::registry::STRATEGIES;
use crate::schema::Schema;
use crate::yaml::{self, Fields, Kind, Mistakes, Node, Place, map_of, text, word};

/// What is done with records of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A source: its schema is the shape that values are to have.
    Read,
    /// A table: as a source, but its keys are looked up by their bytes.
    LookUp,
    /// A sink: what leaves must match its schema.
    Write,
}

/// Reads the keys of a format. `None`: something was wrong with them.
pub(super) fn read(fields: &mut Fields<'_>, used: Use, parts: &Parts<'_>) -> Option<Format> {
    let codec_place = fields.key_place("codec").clone();
    let (mut codec_given, mut schema_place) = (false, None);
    let encodings = fields.optional("codec", |node, mistakes| {
        codec_given = true;
        encodings(node, mistakes)
    });
    let schemas = fields.optional("schema", |node, mistakes| {
        schema_place = Some(node.place.clone());
        schemas(node, used, parts, mistakes)
    });
    let subject = match used {
        Use::Write => fields.optional("subject", word(&STRATEGIES)),
        Use::Read | Use::LookUp => None,
    };
    let subject_place = fields.key_place("subject").clone();
    if (codec_given && encodings.is_none()) || (schema_place.is_some() && schemas.is_none()) {
        return None;
    }
    let (key, value) = encodings.unwrap_or((None, None));
    let (key_schemas, value_schemas) = schemas.unwrap_or_default();
    let place = schema_place.as_ref().unwrap_or(&codec_place);
    let key = match key {
        None if key_schemas.iter().next().is_some() => {
            let help = "add `codec: {key: avro}`, or leave the key's schema out";
            fields.wrong(place, "the key has a schema and no codec", help);
            return None;
        }
        None => None,
        Some(encoding) => Some(side(encoding, key_schemas, used, place, fields.mistakes)?),
    };
    if let (Use::LookUp, Some(key)) = (used, &key)
        && key.encoding.plain().is_none()
    {
        let help = "give keys a codec that needs no schema: string, int32, int64, raw, json";
        let message = format!("a table's keys can't be `{}`", key.encoding.name());
        fields.wrong(&codec_place, message, help);
        return None;
    }
    let value = value.unwrap_or(Encoding::Plain(Codec::default()));
    let format = Format {
        key,
        value: side(value, value_schemas, used, place, fields.mistakes)?,
        subject: subject.unwrap_or_default(),
    };
    if subject.is_some() && format.sides().all(|(_, side)| side.schemas.iter().next().is_none()) {
        let help = "remove it, or say with `schema` what is to be found under it";
        fields.wrong(&subject_place, "what has no schema has no subject", help);
        return None;
    }
    if format.needs_registry()
        && format.subject.needs_name()
        && let Some(nameless) = format
            .sides()
            .flat_map(|(_, side)| side.schemas.iter())
            .find(|schema| schema.record().is_none())
    {
        let message = format!(
            "the schema `{}` has no name, and its subject needs one",
            nameless.file()
        );
        fields.wrong(
            place,
            message,
            "give it a `title` (JSON Schema), make it a record (Avro), or write `subject: topic`",
        );
        return None;
    }
    Some(format)
}

/// What is framed with a schema's id needs a registry.
pub(super) fn check(draft: &Draft<'_>, mistakes: &mut Mistakes) {
    if draft.schema_registry.is_some() {
        return;
    }
    let sources = draft
        .sources
        .iter()
        .map(|source| (source.key, source.item.as_ref().map(|item| &item.format)));
    let tables = draft
        .tables
        .iter()
        .map(|table| (table.key, table.item.as_ref().map(|item| &item.format)));
    let sinks = draft.sinks.iter().map(|sink| (sink.key, sink.format.as_ref()));
    for (key, format) in sources.chain(tables).chain(sinks) {
        let framed = format
            .into_iter()
            .flat_map(Format::sides)
            .find(|(_, side)| side.encoding.is_framed());
        if let Some((_, side)) = framed {
            let message = format!("`codec: {}` needs a schema registry", side.encoding.name());
            let help =
                "add `schema_registry: {url: https://registry:8081}` to the topology, or use `avro_raw` or `json`";
            mistakes.add(&key.place, message, help);
        }
    }
}

type Encodings = (Option<Encoding>, Option<Encoding>);

/// `avro`, or `{key: string, value: avro}`.
fn encodings(node: &Node, mistakes: &mut Mistakes) -> Option<Encodings> {
    if !matches!(node.kind, Kind::Map(_)) {
        return Some((None, Some(word(&ENCODINGS)(node, mistakes)?)));
    }
    let mut fields = Fields::of("a codec", &node.place, node, mistakes)?;
    let key = fields.optional("key", word(&ENCODINGS));
    let value = fields.optional("value", word(&ENCODINGS));
    let right = node.get("key").is_some() == key.is_some() && node.get("value").is_some() == value.is_some();
    fields.finish();
    right.then_some((key, value))
}

/// Of the key and of the value.
fn schemas(node: &Node, used: Use, parts: &Parts<'_>, mistakes: &mut Mistakes) -> Option<(Schemas, Schemas)> {
    let is_choice = node.get("by").is_some() || node.get("of").is_some();
    if is_choice || !matches!(node.kind, Kind::Map(_)) {
        return Some((Schemas::None, choice(node, used, parts, mistakes)?));
    }
    let mut fields = Fields::of("a schema", &node.place, node, mistakes)?;
    let key = fields.optional("key", |node, mistakes| file(node, parts, mistakes).map(Schemas::One));
    let value = fields.optional("value", |node, mistakes| choice(node, used, parts, mistakes));
    let right = node.get("key").is_some() == key.is_some() && node.get("value").is_some() == value.is_some();
    fields.finish();
    right.then(|| (key.unwrap_or_default(), value.unwrap_or_default()))
}

/// A file, or `{by: = expression, of: {NAME: FILE}}`.
fn choice(node: &Node, used: Use, parts: &Parts<'_>, mistakes: &mut Mistakes) -> Option<Schemas> {
    if !matches!(node.kind, Kind::Map(_)) {
        return file(node, parts, mistakes).map(Schemas::One);
    }
    let mut fields = Fields::of("a choice of schemas", &node.place, node, mistakes)?;
    let by = fields.required("by", expression(parts.names));
    let of = fields.required("of", map_of(|node, mistakes| file(node, parts, mistakes)));
    if let Some(by) = &by {
        without_secrets(by, parts.secrets, fields.mistakes);
    }
    if used != Use::Write {
        let place = fields.place();
        let help = "name one file: which schema a record was written with is known only once it is read";
        fields.wrong(place, "a schema is chosen where records are written", help);
        return None;
    }
    fields.finish();
    let of: Vec<_> = of?
        .into_iter()
        .map(|(key, schema)| (key.text.clone(), schema))
        .collect();
    if of.is_empty() {
        mistakes.add(
            &node.place,
            "there is no schema to choose from",
            "name each: {of: {NAME: FILE}}",
        );
        return None;
    }
    Some(Schemas::By(by?, of))
}

fn file(node: &Node, parts: &Parts<'_>, mistakes: &mut Mistakes) -> Option<Schema> {
    let name = text(node, mistakes)?;
    yaml::within(parts.folder, &name, &node.place, mistakes)?;
    mistakes.take_one(Schema::load(parts.folder, &name, &node.place))
}

/// An encoding with its schemas, where they go together.
fn side(encoding: Encoding, schemas: Schemas, used: Use, place: &Place, mistakes: &mut Mistakes) -> Option<Side> {
    let name = encoding.name();
    let none = schemas.iter().next().is_none();
    let needed = match encoding {
        Encoding::Plain(_) => false,
        Encoding::AvroRaw => true,
        Encoding::Avro | Encoding::JsonSchema => used == Use::Write,
    };
    // a schema is turned into JSON's only where that is what is registered
    let outside = match encoding {
        Encoding::JsonSchema => leads_outside(&schemas),
        _ => None,
    };
    let (message, help) = match encoding {
        _ if none && needed => (
            format!("`codec: {name}` needs a schema here"),
            "add `schema: FILE`, relative to the topology's folder",
        ),
        Encoding::AvroRaw if matches!(schemas, Schemas::By(..)) => (
            "`codec: avro_raw` has one schema: nobody could tell which a record was written with".to_owned(),
            "write with `codec: avro`, or name one file",
        ),
        Encoding::Plain(codec) if !none && codec != Codec::Json => (
            format!("`codec: {name}` has no schema"),
            "a schema says what a document is like: use `json`, `json_schema` or `avro`, or leave it out",
        ),
        Encoding::Avro | Encoding::AvroRaw if schemas.iter().any(|schema| schema.avro().is_none()) => (
            format!("`codec: {name}` needs an Avro schema, and this is a JSON Schema"),
            "name a file that ends in .avsc",
        ),
        Encoding::JsonSchema if outside.is_some() => (
            format!(
                "what a registry is to know must be one file, and this one refers to `{}`",
                outside.unwrap_or_default()
            ),
            "copy what it refers to into its `$defs`",
        ),
        _ => return Some(Side { encoding, schemas }),
    };
    mistakes.add(place, message, help);
    None
}

/// A reference of one of the schemas to what is not in it.
fn leads_outside(schemas: &Schemas) -> Option<String> {
    schemas.iter().find_map(|schema| schema.to_json_schema().err())
}
