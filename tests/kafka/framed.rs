//! Records framed with ids, while the registry is away, and ids that nobody knows.

use crate::harness::client::Message;
use crate::harness::millstream::{Instance, TestTopology};
use crate::harness::registry::SchemaRegistry;
use crate::harness::{free_port, wait_until};
use crate::pipeline::Pipeline;
use serde_json::json;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const ORDER: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}"#;
const WIDER: &str =
    r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"gift","type":"boolean"}]}"#;

/// A text in Avro, framed; `rest` follows it.
fn framed(id: u32, text: &str, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(id.to_be_bytes());
    bytes.push(u8::try_from(text.len() * 2).expect("a short text"));
    bytes.extend(text.as_bytes());
    bytes.extend(rest);
    bytes
}

fn wait_for_registry(instance: &Instance) {
    wait_until("the registry to be waited for", LIMIT, || {
        match instance.get("/readyz") {
            Ok((503, body)) if body.contains("the schema registry") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
}

#[test]
fn a_registry_that_is_away_is_waited_for_and_nothing_is_dropped() {
    let registry = SchemaRegistry::start(free_port());
    let yaml = format!(
        "application: framed\nsources: {{in: {{topic: in, codec: avro, schema: order.avsc}}}}\n\
         sinks: {{out: {{from: in, topic: out, codec: avro, schema: order.avsc}}}}\ndead_letters: {{topic: dead}}\n\
         schema_registry: {{url: \"{}\", timeout: 1s, auto_register: true}}\n",
        registry.url()
    );
    let topology = TestTopology::of("framed", &yaml);
    std::fs::write(topology.path().join("order.avsc"), ORDER).expect("a schema");
    let pipeline = Pipeline::of(topology);
    pipeline.create(&["in", "out"], 1, &[]);
    let (topic, out) = (pipeline.topic("in"), pipeline.topic("out"));
    let first = registry.register("first-value", "AVRO", ORDER, json!([]));
    let second = registry.register("second-value", "AVRO", WIDER, json!([]));
    let of_first = |number: usize| Message::new(&topic, None, framed(first, &format!("o{number}"), &[]));

    registry.pause();
    pipeline.produce(&(0..10).map(of_first).collect::<Vec<_>>());
    let mut instance = pipeline.start("a");
    wait_for_registry(&instance);
    assert!(pipeline.committed("out").is_empty());
    registry.resume();
    instance.wait_ready();
    pipeline.client.wait_committed(&out, 10, LIMIT);

    // a schema that was not met yet, in the middle of others
    registry.pause();
    let of_second = |number: usize| Message::new(&topic, None, framed(second, &format!("o{number}"), &[0]));
    let all: Vec<Message> = (10..15)
        .map(of_first)
        .chain((15..20).map(of_second))
        .chain((20..25).map(of_first))
        .collect();
    pipeline.produce(&all);
    wait_for_registry(&instance);
    assert!(pipeline.committed("out").len() <= 15);
    registry.resume();
    pipeline.client.wait_committed(&out, 25, LIMIT);
    instance.wait_ready();

    // nobody ever knows this one, and it stops nothing
    let unknown = Message::new(&topic, Some("unknown"), framed(999_999, "x", &[]));
    let unframed = Message::new(&topic, Some("unframed"), b"{}".as_slice());
    pipeline.produce(&[unknown, unframed, of_first(25)]);
    pipeline.client.wait_committed(&out, 26, LIMIT);
    assert!(instance.terminate().success(), "{}", instance.log());

    let written: Vec<Vec<u8>> = pipeline
        .committed("out")
        .into_iter()
        .filter_map(|record| record.value)
        .collect();
    let id = registry.ask("GET", &format!("/subjects/{out}-value/versions/1"), "")["id"]
        .as_u64()
        .expect("an id");
    let id = u32::try_from(id).expect("an id");
    let wanted: Vec<Vec<u8>> = (0..26).map(|number| framed(id, &format!("o{number}"), &[])).collect();
    assert_eq!(written, wanted);
    let dead = pipeline.committed("dead").into_iter().map(|letter| {
        let message = letter.header("__streams.errors.message").unwrap_or_default();
        (
            letter.key_text().unwrap_or_default(),
            letter.header("__streams.errors.exception").unwrap_or_default(),
            message,
        )
    });
    let dead: Vec<(String, String, String)> = dead.collect();
    assert!(
        matches!(dead.as_slice(), [(one, a, why), (two, b, how)]
            if one == "unknown" && a == "decode" && why.contains("999999") && two == "unframed" && b == "decode" && how.contains("not framed")),
        "{dead:?}"
    );
    assert_eq!(
        registry.versions(&format!("{out}-value")),
        [1],
        "it was registered by writing"
    );
}
