//! The webhook feed: events posted as EventBridge does, wrong requests by the thousand, and a Kafka that goes away.

use crate::harness::broker::shared;
use crate::harness::compare::assert_same_multiset;
use crate::harness::documents::{DEAD_LETTERS, Outcome, documents, outputs};
use crate::harness::load::update_user;
use crate::harness::millstream::Instance;
use crate::harness::{free_port, wait_until};
use crate::pipeline::Pipeline;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);
/// What EventBridge waits for an answer.
const EVENTBRIDGE: Duration = Duration::from_secs(5);
const KEY: &str = "right-key";
const FEED: &str = "feed.eventbridge";
const FILLED: &str = "webhook";

/// The shipped topology with a webhook that fills the topic of EventBridge's events.
struct Posted {
    pipeline: Pipeline,
    address: SocketAddr,
}

impl Posted {
    fn new(test: &str) -> Self {
        let mut pipeline = Pipeline::customer_events(test);
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let topic = pipeline.topic(FEED);
        pipeline.topology = pipeline.topology.edit(|yaml| {
            yaml + &format!(
                "feeds:\n  {FILLED}:\n    type: webhook\n    topic: {topic}\n    listen: \"{address}\"\n    path: /in\n    \
                 auth: {{api_key: \"${{MILLSTREAM_TEST_KEY:-{KEY}}}\"}}\n    timeout: 2s\n    \
                 key: {{of: normalize-eventbridge}}\n"
            )
        });
        Self { pipeline, address }
    }

    fn start(&self) -> Instance {
        let mut instance = self.pipeline.start("a");
        instance.wait_ready();
        instance
    }

    fn post(&self, body: &[u8]) -> u16 {
        self.ask(&head("POST", "/in", KEY, "application/json", body.len(), ""), body)
    }

    /// The status.
    fn ask(&self, head: &str, body: &[u8]) -> u16 {
        let status = self.try_ask(head, body);
        assert!(status > 0, "the webhook gives no answer");
        status
    }

    /// The same, 0 where nobody listens or the connection is closed without an answer.
    fn try_ask(&self, head: &str, body: &[u8]) -> u16 {
        let Ok(mut stream) = TcpStream::connect(self.address) else {
            return 0;
        };
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        // what is refused by its head may be closed before all of the body is sent
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
        status(&mut stream)
    }
}

fn status(stream: &mut TcpStream) -> u16 {
    let mut start = [0; 12];
    match stream.read_exact(&mut start) {
        Ok(()) => String::from_utf8_lossy(&start[9..]).parse().expect("a status"),
        Err(_) => 0,
    }
}

fn head(method: &str, path: &str, key: &str, kind: &str, length: usize, more: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-api-key: {key}\r\ncontent-type: {kind}\r\n\
         content-length: {length}\r\n{more}\r\n"
    )
}

#[test]
fn every_sample_of_eventbridge_that_is_posted_comes_out_once_where_it_belongs() {
    let posted = Posted::new("webhook-samples");
    let pipeline = &posted.pipeline;
    let documents = documents(&pipeline.topology);
    let topic = pipeline.topic(FEED);
    let all = documents.messages.iter().zip(&documents.outcomes);
    let (bodies, expected): (Vec<Vec<u8>>, Vec<Outcome>) = all
        .filter(|(message, _)| message.topic == topic)
        .map(|(message, outcome)| (message.value.clone().expect("a body"), outcome.clone()))
        .unzip();
    assert_eq!(bodies.len(), 21);
    let broken = documents.dead[0].value.clone().expect("a body");

    let mut instance = posted.start();
    let mut taken = Vec::new();
    for (number, body) in bodies.iter().enumerate() {
        // EventBridge sends again what was not answered in time
        for _ in 0..=usize::from(number % 3 == 0) {
            assert_eq!(posted.post(body), 200);
            taken.push(body.clone());
        }
    }
    // several of them as one list, and the one that is no JSON
    let list = [b"[", bodies[0].as_slice(), b", ", bodies[20].as_slice(), b"]"].concat();
    assert_eq!(posted.post(&list), 200);
    taken.extend([trimmed(&bodies[0]), trimmed(&bodies[20])]);
    assert_eq!(posted.post(&broken), 200);

    for topic in outputs() {
        let count = expected.iter().filter(|outcome| outcome.topic == topic).count();
        pipeline.client.wait_committed(&pipeline.topic(&topic), count, LIMIT);
    }
    wait_until("all of the feed to be done with", LIMIT, || {
        let done = pipeline.client.group_progress(pipeline.topology.application(), &topic);
        if done >= taken.len() as i64 {
            Ok(())
        } else {
            Err(format!("{done} of {}", taken.len()))
        }
    });
    let log = instance.log();
    assert!(instance.terminate().success());

    let mut actual = Vec::new();
    for topic in outputs() {
        actual.extend(
            pipeline
                .committed(&topic)
                .iter()
                .map(|record| Outcome::of(&topic, record)),
        );
    }
    assert_same_multiset("outputs", expected, actual);
    let texts = |bodies: Vec<Vec<u8>>| {
        let texts = bodies
            .into_iter()
            .map(|body| String::from_utf8_lossy(&body).into_owned());
        texts.collect::<Vec<_>>()
    };
    let records = pipeline.committed(FEED);
    assert!(
        records
            .iter()
            .all(|record| record.key.is_some() && record.headers.is_empty()),
        "keys and no headers"
    );
    let values = records
        .into_iter()
        .map(|record| record.value.unwrap_or_default())
        .collect();
    assert_same_multiset("the feed, byte for byte", texts(taken), texts(values));

    let dead = pipeline.committed(DEAD_LETTERS);
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].value.as_deref(), Some(broken.as_slice()));
    let header = |name: &str| dead[0].header(name).unwrap_or_default();
    assert_eq!(header("__streams.errors.exception"), "parse");
    assert!(
        header("__streams.errors.message").contains(" at byte "),
        "{}",
        header("__streams.errors.message")
    );
    assert!(
        !log.contains(KEY) && !documents.secrets.iter().any(|secret| log.contains(secret)),
        "a secret in the log"
    );
}

fn trimmed(body: &[u8]) -> Vec<u8> {
    body.trim_ascii().to_vec()
}

/// A way to be wrong, and the status of it. The body of what is not known to be right must never arrive.
type Wrong = fn(&Posted, &str) -> (u16, u16);

const FORGED: &str = "forged";

/// A forged event that would be right, but for what is wrong with the request.
fn event(id: &str) -> String {
    update_user(id, "12079", FORGED)
}

const WRONG: [Wrong; 10] = [
    |posted, id| {
        let event = event(id);
        let head = head("POST", "/in", KEY, "application/json", event.len(), "").replace("x-api-key", "x-other");
        (posted.ask(&head, event.as_bytes()), 401)
    },
    |posted, id| {
        let event = event(id);
        let head = head("POST", "/in", "wrong-key", "application/json", event.len(), "");
        (posted.ask(&head, event.as_bytes()), 401)
    },
    // by its length, and one that never says how long it is
    |posted, _| {
        (
            posted.ask(
                &head("POST", "/in", KEY, "application/json", 500_000_000, ""),
                &[b'x'; 4096],
            ),
            413,
        )
    },
    |posted, _| {
        let head = head(
            "POST",
            "/in",
            KEY,
            "application/json",
            0,
            "transfer-encoding: chunked\r\n",
        );
        let chunk = [format!("{:x}\r\n", 100_000).as_bytes(), &[b' '; 100_000], b"\r\n"].concat();
        (
            posted.ask(&head.replace("content-length: 0\r\n", ""), &chunk.repeat(11)),
            413,
        )
    },
    |posted, id| {
        let event = event(id);
        (
            posted.ask(
                &head("POST", "/in", KEY, "text/plain", event.len(), ""),
                event.as_bytes(),
            ),
            415,
        )
    },
    |posted, id| {
        let event = event(id);
        let head = head(
            "POST",
            "/in",
            KEY,
            "application/json",
            event.len(),
            "content-encoding: gzip\r\n",
        );
        (posted.ask(&head, event.as_bytes()), 415)
    },
    |posted, id| {
        let event = event(id);
        (
            posted.ask(
                &head("PUT", "/in", KEY, "application/json", event.len(), ""),
                event.as_bytes(),
            ),
            405,
        )
    },
    |posted, id| {
        let event = event(id);
        (
            posted.ask(
                &head("POST", "/", KEY, "application/json", event.len(), ""),
                event.as_bytes(),
            ),
            404,
        )
    },
    |posted, _| (posted.ask("no HTTP\r\n\r\n", b""), 400),
    // right but for its JSON: a dead letter
    |posted, id| (posted.post(format!("{{\"id\": \"{id}\", ").as_bytes()), 200),
];

#[test]
fn ten_thousand_wrong_requests_forge_nothing_and_leave_memory_as_it_was() {
    const COUNT: usize = 10_000;
    const WARM: usize = 2_000;
    const THREADS: usize = 8;
    const SLOW: usize = 100;
    let posted = Posted::new("webhook-wrong");
    let mut instance = posted.start();
    let many = |range: std::ops::Range<usize>| {
        let next = AtomicUsize::new(range.start);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= range.end {
                            break;
                        }
                        let (status, right) = WRONG[number % WRONG.len()](&posted, &format!("f-{number}"));
                        assert_eq!(status, right, "way {} of being wrong", number % WRONG.len());
                    }
                });
            }
        });
    };
    many(0..WARM);
    let before = instance.metric("process_resident_memory_bytes");
    // heads and bodies that never end, while all the others come
    let slow: Vec<(usize, TcpStream)> = (0..SLOW)
        .map(|number| {
            let mut stream = TcpStream::connect(posted.address).expect("the webhook listens");
            let head = head("POST", "/in", KEY, "application/json", 1_000, "");
            let sent = if number % 2 == 0 { head.as_str() } else { &head[..60] };
            stream.write_all(sent.as_bytes()).expect("sent");
            (number, stream)
        })
        .collect();
    many(WARM..COUNT - SLOW);
    for (number, mut stream) in slow {
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let expected = if number % 2 == 0 { 503 } else { 0 };
        assert_eq!(status(&mut stream), expected, "{number}");
    }
    let after = instance.metric("process_resident_memory_bytes");
    println!("memory: {} KB before, {} KB after", before / 1024, after / 1024);
    assert!(
        before > 0 && after < before + (24 << 20),
        "from {before} to {after} bytes"
    );

    // it still takes what is right
    assert_eq!(posted.post(update_user("right", "12079", "right").as_bytes()), 200);
    let pipeline = &posted.pipeline;
    pipeline
        .client
        .wait_committed(&pipeline.topic("integration-dev"), 1, LIMIT);
    assert!(instance.terminate().success());
    let arrived = pipeline.committed(FEED);
    assert_eq!(arrived.len(), 1, "nothing forged");
    assert_eq!(pipeline.committed("integration-dev").len(), 1);
    let dead = pipeline.committed(DEAD_LETTERS);
    assert_eq!(dead.len(), (COUNT - SLOW) / WRONG.len(), "each that was no JSON");
    assert!(!dead.iter().any(|letter| letter.value_text().contains(FORGED)));
    assert!(!instance.log().contains(FORGED), "bodies are in no log");
}

#[test]
fn while_kafka_is_away_each_answer_is_in_time_and_what_was_acknowledged_arrives_though_the_process_is_killed() {
    const THREADS: usize = 6;
    const AWAY: Duration = Duration::from_secs(4);
    let posted = Posted::new("webhook-away");
    let only = ["--only", FILLED];
    let mut instance = posted.pipeline.start_with("a", &only);
    instance.wait_ready();
    let load = Load::default();
    let mut second = None;
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !load.over.load(Ordering::Relaxed) {
                    load.post_next(&posted);
                }
            });
        }
        let _over = Over(&load.over);
        std::thread::sleep(Duration::from_secs(1));
        let gone = shared().kill();
        std::thread::sleep(AWAY);
        // what waits for Kafka goes with it: nobody was told that it is done
        instance.kill();
        gone.over();
        second.insert(posted.pipeline.start_with("b", &only)).wait_ready();
        std::thread::sleep(Duration::from_secs(2));
    });
    let count = load.next.into_inner();
    let refused = load.refused.into_inner();
    let worst = Duration::from_millis(load.worst.into_inner());
    println!("{count} events, {refused} answers of 503, the slowest answer after {worst:?}");
    assert!(refused >= THREADS, "Kafka was away, and only {refused} were refused");
    assert!(worst < EVENTBRIDGE, "an answer took {worst:?}");
    assert!(second.is_some_and(|mut instance| instance.terminate().success()));
    let arrived = posted.pipeline.committed(FEED).into_iter().map(|record| {
        let id = record
            .json()
            .pointer("/id")
            .and_then(|id| id.as_str().map(str::to_owned));
        id.unwrap_or_default()
    });
    // one that was sent again may be there twice: dropping it is dedupe's
    let arrived: BTreeSet<String> = arrived.collect();
    let expected: BTreeSet<String> = (0..count).map(|number| format!("w-{number}")).collect();
    assert_same_multiset("events that were acknowledged", expected, arrived);
}

/// Those who post end also when the test fails.
struct Over<'l>(&'l AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Numbered events, each posted until it is acknowledged.
#[derive(Default)]
struct Load {
    next: AtomicUsize,
    refused: AtomicUsize,
    /// The slowest answer, in ms.
    worst: AtomicU64,
    over: AtomicBool,
}

impl Load {
    fn post_next(&self, posted: &Posted) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let body = update_user(&format!("w-{number}"), &(20_000 + number % 100).to_string(), "away");
        let head = head("POST", "/in", KEY, "application/json", body.len(), "");
        let deadline = Instant::now() + 2 * LIMIT;
        loop {
            let began = Instant::now();
            let status = posted.try_ask(&head, body.as_bytes());
            let took = u64::try_from(began.elapsed().as_millis()).expect("a time");
            match status {
                200 => break,
                // no process to answer
                0 => {}
                503 => _ = self.refused.fetch_add(1, Ordering::Relaxed),
                other => panic!("event {number} is answered {other}"),
            }
            self.worst.fetch_max(took, Ordering::Relaxed);
            assert!(Instant::now() < deadline, "event {number} is refused for ever");
            std::thread::sleep(Duration::from_millis(100));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
