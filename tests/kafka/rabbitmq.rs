//! RabbitMQ into Kafka, whatever is killed or cut: nothing lost, and nothing doubled once it is through the shipped topology.

use crate::harness::broker;
use crate::harness::client::Delivered;
use crate::harness::compare::assert_same_multiset;
use crate::harness::cut::{Proxy, Side};
use crate::harness::documents::{DEAD_LETTERS, Outcome, outputs, published};
use crate::harness::millstream::{Instance, TestTopology};
use crate::harness::rabbitmq::{Publish, Rabbit, shared};
use crate::harness::{resident, wait_until};
use crate::pipeline::Pipeline;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

const LIMIT: Duration = Duration::from_secs(60);
/// Of each round, and how long it takes to publish them.
const ROUND: (usize, Duration) = (1_000, Duration::from_secs(3));
/// While Kafka is away for a minute.
const AWAY: (usize, Duration) = (12_000, Duration::from_secs(64));

/// A message with a number, and what must come of it: as the Customers microservice sends it, every other one without an id.
fn numbered(number: usize) -> (Publish, Outcome) {
    let all = published();
    let (routing_key, body, mut outcome) = all.into_iter().cycle().nth(number % 11).expect("a sample");
    // Sorted by name and without blanks, as it is hashed where the message has no id.
    let mut document: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&body).expect("a sample");
    document.insert("number".to_owned(), number.into());
    for member in document.values_mut() {
        member.sort_all_objects();
    }
    let body = serde_json::to_vec(&document).expect("a body");
    let mut properties = BasicProperties::default();
    let id = if number.is_multiple_of(2) {
        let id = format!("m-{number}");
        properties = properties.with_message_id(id.as_str().into());
        id
    } else {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"millstream");
        let name = [routing_key.as_bytes(), b"\n", &body].concat();
        Uuid::new_v5(&namespace, &name).to_string()
    };
    outcome.id = Some(id);
    let message = Publish {
        routing_key: routing_key.to_owned(),
        body,
        properties,
    };
    (message, outcome)
}

/// The shipped topology with a feed of RabbitMQ.
fn customer_events(test: &str, exchange: &str, url: &str, settings: &str) -> Pipeline {
    let mut pipeline = Pipeline::customer_events(test);
    let feed = format!(
        "feeds:\n  ecomm:\n    type: rabbitmq\n    url: \"{url}\"\n    exchange: {exchange}\n    topic: {}\n    key: {{of: \
         normalize-rabbitmq}}\n{settings}",
        pipeline.topic("feed.rabbitmq"),
    );
    pipeline.topology = pipeline.topology.edit(|yaml| yaml + &feed);
    pipeline
}

fn number(record: &Delivered) -> u64 {
    let number = record.json().pointer("/number").and_then(serde_json::Value::as_u64);
    number.expect("a numbered message")
}

/// The numbers at their first coming are in order in each partition, and a number has the same id however often it came. How often one
/// came again.
fn assert_fed(records: &[Delivered], count: usize) -> usize {
    let mut ids: BTreeMap<u64, Option<String>> = BTreeMap::new();
    let mut newest: BTreeMap<i32, u64> = BTreeMap::new();
    let mut again = 0;
    for record in records {
        let (number, id) = (number(record), record.header("rabbitmq.message_id"));
        if let Some(before) = ids.get(&number) {
            assert_eq!(*before, id, "{number} came with another id");
            again += 1;
            continue;
        }
        ids.insert(number, id);
        let newest = newest.entry(record.partition).or_default();
        assert!(*newest <= number, "{number} first came after {newest}");
        *newest = number;
    }
    let missing: Vec<u64> = (0..count as u64).filter(|number| !ids.contains_key(number)).collect();
    assert!(missing.is_empty(), "{} are missing: {missing:?}", missing.len());
    again
}

#[test]
fn what_is_published_comes_out_once_and_in_order_whatever_is_killed_or_cut() {
    let rabbit = shared();
    let proxy = Proxy::to(rabbit.port());
    let exchange = "faults";
    // Few at a time, so that RabbitMQ still has most of them while something breaks.
    let pipeline = customer_events(
        "rabbitmq",
        exchange,
        &Rabbit::url_at(proxy.port()),
        "    prefetch: 100\n",
    );
    let mut instance = pipeline.start("a");
    instance.wait_ready();

    type Fault = fn(&Pipeline, &Proxy, &mut Instance);
    let faults: [((usize, Duration), Fault); 5] = [
        (ROUND, |pipeline, _, instance| {
            instance.kill();
            *instance = pipeline.start("b");
        }),
        (ROUND, |_, _, _| {
            shared().kill();
            shared().relaunch();
        }),
        (ROUND, |_, proxy, _| {
            for side in [Side::Server, Side::Client, Side::Server] {
                proxy.cut(side);
                std::thread::sleep(Duration::from_millis(300));
            }
        }),
        (AWAY, kafka_is_away_for_a_minute),
        (ROUND, |pipeline, _, instance| {
            let gone = broker::shared().kill();
            std::thread::sleep(Duration::from_secs(3));
            let unacknowledged = instance.metric("millstream_feed_unacknowledged");
            assert!((1..=100).contains(&unacknowledged), "{unacknowledged} unacknowledged");
            // What it had taken comes again.
            instance.kill();
            gone.over();
            *instance = pipeline.start("c");
        }),
    ];
    let mut all = Vec::new();
    for ((count, over), fault) in faults {
        let (messages, outcomes): (Vec<_>, Vec<_>) = (all.len()..all.len() + count).map(numbered).unzip();
        all.extend(outcomes);
        std::thread::scope(|scope| {
            scope.spawn(|| rabbit.publish(exchange, &messages, over));
            std::thread::sleep(Duration::from_secs(1));
            fault(&pipeline, &proxy, &mut instance);
        });
        instance.wait_ready();
    }
    for topic in outputs() {
        let count = all.iter().filter(|outcome| outcome.topic == topic).count();
        pipeline.client.wait_committed(&pipeline.topic(&topic), count, LIMIT);
    }
    rabbit.wait_empty(&format!("{}.ecomm", pipeline.topology.application()), LIMIT);
    let status = instance.terminate();
    assert!(status.success(), "ended with {status}\n{}", instance.log());

    let fed = pipeline.committed("feed.rabbitmq");
    let again = assert_fed(&fed, all.len());
    let redelivered = fed
        .iter()
        .filter(|record| record.header("rabbitmq.redelivered").as_deref() == Some("true"));
    println!(
        "{} messages, {again} came again, {} redelivered",
        all.len(),
        redelivered.clone().count()
    );
    assert!(redelivered.count() > 0, "nothing was delivered again");
    let outcomes = outputs().into_iter().flat_map(|topic| {
        let records = pipeline.committed(&topic);
        records
            .iter()
            .map(|record| Outcome::of(&topic, record))
            .collect::<Vec<_>>()
    });
    assert_same_multiset("outputs", all, outcomes);
    assert_eq!(pipeline.client.committed_count(&pipeline.topic(DEAD_LETTERS)), 0);
    for name in ["guest:guest", "test@skava.com"] {
        assert!(!instance.log().contains(name), "the log has {name} in it");
    }
}

/// Under load: what comes meanwhile stays in the queue, and nothing of it in the process.
fn kafka_is_away_for_a_minute(pipeline: &Pipeline, _: &Proxy, instance: &mut Instance) {
    let gone = broker::shared().kill();
    let since = Instant::now();
    let mut most = 0;
    let mut settled = None;
    while since.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_secs(2));
        most = most.max(resident(instance.id()));
        if since.elapsed() > Duration::from_secs(10) {
            settled.get_or_insert_with(|| resident(instance.id()));
            let (status, why) = instance.get("/readyz").expect("an answer");
            assert!(status == 503 && why.contains(" waits for "), "{status}: {why}");
        }
        assert!(instance.is_running(), "{}", instance.log());
    }
    let settled = settled.expect("ten seconds are over");
    assert!(
        most < settled + (8 << 20),
        "while Kafka was away it grew from {settled} to {most} bytes"
    );
    let queue = format!("{}.ecomm", pipeline.topology.application());
    let (waiting, _) = shared().queue(&queue).expect("the queue");
    assert!(waiting > 5_000, "only {waiting} messages wait");
    let unacknowledged = instance.metric("millstream_feed_unacknowledged");
    assert!((1..=100).contains(&unacknowledged), "{unacknowledged} unacknowledged");
    gone.over();
}

/// RabbitMQ believes so until this is dropped.
struct LackingMemory<'r>(&'r Rabbit);

impl<'r> LackingMemory<'r> {
    fn of(rabbit: &'r Rabbit) -> Self {
        rabbit.control(&["set_vm_memory_high_watermark", "0.00001"]);
        Self(rabbit)
    }
}

impl Drop for LackingMemory<'_> {
    fn drop(&mut self) {
        self.0.control(&["set_vm_memory_high_watermark", "0.6"]);
    }
}

#[test]
fn while_rabbitmq_lacks_memory_the_feed_takes_what_is_in_the_queue_and_complains_of_nothing() {
    let rabbit = shared();
    let feed = format!(
        "feeds:\n  orders: {{type: rabbitmq, topic: in, url: \"{}\", exchange: alarm, bindings: \"#\", queue: alarm, prefetch: 10}}\n",
        rabbit.url()
    );
    let pipeline = Pipeline::of(TestTopology::of("alarm", &format!("{COPY}{feed}")));
    pipeline.create(&["in", "out", "dead"], 1, &[]);
    let publish = |numbers: std::ops::Range<usize>| {
        let message = |number| Publish {
            routing_key: "any".to_owned(),
            body: format!("{{\"number\":{number}}}").into_bytes(),
            properties: BasicProperties::default(),
        };
        rabbit.publish("alarm", &numbers.map(message).collect::<Vec<_>>(), Duration::ZERO);
    };
    // The first start makes the queue.
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    assert!(instance.terminate().success());
    publish(0..500);
    std::thread::scope(|scope| {
        let lacking = LackingMemory::of(rabbit);
        let blocked = scope.spawn(|| publish(500..600));
        let mut instance = pipeline.start("b");
        instance.wait_ready();
        // All of them acknowledged, many times as many as it takes at a time.
        rabbit.wait_empty("alarm", LIMIT);
        pipeline.client.wait_committed(&pipeline.topic("in"), 500, LIMIT);
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(instance.get("/readyz").expect("an answer").0, 200);
        let is_blocked = !blocked.is_finished();
        drop(lacking);
        assert!(is_blocked, "RabbitMQ took messages: it did not lack memory");
        pipeline.client.wait_committed(&pipeline.topic("in"), 600, LIMIT);
        assert!(instance.terminate().success());
        assert!(!instance.log().contains("takes no messages"), "{}", instance.log());
    });
    assert_fed(&pipeline.committed("in"), 600);
}

#[test]
fn a_message_has_all_its_headers_and_one_that_kafka_can_not_take_is_a_dead_letter_and_acknowledged() {
    let rabbit = shared();
    let (url, ca) = rabbit.tls();
    let trust = format!("    ca: {}\n", ca.display());
    let pipeline = customer_events("rabbitmq-headers", "headers", &url, &trust);
    let mut instance = pipeline.start("a");
    instance.wait_ready();

    let mut table = FieldTable::default();
    table.insert("trace".into(), AMQPValue::LongString("t-1".into()));
    table.insert("try".into(), AMQPValue::LongInt(3));
    let properties = BasicProperties::default()
        .with_message_id("m-1".into())
        .with_correlation_id("c-1".into())
        .with_timestamp(1_716_357_372)
        .with_headers(table);
    let body = b" {\"users\": {\"id\": 1.0}, \"n\": 1e2} \n".to_vec();
    let publish = |body: &[u8], properties: &BasicProperties| Publish {
        routing_key: "user.userupdated".to_owned(),
        body: body.to_vec(),
        properties: properties.clone(),
    };
    let large = vec![b'x'; 2_000_000];
    let messages = [
        publish(&body, &properties),
        publish(&large, &properties),
        publish(b"", &BasicProperties::default()),
    ];
    rabbit.publish("headers", &messages, Duration::ZERO);
    let feed = pipeline.topic("feed.rabbitmq");
    pipeline.client.wait_committed(&feed, 2, LIMIT);
    rabbit.wait_empty(&format!("{}.ecomm", pipeline.topology.application()), LIMIT);
    // Two of the topology's, for what is no customer's event, and the feed's.
    pipeline.client.wait_committed(&pipeline.topic(DEAD_LETTERS), 2, LIMIT);
    assert_eq!(instance.metric("millstream_feed_dead_letters_total"), 1);
    let status = instance.terminate();
    assert!(status.success(), "ended with {status}\n{}", instance.log());
    assert!(
        rabbit.queue(&format!("{}.ecomm", pipeline.topology.application())) == Some((0, 0)),
        "what was acknowledged came back"
    );

    let records = pipeline.client.committed(&feed);
    let record = records.iter().find(|record| record.value.as_deref() == Some(&body));
    let record = record.expect("the body, byte for byte");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a clock");
    let age = now.as_millis() as i64 - record.timestamp.expect("a timestamp");
    assert!(
        (0..60_000).contains(&age),
        "the record is of when it was taken, not of 2024"
    );
    for (name, value) in [
        ("rabbitmq.routing_key", "user.userupdated"),
        ("rabbitmq.exchange", "headers"),
        ("rabbitmq.vhost", "/"),
        ("rabbitmq.message_id", "m-1"),
        ("rabbitmq.correlation_id", "c-1"),
        ("rabbitmq.timestamp", "1716357372"),
        ("rabbitmq.redelivered", "false"),
        ("rabbitmq.header.trace", "t-1"),
        ("rabbitmq.header.try", "3"),
    ] {
        assert_eq!(record.header(name).as_deref(), Some(value), "{name}");
    }
    let empty = records.iter().find(|record| record.value.as_deref() == Some(b""));
    assert_eq!(empty.expect("the empty body").header("rabbitmq.message_id"), None);
    let letters = pipeline.committed(DEAD_LETTERS);
    let letter = letters
        .iter()
        .find(|letter| letter.header("millstream.processor").as_deref() == Some("ecomm"));
    let letter = letter.expect("the feed's dead letter");
    assert_eq!(letter.header("rabbitmq.message_id").as_deref(), Some("m-1"));
    assert!(letter.value.as_ref().is_some_and(|value| large.starts_with(value)));
}

const COPY: &str = "\
application: copy
sources: {in: {topic: in}}
sinks: {out: {from: in, topic: out}}
dead_letters: {topic: dead}
";

#[test]
fn one_of_two_instances_gets_the_messages_and_the_other_takes_over_when_it_is_gone() {
    let rabbit = shared();
    let feed = format!(
        "feeds:\n  orders: {{type: rabbitmq, topic: in, url: \"{}\", exchange: taken-over, bindings: order.*, queue: taken-over}}\n",
        rabbit.url()
    );
    let topology = TestTopology::of("taken-over", &format!("{COPY}{feed}"));
    let pipeline = Pipeline::of(topology);
    pipeline.create(&["in", "out", "dead"], 1, &[]);
    let mut instances = [pipeline.start("a"), pipeline.start("b")];
    instances.iter_mut().for_each(|instance| {
        instance.wait_ready();
    });
    // Who is ready has a consumer; RabbitMQ counts only the one at work.
    assert_eq!(rabbit.queue("taken-over"), Some((0, 1)));
    let publish = |numbers: std::ops::Range<usize>| {
        let message = |number| Publish {
            routing_key: "order.new".to_owned(),
            body: format!("{{\"number\":{number}}}").into_bytes(),
            properties: BasicProperties::default(),
        };
        let messages: Vec<_> = numbers.map(message).collect();
        rabbit.publish("taken-over", &messages, Duration::ZERO);
    };
    publish(0..100);
    pipeline.client.wait_committed(&pipeline.topic("in"), 100, LIMIT);
    let received = instances
        .each_ref()
        .map(|instance| instance.metric("millstream_feed_received_total"));
    let active = received.iter().position(|count| *count == 100);
    let active = active.unwrap_or_else(|| panic!("each of two got some: {received:?}"));
    instances[active].kill();
    publish(100..200);
    rabbit.wait_empty("taken-over", LIMIT);
    pipeline.client.wait_committed(&pipeline.topic("in"), 200, LIMIT);
    assert!(instances[1 - active].terminate().success());
    assert_fed(&pipeline.committed("in"), 200);
}

#[test]
fn what_rabbitmq_refuses_is_said_with_the_remedy_and_tried_until_somebody_mends_it() {
    let rabbit = shared();
    rabbit.declare_queue("refused");
    let feed = format!(
        "feeds:\n  orders: {{type: rabbitmq, topic: in, url: [\"amqp://127.0.0.1:9\", \"{}\"], exchange: refused, bindings: \"#\", \
         single_active_consumer: false, queue: refused}}\n",
        rabbit.url()
    );
    let topology = TestTopology::of("refused", &format!("{COPY}{feed}"));
    let pipeline = Pipeline::of(topology);
    pipeline.create(&["in", "out", "dead"], 1, &[]);
    let mut instance = pipeline.start("a");
    let says = |instance: &Instance, text: &str| {
        wait_until(text, LIMIT, || {
            let log = instance.log();
            log.contains(text).then_some(()).ok_or(log)
        });
    };
    // It is there as a classic queue.
    says(
        &instance,
        "set `queue_type: classic`, or delete the queue once it is empty",
    );
    rabbit.delete_queue("refused");
    instance.wait_ready();
    let publish = |number: usize| {
        let message = Publish {
            routing_key: "any".to_owned(),
            body: format!("{{\"number\":{number}}}").into_bytes(),
            properties: BasicProperties::default(),
        };
        rabbit.publish("refused", &[message], Duration::ZERO);
    };
    publish(1);
    pipeline.client.wait_committed(&pipeline.topic("out"), 1, LIMIT);

    // A queue deleted under its consumer is made anew.
    rabbit.delete_queue("refused");
    says(&instance, "RabbitMQ has cancelled the consumer");
    wait_until("a consumer", LIMIT, || match rabbit.queue("refused") {
        Some((_, 1)) => Ok(()),
        found => Err(format!("{found:?}")),
    });
    publish(2);
    pipeline.client.wait_committed(&pipeline.topic("out"), 2, LIMIT);
    assert!(instance.terminate().success());

    // Told to declare nothing, it makes nothing.
    let pipeline = Pipeline::on(
        pipeline
            .topology
            .edit(|yaml| yaml.replace("queue: refused", "queue: not-there, declare: false")),
        &broker::shared().address(),
    );
    let mut instance = pipeline.start("b");
    says(
        &instance,
        "with `declare: false` exchange, queue and bindings must be there",
    );
    assert_eq!(rabbit.queue("not-there"), None);
    rabbit.declare_queue("not-there");
    instance.wait_ready();
    assert!(instance.terminate().success());

    // Where there is no RabbitMQ at all, it ends when it is told to.
    let url = format!("\"{}\"", rabbit.url());
    let pipeline = Pipeline::on(
        pipeline
            .topology
            .edit(|yaml| yaml.replace(&url, "\"amqp://u:hush@127.0.0.1:9/%2Fqa\"")),
        &broker::shared().address(),
    );
    let mut instance = pipeline.start("c");
    says(&instance, "Connection refused");
    let (status, why) = instance.get("/readyz").expect("an answer");
    assert!(status == 503 && why.contains("orders"), "{status}: {why}");
    assert!(instance.terminate().success());
    assert!(!instance.log().contains("hush"));

    // Nor does it tell its password to somebody whose certificate nobody vouches for.
    let tls = format!("\"{}\"", rabbit.tls().0);
    let pipeline = Pipeline::on(
        pipeline
            .topology
            .edit(|yaml| yaml.replace("\"amqp://u:hush@127.0.0.1:9/%2Fqa\"", &tls)),
        &broker::shared().address(),
    );
    let mut instance = pipeline.start("d");
    says(&instance, "invalid peer certificate");
    assert!(instance.terminate().success());
}
