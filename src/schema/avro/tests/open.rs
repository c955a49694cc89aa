//! What has no shape: any JSON in a text, and members that a record does not name.

use super::{decode, encode, refused_bytes, refused_value, resolve, schema};
use crate::schema::avro::AvroSchema;
use crate::schema::json::JsonSchema;
use crate::value::{SecretNames, parse};
use bumpalo::Bump;

const OPEN: &str = r#"{"type":"record","name":"Event","fields":[
  {"name":"id","type":"string"},
  {"name":"rest","type":{"type":"map","values":{"type":"string","logicalType":"json"}},"default":{},"flatten":true},
  {"name":"note","type":["null","string"],"default":null}]}"#;

#[test]
fn any_json_is_a_text_of_json_to_others() {
    let any = schema(r#"{"type":"string","logicalType":"json"}"#);
    for json in ["null", "true", "-1.50", r#""a\"b""#, "[1,[]]", r#"{"a":{"b":null}}"#] {
        let bytes = encode(&any, json).unwrap();
        assert_eq!(decode(&any, &bytes).unwrap(), json);
        // whoever does not know the logical type reads the text
        let text = resolve(&any, &schema(r#""string""#), &bytes).unwrap();
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), json);
    }
    let (_, why) = refused_bytes(&any, &encode(&schema(r#""string""#), r#""{""#).unwrap());
    assert_eq!(why, "the text is not JSON");
}

#[test]
fn members_that_a_record_does_not_name_go_into_its_flattened_map_and_come_back() {
    let open = schema(OPEN);
    let there_and_back = |json: &str| decode(&open, &encode(&open, json).unwrap()).unwrap();
    assert_eq!(there_and_back(r#"{"id":"a"}"#), r#"{"id":"a","note":null}"#);
    assert_eq!(
        there_and_back(r#"{"wallet":{"points":[1,2.50]},"id":"a","note":"n","rest":"its own"}"#),
        r#"{"id":"a","note":"n","rest":"its own","wallet":{"points":[1,2.50]}}"#
    );
    let (at, why) = refused_value(&open, r#"{"wallet":1}"#);
    assert!(at == "/" && why.contains("no member `id`"), "{at} {why}");
}

#[test]
fn secrets_are_not_among_the_further_members_nor_in_any_json() {
    let open = schema(OPEN);
    let arena = Bump::new();
    let value = parse(br#"{"id":"a","token":"4711","deep":{"token":"4711","b":1}}"#, &arena).unwrap();
    let mut bytes = Vec::new();
    open.encode(&value, &SecretNames::new(["token"]), &mut bytes).unwrap();
    assert_eq!(
        decode(&open, &bytes).unwrap(),
        r#"{"deep":{"b":1},"id":"a","note":null}"#
    );
}

#[test]
fn an_entry_of_the_map_does_not_stand_in_for_a_field() {
    let open = schema(OPEN);
    let closed = schema(&OPEN.replace(r#","flatten":true"#, ""));
    let bytes = encode(&closed, r#"{"id":"a","rest":{"id":"b","x":1}}"#).unwrap();
    assert_eq!(decode(&open, &bytes).unwrap(), r#"{"id":"a","note":null,"x":1}"#);
}

#[test]
fn the_json_schema_of_an_open_record_is_open() {
    let open = JsonSchema::of("open", &schema(OPEN).to_json_schema()).unwrap();
    let takes = |json: &str| {
        let arena = Bump::new();
        let value = parse(json.as_bytes(), &arena).unwrap();
        open.check(arena.alloc(value), &arena).is_ok()
    };
    assert!(takes(r#"{"id":"a"}"#) && takes(r#"{"id":"a","x":{"y":[]}}"#));
    assert!(!takes(r#"{"x":1}"#) && !takes(r#"{"id":"a","note":7}"#));
}

#[test]
fn one_map_may_be_flattened_and_nothing_else() {
    let wrong = |fields: &str| {
        let text = format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
        AvroSchema::parse(&text, &[]).unwrap_err().to_string()
    };
    let map = |name: &str| format!(r#"{{"name":"{name}","type":{{"type":"map","values":"int"}},"flatten":true}}"#);
    assert!(wrong(r#"{"name":"a","type":"string","flatten":true}"#).contains("field `a`"));
    assert!(wrong(&format!("{},{}", map("a"), map("b"))).contains("field `b`"));
}
