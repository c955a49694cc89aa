//! Tests of `validate`.

use crate::processor::testing::{FakeContext, record, try_definition};
use crate::processor::{Failure, kind};
use bumpalo::Bump;
use std::fs;
use tempfile::TempDir;

const SUBSCRIBER: &str = r#"{
    "type": "object", "required": ["header", "data"], "additionalProperties": false,
    "properties": {
        "header": {"type": "object", "properties": {"source": {"enum": ["OPCO", "SPARK"]}, "type": {"type": "string"}}},
        "data": {"type": "object", "properties": {"email": {"type": "string", "minLength": 3},
            "born": {"type": "string", "format": "date"}, "number": {"type": "integer", "maximum": 9007199254740993}}}},
    "if": {"properties": {"header": {"properties": {"source": {"const": "OPCO"}}}}},
    "then": {"properties": {"header": {"properties": {"type": {"const": "EVENT"}}}}}
}"#;

fn folder(schema: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("schema.json"), schema).expect("written");
    folder
}

fn validated(schema: &str, value: &str) -> Result<String, Failure> {
    let folder = folder(schema);
    let definition = try_definition("{type: validate, schema: schema.json}", folder.path(), &[]).expect("valid");
    let arena = Bump::new();
    let mut context = FakeContext::new(&arena);
    definition.build().process(record(value, &arena), &mut context)?;
    Ok(context.values().remove(0))
}

fn refused(schema: &str, value: &str) -> String {
    let failure = validated(schema, value).expect_err("invalid");
    assert_eq!(failure.kind, kind::VALIDATION);
    failure.message
}

fn mistake(schema: &str) -> String {
    let folder = folder(schema);
    let read = try_definition("{type: validate, schema: schema.json}", folder.path(), &[]);
    read.err().expect("a mistake").remove(0).to_string()
}

#[test]
fn a_valid_value_passes_unchanged() {
    let value =
        r#"{"data":{"born":"2024-02-29","email":"a@b","number":1.0},"header":{"source":"OPCO","type":"EVENT"}}"#;
    assert_eq!(validated(SUBSCRIBER, value).expect("valid"), value);
}

#[test]
fn a_failure_names_the_paths_and_the_reason_but_not_the_value() {
    let value = r#"{"data":{"email":"hunter2"},"header":{"source":"hunter2","type":"hunter2"}}"#;
    let failure = validated(SUBSCRIBER, value).expect_err("invalid");
    assert!(
        failure
            .message
            .contains("`schema.json`: /header/source: the value is not"),
        "{failure}"
    );
    assert!(failure.message.contains("OPCO"), "{failure}");
    assert!(!failure.message.contains("hunter2"), "{failure}");
    let detail = failure.detail.expect("the schema's path");
    assert!(
        detail.starts_with("schema.json#/properties/header/properties/source/enum"),
        "{detail}"
    );
}

#[test]
fn no_reason_shows_a_value() {
    let schemas = [
        r#"{"const": 1}"#,
        r#"{"type": "object"}"#,
        r#"{"type": ["object", "null"]}"#,
        r#"{"pattern": "^x"}"#,
        r#"{"maxLength": 1}"#,
        r#"{"format": "date"}"#,
        r#"{"not": {"type": "string"}}"#,
        "false",
        r#"{"anyOf": [{"type": "null"}]}"#,
        r#"{"oneOf": [{"type": "null"}]}"#,
        r#"{"oneOf": [true, true]}"#,
        r#"{"enum": [1, {"a": 1}]}"#,
    ];
    for schema in schemas {
        let message = refused(schema, r#""hunter2""#);
        assert!(!message.contains("hunter2"), "{schema}: {message}");
    }
    let schemas = [
        r#"{"additionalProperties": {"type": "number"}}"#,
        r#"{"minProperties": 9}"#,
        r#"{"properties": {"a": false}}"#,
        r#"{"contains": {}, "type": "array"}"#,
        r#"{"unevaluatedProperties": {"type": "null"}}"#,
        r#"{"dependentRequired": {"a": ["b"]}}"#,
        r#"{"propertyNames": {"maxLength": 0}}"#,
    ];
    for schema in schemas {
        let message = refused(schema, r#"{"a": "hunter2"}"#);
        assert!(!message.contains("hunter2"), "{schema}: {message}");
    }
    for schema in [
        r#"{"contains": {"const": 1}}"#,
        r#"{"uniqueItems": true}"#,
        r#"{"unevaluatedItems": false}"#,
        r#"{"items": {"type": "null"}}"#,
    ] {
        let message = refused(schema, r#"["hunter2", "hunter2"]"#);
        assert!(!message.contains("hunter2"), "{schema}: {message}");
    }
}

#[test]
fn conditions_and_numbers_beyond_a_double_are_decided() {
    let value = r#"{"data":{},"header":{"source":"OPCO","type":"COMMAND"}}"#;
    assert!(refused(SUBSCRIBER, value).contains("/header/type"));
    for (number, valid) in [
        ("9007199254740993", true),
        ("9007199254740994", false),
        ("1e400", false),
        ("1.5", false),
    ] {
        let value = format!(r#"{{"data":{{"number":{number}}},"header":{{}}}}"#);
        assert_eq!(validated(SUBSCRIBER, &value).is_ok(), valid, "{number}");
    }
}

#[test]
fn the_last_of_repeated_names_is_what_is_validated() {
    let schema = r#"{"not": {"properties": {"role": {"const": "user"}}, "required": ["role"]}, "maxProperties": 1}"#;
    assert!(validated(schema, r#"{"role":"user","role":"admin"}"#).is_ok());
    assert!(validated(schema, r#"{"role":"admin","role":"user"}"#).is_err());
    let deep = r#"{"items": {"items": {"maxProperties": 1}}}"#;
    assert!(validated(deep, r#"[[{"a":1,"a":2}],[{"a":1}]]"#).is_ok());
    let many: Vec<String> = (0..100).map(|n| format!(r#""m{}":{n}"#, n % 50)).collect();
    let many = format!("{{{}}}", many.join(","));
    assert!(
        validated(
            r#"{"maxProperties": 50, "minProperties": 50, "properties": {"m0": {"const": 50}}}"#,
            &many
        )
        .is_ok()
    );
}

#[test]
fn unknown_members_are_named_a_few_of_them_and_shortened() {
    let names: Vec<String> = (0..9).map(|n| format!(r#""{}{n}":1"#, "n".repeat(500))).collect();
    let message = refused(
        r#"{"properties": {"a": {"type": "null"}}, "additionalProperties": false}"#,
        &format!("{{{}}}", names.join(",")),
    );
    assert!(
        message.contains("unknown member `nnn") && message.ends_with('…'),
        "{message}"
    );
    assert!(message.len() < 400, "{message}");
    let message = refused(r#"{"additionalProperties": false}"#, r#"{"a": 1}"#);
    assert!(message.ends_with("/: an unknown member"), "{message}");
}

#[test]
fn many_wrong_parts_give_few_reasons() {
    let few = refused(r#"{"items": {"type": "null"}}"#, "[1,2,3,4,5,6]");
    assert_eq!(few.matches("the value").count(), 3, "{few}");
    let many = format!("[{}]", vec!["1"; 100_000].join(","));
    let many = refused(r#"{"items": {"type": "null"}}"#, &many);
    assert_eq!(many.matches("the value").count(), 1, "{many}");
}

#[test]
fn a_schema_may_refer_to_itself_and_to_files_in_the_folder_only() {
    let tree = r##"{"type": "object", "properties": {"child": {"$ref": "#"}}, "additionalProperties": false}"##;
    assert!(validated(tree, r#"{"child":{"child":{}}}"#).is_ok());
    assert!(refused(tree, r#"{"child":{"child":{"x":1}}}"#).contains("/child/child: unknown member `x`"));

    let folder = folder(r#"{"properties": {"a": {"$ref": "parts/a%20name.json#/$defs/a"}}}"#);
    fs::create_dir(folder.path().join("parts")).expect("made");
    fs::write(
        folder.path().join("parts/a name.json"),
        r#"{"$defs": {"a": {"type": "null"}}}"#,
    )
    .expect("written");
    try_definition("{type: validate, schema: schema.json}", folder.path(), &[])
        .map(drop)
        .expect("inside the folder");

    for reference in [
        "../x.json",
        "/etc/passwd",
        "file:///etc/passwd",
        "https://example.com/x.json",
        "missing.json",
    ] {
        let message = mistake(&format!(r#"{{"properties": {{"a": {{"$ref": "{reference}"}}}}}}"#));
        assert!(
            message.starts_with("schema.json:1:1: not a valid JSON Schema"),
            "{reference}: {message}"
        );
    }
}

#[test]
fn mistakes_in_a_schema_are_told_with_its_file() {
    assert!(mistake("{\n  \"type\": ,\n}").starts_with("schema.json:2:11: the schema is not JSON"));
    let message = mistake(r#"{"properties": {"a": {"type": "strnig"}}}"#);
    assert!(
        message.starts_with("schema.json:1:1: not a valid JSON Schema at /properties/a/type"),
        "{message}"
    );
    assert!(
        mistake(r#"{"format": "no-such"}"#).contains("no-such"),
        "{}",
        mistake(r#"{"format": "no-such"}"#)
    );
    assert!(mistake(r#"{"pattern": "("}"#).contains("not a valid JSON Schema"));
    for name in ["../schema.json", "/schema.json", "missing.json"] {
        let yaml = format!("{{type: validate, schema: {name}}}");
        let read = try_definition(&yaml, folder("{}").path(), &[]);
        let message = read.err().expect("a mistake").remove(0).to_string();
        assert!(message.starts_with("topology.yaml:1:26: "), "{message}");
    }
}
