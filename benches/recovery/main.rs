//! What state costs when something happens: stores of two sizes, a `kill -9`, a lost disk.
//!
//! `cargo bench --bench recovery -- --ids 3000000`
//!
//! For a tenth of the ids and for all of them: bytes on disk and in memory an id, the time from a start after `kill -9` to the
//! first new commit, and how fast a lost store is restored from its changelog. The instance is a static member, as in a
//! StatefulSet, so that no session has to time out first.

#[path = "../../tests/harness/mod.rs"]
mod harness;

use clap::Parser;
use harness::broker::Broker;
use harness::client::{Client, Message};
use harness::millstream::{Instance, TestTopology};
use harness::progress::Progress;
use harness::resident;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PARTITIONS: i32 = 4;
const LIMIT: Duration = Duration::from_secs(300);
const CHUNK: u64 = 100_000;

const TOPOLOGY: &str = r#"
application: recovery
sources: {in: {topic: in}}
processors: {ids: {type: dedupe, from: in, id: = event.id, window: 365d}}
sinks: {out: {from: ids, topic: out}}
dead_letters: {topic: dead}
"#;

/// What state costs when something happens: stores of two sizes, a `kill -9`, a lost disk.
#[derive(Parser)]
struct Arguments {
    /// How many ids the larger store holds; the smaller has a tenth.
    #[arg(long, default_value_t = 3_000_000, value_parser = clap::value_parser!(u64).range(10..))]
    ids: u64,
    /// As `cargo bench` adds it.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let Arguments { ids, .. } = Arguments::parse();
    let broker = Broker::start_with(&["-Xmx1g"]);
    println!("| ids | bytes on disk an id | MB of the process | kill -9: to the first new commit | lost disk |");
    println!("| ---: | ---: | ---: | ---: | --- |");
    for ids in [ids / 10, ids] {
        println!("{}", measure(&broker.address(), ids));
    }
}

/// A row of the table.
fn measure(brokers: &str, ids: u64) -> String {
    let topology = TestTopology::of(&format!("recovery-{ids}"), TOPOLOGY);
    let client = Client::new(brokers);
    let [input, output] = ["in", "out"].map(|topic| topology.topic(topic));
    client.create_topics(&[&input, &output], PARTITIONS, &[]);
    let state = tempfile::tempdir().expect("a folder for the state");
    let start = || {
        let state = state.path().display().to_string();
        Instance::start_with(&topology, brokers, "a", &["--static-membership", "--state-dir", &state])
    };
    let progress = Progress::new(brokers, &output);
    let mut feed = Feed {
        client: &client,
        topic: &input,
        made: 0,
    };

    let mut instance = start();
    instance.wait_ready();
    feed.send(ids);
    wait_for(&progress, ids, &instance);
    let memory = resident(instance.id());

    // In the middle of work, so that a transaction is open and the disk behind; and work goes on coming.
    let done = AtomicBool::new(false);
    let mut first = Duration::ZERO;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                feed.send(200);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        std::thread::sleep(Duration::from_secs(1));
        instance.kill();
        let before = progress.offsets();
        instance = start();
        let started = instance.started();
        while progress.offsets() <= before && started.elapsed() < LIMIT {
            std::thread::sleep(Duration::from_millis(2));
        }
        first = started.elapsed();
        done.store(true, Ordering::Relaxed);
    });
    assert!(first < LIMIT, "nothing new was committed:\n{}", instance.log());
    wait_for(&progress, feed.made, &instance);
    assert_eq!(
        client.committed_count(&output) as u64,
        feed.made,
        "nothing lost, nothing doubled"
    );
    assert!(instance.terminate().success());
    let disk = size_of(state.path());

    // A lost disk: everything comes from the changelog.
    std::fs::remove_dir_all(state.path()).expect("the state to be lost");
    let mut instance = start();
    instance.wait_ready();
    let restored = restored(&instance.log());
    assert!(instance.terminate().success());
    format!(
        "| {ids} | {:.1} | {:.0} | {:.2} s | {restored} |",
        disk as f64 / feed.made as f64,
        memory as f64 / 1e6,
        first.as_secs_f64(),
    )
}

/// Writes events with new ids.
struct Feed<'f> {
    client: &'f Client,
    topic: &'f str,
    made: u64,
}

impl Feed<'_> {
    fn send(&mut self, count: u64) {
        let end = self.made + count;
        while self.made < end {
            let next = end.min(self.made + CHUNK);
            let messages: Vec<Message> = (self.made..next).map(|number| event(self.topic, number)).collect();
            self.client.produce(&messages);
            self.made = next;
        }
    }
}

/// Until so many records and no more are committed.
fn wait_for(progress: &Progress, records: u64, instance: &Instance) {
    let started = Instant::now();
    let mut seen = (0, Instant::now());
    // The markers of transactions count too: it is done when it is enough and nothing more comes.
    while seen.0 < records || seen.1.elapsed() < Duration::from_secs(2) {
        let offsets = progress.offsets();
        if offsets != seen.0 {
            seen = (offsets, Instant::now());
        }
        assert!(started.elapsed() < LIMIT, "{offsets} of {records}:\n{}", instance.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the instance said when all was restored.
fn restored(log: &str) -> String {
    let line = log.lines().rev().find(|line| line.contains("all state restored"));
    let said = line
        .and_then(|line| line.split_once("progress="))
        .map(|(_, said)| said.trim());
    said.unwrap_or("nothing was restored").to_owned()
}

/// Bytes of all files below a folder.
fn size_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let size = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.expect("an entry");
        if entry.path().is_dir() {
            size_of(&entry.path())
        } else {
            entry.metadata().map_or(0, |data| data.len())
        }
    };
    entries.map(size).sum()
}

fn event(topic: &str, number: u64) -> Message {
    let id = uuid_of(number);
    Message::new(topic, Some(&id), format!("{{\"id\":\"{id}\"}}"))
}

/// Random ids, the same in every run.
fn uuid_of(number: u64) -> String {
    let mix = |value: u64| {
        let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    };
    let (high, low) = (mix(number.wrapping_mul(2) + 1), mix(number.wrapping_mul(2) + 2));
    let text = format!("{high:016x}{low:016x}");
    format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}
