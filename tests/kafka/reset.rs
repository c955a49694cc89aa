//! `millstream reset` between runs: everything once more, with empty state; never under a running instance.

use crate::harness::client::Message;
use crate::harness::compare::assert_same_multiset;
use crate::harness::millstream::{Instance, TestTopology, run_command};
use crate::harness::wait_until;
use crate::pipeline::Pipeline;
use std::process::ExitStatus;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// Orders, each written twice.
const ORDERS: usize = 300;

const SHOP: &str = "application: shop
sources: {orders: {topic: orders}}
processors:
  by-customer: {type: repartition, from: orders, key: = event.customer, topic: by-customer}
  new: {type: dedupe, from: by-customer, id: = event.id, window: 1d}
  totals: {type: aggregate, from: new, values: {orders: count, total: {sum: = event.amount}}}
sinks: {out: {from: totals, topic: out}}
dead_letters: {topic: dead}
";

struct Shop {
    pipeline: Pipeline,
    state: tempfile::TempDir,
}

impl Shop {
    fn new(test: &str) -> Self {
        let topology = TestTopology::of(test, SHOP)
            .kafka("session.timeout.ms", "6000")
            .kafka("heartbeat.interval.ms", "500");
        let pipeline = Pipeline::of(topology);
        pipeline.create(&["orders"], 3, &[]);
        let state = tempfile::tempdir().expect("a folder for state");
        Self { pipeline, state }
    }

    fn produce(&self) {
        let topic = self.pipeline.topic("orders");
        let order = |number: usize| {
            let value = format!(r#"{{"id":"o{number}","customer":"c{}","amount":{number}}}"#, number % 7);
            Message::new(&topic, Some(&format!("k{}", number % 7)), value)
        };
        let orders: Vec<Message> = (0..ORDERS).chain(0..ORDERS).map(order).collect();
        self.pipeline.produce(&orders);
    }

    fn start(&self, arguments: &[&str]) -> Instance {
        let state = self.state.path().to_str().expect("a path");
        let arguments: Vec<&str> = ["--state-dir", state].iter().chain(arguments).copied().collect();
        self.pipeline.start_with("a", &arguments)
    }

    /// Starts an instance, waits until so many outputs are committed and the input is read, and stops it.
    fn run_until(&self, outputs: usize, arguments: &[&str]) {
        let mut instance = self.start(arguments);
        instance.wait_ready();
        let client = &self.pipeline.client;
        client.wait_committed(&self.pipeline.topic("out"), outputs, LIMIT);
        let group = self.pipeline.topology.application();
        let topic = self.pipeline.topic("orders");
        wait_until("the group to have read all orders", LIMIT, || {
            match client.group_progress(group, &topic) {
                done if done >= 2 * ORDERS as i64 => Ok(()),
                done => Err(format!("{done}")),
            }
        });
        assert!(instance.terminate().success(), "{}", instance.log());
    }

    fn reset(&self, arguments: &[&str]) -> (ExitStatus, String, String) {
        let topology = self.pipeline.topology.path();
        let fixed = [
            "reset",
            "--topology",
            topology.to_str().expect("a path"),
            "--brokers",
            self.pipeline.brokers(),
            "--state-dir",
            self.state.path().to_str().expect("a path"),
        ];
        let arguments: Vec<&str> = fixed.iter().chain(arguments).copied().collect();
        run_command(&arguments)
    }

    fn outputs(&self) -> Vec<(String, String)> {
        let records = self.pipeline.committed("out").into_iter();
        records
            .map(|record| (record.key_text().unwrap_or_default(), record.value_text()))
            .collect()
    }
}

/// Every customer's totals after each of its orders, so many times over.
fn expected(times: usize) -> Vec<(String, String)> {
    let mut totals = [(0, 0); 7];
    let mut once = Vec::new();
    for number in 0..ORDERS {
        let (orders, total) = &mut totals[number % 7];
        (*orders, *total) = (*orders + 1, *total + number);
        once.push((
            format!("c{}", number % 7),
            format!(r#"{{"orders":{orders},"total":{total}}}"#),
        ));
    }
    std::iter::repeat_n(once, times).flatten().collect()
}

#[test]
fn a_reset_application_does_everything_once_more_and_knows_nothing_of_before() {
    let shop = Shop::new("reset");
    shop.produce();
    shop.run_until(ORDERS, &[]);
    assert_same_multiset("the first run", expected(1), shop.outputs());
    let topics = || {
        let application = shop.pipeline.topology.application().to_owned();
        let topics = shop.pipeline.client.topics();
        let internal = [
            shop.pipeline.topic("by-customer"),
            format!("{application}-new-changelog"),
            format!("{application}-totals-changelog"),
        ];
        internal.map(|topic| topics.contains_key(&topic))
    };
    assert_eq!(topics(), [true; 3]);

    let (status, out, err) = shop.reset(&["--dry-run"]);
    assert!(status.success(), "{out}{err}");
    assert!(
        out.contains("-new-changelog (changelog, new)") && out.contains("would be deleted"),
        "{out}"
    );
    assert_eq!(topics(), [true; 3], "a dry run deletes nothing");
    let (status, out, err) = shop.reset(&[]);
    assert!(!status.success() && err.contains("--yes"), "{out}{err}");
    assert_eq!(topics(), [true; 3], "nobody agreed");

    for times in 2..4 {
        let (status, out, err) = shop.reset(&["--yes"]);
        assert!(status.success(), "{out}{err}");
        assert_eq!(topics(), [false; 3]);
        let instances = shop.state.path().join(shop.pipeline.topology.application());
        let left = std::fs::read_dir(&instances).into_iter().flatten().flatten();
        for instance in left {
            let names: Vec<_> = std::fs::read_dir(instance.path())
                .expect("the folder of an instance")
                .map(|entry| entry.expect("an entry").file_name())
                .collect();
            assert_eq!(names, ["lock"], "state is gone");
        }
        shop.run_until(ORDERS * times, &[]);
        assert_same_multiset(&format!("run {times}"), expected(times), shop.outputs());
    }

    let (status, out, err) = shop.reset(&["--to", "latest", "--yes", "--output", "json"]);
    assert!(status.success(), "{out}{err}");
    let document: serde_json::Value = serde_json::from_str(&out).expect("a document");
    assert_eq!(document["done"], true, "{document}");
    let topic = shop.pipeline.topic("orders");
    let offsets = format!("{topic}:0=0,{topic}:1=0");
    let (status, _, err) = shop.reset(&["--offsets", &offsets, "--yes"]);
    assert!(
        !status.success() && err.contains(&format!("no offset for {topic}:2")),
        "{err}"
    );
    let mut instance = shop.start(&[]);
    instance.wait_ready();
    shop.pipeline.produce(&[Message::new(
        &topic,
        Some("k"),
        r#"{"id":"o1","customer":"c1","amount":5}"#,
    )]);
    shop.pipeline
        .client
        .wait_committed(&shop.pipeline.topic("out"), ORDERS * 3 + 1, LIMIT);
    assert!(instance.terminate().success());
    let last = ("c1".to_owned(), r#"{"orders":1,"total":5}"#.to_owned());
    let mut all = expected(3);
    all.push(last);
    assert_same_multiset("to latest", all, shop.outputs());
}

#[test]
fn a_reset_is_refused_while_an_instance_runs_or_a_static_member_is_away() {
    let shop = Shop::new("reset-refused");
    shop.produce();
    shop.run_until(ORDERS, &["--static-membership"]);
    let (status, _, err) = shop.reset(&["--yes"]);
    assert_eq!(status.code(), Some(1), "{err}");
    assert!(err.contains("static member") && err.contains("up to 6 s"), "{err}");
    wait_until("the member's session to end", LIMIT, || {
        let (status, _, err) = shop.reset(&["--dry-run"]);
        if status.success() { Ok(()) } else { Err(err) }
    });

    let mut instance = shop.start(&[]);
    instance.wait_ready();
    wait_until("the instance to be a member", LIMIT, || {
        let (status, _, err) = shop.reset(&["--yes", "--dry-run"]);
        if err.contains("is active") && err.contains("members: a.") {
            assert_eq!(status.code(), Some(1));
            Ok(())
        } else {
            Err(err)
        }
    });
    assert!(instance.is_running());
    assert!(instance.terminate().success());
    assert_same_multiset("nothing came again", expected(1), shop.outputs());
    let (status, out, err) = shop.reset(&["--yes"]);
    assert!(status.success(), "{out}{err}");
    shop.run_until(ORDERS * 2, &[]);
    assert_same_multiset("once more", expected(2), shop.outputs());
}

/// What a reset that was killed leaves: offsets that are marked. Nobody reads on from one, also where only one of many is marked,
/// and another tool's metadata is no mark.
#[test]
fn after_a_reset_that_was_killed_nobody_starts_before_it_was_finished() {
    let shop = Shop::new("reset-killed");
    shop.produce();
    shop.run_until(ORDERS, &[]);
    let group = shop.pipeline.topology.application().to_owned();
    let mark = |metadata: &str| {
        let topic = shop.pipeline.topic("orders");
        shop.pipeline.client.commit_for(&group, &topic, 1, 0, metadata);
    };
    mark("millstream reset has begun");
    let mut instance = shop.start(&[]);
    let status = instance.wait_ended(LIMIT);
    assert_eq!(status.code(), Some(1), "{}", instance.log());
    assert!(
        instance.log().contains("run `millstream reset` again"),
        "{}",
        instance.log()
    );
    assert_same_multiset("nothing came", expected(1), shop.outputs());

    let (status, out, err) = shop.reset(&["--yes"]);
    assert!(status.success(), "{out}{err}");
    shop.run_until(ORDERS * 2, &[]);
    assert_same_multiset("once more", expected(2), shop.outputs());

    mark("somebody's note");
    shop.run_until(ORDERS * 2, &[]);
    assert_same_multiset("all of them duplicates", expected(2), shop.outputs());
}
