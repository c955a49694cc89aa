//! What a running pipeline shows of itself: its metrics, whether it started, and what it never writes.

use crate::harness::broker::shared;
use crate::harness::client::Message;
use crate::harness::millstream::{Instance, TestTopology};
use crate::harness::wait_until;
use crate::pipeline::Pipeline;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);
const SECRET: &str = "hunter2-4711";

/// Through a topic in the middle, whose partitions end in transaction markers.
const TOPOLOGY: &str = "
application: observed
commit_interval: 100ms
sources: {in: {topic: in}}
processors:
  once: {type: dedupe, from: in, id: = event.id, window: 1h}
  again: {type: repartition, from: once, key: = event.id, topic: middle, partitions: 3}
sinks: {out: {from: again, topic: out, event_time: = event.?at}}
dead_letters: {topic: dead}
";

fn messages(pipeline: &Pipeline, count: usize) -> Vec<Message> {
    let topic = pipeline.topic("in");
    let message = |number: usize| {
        let value = match number % 10 {
            9 => format!("{{nonsense {SECRET}"),
            _ => format!(r#"{{"id":"{number}","password":"{SECRET}","at":"2024-05-22T05:55:57.695Z"}}"#),
        };
        Message::new(&topic, Some(SECRET), value).header("token", SECRET)
    };
    (0..count).map(message).collect()
}

fn value(page: &str, sample: &str) -> f64 {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    let number = line.unwrap_or_else(|| panic!("no {sample} in\n{page}"));
    number.parse().expect("a number")
}

#[test]
fn a_running_pipeline_shows_what_it_does_and_writes_no_secret_whatever_is_logged() {
    let topology = TestTopology::of("observed", TOPOLOGY)
        .variable("MILLSTREAM_LOG", "trace")
        .kafka("sasl.password", SECRET);
    let pipeline = Pipeline::of(topology);
    pipeline.create(&["in", "out"], 3, &[]);
    let mut instance = pipeline.start_with("a", &["--http-admin"]);
    instance.wait_ready();
    assert_eq!(instance.get("/startupz").expect("an answer").0, 200);
    pipeline.produce(&messages(&pipeline, 1_000));
    pipeline.client.wait_committed(&pipeline.topic("out"), 900, LIMIT);
    let (input, middle, output) = (pipeline.topic("in"), pipeline.topic("middle"), pipeline.topic("out"));
    // Statistics of the clients come every 5 s, sizes every 10; then nothing is behind, markers or not.
    let page = wait_until("no lag", LIMIT, || {
        let page = instance.get("/metrics").map_err(|error| error.to_string())?.1;
        let lag = |topic: &str| format!("millstream_lag_records{{topic=\"{topic}\"}} 0");
        let unsized_store = page.contains("millstream_store_bytes{store=\"once\"} 0\n");
        match page.contains(&lag(&input)) && page.contains(&lag(&middle)) && !unsized_store {
            true => Ok(page),
            false => Err(page),
        }
    });
    let produced = |topic: &str| {
        value(
            &page,
            &format!("millstream_records_produced_total{{topic=\"{topic}\"}}"),
        )
    };
    assert!((produced(&output) - 900.0).abs() < 0.5, "{page}");
    for sample in [
        "millstream_bytes_consumed_total{source=\"in\"}",
        "millstream_processor_records_total{processor=\"once\"}",
        "millstream_processor_seconds_count{processor=\"once\"}",
        "millstream_commit_seconds_count",
        "millstream_store_bytes{store=\"once\"}",
        "millstream_kafka_round_trip_seconds",
        "millstream_process_seconds_total",
        "millstream_ready",
    ] {
        assert!(value(&page, sample) > 0.0, "{sample} in\n{page}");
    }
    for latency in ["ingest", "event"] {
        let count = format!("millstream_{latency}_latency_seconds_count{{sink=\"out\"}}");
        assert!((value(&page, &count) - 900.0).abs() < 0.5, "{latency} in\n{page}");
    }
    for topic in [&input, &middle] {
        let age = value(&page, &format!("millstream_lag_seconds{{topic=\"{topic}\"}}"));
        assert!(age.abs() < f64::EPSILON, "{topic}: {age} s");
    }
    let (status, why) = instance.get("/api/samples/source:in").expect("an answer");
    assert!(status == 403 && why.contains("--page-samples"), "{status}: {why}");
    // nothing is to be done, so no call fails; the clients' statistics say it all the same
    let gone = shared().kill();
    let since = Instant::now();
    wait_until("readiness to say that the brokers are away", LIMIT, || {
        match instance.get("/readyz") {
            Ok((503, why)) if why.contains("the brokers are waited for") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    println!("it was noticed after {:?}", since.elapsed());
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
    gone.over();
    let since = Instant::now();
    instance.wait_ready();
    println!("it was ready again after {:?}", since.elapsed());
    assert!(put_level(&instance, "warn").starts_with("HTTP/1.1 200 "));
    assert!(instance.terminate().success());
    let log = instance.log();
    assert!(log.contains("what is logged was changed"), "{log}");
    for said in ["no broker is connected any more", "the brokers are connected again"] {
        assert_eq!(log.matches(said).count(), 1, "{said}");
    }
    for (what, text) in [("the log", log.as_str()), ("the metrics", page.as_str())] {
        let line = text.lines().find(|line| line.contains(SECRET));
        assert!(line.is_none(), "{what} has a secret: {line:?}");
    }
}

fn put_level(instance: &Instance, filter: &str) -> String {
    let mut stream = TcpStream::connect(instance.http()).expect("connected");
    let head = format!(
        "PUT /logs/level HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}",
        filter.len()
    );
    stream
        .write_all(format!("{head}\r\n\r\n{filter}").as_bytes())
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
