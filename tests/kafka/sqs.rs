//! The SQS feed: from a queue of moto, by `millstream run`, to Kafka.

use crate::harness::broker::shared;
use crate::harness::client::Delivered;
use crate::harness::compare::assert_same_multiset;
use crate::harness::millstream::TestTopology;
use crate::harness::moto::{self, Moto, Queue, REGION};
use crate::harness::random::Random;
use crate::harness::{free_port, wait_until};
use crate::pipeline::Pipeline;
use std::collections::HashSet;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// Bodies by their ids once, whatever comes twice.
const TOPOLOGY: &str = r#"application: sqs
feeds:
  queue: {type: sqs, queue_url: "QUEUE", endpoint: "ENDPOINT", topic: feed, key: = event.id, visibility: 5s, wait: 2s}
sources: {in: {topic: feed}}
processors:
  once: {type: dedupe, from: in, id: = event.id, window: 1d}
sinks: {out: {from: once, topic: out}}
dead_letters: {topic: dead}
"#;

/// With more settings of the feed.
fn topology(test: &str, port: u16, queue_url: &str, settings: &str) -> TestTopology {
    let yaml = TOPOLOGY
        .replace("QUEUE", queue_url)
        .replace("ENDPOINT", &moto::endpoint(port))
        .replace("wait: 2s", &format!("wait: 2s{settings}"));
    TestTopology::of(test, &yaml)
        .kafka("session.timeout.ms", "3000")
        .kafka("heartbeat.interval.ms", "500")
        .variable("AWS_REGION", REGION)
        .variable("AWS_ACCESS_KEY_ID", "test")
        .variable("AWS_SECRET_ACCESS_KEY", "hunter2-secret-key")
}

/// The topology's topics; that of the feed with these settings.
fn made(topology: TestTopology, brokers: &str, settings: &[(&str, &str)]) -> Pipeline {
    let pipeline = Pipeline::on(topology, brokers);
    pipeline.create(&["feed"], 3, settings);
    pipeline.create(&["out"], 3, &[]);
    pipeline.create(&["dead"], 1, &[]);
    pipeline
}

/// A queue, and a pipeline from it on this broker.
fn begun(test: &str, brokers: &str) -> (Queue<'static>, Pipeline) {
    let moto = moto::shared();
    let queue = moto.create_queue(test);
    let topology = topology(test, moto.port(), &queue.url, "");
    (queue, made(topology, brokers, &[]))
}

/// With spaces and escapes that a parser would not keep.
fn body(number: usize) -> String {
    format!("{{ \"id\":\t\"n-{number}\", \"amount\": 1.0, \"name\": \"Zo\\u00eb \u{1f98a}\", \"id2\": {number}e0 }}")
}

fn bodies(count: usize) -> Vec<String> {
    (0..count).map(body).collect()
}

fn texts(records: &[Delivered]) -> Vec<String> {
    records.iter().map(Delivered::value_text).collect()
}

fn header(record: &Delivered, name: &str) -> String {
    record
        .header(name)
        .unwrap_or_else(|| panic!("no header {name}: {:?}", record.headers))
}

/// Every number once behind `dedupe`, whatever came how often before it.
fn assert_each_came_once(pipeline: &Pipeline, count: usize) {
    let mut ids: Vec<String> = Vec::new();
    for record in pipeline.committed("out") {
        ids.push(record.key_text().unwrap_or_default());
    }
    assert_same_multiset("out", (0..count).map(|number| format!("n-{number}")), ids);
}

/// A message comes again only where SQS gave it again, which it counts.
fn assert_duplicates_are_redeliveries(records: &[Delivered]) {
    let deliveries: HashSet<(String, String)> = records
        .iter()
        .map(|record| (header(record, "sqs.message_id"), header(record, "sqs.receive_count")))
        .collect();
    assert_eq!(deliveries.len(), records.len(), "each delivery of SQS is one record");
}

#[test]
fn numbered_messages_of_sqs_all_arrive_as_they_are_and_the_queue_is_empty() {
    const COUNT: usize = 300;
    let (queue, pipeline) = begun("sqs", &shared().address());
    queue.send_all(&bodies(COUNT));
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    pipeline.client.wait_committed(&pipeline.topic("out"), COUNT, LIMIT);
    queue.wait_empty(LIMIT);
    let metrics = ["millstream_feed_received_total", "millstream_feed_written_total"];
    assert_eq!(metrics.map(|name| instance.metric(name)), [COUNT as u64; 2]);
    assert!(instance.terminate().success(), "{}", instance.log());

    let records = pipeline.committed("feed");
    assert_same_multiset("feed", bodies(COUNT), texts(&records));
    for record in &records {
        assert_eq!(header(record, "sqs.receive_count"), "1");
        assert!(header(record, "sqs.attribute.batch").parse::<usize>().is_ok());
        assert!(record.timestamp.is_some_and(|time| time > 1_500_000_000_000));
        assert!(record.key_text().is_some_and(|key| key.starts_with("n-")));
    }
    assert_duplicates_are_redeliveries(&records);
    assert_each_came_once(&pipeline, COUNT);
    let log = instance.log();
    assert!(
        !log.contains("hunter2") && !log.contains("n-1"),
        "nothing secret in:\n{log}"
    );
}

#[test]
fn messages_of_sqs_arrive_once_after_dedupe_though_millstream_is_killed_again_and_again() {
    const COUNT: usize = 300;
    const KILLS: usize = 3;
    let (queue, pipeline) = begun("sqs-killed", &shared().address());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for portion in bodies(COUNT).chunks(30) {
                queue.send_all(portion);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        for _ in 0..KILLS {
            let before = pipeline.client.committed_count(&pipeline.topic("feed"));
            let mut instance = pipeline.start("a");
            wait_until("records of this instance", LIMIT, || {
                let now = pipeline.client.committed_count(&pipeline.topic("feed"));
                (now > before).then_some(()).ok_or(format!("{now}"))
            });
            instance.kill();
        }
    });
    let mut instance = pipeline.start("a");
    pipeline.client.wait_committed(&pipeline.topic("out"), COUNT, LIMIT);
    queue.wait_empty(LIMIT);
    assert!(instance.terminate().success(), "{}", instance.log());
    assert_duplicates_are_redeliveries(&pipeline.committed("feed"));
    assert_each_came_once(&pipeline, COUNT);
}

#[test]
fn while_kafka_is_away_messages_of_sqs_stay_hidden_and_none_is_lost_or_seen_again() {
    const COUNT: usize = 250;
    let broker = shared();
    let (queue, pipeline) = begun("sqs-away", &broker.address());
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    let gone = broker.kill();
    queue.send_all(&bodies(COUNT));
    wait_until("as many as may be in flight", LIMIT, || {
        let held = instance.metric("millstream_feed_unacknowledged");
        (held > 190).then_some(()).ok_or(format!("{held}"))
    });
    // For longer than they would be hidden.
    std::thread::sleep(Duration::from_secs(8));
    assert!(instance.metric("millstream_feed_unacknowledged") <= 200);
    assert_eq!(queue.left(), COUNT as u64, "nothing is deleted that Kafka has not got");
    gone.over();
    pipeline.client.wait_committed(&pipeline.topic("out"), COUNT, LIMIT);
    queue.wait_empty(LIMIT);
    assert!(instance.terminate().success(), "{}", instance.log());
    let records = pipeline.committed("feed");
    assert_same_multiset("feed", bodies(COUNT), texts(&records));
    assert!(
        records.iter().all(|record| header(record, "sqs.receive_count") == "1"),
        "extended in time, none was given twice"
    );
    assert_each_came_once(&pipeline, COUNT);
}

#[test]
fn envelopes_of_sns_are_opened_and_what_can_never_be_a_record_is_a_dead_letter() {
    let moto = moto::shared();
    let queue = moto.create_queue("sqs-sns");
    let topology = topology("sqs-sns", moto.port(), &queue.url, ", unwrap_sns: true");
    let pipeline = made(topology, &shared().address(), &[("max.message.bytes", "20000")]);
    let envelope = |message: &str| {
        let mut envelope =
            serde_json::json!({"Type": "Notification", "MessageId": "s-1", "TopicArn": "arn:aws:sns:eu-west-1:1:t"});
        envelope["Message"] = message.into();
        envelope["MessageAttributes"] = serde_json::json!({"kind": {"Type": "String", "Value": "update"}});
        envelope.to_string()
    };
    // What repeats itself would be small on the wire.
    let mut random = Random::new(1);
    let noise: String = (0..4_000).map(|_| format!("{:016x}", random.below(u64::MAX))).collect();
    let huge = format!("{{\"id\": \"n-9\", \"text\": \"{noise}\"}}");
    let confirmation =
        r#"{"Type": "SubscriptionConfirmation", "Message": "confirm", "SubscribeURL": "https://example.org"}"#;
    let broken = r#"{"id": "n-8"}"#;
    queue.send_all(&[envelope(&body(0))]);
    queue.send_all(&[envelope(&huge)]);
    queue.send_all(&[broken.to_owned(), confirmation.to_owned()]);
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    pipeline.client.wait_committed(&pipeline.topic("dead"), 3, LIMIT);
    pipeline.client.wait_committed(&pipeline.topic("out"), 1, LIMIT);
    queue.wait_empty(LIMIT);
    assert_eq!(instance.metric("millstream_feed_dead_letters_total"), 3);
    assert!(instance.terminate().success(), "{}", instance.log());

    let records = pipeline.committed("feed");
    assert_eq!(texts(&records), [body(0)]);
    assert_eq!(header(&records[0], "sns.message_id"), "s-1");
    assert_eq!(header(&records[0], "sqs.attribute.kind"), "update");
    let dead = pipeline.committed("dead").into_iter();
    let dead = dead.map(|letter| (header(&letter, "__streams.errors.exception"), letter.value_text()));
    let wanted = [
        ("envelope".to_owned(), broken.to_owned()),
        ("envelope".to_owned(), confirmation.to_owned()),
        ("too_large".to_owned(), huge),
    ];
    assert_same_multiset("dead letters", wanted, dead);
}

#[test]
fn while_sqs_is_away_or_has_no_such_queue_readiness_says_so_and_the_feed_goes_on_by_itself() {
    let port = free_port();
    let url = moto::queue_url(port, "sqs-late");
    let pipeline = made(topology("sqs-late", port, &url, ""), &shared().address(), &[]);
    let mut instance = pipeline.start("a");
    let says = |what: &str| {
        wait_until(what, LIMIT, || match instance.get("/readyz") {
            Ok((503, page)) if page.contains(what) => Ok(()),
            other => Err(format!("{other:?}")),
        });
    };
    says("SQS can't be reached");
    let moto = Moto::start(port);
    says("no such queue");
    let queue = moto.create_queue("sqs-late");
    assert_eq!(queue.url, url);
    queue.send_all(&bodies(20));
    instance.wait_ready();
    pipeline.client.wait_committed(&pipeline.topic("out"), 20, LIMIT);
    queue.wait_empty(LIMIT);
    assert!(instance.terminate().success(), "{}", instance.log());
}
