//! `millstream dead-letters` on a real broker: mended and replayed, once each, also where replays are killed or meet each other.

use crate::harness::client::{Delivered, Message};
use crate::harness::compare::assert_same_multiset;
use crate::harness::millstream::{TestTopology, run_command};
use crate::harness::random::Random;
use crate::harness::{children, wait_until};
use crate::pipeline::Pipeline;
use serde_json::Value;
use std::collections::HashMap;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(90);

/// Orders of two kinds; of one it knows nothing.
const SHOP: &str = "application: shop
sources: {orders: {topic: orders}}
processors: {kinds: {type: switch, from: orders, by: = event.kind, cases: {paid: pass}, otherwise: dead_letter}}
sinks: {out: {from: kinds, topic: out}}
dead_letters: {topic: dead}
";

fn pipeline(test: &str) -> Pipeline {
    let topology = TestTopology::of(test, SHOP)
        .kafka("session.timeout.ms", "6000")
        .kafka("heartbeat.interval.ms", "500");
    let pipeline = Pipeline::of(topology);
    // The records have times of long ago.
    pipeline.create(&["orders", "out"], 3, &[("retention.ms", "-1")]);
    pipeline.create(&["dead"], 2, &[("retention.ms", "-1")]);
    pipeline
}

fn arguments(pipeline: &Pipeline, arguments: &[&str]) -> Vec<String> {
    let topology = pipeline.topology.path().display().to_string();
    let fixed = ["--topology", &topology, "--brokers", pipeline.brokers()];
    let all = ["dead-letters"].iter().chain(arguments).chain(&fixed);
    all.map(|argument| (*argument).to_owned()).collect()
}

fn run(pipeline: &Pipeline, words: &[&str]) -> (ExitStatus, String, String) {
    let words = arguments(pipeline, words);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    run_command(&words)
}

/// The document that a command prints, which must end well.
fn json(pipeline: &Pipeline, words: &[&str]) -> Value {
    let (status, out, err) = run(pipeline, &[words, &["--output", "json"]].concat());
    assert!(status.success(), "{words:?}: {out}{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// How many are listed.
fn count(pipeline: &Pipeline, words: &[&str]) -> usize {
    json(pipeline, words).as_array().expect("a list").len()
}

fn order(pipeline: &Pipeline, kind: &str, number: usize) -> Message {
    let value = format!(r#"{{"kind":"{kind}","number":{number},"token":"t{number}"}}"#);
    let key = format!("k{}", number % 50);
    let mut message = Message::new(&pipeline.topic("orders"), Some(&key), value).header("trace", vec![0xff, 0]);
    message.timestamp = Some(1_700_000_000_000 + number as i64);
    message
}

fn values(records: Vec<Delivered>) -> Vec<String> {
    records.iter().map(Delivered::value_text).collect()
}

fn texts<'m>(messages: impl IntoIterator<Item = &'m Message>) -> Vec<String> {
    let text = |message: &Message| String::from_utf8_lossy(message.value.as_ref().expect("a value")).into_owned();
    messages.into_iter().map(text).collect()
}

#[test]
fn what_failed_is_listed_mended_and_replayed_once_while_the_pipeline_runs() {
    let mut pipeline = pipeline("dead-letters");
    let paid: Vec<Message> = (0..300).map(|number| order(&pipeline, "paid", number)).collect();
    let sent: Vec<Message> = (300..420).map(|number| order(&pipeline, "sent", number)).collect();
    let orders = pipeline.topic("orders");
    let broken: Vec<Message> = (0..5)
        .map(|number| Message::new(&orders, Some("broken"), [&[0xff, 0xfe, number][..], b"{"].concat()))
        .collect();
    pipeline.produce(&[&paid[..], &sent, &broken].concat());
    let mut instance = pipeline.start("a");
    let (out, dead) = (pipeline.topic("out"), pipeline.topic("dead"));
    pipeline.client.wait_committed(&out, paid.len(), LIMIT);
    pipeline.client.wait_committed(&dead, sent.len() + broken.len(), LIMIT);
    assert!(instance.terminate().success(), "{}", instance.log());

    let groups = json(&pipeline, &["list", "--group"]);
    assert_eq!(
        (&groups[0]["kind"], &groups[0]["count"]),
        (&"unknown_case".into(), &120.into())
    );
    assert_eq!(
        (&groups[0]["first"], &groups[0]["processor"]),
        (&"2023-11-14T22:13:20.3Z".into(), &"kinds".into())
    );
    assert_eq!(count(&pipeline, &["list"]), 125);
    assert_eq!(
        count(&pipeline, &["list", "--reason", "decode", "--processor", "orders"]),
        5
    );
    assert_eq!(
        count(&pipeline, &["list", "--key", "k7"]),
        sent.iter().filter(|m| m.key.as_deref() == Some(b"k7")).count()
    );
    assert_eq!(count(&pipeline, &["list", "--topic", &orders, "--limit", "17"]), 17);
    assert_eq!(
        count(&pipeline, &["list", "--since", "2h"]),
        5,
        "the others have times of their own"
    );

    // What is no text, and what is secret.
    let decode = json(&pipeline, &["list", "--reason", "decode"]);
    let at = format!("{}:{}", decode[0]["partition"], decode[0]["offset"]);
    let shown = json(&pipeline, &["show", &at, "--raw"]);
    let base64 = shown["raw"]["value"]["base64"].as_str().expect("no text");
    assert!(base64.starts_with("//4"), "{shown}");
    assert!(
        shown["decoded"]["error"].is_string() && shown["from"]["topic"] == orders,
        "{shown}"
    );
    let unknown = json(&pipeline, &["list", "--reason", "unknown_case", "--limit", "1"]);
    let at = format!("{}:{}", unknown[0]["partition"], unknown[0]["offset"]);
    let shown = json(&pipeline, &["show", &at]);
    assert_eq!(shown["decoded"]["value"]["kind"], "sent", "{shown}");
    assert_eq!(shown["headers"][0]["value"]["base64"], "/wA=");

    pipeline.topology = pipeline
        .topology
        .edit(|yaml| yaml.replace("cases: {paid: pass}", "cases: {paid: pass, sent: pass}"));
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    let later: Vec<Message> = (420..520).map(|number| order(&pipeline, "paid", number)).collect();
    let flow = pipeline.flow(&later, Duration::from_secs(3));
    let (status, text, err) = run(&pipeline, &["replay", "--reason", "unknown_case", "--dry-run"]);
    assert!(
        status.success() && text.contains(&format!("120 would be replayed to {orders}")),
        "{text}{err}"
    );
    let (status, _, err) = run(&pipeline, &["replay", "--reason", "unknown_case"]);
    assert!(status.code() == Some(1) && err.contains("--yes"), "{err}");
    let one = json(&pipeline, &["replay", &at, "--yes"]);
    assert_eq!((&one["written"], &one["before"]), (&1.into(), &0.into()));
    let rest = json(&pipeline, &["replay", "--reason", "unknown_case", "--yes"]);
    assert_eq!((&rest["written"], &rest["before"]), (&119.into(), &1.into()));
    let again = json(&pipeline, &["replay", "--reason", "unknown_case", "--yes"]);
    assert_eq!((&again["written"], &again["before"]), (&0.into(), &120.into()));
    flow.finish();
    pipeline
        .client
        .wait_committed(&out, paid.len() + sent.len() + later.len(), LIMIT);

    // Replayed records are what they were, in the partitions of their keys.
    let all = pipeline.client.committed(&orders);
    let mut seen: HashMap<String, Vec<&Delivered>> = HashMap::new();
    for record in &all {
        seen.entry(record.value_text()).or_default().push(record);
    }
    for text in texts(&sent) {
        let [first, second] = seen[&text].as_slice() else {
            panic!("{text} is not there twice")
        };
        assert_eq!(
            (&first.key, &first.headers, first.timestamp),
            (&second.key, &second.headers, second.timestamp)
        );
        assert_eq!(first.partition, second.partition);
    }

    // What is still broken fails again, and is a new dead letter.
    let fails = json(&pipeline, &["replay", "--reason", "decode", "--yes"]);
    assert_eq!(fails["written"], 5);
    pipeline
        .client
        .wait_committed(&dead, sent.len() + 2 * broken.len(), LIMIT);
    wait_until("the new dead letters", LIMIT, || match count(&pipeline, &["list"]) {
        5 => Ok(()),
        found => Err(format!("{found} are listed")),
    });
    let dropped = json(&pipeline, &["drop", "--yes"]);
    assert_eq!((&dropped["written"], &dropped["before"]), (&5.into(), &125.into()));
    assert_eq!(
        (count(&pipeline, &["list"]), count(&pipeline, &["list", "--all"])),
        (0, 130)
    );
    let (status, _, err) = run(&pipeline, &["replay", "--yes"]);
    assert!(status.success() && err.contains("nothing is left to do"), "{err}");
    assert!(instance.terminate().success(), "{}", instance.log());
    let expected = texts(paid.iter().chain(&sent).chain(&later));
    assert_same_multiset("out", expected, values(pipeline.committed("out")));
    let mut settings = pipeline
        .client
        .topic_settings(&format!("{}-dead-letters-replayed", pipeline.topology.application()));
    assert_eq!(settings.remove("cleanup.policy").as_deref(), Some("compact"));
}

#[test]
fn what_a_topic_refuses_as_too_large_is_left_and_the_rest_is_put_into_it() {
    let pipeline = pipeline("dead-letters-large");
    pipeline.create(&["small"], 1, &[("max.message.bytes", "3000"), ("retention.ms", "-1")]);
    let sent: Vec<Message> = (0..40).map(|number| order(&pipeline, "sent", number)).collect();
    let mut large = order(&pipeline, "sent", 40);
    // What no compression makes small.
    let mut random = Random::seeded("dead-letters-large");
    let noise: String = (0..1_000).map(|_| format!("{:016x}", random.next())).collect();
    large.value = Some(format!(r#"{{"kind":"{noise}"}}"#).into_bytes());
    pipeline.produce(&[&sent[..20], &[large], &sent[20..]].concat());
    let mut instance = pipeline.start("a");
    pipeline
        .client
        .wait_committed(&pipeline.topic("dead"), sent.len() + 1, LIMIT);
    assert!(instance.terminate().success(), "{}", instance.log());
    let small = pipeline.topic("small");
    for written in [40, 0] {
        let (status, out, err) = run(&pipeline, &["replay", "--to", &small, "--yes", "--output", "json"]);
        let document: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
        assert_eq!(
            (status.code(), &document["written"]),
            (Some(1), &written.into()),
            "{document} {err}"
        );
        assert_eq!(document["not_replayable"]["too_large"], 1, "{document}");
        assert!(err.contains("larger than the topic takes"), "{err}");
    }
    assert_same_multiset("small", texts(&sent), values(pipeline.client.committed(&small)));
}

fn start(pipeline: &Pipeline, words: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command
        .args(arguments(pipeline, words))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    children::start(command)
}

#[test]
fn replays_that_are_killed_or_meet_each_other_lose_nothing_and_double_nothing() {
    const COUNT: usize = 12_000;
    let pipeline = pipeline("dead-letters-killed");
    let sent: Vec<Message> = (0..COUNT).map(|number| order(&pipeline, "sent", number)).collect();
    pipeline.produce(&sent);
    let mut instance = pipeline.start("a");
    pipeline.client.wait_committed(&pipeline.topic("dead"), COUNT, LIMIT);
    assert!(instance.terminate().success(), "{}", instance.log());

    let orders = pipeline.topic("orders");
    let replayed = || pipeline.client.committed_count(&orders) - COUNT;
    let mut random = Random::seeded("dead-letters-killed");
    let mut in_the_middle = 0;
    for part in 1..=3 {
        let mut child = start(&pipeline, &["replay", "--yes"]);
        let deadline = Instant::now() + LIMIT;
        while replayed() < part * COUNT / 5 && child.try_wait().expect("its state").is_none() {
            assert!(Instant::now() < deadline, "{part}: nothing is replayed: {}", replayed());
        }
        std::thread::sleep(Duration::from_millis(random.between(0, 20)));
        children::signal(&child, libc::SIGKILL);
        child.wait().expect("killed");
        in_the_middle += usize::from(replayed() < COUNT);
    }
    assert!(in_the_middle > 0, "killed after its end only");

    // Two at the same time: one of them may be fenced off, and says so.
    let children = [0, 1].map(|_| start(&pipeline, &["replay", "--yes"]));
    for child in children {
        let output = child.wait_with_output().expect("its end");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() || err.contains("Another replay"), "{err}");
    }
    let last = json(&pipeline, &["replay", "--yes"]);
    let rest = json(&pipeline, &["replay", "--yes"]);
    assert_eq!(
        (&rest["written"], &rest["before"]),
        (&0.into(), &COUNT.into()),
        "{last}"
    );
    let expected = texts(&sent);
    assert_same_multiset(
        "orders and their replays",
        expected.iter().chain(&expected).cloned(),
        values(pipeline.client.committed(&orders)),
    );
    eprintln!("killed {in_the_middle} times in the middle of a replay");
}
