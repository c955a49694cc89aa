//! Schemas from texts and files.

use super::{encode, schema};
use crate::schema::avro::AvroSchema;

const CUSTOMER: &str = r#"{"type":"record","name":"Customer","namespace":"com.acme","doc":"who","fields":[
    {"name":"id","type":"string"},{"name":"address","type":"com.acme.parts.Address"},{"name":"friend","type":["null","Customer"],"default":null}]}"#;
const ADDRESS: &str = r#"{"type":"record","name":"Address","namespace":"com.acme.parts","fields":[
    {"name":"town","type":"string","default":"x","doc":"where","aliases":["city"]},
    {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A"]}}]}"#;
const ORDER: &str = r#"{"type":"record","name":"com.acme.Order","fields":[
    {"name":"to","type":"Customer"},{"name":"ship","type":"parts.Address"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis","note":"kept"}}]}"#;

#[test]
fn types_of_references_are_defined_where_they_come_first() {
    let order = ORDER.replace("parts.Address", "com.acme.parts.Address");
    let of = AvroSchema::parse(&order, &[ADDRESS, CUSTOMER]).unwrap();
    assert_eq!(of.name(), Some("com.acme.Order"));
    let text = of.text();
    let alone = schema(text);
    assert_eq!(alone.text(), text);
    for kept in [
        "\"who\"",
        "\"where\"",
        "\"aliases\":[\"city\"]",
        "\"default\":\"x\"",
        "\"note\":\"kept\"",
        "timestamp-millis",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert_eq!(text.matches("\"Address\"").count(), 1, "{text}");
    let json = r#"{"at":1,"ship":{"kind":"A"},"to":{"id":"1","address":{"town":"t","kind":"A"}}}"#;
    assert_eq!(encode(&of, json).unwrap(), encode(&alone, json).unwrap());
}

#[test]
fn types_of_files_are_found_beside_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("avro")).unwrap();
    write(
        "avro/order.avsc",
        &ORDER.replace("parts.Address", "com.acme.parts.Address"),
    );
    write("avro/Customer.avsc", CUSTOMER);
    let load = || AvroSchema::load(folder.path(), "avro/order.avsc").map(|schema| schema.text().to_owned());
    assert_eq!(
        load().unwrap_err().0,
        "schema `avro/order.avsc`: field `to` of `com.acme.Order`: field `address` of `com.acme.Customer`: the type \
         `com.acme.parts.Address` is not defined, and there is neither `com.acme.parts.Address.avsc` nor `Address.avsc` beside the schema"
    );
    write("avro/com.acme.parts.Address.avsc", ADDRESS);
    assert!(load().is_ok());
    assert!(AvroSchema::load(folder.path(), "none.avsc").is_err());
    // types in files that need each other are types that lie in each other
    write(
        "A.avsc",
        r#"{"type":"record","name":"A","fields":[{"name":"b","type":["null","B"]}]}"#,
    );
    write(
        "B.avsc",
        r#"{"type":"record","name":"B","fields":[{"name":"a","type":["null","A"]}]}"#,
    );
    assert!(AvroSchema::load(folder.path(), "A.avsc").is_ok());
    // and files that define nothing lead nowhere
    write("C.avsc", r#""D""#);
    write("D.avsc", r#""C""#);
    assert_eq!(
        AvroSchema::load(folder.path(), "C.avsc").unwrap_err().0,
        "schema `C.avsc`: the type `D` is not defined"
    );
}

#[test]
fn what_is_no_schema_is_said_so() {
    for wrong in [
        "",
        "{",
        "5",
        r#""strin""#,
        r#"{"type":"array"}"#,
        r#"{"type":"record","name":"R"}"#,
        r#"{"type":"record","fields":[]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"R","default":{}}]}"#,
        r#"{"type":"record","name":"1R","fields":[]}"#,
        r#"{"type":"enum","name":"E","symbols":["A"],"default":"B"}"#,
        r#"{"type":"enum","name":"E","symbols":["A","A"]}"#,
        r#"{"type":"fixed","name":"F","size":-1}"#,
        r#"{"type":"fixed","name":"F"}"#,
        r#"["int","int"]"#,
        r#"["int",["null"]]"#,
        r#"[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":1}]"#,
    ] {
        let why = AvroSchema::parse(wrong, &[]).map(|schema| schema.text().to_owned());
        assert!(why.is_err(), "{wrong}: {why:?}");
    }
    assert!(
        AvroSchema::parse(
            &format!("{}\"int\"{}", "{\"type\":".repeat(5000), "}".repeat(5000)),
            &[]
        )
        .is_err()
    );
}

#[test]
fn files_that_lead_to_files_without_end_are_refused() {
    let mut find = |full: &str| {
        let next: usize = full.trim_start_matches('R').parse::<usize>().unwrap() + 1;
        Ok(Some(
            serde_json::json!({"type": "record", "name": full, "fields": [{"name": "x", "type": format!("R{next}")}]}),
        ))
    };
    let start = serde_json::json!("R1");
    assert!(
        AvroSchema::compiled(&start, &[], &mut find)
            .unwrap_err()
            .0
            .ends_with("types lie deeper in each other than 100")
    );
}
