//! What is written here `apache-avro` reads as the same, and the other way round.

use super::evolution::several_named;
use super::random::{Type, expected, types};
use super::{decode, schema};
use crate::schema::avro::{AvroSchema, Decoder};
use crate::schema::json::JsonSchema;
use crate::value::{SecretNames, Value, parse, same_number, to_text};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use bumpalo::Bump;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

pub fn their_bytes(schema: &Schema, value: Avro) -> Vec<u8> {
    let writer = GenericDatumWriter::builder(schema).build().unwrap();
    writer.write_value_to_vec(value).unwrap()
}

pub fn their_value(writer: &Schema, reader: Option<&Schema>, bytes: &[u8]) -> Avro {
    let builder = GenericDatumReader::builder(writer).maybe_reader_schema(reader);
    builder.build().unwrap().read_value(&mut &bytes[..]).unwrap()
}

pub fn typed() -> impl Strategy<Value = (Type, Avro)> {
    types().prop_flat_map(|of| {
        let values = of.values();
        (Just(of), values)
    })
}

pub fn canonical(json: &Json) -> String {
    let arena = Bump::new();
    to_text(&parse(json.to_string().as_bytes(), &arena).unwrap())
}

fn encoded(schema: &AvroSchema, json: &Json) -> Vec<u8> {
    super::encode(schema, &json.to_string()).unwrap_or_else(|error| panic!("{}: {json}: {error}", schema.text()))
}

/// The same but for how numbers are written.
fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => same_number(&one.to_string(), &other.to_string()),
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, one)| other.get(name).is_some_and(|other| same(one, other)))
        }
        (one, other) => one == other,
    }
}

fn mutated(bytes: &[u8]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let bytes = bytes.to_vec();
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4);
    prop::collection::vec(change, 1..4).prop_map(move |changes| {
        let mut bytes = bytes.clone();
        for (at, byte, how) in changes {
            let index = at.index(bytes.len() + 1);
            match how {
                0 => bytes.insert(index, byte),
                1 => bytes.truncate(index),
                _ if index < bytes.len() => bytes[index] = byte,
                _ => bytes.push(byte),
            }
        }
        bytes
    })
}

/// Any bytes are taken or refused, at a price within bounds; and what is taken is written and read again as it is.
fn taken_or_refused(schema: &AvroSchema, bytes: &[u8]) {
    let decoder = Decoder::new(schema, schema).unwrap();
    let arena = Bump::new();
    let decoded = decoder.decode(bytes, &arena);
    // as many values as may come of nothing, of 40 bytes each with its name, and as the arena grows by doubling
    let bound = (100_000 + 16 * bytes.len()) * 40 * 4;
    assert!(
        arena.allocated_bytes() < bound,
        "{} of {}",
        arena.allocated_bytes(),
        bytes.len()
    );
    if let Ok(value) = decoded {
        let mut out = Vec::new();
        let written = schema.encode(&value, &SecretNames::default(), &mut out);
        assert_eq!(written, Ok(()), "{} {}", schema.text(), to_text(&value));
        let again: Json = serde_json::from_str(&decode(schema, &out).unwrap()).unwrap();
        assert!(same(&again, &serde_json::from_str(&to_text(&value)).unwrap()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_library_writes_is_read((of, value) in typed()) {
        let text = of.schema().to_string();
        let (ours, theirs) = (schema(&text), Schema::parse_str(&text).unwrap());
        let bytes = their_bytes(&theirs, value.clone());
        // serde_json writes a plus before an exponent
        let plain = |text: String| text.replace("e+", "e");
        prop_assert_eq!(plain(decode(&ours, &bytes).unwrap()), plain(canonical(&expected(&value))), "{}", text);
    }

    #[test]
    fn what_is_written_the_library_reads((of, value) in typed()) {
        // `{}` is a value of each of two records whose members may be null: written is the first, which has them.
        prop_assume!(!several_named(&of.schema()));
        let text = of.schema().to_string();
        let (ours, theirs) = (schema(&text), Schema::parse_str(&text).unwrap());
        let json = expected(&value);
        let bytes = encoded(&ours, &json);
        let read = their_value(&theirs, None, &bytes);
        prop_assert!(same(&expected(&read), &json), "{} {:?} {}", text, read, json);
        let again = decode(&ours, &bytes).unwrap();
        prop_assert!(same(&serde_json::from_str(&again).unwrap(), &json), "{} {} {}", text, again, json);
    }

    #[test]
    fn the_schema_written_as_text_is_the_same_schema((of, value) in typed()) {
        let ours = schema(&of.schema().to_string());
        let again = schema(ours.text());
        prop_assert_eq!(again.text(), ours.text());
        let json = expected(&value);
        prop_assert_eq!(encoded(&ours, &json), encoded(&again, &json));
    }

    #[test]
    fn broken_schemas_are_taken_or_refused(
        text in types().prop_flat_map(|of| mutated(of.schema().to_string().as_bytes()))
    ) {
        let text = String::from_utf8_lossy(&text);
        if let Ok(of) = AvroSchema::parse(&text, &[]) {
            prop_assert!(AvroSchema::parse(of.text(), &[]).is_ok(), "{}", of.text());
            prop_assert!(Decoder::new(&of, &of).is_ok(), "{}", of.text());
        }
    }

    #[test]
    fn any_bytes_are_taken_or_refused_within_bounds(of in types(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        taken_or_refused(&schema(&of.schema().to_string()), &bytes);
    }

    #[test]
    fn broken_bytes_are_taken_or_refused_within_bounds(
        (of, bytes) in typed().prop_flat_map(|(of, value)| {
            let theirs = Schema::parse_str(&of.schema().to_string()).unwrap();
            let bytes = their_bytes(&theirs, value);
            (Just(of), mutated(&bytes))
        })
    ) {
        taken_or_refused(&schema(&of.schema().to_string()), &bytes);
    }

    #[test]
    fn a_json_schema_takes_what_the_schema_takes(
        (of, value) in typed(), other in typed(), at in any::<prop::sample::Index>(), change in changes()
    ) {
        let ours = schema(&of.schema().to_string());
        let derived = ours.to_json_schema();
        let json_schema = JsonSchema::of("derived", &derived).unwrap_or_else(|why| panic!("{derived}: {why}"));
        let value = expected(&value);
        for json in [value.clone(), expected(&other.1), changed(&value, at.index(parts(&value)), &change)] {
            let arena = Bump::new();
            let value: Value<'_> = parse(arena.alloc_str(&json.to_string()).as_bytes(), &arena).unwrap();
            let by_avro = ours.check(&value, &SecretNames::default());
            let by_json = json_schema.check(&value, &arena).map_err(|reasons| reasons.into_iter().map(|reason| reason.message).collect::<Vec<_>>());
            let of_precision = |error: &crate::schema::avro::AvroError| error.message.contains("than the type keeps");
            match (&by_avro, &by_json) {
                (Ok(()), Ok(())) | (Err(_), Err(_)) => {}
                // what JSON Schema has no words for
                (Err(error), Ok(())) if of_precision(error) || ambiguous(&of) => {}
                (Err(error), Ok(())) if ours.text().contains("-nanos") && is_beyond_nanoseconds(json.pointer(error.at.trim_end_matches('/'))) => {}
                _ => prop_assert!(false, "{} {json}: {by_avro:?} {by_json:?} {derived}", ours.text()),
            }
        }
    }
}

/// A time that as nanoseconds since 1970 is no 64-bit number: those go from 1677 to 2262, and JSON Schema knows no range of times.
fn is_beyond_nanoseconds(value: Option<&Json>) -> bool {
    let time = value.and_then(Json::as_str).filter(|text| text.contains(['T', 't']));
    let year = time.and_then(|text| text.get(..4)?.parse::<u32>().ok());
    year.is_some_and(|year| !(1678..=2261).contains(&year))
}

/// Whether a refusal for precision may be hidden in one of a union.
fn ambiguous(of: &Type) -> bool {
    match of {
        Type::Union(_) => true,
        Type::Array(of) | Type::Map(of) => ambiguous(of),
        Type::Record(of) => of.iter().any(ambiguous),
        _ => false,
    }
}

/// Values that something in a document may become.
fn changes() -> impl Strategy<Value = Json> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(0.5),
        json!(3_000_000_000u32),
        json!(""),
        json!("abc"),
        json!("Ā"),
        json!("ONE"),
        json!("2024-02-29"),
        json!("0000-01-01"),
        json!("2024-13-01"),
        json!("24:00:00"),
        json!("12:00:00.5"),
        json!("2024-02-29T12:00:00Z"),
        json!("2024-02-29t12:00:00.25+23:59"),
        json!("2024-02-29T12:00:00"),
        json!([]),
        json!([null]),
        json!({}),
        json!({"f0": 1}),
    ])
}

fn parts(json: &Json) -> usize {
    match json {
        Json::Array(elements) => 1 + elements.iter().map(parts).sum::<usize>(),
        Json::Object(members) => 1 + members.values().map(parts).sum::<usize>(),
        _ => 1,
    }
}

/// With one of the parts changed.
fn changed(json: &Json, mut index: usize, change: &Json) -> Json {
    let mut json = json.clone();
    fn walk(json: &mut Json, index: &mut usize, change: &Json) {
        if *index == 0 {
            *json = change.clone();
        }
        *index = index.wrapping_sub(1);
        match json {
            Json::Array(elements) => elements.iter_mut().for_each(|element| walk(element, index, change)),
            Json::Object(members) => members.values_mut().for_each(|member| walk(member, index, change)),
            _ => {}
        }
    }
    walk(&mut json, &mut index, change);
    json
}
