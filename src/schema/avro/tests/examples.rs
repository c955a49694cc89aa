//! Each type by example.

use super::{decode, encode, refused_bytes, refused_value, schema};
use crate::schema::avro::{AvroSchema, Decoder};
use crate::value::{SecretNames, Value, parse, to_text};
use bumpalo::Bump;

/// A value that is written, and what is read again; the same where there is one.
fn there_and_back(of: &str, json: &str, read: &str) {
    let schema = schema(of);
    let bytes = encode(&schema, json).unwrap();
    assert_eq!(decode(&schema, &bytes).unwrap(), read, "{of}");
    let check = |json: &str| {
        let arena = Bump::new();
        schema.check(&parse(json.as_bytes(), &arena).unwrap(), &SecretNames::default())
    };
    assert_eq!(check(json), Ok(()));
    assert_eq!(encode(&schema, read).unwrap(), bytes, "{of}");
}

#[test]
fn each_type_is_written_and_read() {
    for (of, json, read) in [
        (r#""null""#, "null", "null"),
        (r#""boolean""#, "true", "true"),
        (r#""int""#, "-2147483648", "-2147483648"),
        (r#""int""#, "1e2", "100"),
        (r#""long""#, "9223372036854775807", "9223372036854775807"),
        (r#""float""#, "0.1", "0.1"),
        (r#""double""#, "-0.30000000000000004", "-0.30000000000000004"),
        (r#""double""#, "1", "1.0"),
        (r#""string""#, r#""größe""#, r#""größe""#),
        (r#""bytes""#, r#""a\u0000ÿ""#, r#""a\u0000ÿ""#),
        (r#"{"type":"fixed","name":"F","size":2}"#, r#""aÿ""#, r#""aÿ""#),
        (r#"{"type":"enum","name":"E","symbols":["A","B"]}"#, r#""B""#, r#""B""#),
        (r#"{"type":"array","items":"int"}"#, "[1,2,3]", "[1,2,3]"),
        (r#"{"type":"array","items":"int"}"#, "[]", "[]"),
        (
            r#"{"type":"map","values":"int"}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"a":1,"b":2}"#,
        ),
        (r#"["null","string"]"#, "null", "null"),
        (r#"["int","long","double","string"]"#, "3000000000", "3000000000"),
        (r#"["int","long","double","string"]"#, "0.5", "0.5"),
        (
            r#"{"type":"int","logicalType":"date"}"#,
            r#""2024-05-22""#,
            r#""2024-05-22""#,
        ),
        (r#"{"type":"int","logicalType":"date"}"#, "0", r#""1970-01-01""#),
        (
            r#"{"type":"int","logicalType":"time-millis"}"#,
            r#""05:58:15.978""#,
            r#""05:58:15.978""#,
        ),
        (
            r#"{"type":"long","logicalType":"time-micros"}"#,
            r#""05:58:15.978001""#,
            r#""05:58:15.978001""#,
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            r#""2024-05-22T07:58:15.978+02:00""#,
            r#""2024-05-22T05:58:15.978Z""#,
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-nanos"}"#,
            "1716357495978000000",
            r#""2024-05-22T05:58:15.978Z""#,
        ),
        (
            r#"{"type":"long","logicalType":"local-timestamp-micros"}"#,
            r#""2024-05-22T05:58:15.978""#,
            r#""2024-05-22T05:58:15.978""#,
        ),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":40,"scale":2}"#,
            "-12.5",
            "-12.50",
        ),
        (
            r#"{"type":{"type":"fixed","name":"F","size":8,"logicalType":"decimal","precision":9,"scale":0}}"#,
            "-129",
            "-129",
        ),
        (
            r#"{"type":"string","logicalType":"uuid"}"#,
            r#""6ba7b810-9dad-11d1-80b4-00c04fd430c8""#,
            r#""6ba7b810-9dad-11d1-80b4-00c04fd430c8""#,
        ),
        (
            r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#,
            r#""6BA7B810-9dad-11d1-80b4-00c04fd430c8""#,
            r#""6ba7b810-9dad-11d1-80b4-00c04fd430c8""#,
        ),
        (
            r#"{"type":"fixed","name":"D","size":12,"logicalType":"duration"}"#,
            r#"{"days":2,"millis":4294967295,"months":1}"#,
            r#"{"days":2,"millis":4294967295,"months":1}"#,
        ),
        // an unknown logical type, and one that does not fit, are none
        (r#"{"type":"int","logicalType":"age"}"#, "5", "5"),
        (r#"{"type":"string","logicalType":"date"}"#, r#""5""#, r#""5""#),
    ] {
        there_and_back(of, json, read);
    }
}

const TREE: &str = r#"{"type":"record","name":"Tree","namespace":"a.b","fields":[
    {"name":"label","type":"string"},
    {"name":"left","type":["null","Tree"],"default":null},
    {"name":"size","type":"int","default":7},
    {"name":"right","type":["null","a.b.Tree"]}]}"#;

#[test]
fn absent_members_are_their_defaults_or_null_and_types_may_lie_in_themselves() {
    there_and_back(
        TREE,
        r#"{"label":"a","left":{"label":"b","right":{"label":"c","size":1}}}"#,
        r#"{"label":"a","left":{"label":"b","left":null,"right":{"label":"c","left":null,"right":null,"size":1},"size":7},"right":null,"size":7}"#,
    );
}

#[test]
fn fields_come_in_the_order_of_the_schema() {
    let schema = schema(TREE);
    let bytes = encode(&schema, r#"{"right":null,"label":"a"}"#).unwrap();
    let arena = Bump::new();
    let value = Decoder::new(&schema, &schema).unwrap().decode(&bytes, &arena).unwrap();
    let names: Vec<&str> = value.as_object().unwrap().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["label", "left", "size", "right"]);
}

#[test]
fn defaults_of_every_type_are_read_as_values() {
    let reader = schema(
        r#"{"type":"record","name":"R","fields":[
        {"name":"b","type":"bytes","default":"\u00ff"},
        {"name":"d","type":{"type":"int","logicalType":"date"},"default":1},
        {"name":"m","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2},"default":"\u0001\u0000"},
        {"name":"l","type":{"type":"array","items":["int","string"]},"default":[1,"x"]},
        {"name":"r","type":{"type":"record","name":"In","fields":[{"name":"x","type":"int","default":3},{"name":"y","type":"float"}]},"default":{"y":1.5}},
        {"name":"u","type":["string","null"],"default":"s"}]}"#,
    );
    let writer = schema(r#"{"type":"record","name":"R","fields":[]}"#);
    let arena = Bump::new();
    let value = Decoder::new(&writer, &reader).unwrap().decode(&[], &arena).unwrap();
    let expected = r#"{"b":"ÿ","d":"1970-01-02","l":[1,"x"],"m":2.56,"r":{"x":3,"y":1.5},"u":"s"}"#;
    assert_eq!(to_text(&value), expected);
    let bytes = encode(&reader, "{}").unwrap();
    assert_eq!(decode(&reader, &bytes).unwrap(), expected);
}

#[test]
fn secrets_count_as_absent_at_any_depth() {
    let schema = schema(
        r#"{"type":"record","name":"R","fields":[
        {"name":"token","type":["null","string"]},
        {"name":"pairs","type":{"type":"array","items":{"type":"record","name":"P","fields":[
            {"name":"key","type":"string"},{"name":"value","type":["null","string"]}]}}},
        {"name":"map","type":{"type":"map","values":"string"}}]}"#,
    );
    let arena = Bump::new();
    let json = r#"{"token":"x","map":{"a":"1","Token":"2"},"pairs":[{"key":"token","value":"y"},{"key":"z","value":"z"}],"TOKEN":3}"#;
    let value = parse(json.as_bytes(), &arena).unwrap();
    let mut bytes = vec![9];
    schema.encode(&value, &SecretNames::new(["token"]), &mut bytes).unwrap();
    assert_eq!(
        decode(&schema, &bytes[1..]).unwrap(),
        r#"{"map":{"a":"1"},"pairs":[{"key":"token","value":null},{"key":"z","value":"z"}],"token":null}"#
    );
}

#[test]
fn what_does_not_match_is_said_by_place_and_never_by_value() {
    let of = r#"{"type":"record","name":"x.R","fields":[
        {"name":"n","type":"int"},
        {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]},"default":"A"},
        {"name":"l","type":{"type":"array","items":"boolean"},"default":[]},
        {"name":"u","type":["null","int","E"]},
        {"name":"m","type":["null",{"type":"map","values":"float"}]},
        {"name":"f","type":["null",{"type":"fixed","name":"F","size":2}]},
        {"name":"t","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}]}"#;
    let missing = "no member `n`, and the field has no default and takes no null";
    for (json, at, message) in [
        ("{}", "/", missing),
        (r#"[4711]"#, "/", "record `x.R` is needed, and this is of type list"),
        (r#"{"n":0.5}"#, "/n", "the number does not fit: it has a fraction"),
        (
            r#"{"n":4294967296}"#,
            "/n",
            "the number does not fit: it is beyond the range",
        ),
        (r#"{"n":"4711"}"#, "/n", "int is needed, and this is of type string"),
        (r#"{"n":1,"other":4711}"#, "/other", "the record `R` has no such field"),
        (
            r#"{"n":1,"e":"4711"}"#,
            "/e",
            "it is no symbol of the enum `E`, which has `A`, `B`",
        ),
        (
            r#"{"n":1,"l":[true,4711]}"#,
            "/l/1",
            "boolean is needed, and this is of type number",
        ),
        (
            r#"{"n":1,"u":true}"#,
            "/u",
            "the union takes nothing of type boolean, but null, int, enum `x.E`",
        ),
        (
            r#"{"n":1,"u":"4711"}"#,
            "/u",
            "it is no symbol of the enum `E`, which has `A`, `B`",
        ),
        (
            r#"{"n":1,"m":{"a/b":0.12345678901}}"#,
            "/m/a~1b",
            "the number does not fit: it has more digits than the type keeps",
        ),
        (
            r#"{"n":1,"f":"abc"}"#,
            "/f",
            "it has 3 characters, and 2 are needed, one a byte",
        ),
        (
            r#"{"n":1,"f":"a\u0100"}"#,
            "/f",
            "it has characters beyond U+00FF, and one byte a character is written",
        ),
        (
            r#"{"n":1,"t":"2024-05-22T05:58:15.9781Z"}"#,
            "/t",
            "it needs a time of RFC 3339 in its range, of no more digits than it keeps",
        ),
        (
            r#"{"n":1,"t":253402300800000}"#,
            "/t",
            "it is outside of the years 1 to 9999",
        ),
    ] {
        assert_eq!(
            refused_value(&schema(of), json),
            (at.to_owned(), message.to_owned()),
            "{json}"
        );
    }
}

#[test]
fn bad_bytes_are_refused_at_once() {
    let string = r#""string""#;
    let list = r#"{"type":"array","items":"string"}"#;
    let two_gib = [0xfe, 0xff, 0xff, 0xff, 0x0f];
    for (of, bytes, message) in [
        (string, &two_gib[..], "a length goes beyond the end of the bytes"),
        (string, &[0x01], "a length is below zero"),
        (string, &[0x04, b'a'], "a length goes beyond the end of the bytes"),
        (string, &[0x04, 0xc3, 0x28], "the text is not UTF-8 from its byte 0 on"),
        (string, &[0x80], "a number that does not end, or is longer than 64 bits"),
        (string, &[], "a number that does not end, or is longer than 64 bits"),
        (
            string,
            &[0xff; 11],
            "a number that does not end, or is longer than 64 bits",
        ),
        (string, &[0x02, b'a', 0], "1 bytes follow the end of the value"),
        (r#""int""#, &two_gib, "1"),
        (
            r#""int""#,
            &[0x80, 0x80, 0x80, 0x80, 0x10],
            "an int is longer than 32 bits",
        ),
        (r#""boolean""#, &[2], "a boolean is neither 0 nor 1"),
        (
            r#""double""#,
            &f64::NAN.to_le_bytes(),
            "a number that is not a number or not finite, which no document has",
        ),
        (
            r#""float""#,
            &f32::INFINITY.to_le_bytes(),
            "a number that is not a number or not finite, which no document has",
        ),
        (r#""float""#, &[0; 3], "the bytes end within the value"),
        (
            r#"["null","int"]"#,
            &[4],
            "a number of a branch that the union does not have",
        ),
        (
            r#"["null","int"]"#,
            &[1],
            "a number of a branch that the union does not have",
        ),
        (
            r#"{"type":"enum","name":"E","symbols":["A"]}"#,
            &[2],
            "a number of a symbol that the enum does not have",
        ),
        (list, &two_gib, "a number that does not end, or is longer than 64 bits"),
        (
            list,
            &[0x01, 0x10, 0],
            "the size of a block goes beyond the end of the bytes",
        ),
        (
            r#"{"type":"array","items":"null"}"#,
            &two_gib,
            "there are more values than so many bytes may stand for",
        ),
        (
            r#"{"type":"array","items":"null"}"#,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00],
            "there are more values than so many bytes may stand for",
        ),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":4}"#,
            &[0],
            "a decimal has no bytes",
        ),
        (
            r#"{"type":"string","logicalType":"uuid"}"#,
            &[0x02, b'a'],
            "it is not the text of a UUID",
        ),
        (
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            "it is outside of the years 1 to 9999",
        ),
    ] {
        let schema = schema(of);
        if message == "1" {
            assert_eq!(decode(&schema, bytes).unwrap(), "2147483647");
        } else {
            assert_eq!(refused_bytes(&schema, bytes).1, message, "{of} {bytes:?}");
        }
    }
}

#[test]
fn recursion_ends_at_the_limit_both_ways() {
    let schema = schema(r#"{"type":"record","name":"R","fields":[{"name":"r","type":["null","R"]}]}"#);
    assert!(decode(&schema, &[&[2; 127][..], &[0]].concat()).is_ok());
    assert_eq!(
        refused_bytes(&schema, &vec![2; 1_000_000]).1,
        "lists and objects are nested deeper than 128"
    );
    let arena = Bump::new();
    let deep = (0..128).fold(Value::Null, |value, _| Value::Object(arena.alloc([("r", value)])));
    schema.check(&deep, &SecretNames::default()).unwrap();
    let one_more = (0..128).fold(Value::Object(&[]), |value, _| {
        Value::Object(arena.alloc([("r", value)]))
    });
    assert!(schema.check(&one_more, &SecretNames::default()).is_err());
    let deeper = (0..100_000).fold(Value::Null, |value, _| Value::Object(arena.alloc([("r", value)])));
    assert!(schema.check(&deeper, &SecretNames::default()).is_err());
}

#[test]
fn blocks_with_sizes_and_several_blocks_are_one_list() {
    let list = schema(r#"{"type":"array","items":"int"}"#);
    assert_eq!(decode(&list, &[0x03, 0x04, 2, 4, 0x02, 6, 0]).unwrap(), "[1,2,3]");
    let map = schema(r#"{"type":"map","values":"int"}"#);
    let bytes = [0x06, 2, b'a', 2, 2, b'b', 4, 2, b'a', 6, 0];
    assert_eq!(decode(&map, &bytes).unwrap(), r#"{"a":3,"b":2}"#);
    let arena = Bump::new();
    let value = Decoder::new(&map, &map).unwrap().decode(&bytes, &arena).unwrap();
    assert_eq!(value.as_object().unwrap().len(), 2, "no object has a name twice");
}

#[test]
fn unions_that_lie_in_each_other_do_not_multiply_tries() {
    let schema = AvroSchema::parse(
        r#"{"type":"record","name":"A","fields":[{"name":"x","type":["null","A",
            {"type":"record","name":"B","fields":[{"name":"x","type":["A","B","int"]}]}]}]}"#,
        &[],
    )
    .unwrap();
    let arena = Bump::new();
    let wrong = (0..100).fold(Value::Bool(true), |value, _| Value::Object(arena.alloc([("x", value)])));
    assert!(schema.check(&wrong, &SecretNames::default()).is_err());
}

#[test]
fn a_number_goes_to_the_branch_of_a_union_that_shows_it_as_it_is() {
    let of = r#"["null","double",{"type":"long","logicalType":"timestamp-millis"},"int"]"#;
    for (json, read) in [
        ("5", "5"),
        ("5.0", "5.0"),
        ("0.5", "0.5"),
        ("3000000000", "3000000000.0"),
    ] {
        assert_eq!(decode(&schema(of), &encode(&schema(of), json).unwrap()).unwrap(), read);
    }
    there_and_back(of, r#""2024-05-22T05:58:15.978Z""#, r#""2024-05-22T05:58:15.978Z""#);
}
