//! What a reader makes of another's schema.

use super::{encode, resolve, schema};
use crate::schema::avro::Decoder;

fn read(writer: &str, reader: &str, json: &str) -> String {
    let (writer, reader) = (schema(writer), schema(reader));
    let bytes = encode(&writer, json).unwrap();
    resolve(&writer, &reader, &bytes).unwrap_or_else(|error| error.to_string())
}

fn apart(writer: &str, reader: &str) -> String {
    Decoder::new(&schema(writer), &schema(reader)).unwrap_err().0
}

#[test]
fn numbers_and_texts_are_promoted() {
    for (writer, reader, json, expected) in [
        (r#""int""#, r#""long""#, "5", "5"),
        (r#""int""#, r#""float""#, "5", "5.0"),
        (r#""long""#, r#""double""#, "5", "5.0"),
        (r#""float""#, r#""double""#, "0.5", "0.5"),
        (r#""float""#, r#""double""#, "0.1", "0.10000000149011612"),
        (r#""string""#, r#""bytes""#, r#""ÿ""#, r#""Ã¿""#),
        (r#""bytes""#, r#""string""#, r#""Ã¿""#, r#""ÿ""#),
        (r#""int""#, r#"["null","double","long"]"#, "5", "5.0"),
        (r#""int""#, r#"["null","double","int"]"#, "5", "5"),
        (r#"["null","int"]"#, r#""long""#, "5", "5"),
        (r#"["null","int"]"#, r#"["string","long","null"]"#, "null", "null"),
        (
            r#""int""#,
            r#"{"type":"int","logicalType":"date"}"#,
            "1",
            r#""1970-01-02""#,
        ),
        (
            r#""int""#,
            r#""float""#,
            "16777217",
            "/: the whole number has more digits than a float keeps",
        ),
        (
            r#"["null","int"]"#,
            r#""long""#,
            "null",
            "/: the writer's null can't be read as long",
        ),
    ] {
        assert_eq!(read(writer, reader, json), expected, "{writer} {reader}");
    }
}

const WRITER: &str = r#"{"type":"record","name":"a.Order","fields":[
    {"name":"gone","type":{"type":"array","items":{"type":"map","values":["null","string","double",{"type":"fixed","name":"F","size":3}]}}},
    {"name":"id","type":"int"},
    {"name":"state","type":{"type":"enum","name":"State","symbols":["OPEN","PAID","LOST"]}},
    {"name":"old","type":"string"},
    {"name":"next","type":["null","Order"]}]}"#;

#[test]
fn fields_are_added_removed_renamed_and_moved() {
    let reader = r#"{"type":"record","name":"b.Purchase","aliases":["a.Order"],"fields":[
        {"name":"next","type":["null","Purchase"]},
        {"name":"new","aliases":["old"],"type":"string"},
        {"name":"state","type":{"type":"enum","name":"State","symbols":["PAID","OTHER","OPEN"],"default":"OTHER"}},
        {"name":"added","type":{"type":"map","values":"int"},"default":{"x":1}},
        {"name":"id","type":"double"}]}"#;
    let json = r#"{"gone":[{"a":null,"b":"x","c":0.5,"d":"abcd"},{}],"id":1,"state":"LOST","old":"o",
        "next":{"gone":[],"id":2,"state":"OPEN","old":"p","next":null}}"#;
    assert_eq!(
        read(WRITER, reader, json),
        r#"{"added":{"x":1},"id":1.0,"new":"o","next":{"added":{"x":1},"id":2.0,"new":"p","next":null,"state":"OPEN"},"state":"OTHER"}"#
    );
}

#[test]
fn what_can_not_be_read_is_said_with_its_place() {
    let record = |name: &str, field: &str| format!(r#"{{"type":"record","name":"{name}","fields":[{field}]}}"#);
    let total = |of: &str| record("R", &format!(r#"{{"name":"total","type":{of}}}"#));
    let list = |of: &str| format!(r#"{{"type":"array","items":{of}}}"#);
    for (writer, reader, expected) in [
        (
            total(r#""string""#),
            total(r#""int""#),
            "field `total`: the writer's string can't be read as int",
        ),
        (
            total(&list(r#""long""#)),
            total(&list(r#""int""#)),
            "field `total`: its elements: the writer's long can't be read as int",
        ),
        (
            record("R", ""),
            total(r#""int""#),
            "field `total`: the writer does not have it, and it has no default",
        ),
        (
            record("a.R", ""),
            record("a.Q", ""),
            "the writer's record `a.R` can't be read as record `a.Q`",
        ),
        (
            total(r#"{"type":"fixed","name":"F","size":2}"#),
            total(r#"{"type":"fixed","name":"F","size":3}"#),
            "field `total`: the writer's fixed `F` has 2 bytes, and the reader's 3",
        ),
        (
            total(r#""boolean""#),
            total(r#"["null","int"]"#),
            "field `total`: the writer's boolean is in no branch of the reader's union",
        ),
        (
            total(r#"{"type":"long","logicalType":"timestamp-millis"}"#),
            total(r#"{"type":"long","logicalType":"timestamp-micros"}"#),
            "field `total`: the writer's timestamp in milliseconds can't be read as timestamp in microseconds",
        ),
    ] {
        assert_eq!(apart(&writer, &reader), expected);
    }
}

#[test]
fn a_symbol_that_the_reader_does_not_have_needs_its_default() {
    let of = |rest: &str| format!(r#"{{"type":"enum","name":"E","symbols":{rest}}}"#);
    assert_eq!(
        read(&of(r#"["A","B"]"#), &of(r#"["A"],"default":"A""#), r#""B""#),
        r#""A""#
    );
    assert_eq!(
        read(&of(r#"["A","B"]"#), &of(r#"["A"]"#), r#""B""#),
        "/: a symbol that the reader's enum does not have, and it has no default"
    );
}

/// `apache-avro` reads it as the record, and loses what is in it.
#[test]
fn a_map_beside_a_record_in_a_union_stays_a_map() {
    let of = schema(r#"[{"type":"record","name":"N","fields":[]},{"type":"map","values":"double"}]"#);
    let bytes = encode(&of, r#"{"":0.0}"#).unwrap();
    assert_eq!(resolve(&of, &of, &bytes).unwrap(), r#"{"":0.0}"#);
}
