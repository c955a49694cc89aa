//! What is read with a later schema than it was written with is what `apache-avro` reads.

use super::oracle::{canonical, their_bytes, their_value, typed};
use super::random::expected;
use super::schema;
use crate::schema::avro::Decoder;
use crate::value::to_text;
use apache_avro::Schema;
use bumpalo::Bump;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Changes a type as people do; `how` chooses among what there is for it.
fn evolve(of: &mut Json, how: u8) {
    let word = of.get("type").unwrap_or(of).as_str().unwrap_or_default().to_owned();
    let plain = of.is_string();
    match (word.as_str(), how % 4) {
        ("int", 0) if plain => *of = json!("long"),
        ("int" | "long" | "float", 1) if plain => *of = json!("double"),
        ("string", 0) if plain => *of = json!("bytes"),
        ("enum", 0) => {
            let symbols = of["symbols"].as_array_mut().unwrap();
            symbols.rotate_left(1);
            symbols.push(json!("OTHER"));
            symbols.remove(0);
            of["default"] = json!("OTHER");
        }
        ("record", 0) => {
            let fields = of["fields"].as_array_mut().unwrap();
            fields.pop();
        }
        ("record", 1) => of["fields"].as_array_mut().unwrap().reverse(),
        ("record", 2) => {
            let fields = of["fields"].as_array_mut().unwrap();
            fields.insert(0, json!({"name": "added", "type": ["string", "null"], "default": "x"}));
        }
        (_, 3) => match of {
            Json::Array(branches) => branches.reverse(),
            of => *of = json!(["null", of]),
        },
        _ => {}
    }
}

/// Changes the types at some places, from within to without. A union in a union is none, so those stay.
fn evolved(of: &mut Json, hows: &mut impl Iterator<Item = u8>, in_union: bool) {
    match of {
        Json::Array(branches) => branches.iter_mut().for_each(|branch| evolved(branch, hows, true)),
        Json::Object(object) => {
            for part in ["items", "values"] {
                if let Some(part) = object.get_mut(part) {
                    evolved(part, hows, false);
                }
            }
            for field in object
                .get_mut("fields")
                .and_then(Json::as_array_mut)
                .into_iter()
                .flatten()
            {
                evolved(&mut field["type"], hows, false);
            }
        }
        _ => {}
    }
    let how = hows.next().unwrap_or(0xff);
    let null = *of == json!("null");
    if how < 8 && !(in_union && (of.is_string() || how % 4 == 3)) && !(null && how % 4 == 3) {
        evolve(of, how);
    }
}

/// Of those the library takes the first, whatever its name; and a map it takes for a record, where there is one.
pub fn several_named(of: &Json) -> bool {
    match of {
        Json::Array(parts) => {
            parts
                .iter()
                .filter(|part| {
                    part.get("symbols")
                        .or(part.get("size"))
                        .or(part.get("fields"))
                        .or(part.get("values"))
                        .is_some()
                })
                .count()
                > 1
                || parts.iter().any(several_named)
        }
        Json::Object(parts) => parts.iter().any(|(key, part)| match (key.as_str(), part) {
            ("fields", Json::Array(fields)) => fields.iter().any(|field| several_named(&field["type"])),
            (_, part) => several_named(part),
        }),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_later_schema_reads_what_the_library_reads_with_it(
        (of, value) in typed(), hows in prop::collection::vec(0u8..16, 24)
    ) {
        let writer = of.schema();
        prop_assume!(!several_named(&writer));
        let mut reader = writer.clone();
        evolved(&mut reader, &mut hows.into_iter(), false);
        let (from, to) = (writer.to_string(), reader.to_string());
        let (their_from, their_to) = (Schema::parse_str(&from).unwrap(), Schema::parse_str(&to).unwrap());
        let bytes = their_bytes(&their_from, value);
        let decoder = Decoder::new(&schema(&from), &schema(&to));
        prop_assert!(decoder.is_ok(), "{} {}: {:?}", from, to, decoder);
        let arena = Bump::new();
        match decoder.unwrap().decode(&bytes, &arena) {
            Ok(value) => {
                let theirs = their_value(&their_from, Some(&their_to), &bytes);
                let plain = |text: String| text.replace("e+", "e");
                prop_assert_eq!(plain(to_text(&value)), plain(canonical(&expected(&theirs))), "{} {}", from, to);
            }
            // what the library changes to fit
            Err(error) => prop_assert!(error.message.contains("has more digits than a"), "{} {}: {}", from, to, error),
        }
    }
}
