//! Confluent's own client and serializers, by `confluent.py`.

use super::programs;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of `./test --fetch` is named so.
const ENVIRONMENT: &str = "target/test-tools/confluent-kafka-2.16.1";

/// What a value is written by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Avro,
    Json,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Avro => "avro",
            Self::Json => "json",
        }
    }
}

/// So many records of a topic, by its deserializer: `{"key", "value", "schema_id"}` each, in the order of partitions.
pub fn consume(kind: Kind, brokers: &str, registry: &str, topic: &str, count: usize) -> Vec<Value> {
    let count = count.to_string();
    let printed = run(&["consume", kind.name(), brokers, registry, topic, &count], "");
    let records: Result<Vec<Value>, _> = printed.lines().map(serde_json::from_str).collect();
    records.unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// Writes `{"key", "value"}` each, by its serializer, which registers the schema.
pub fn produce(kind: Kind, brokers: &str, registry: &str, topic: &str, schema: &str, records: &[Value]) {
    let mut file = tempfile::NamedTempFile::new().expect("a file for the schema");
    file.write_all(schema.as_bytes()).expect("the schema's file");
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    let schema = file.path().to_str().expect("a path");
    run(&["produce", kind.name(), brokers, registry, topic, schema], &lines);
}

fn run(arguments: &[&str], input: &str) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python: PathBuf = here.join(ENVIRONMENT).join("bin/python");
    assert!(
        python.exists(),
        "Confluent's client is not in {ENVIRONMENT}; fetch it with: ./test --fetch"
    );
    let mut command = Command::new(python);
    command.arg(here.join("tests/harness/confluent.py")).args(arguments);
    let output = programs::output(&mut command, input).expect("python runs, and reads its input");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "confluent.py {arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
