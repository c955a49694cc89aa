//! Confluent's own serializers, which nobody here wrote: what they write we read, what we write they read, and nothing is lost on the
//! way.

use crate::harness::confluent::{self, Kind};
use crate::harness::millstream::{TestTopology, run_command};
use crate::harness::registry::shared;
use crate::pipeline::Pipeline;
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// Every type that both sides know, and most logical ones.
const ORDER: &str = r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [
  {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
  {"name": "placed", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "paid", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}], "default": null},
  {"name": "day", "type": {"type": "int", "logicalType": "date"}},
  {"name": "hour", "type": {"type": "int", "logicalType": "time-millis"}},
  {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
  {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["PLACED", "PAID"]}},
  {"name": "gift", "type": "boolean"},
  {"name": "note", "type": ["null", "string"], "default": null},
  {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
    {"name": "sku", "type": "string"}, {"name": "count", "type": "int"}, {"name": "weight", "type": "double"}]}}},
  {"name": "labels", "type": {"type": "map", "values": "string"}},
  {"name": "photo", "type": "bytes"},
  {"name": "checksum", "type": {"type": "fixed", "name": "Checksum", "size": 4}},
  {"name": "number", "type": "long"},
  {"name": "follows", "type": ["null", "Order"], "default": null}]}"#;

fn order(number: i64) -> Value {
    let order = |number: i64, follows: Value| {
        json!({
            "id": {"$uuid": format!("6d2be0b1-b53c-4e0a-9f5c-{number:012}")},
            "placed": {"$timestamp": format!("2024-05-22T05:58:{:02}.978000+00:00", number % 60)},
            "paid": if number % 2 == 0 { json!({"$timestamp": "2024-05-22T05:58:15.978123+00:00"}) } else { Value::Null },
            "day": {"$date": "1969-12-31"},
            "hour": {"$time": "23:59:59.999000"},
            "total": {"$decimal": format!("-{number}.50")},
            "state": if number % 2 == 0 { "PLACED" } else { "PAID" },
            "gift": number % 3 == 0,
            "note": if number % 2 == 0 { json!("für Zoë 🎁\u{0}") } else { Value::Null },
            "lines": (0..number % 4).map(|line| json!({"sku": format!("s{line}"), "count": -line, "weight": 0.1})).collect::<Vec<_>>(),
            "labels": {"b": "1", "a": ""},
            "photo": {"$bytes": "AP+A"},
            "checksum": {"$bytes": "AQID/w=="},
            "number": i64::MAX - number,
            "follows": follows,
        })
    };
    let follows = if number % 5 == 0 {
        order(number + 1, Value::Null)
    } else {
        Value::Null
    };
    order(number, follows)
}

fn records(values: impl Iterator<Item = Value>) -> Vec<Value> {
    values
        .enumerate()
        .map(|(index, value)| json!({"key": format!("k{index}"), "value": value}))
        .collect()
}

/// A topology that copies `in` to `out`, with schemas of these names and texts beside it.
fn copying(test: &str, read: &str, written: &str, schemas: &[(&str, &str)]) -> Pipeline {
    let url = shared().url();
    let yaml = format!(
        "application: copy\nsources: {{in: {{topic: in, {read}}}}}\nsinks: {{out: {{from: in, topic: out, {written}}}}}\n\
         dead_letters: {{topic: dead}}\nschema_registry: {{url: \"{url}\"}}\n"
    );
    let topology = TestTopology::of(test, &yaml);
    for (name, text) in schemas {
        std::fs::write(topology.path().join(name), text).expect("a schema");
    }
    let pipeline = Pipeline::of(topology);
    pipeline.create(&["in", "out"], 1, &[]);
    pipeline
}

/// Registers what the topology writes, runs it until so many came out, and gives what their deserializer makes of them.
fn copied(pipeline: &Pipeline, kind: Kind, count: usize) -> Vec<Value> {
    let folder = pipeline.topology.path();
    let (status, out, err) = run_command(&["schemas", "apply", folder.to_str().expect("a path")]);
    assert!(status.success(), "{out}{err}");
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    let out = pipeline.topic("out");
    pipeline.client.wait_committed(&out, count, LIMIT);
    assert!(instance.terminate().success(), "{}", instance.log());
    assert_eq!(pipeline.committed("dead"), []);
    confluent::consume(kind, pipeline.brokers(), &shared().url(), &out, count)
}

fn produced(pipeline: &Pipeline, kind: Kind, schema: &str, records: &[Value]) {
    let topic = pipeline.topic("in");
    confluent::produce(kind, pipeline.brokers(), &shared().url(), &topic, schema, records);
}

fn assert_same(found: &[Value], wanted: &[Value]) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!((&found["key"], &found["value"]), (&wanted["key"], &wanted["value"]));
    }
}

#[test]
fn what_confluents_avro_serializer_wrote_its_deserializer_reads_from_us_unchanged() {
    for (test, read) in [
        ("interop-avro", "codec: avro"),
        ("interop-shaped", "codec: avro, schema: Order.avsc"),
    ] {
        let pipeline = copying(test, read, "codec: avro, schema: Order.avsc", &[("Order.avsc", ORDER)]);
        let orders = records((0..50).map(order));
        produced(&pipeline, Kind::Avro, ORDER, &orders);
        assert_same(&copied(&pipeline, Kind::Avro, orders.len()), &orders);
    }
}

#[test]
fn what_was_written_with_an_older_schema_comes_out_in_the_shape_of_the_newer() {
    let old = r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [
      {"name": "id", "type": "int"}, {"name": "gone", "type": "string"}, {"name": "client", "type": "string"},
      {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["PLACED", "LOST"]}}]}"#;
    let new = r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [
      {"name": "id", "type": "long"}, {"name": "customer", "aliases": ["client"], "type": ["null", "string"]},
      {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OTHER", "PLACED"], "default": "OTHER"}},
      {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1}, "default": "\u000f"}]}"#;
    let pipeline = copying(
        "interop-evolved",
        "codec: avro, schema: Order.avsc",
        "codec: avro, schema: Order.avsc",
        &[("Order.avsc", new)],
    );
    let states = ["PLACED", "LOST"];
    let old_orders = records((0..4).map(|id| json!({"id": id, "gone": "x", "client": "ann", "state": states[id % 2]})));
    produced(&pipeline, Kind::Avro, old, &old_orders);
    let states = ["PLACED", "OTHER"];
    let wanted = records(
        (0..4).map(|id| json!({"id": id, "customer": "ann", "state": states[id % 2], "total": {"$decimal": "1.5"}})),
    );
    assert_same(&copied(&pipeline, Kind::Avro, wanted.len()), &wanted);
}

#[test]
fn what_confluents_json_serializer_wrote_its_deserializer_reads_from_us_unchanged() {
    let schema = r#"{"$schema": "http://json-schema.org/draft-07/schema#", "title": "Note", "type": "object", "required": ["id"],
      "properties": {"id": {"type": "integer"}, "text": {"type": ["string", "null"]}, "tags": {"type": "array", "items": {"type": "string"}}}}"#;
    let pipeline = copying(
        "interop-json",
        "codec: json_schema",
        "codec: json_schema, schema: note.json",
        &[(
            "note.json",
            &schema.replace(
                "http://json-schema.org/draft-07/schema#",
                "https://json-schema.org/draft/2020-12/schema",
            ),
        )],
    );
    let notes =
        records((0..20).map(
            |id| json!({"id": id, "text": if id % 2 == 0 { json!("für Zoë") } else { Value::Null }, "tags": ["a"]}),
        ));
    produced(&pipeline, Kind::Json, schema, &notes);
    assert_same(&copied(&pipeline, Kind::Json, notes.len()), &notes);
}
