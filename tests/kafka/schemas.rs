//! `millstream schemas plan|apply` as people run it, against a real registry.

use crate::harness::millstream::run_command;
use crate::harness::registry::shared;
use serde_json::{Value, json};
use std::path::Path;

const ORDER: &str =
    r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [{"name": "id", "type": "string"}]}"#;
const WITH_TOTAL: &str = r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [
  {"name": "id", "type": "string"}, {"name": "total", "type": "int"}]}"#;
const WITH_DEFAULT: &str = r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [
  {"name": "id", "type": "string"}, {"name": "total", "type": "int", "default": 0}]}"#;
const NOTE: &str = r#"{"title": "Note", "type": "object", "properties": {"text": {"type": "string"}}}"#;

/// A topology that writes orders in Avro to topics of two regions, and notes with a JSON Schema.
struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    fn new(prefix: &str, order: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = shared().url();
        let topology = format!(
            "application: {prefix}\n\
             sources: {{orders: {{topic: {prefix}.in}}, remarks: {{topic: {prefix}.notes-in}}}}\n\
             sinks:\n  \
               regional:\n    \
                 from: orders\n    \
                 topic: \"{prefix}.orders-{{region}}\"\n    \
                 parameters: {{region: {{value: = event.region, enum: [eu, us]}}}}\n    \
                 codec: avro\n    \
                 schema: Order.avsc\n  \
               notes: {{from: remarks, topic: {prefix}.notes, codec: json_schema, schema: note.json}}\n\
             dead_letters: {{topic: {prefix}.dead}}\n\
             schema_registry: {{url: \"{url}\"}}\n"
        );
        let shop = Self { folder };
        shop.write("topology.yaml", &topology);
        shop.write("Order.avsc", order);
        shop.write("note.json", NOTE);
        shop
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Exit code, and both outputs.
    fn run(&self, command: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
        let fixed = ["schemas", command, self.path().to_str().expect("a path")];
        let all: Vec<&str> = fixed.iter().chain(arguments).copied().collect();
        let (status, out, err) = run_command(&all);
        (status.code(), out, err)
    }
}

#[test]
fn schemas_are_planned_and_then_registered_once() {
    let shop = Shop::new("applied", ORDER);
    let subjects = [
        "applied.orders-eu-value",
        "applied.orders-us-value",
        "applied.notes-value",
    ];
    let (code, out, err) = shop.run("plan", &[]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (
            Some(0),
            "applied.orders-eu-value (regional): new\napplied.orders-us-value (regional): new\napplied.notes-value (notes): new\n",
            ""
        )
    );
    assert!(subjects.iter().all(|subject| shared().versions(subject).is_empty()));

    let (code, out, err) = shop.run("apply", &["--output", "json"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let document: Value = serde_json::from_str(&out).expect("one document");
    for (schema, subject) in document["schemas"].as_array().expect("schemas").iter().zip(subjects) {
        assert_eq!(
            (&schema["subject"], &schema["registered"]),
            (&json!(subject), &json!(true))
        );
        assert_eq!(shared().versions(subject), [1]);
        let there = shared().ask("GET", &format!("/subjects/{subject}/versions/1"), "");
        assert_eq!(there["id"], schema["id"], "{there}");
    }
    // both regions have one schema, and one id
    assert_eq!(document["schemas"][0]["id"], document["schemas"][1]["id"]);

    let (code, out, _) = shop.run("apply", &[]);
    assert_eq!(code, Some(0));
    assert!(
        out.lines().count() == 3 && out.lines().all(|line| line.contains("the same: version 1, id ")),
        "{out}"
    );
    assert!(subjects.iter().all(|subject| shared().versions(subject) == [1]));
}

#[test]
fn a_schema_that_breaks_its_readers_is_told_and_nothing_is_registered() {
    let shop = Shop::new("broken", ORDER);
    shared().register("broken.orders-eu-value", "AVRO", ORDER, json!([]));
    shared().set_level("broken.orders-eu-value", "BACKWARD");
    shop.write("Order.avsc", WITH_TOTAL);
    for command in ["plan", "apply"] {
        let (code, out, err) = shop.run(command, &[]);
        assert_eq!(code, Some(1), "{out}{err}");
        assert!(
            out.contains(
                "broken.orders-eu-value (regional): changed, and NOT compatible with version 1 (BACKWARD)\n  "
            ),
            "{out}"
        );
        assert!(out.contains("the registry: ") && out.contains("total"), "{out}");
        let ours = out
            .lines()
            .find(|line| line.contains("can't read what was written with version 1: "));
        assert!(ours.is_some_and(|line| line.contains("total")), "{out}");
        assert!(
            err.starts_with("error: 1 schema can't be registered, so nothing w"),
            "{err}"
        );
    }
    assert_eq!(shared().versions("broken.orders-eu-value"), [1]);
    assert!(shared().versions("broken.notes-value").is_empty());

    shop.write("Order.avsc", WITH_DEFAULT);
    let (code, out, err) = shop.run("apply", &[]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(
        out.contains(
            "broken.orders-eu-value (regional): changed, and compatible with version 1 (BACKWARD); registered with id "
        ),
        "{out}"
    );
    assert_eq!(shared().versions("broken.orders-eu-value"), [1, 2]);
}

#[test]
fn a_registry_that_is_away_is_said_to_be_without_its_address() {
    let shop = Shop::new("nowhere", ORDER);
    let topology = std::fs::read_to_string(shop.path().join("topology.yaml")).expect("the topology");
    let away = format!("http://127.0.0.1:{}", crate::harness::free_port());
    shop.write("topology.yaml", &topology.replace(&shared().url(), &away));
    let (code, out, err) = shop.run("plan", &[]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        err.starts_with("error: the schema registry is away: no connection: ") && !err.contains("127.0.0.1"),
        "{err}"
    );
}
