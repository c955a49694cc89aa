//! Traces of a running pipeline: from a record's header over two stages to a collector, and what the collector is told beside that.

use crate::harness::client::Message;
use crate::harness::collector::{Arrived, Collector};
use crate::harness::millstream::TestTopology;
use crate::harness::wait_until;
use crate::pipeline::Pipeline;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);
const SECRET: &str = "hunter2-4711";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

const TOPOLOGY: &str = "
application: traced
commit_interval: 50ms
sources: {in: {topic: in}}
processors:
  again: {type: repartition, from: in, key: = event.id, topic: middle, partitions: 2}
sinks: {out: {from: again, topic: out}}
dead_letters: {topic: dead}
";

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-00f067aa0ba902b7-{flags}")
}

fn header(span: &Arrived) -> Option<String> {
    Some(format!("00-{}-{}-01", span.trace, span.id))
}

#[test]
fn a_trace_goes_through_two_stages_to_the_output_and_its_spans_to_the_collector() {
    let collector = Collector::start();
    let topology = TestTopology::of("traced", TOPOLOGY)
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())
        .variable("OTEL_EXPORTER_OTLP_HEADERS", &format!("x-api-key={SECRET}"))
        .variable("OTEL_SERVICE_NAME", "orders")
        .variable("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        .variable("MILLSTREAM_LOG", "trace");
    let pipeline = Pipeline::of(topology);
    pipeline.create(&["in", "out"], 2, &[]);
    let mut instance = pipeline.start("traced-0");
    instance.wait_ready();
    let input = pipeline.topic("in");
    let order = |id: &str, flags: &str| {
        let value = format!(r#"{{"id":"{id}"}}"#);
        Message::new(&input, Some(id), value)
            .header("traceparent", parent(flags))
            .header("tracestate", "vendor=1")
    };
    let untraced = Message::new(&input, Some("untraced"), r#"{"id":"untraced"}"#);
    let broken =
        Message::new(&input, Some("broken"), format!("{{nonsense {SECRET}")).header("traceparent", parent("01"));
    pipeline.produce(&[order("sampled", "01"), order("unsampled", "00"), untraced, broken]);
    pipeline.client.wait_committed(&pipeline.topic("out"), 3, LIMIT);
    pipeline.client.wait_committed(&pipeline.topic("dead"), 1, LIMIT);

    let spans = collector.wait(3);
    assert_eq!(spans.len(), 3, "{spans:#?}");
    let of = |topic: &str, status: i32| {
        let name = format!("process {}", pipeline.topic(topic));
        let mut found = spans.iter().filter(|span| span.name == name && span.status.0 == status);
        found.next().unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
    };
    let (first, second, failed) = (of("in", 0), of("middle", 0), of("in", 2));
    assert!(spans.iter().all(|span| span.trace == TRACE));
    assert_eq!([&first.parent, &failed.parent], ["00f067aa0ba902b7"; 2]);
    assert_eq!(second.parent, first.id);
    assert_eq!(failed.attributes["error.type"], "decode");
    assert_eq!(
        first.attributes["messaging.consumer.group.name"],
        pipeline.topology.application()
    );
    assert_eq!(first.resource["service.name"], "orders");
    assert_eq!(first.resource["service.instance.id"], "traced-0");
    assert_eq!(first.resource["deployment.environment.name"], "test");

    let out = pipeline.committed("out");
    let one = |id: &str| {
        out.iter()
            .find(|record| record.key_text().as_deref() == Some(id))
            .expect("written")
    };
    assert_eq!(one("sampled").header("traceparent"), header(second));
    assert_eq!(one("sampled").header("tracestate").as_deref(), Some("vendor=1"));
    assert_eq!(one("unsampled").header("traceparent"), Some(parent("00")));
    assert_eq!(one("untraced").header("traceparent"), None);
    let middle = pipeline.committed("middle");
    assert!(
        middle
            .iter()
            .any(|record| record.header("traceparent") == header(first))
    );
    assert_eq!(pipeline.committed("dead")[0].header("traceparent"), Some(parent("01")));

    let heads = collector.heads();
    assert!(
        heads
            .iter()
            .all(|head| head.starts_with("POST /v1/traces ") && head.contains(SECRET)),
        "{heads:?}"
    );
    wait_until("the count of spans", LIMIT, || {
        match instance.metric("millstream_spans_exported_total") {
            3 => Ok(()),
            count => Err(format!("{count}")),
        }
    });

    // The last spans go when it stops, and a collector that is away does not keep it from that.
    pipeline.produce(&[order("last", "01")]);
    pipeline.client.wait_committed(&pipeline.topic("out"), 4, LIMIT);
    assert!(instance.terminate().success());
    assert_eq!(collector.wait(5).len(), 5);
    let log = instance.log();
    assert!(!log.contains(SECRET), "the log has a secret");
    assert!(
        !format!("{:?}", collector.spans()).contains(SECRET),
        "a span has a part of a record"
    );
}

#[test]
fn a_pipeline_runs_on_and_stops_while_its_collector_is_away_or_can_not_be_used() {
    for (variable, value, says) in [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "500", "did not take spans"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "no spans are exported"),
    ] {
        let topology = TestTopology::of("traced-away", TOPOLOGY)
            // nobody is given that port by chance
            .variable("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
            .variable(variable, value);
        let pipeline = Pipeline::of(topology);
        pipeline.create(&["in", "out"], 2, &[]);
        let mut instance = pipeline.start("a");
        instance.wait_ready();
        let input = pipeline.topic("in");
        let order = |number: usize| {
            let id = number.to_string();
            Message::new(&input, Some(&id), format!(r#"{{"id":"{id}"}}"#)).header("traceparent", parent("01"))
        };
        pipeline.produce(&(0..500).map(order).collect::<Vec<_>>());
        pipeline.client.wait_committed(&pipeline.topic("out"), 500, LIMIT);
        wait_until("its word", LIMIT, || {
            let log = instance.log();
            if log.contains(says) { Ok(()) } else { Err(log) }
        });
        assert!(instance.terminate().success());
    }
}
