//! State on disk: exact across crashes, restored from its changelog when the disk is lost or damaged, and no more than that.

use crate::crew::Crew;
use crate::harness::client::{Delivered, Message};
use crate::harness::compare::assert_same_multiset;
use crate::harness::millstream::TestTopology;
use crate::harness::random::Random;
use crate::harness::wait_until;
use crate::pipeline::Pipeline;
use crate::scenario::{Size, Tally, check};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(90);
const PARTITIONS: i32 = 3;

const DEDUPE: &str = r#"application: kept
sources: {in: {topic: in}}
processors: {dedupe: {type: dedupe, from: in, id: = event.id, window: 7d}}
sinks: {out: {from: dedupe, topic: out}}
dead_letters: {topic: dead}
"#;

const SUMS: &str = r#"application: sums
sources: {in: {topic: in}}
processors: {sum: {type: aggregate, from: in, value: {sum: = event}}}
sinks: {out: {from: sum, topic: out}}
dead_letters: {topic: dead}
"#;

/// A pipeline whose instances keep their state in a folder.
struct Kept {
    pipeline: Pipeline,
    folder: tempfile::TempDir,
}

impl Kept {
    fn new(test: &str, yaml: &str) -> Self {
        let topology = TestTopology::of(test, yaml)
            .kafka("session.timeout.ms", "6000")
            .kafka("heartbeat.interval.ms", "500");
        let pipeline = Pipeline::of(topology);
        pipeline.create(&["in", "out"], PARTITIONS, &[]);
        let folder = tempfile::tempdir().expect("a folder for state");
        Self { pipeline, folder }
    }

    /// With static members: who restarts gets its own tasks back, and their state is there.
    fn arguments(&self) -> [String; 3] {
        let folder = self.folder.path().display().to_string();
        ["--static-membership".to_owned(), "--state-dir".to_owned(), folder]
    }

    /// The folders of an instance's stores: `<dir>/<application>/<instance>/<topic>-<partition>/<store>`.
    fn stores(&self, instance: &str) -> Vec<PathBuf> {
        let tasks = self
            .folder
            .path()
            .join(self.pipeline.topology.application())
            .join(instance);
        let folders = |folder: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            let paths = entries.map(|entry| entry.expect("an entry of the state's folder").path());
            paths.filter(|path| path.is_dir()).collect()
        };
        let found: Vec<PathBuf> = folders(&tasks).iter().flat_map(|task| folders(task)).collect();
        assert!(!found.is_empty(), "no store in {}", tasks.display());
        found
    }

    fn events(&self, ids: std::ops::Range<u32>) -> Vec<Message> {
        let topic = self.pipeline.topic("in");
        let event = |id: u32| Message::new(&topic, Some(&format!("k{}", id % 101)), format!("{{\"id\":\"e{id}\"}}"));
        ids.map(event).collect()
    }

    /// Instances are killed at random moments: before, in, and between a commit and what is written to disk after it. Then
    /// `comes_out` waits for so many ids.
    fn killed(&self, random: &mut Random, size: Size, comes_out: impl FnOnce(u32)) -> Tally {
        const SHARE: u32 = 3_000;
        let rounds: u32 = size.of(6, 20);
        let arguments = self.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut crew = Crew::with(&self.pipeline, &arguments);
        crew.start_all(&["a", "b"]);
        for round in 0..rounds {
            // Half of it was there before.
            let first = (round * SHARE).saturating_sub(SHARE);
            let events = self.events(first..(round + 1) * SHARE);
            let flow = self.pipeline.flow(&events, Duration::from_secs(2));
            std::thread::sleep(Duration::from_millis(random.between(200, 2_000)));
            let name = ["a", "b"][random.below(2) as usize];
            crew.kill(name);
            crew.start(name);
            flow.finish();
        }
        let ids = rounds * SHARE;
        comes_out(ids);
        let mut tally = crew.finish();
        tally.input += u64::from(ids + (rounds - 1) * SHARE);
        tally
    }

    fn wait_out(&self, count: u32) {
        let out = self.pipeline.topic("out");
        self.pipeline.client.wait_committed(&out, count as usize, LIMIT);
    }

    /// Every id below `count` came out once.
    fn verify_ids(&self, count: u32) {
        let seen = self.pipeline.committed("out");
        let seen = seen.iter().map(Delivered::value_text);
        assert_same_multiset("out", (0..count).map(|id| format!("{{\"id\":\"e{id}\"}}")), seen);
    }
}

/// Records that an instance says it restored, over all its starts.
fn restored(log: &str) -> u64 {
    let numbers = log
        .lines()
        .filter(|line| line.contains("state restored"))
        .filter_map(|line| {
            let (_, rest) = line.split_once("restored=")?;
            rest.split_whitespace().next()?.parse::<u64>().ok()
        });
    numbers.sum()
}

/// Runs an instance over `count` events, stops it; then does `harm` to what it left, and runs it again over the same events and as
/// many new ones. The log of the second run, and how many records had been restored when it said that it was ready.
fn harmed(test: &str, count: u32, harm: impl FnOnce(&Kept)) -> (Tally, String, u64) {
    let kept = Kept::new(test, DEDUPE);
    let arguments = kept.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut crew = Crew::with(&kept.pipeline, &arguments);
    crew.start_all(&["a"]);
    kept.pipeline.produce(&kept.events(0..count));
    kept.wait_out(count);
    let before = crew.instance("a").log().len();
    crew.kill("a");
    harm(&kept);
    crew.start_all(&["a"]);
    let at_ready = restored(&crew.instance("a").log().split_off(before));
    kept.pipeline.produce(&kept.events(0..count * 2));
    kept.wait_out(count * 2);
    let log = crew.instance("a").log().split_off(before);
    let mut tally = crew.finish();
    kept.verify_ids(count * 2);
    tally.input += u64::from(count) * 3;
    tally.output += u64::from(count) * 2;
    (tally, log, at_ready)
}

#[test]
fn what_is_on_disk_is_not_restored_again_after_a_crash() {
    check("disk-kept", disk_kept);
}

pub fn disk_kept(_: &mut Random, size: Size) -> Tally {
    let count = size.of(10_000, 50_000);
    let (tally, log, _) = harmed("disk-kept", count, |_| ());
    // At most what one transaction had written.
    let again = restored(&log);
    assert!(again < u64::from(count) / 2, "{again} of {count} restored:\n{log}");
    tally
}

#[test]
fn a_lost_disk_is_restored_from_the_changelog() {
    check("disk-lost", disk_lost);
}

pub fn disk_lost(_: &mut Random, size: Size) -> Tally {
    let count = size.of(10_000, 50_000);
    let (tally, log, at_ready) = harmed("disk-lost", count, |kept| {
        let tasks = kept.folder.path().join(kept.pipeline.topology.application());
        fs::remove_dir_all(&tasks).expect("the state's folder removed");
    });
    assert_eq!(restored(&log), u64::from(count), "all of it:\n{log}");
    assert_eq!(
        at_ready,
        u64::from(count),
        "ready before its state was restored:\n{log}"
    );
    tally
}

#[test]
fn a_damaged_store_is_noticed_and_restored_from_the_changelog() {
    check("disk-damaged", disk_damaged);
}

/// Bytes of one store's largest file are changed, or its end is cut off.
pub fn disk_damaged(random: &mut Random, size: Size) -> Tally {
    let count = size.of(10_000, 50_000);
    let (tally, log, _) = harmed("disk-damaged", count, |kept| {
        let stores = kept.stores("a");
        let store = &stores[random.below(stores.len() as u64) as usize];
        let file = largest_file(store);
        let mut bytes = fs::read(&file).expect("a store's file");
        let at = random.below(bytes.len() as u64) as usize;
        for byte in bytes.iter_mut().skip(at / 2).take(64) {
            *byte = !*byte;
        }
        println!("damaged {} of {} bytes at {}", file.display(), bytes.len(), at / 2);
        fs::write(&file, bytes).expect("a store's file");
    });
    assert!(log.contains("damaged"), "nothing is said:\n{log}");
    assert!(restored(&log) > 0, "nothing is restored:\n{log}");
    tally
}

fn largest_file(folder: &Path) -> PathBuf {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a store's folder") {
            let entry = entry.expect("an entry of a store's folder");
            let about = entry.metadata().expect("about a file");
            if about.is_dir() {
                folders.push(entry.path());
            } else {
                files.push((about.len(), entry.path()));
            }
        }
    }
    let largest = files.into_iter().max();
    largest.expect("a store has files").1
}

#[test]
fn a_task_that_moves_to_a_warm_instance_restores_next_to_nothing() {
    check("standby", standby);
}

/// One of two instances, each with warm copies of the other's stores, is killed for good.
pub fn standby(_: &mut Random, size: Size) -> Tally {
    let count = size.of(10_000, 50_000);
    let kept = Kept::new("standby", &format!("{DEDUPE}standby_replicas: 1\n"));
    let folder = kept.folder.path().display().to_string();
    let arguments = ["--state-dir", folder.as_str()];
    let mut crew = Crew::with(&kept.pipeline, &arguments);
    crew.start_all(&["a", "b"]);
    kept.pipeline.produce(&kept.events(0..count));
    kept.wait_out(count);
    let wanted = PARTITIONS as u64;
    wait_until("each store to have one warm copy", LIMIT, || {
        let copies = ["a", "b"].map(|name| crew.instance(name).metric("millstream_tasks{state=\"standby\"}"));
        let found: u64 = copies.iter().sum();
        (found == wanted).then_some(()).ok_or(format!("{found} of {wanted}"))
    });
    // Nothing more is written, so the copies have caught up after this.
    std::thread::sleep(Duration::from_secs(2));
    crew.kill("a");
    kept.pipeline.produce(&kept.events(0..count * 2));
    kept.wait_out(count * 2);
    let again = restored(&crew.instance("b").log());
    println!("{again} of {count} restored by the instance that was warm");
    assert!(
        again < u64::from(count) / 4,
        "{again} of {count} restored:\n{}",
        crew.instance("b").log()
    );
    let mut tally = crew.finish();
    kept.verify_ids(count * 2);
    tally.input += u64::from(count) * 3;
    tally.output += u64::from(count) * 2;
    tally
}

#[test]
fn duplicates_are_dropped_exactly_across_kills() {
    check("dedupe-killed", dedupe_killed);
}

pub fn dedupe_killed(random: &mut Random, size: Size) -> Tally {
    let kept = Kept::new("dedupe-killed", DEDUPE);
    let mut count = 0;
    let mut tally = kept.killed(random, size, |ids| {
        count = ids;
        kept.wait_out(ids);
    });
    kept.verify_ids(count);
    tally.output += u64::from(count);
    tally
}

#[test]
fn with_at_least_once_no_record_is_taken_for_a_duplicate_of_one_that_never_came_out() {
    check("at-least-once-killed", at_least_once_killed);
}

pub fn at_least_once_killed(random: &mut Random, size: Size) -> Tally {
    let yaml = format!("{DEDUPE}processing_guarantee: at_least_once\n");
    let kept = Kept::new("at-least-once-killed", &yaml);
    let mut output = 0;
    let mut tally = kept.killed(random, size, |ids| {
        wait_until("every id to come out", LIMIT, || {
            let seen = kept.pipeline.committed("out");
            output = seen.len() as u64;
            let distinct: HashSet<String> = seen.iter().map(Delivered::value_text).collect();
            let missing = ids as usize - distinct.len();
            (missing == 0).then_some(()).ok_or(format!("{missing} are missing"))
        });
    });
    tally.output += output;
    tally
}

#[test]
fn running_sums_of_each_key_are_exact_across_kills() {
    check("sums-killed", sums_killed);
}

pub fn sums_killed(random: &mut Random, size: Size) -> Tally {
    let rounds: u64 = size.of(5, 20);
    const SHARE: u64 = 4_000;
    let kept = Kept::new("sums-killed", SUMS);
    let arguments = kept.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut crew = Crew::with(&kept.pipeline, &arguments);
    crew.start_all(&["a", "b"]);
    let topic = kept.pipeline.topic("in");
    let numbers: Vec<Message> = (0..rounds * SHARE)
        .map(|_| {
            let key = format!("k{}", random.below(50));
            Message::new(&topic, Some(&key), random.below(1_000).to_string())
        })
        .collect();
    let flow = kept.pipeline.flow(&numbers, Duration::from_secs(2 * rounds));
    for _ in 0..rounds {
        std::thread::sleep(Duration::from_millis(random.between(200, 2_000)));
        let name = ["a", "b"][random.below(2) as usize];
        if random.one_in(3) {
            crew.stop(name);
        } else {
            crew.kill(name);
        }
        crew.start(name);
    }
    flow.finish();
    kept.wait_out((rounds * SHARE) as u32);
    let mut tally = crew.finish();

    // What each key's sum must have been after each of its numbers, in the order in which they are in the topic.
    let mut sums: HashMap<Option<String>, u64> = HashMap::new();
    let inputs = kept.pipeline.committed("in");
    let expected = inputs.iter().map(|record| {
        let sum = sums.entry(record.key_text()).or_default();
        *sum += record.value_text().parse::<u64>().expect("a number");
        (record.partition, record.key_text(), sum.to_string())
    });
    let expected: Vec<_> = expected.collect();
    let sums = kept.pipeline.committed("out");
    let seen = sums
        .iter()
        .map(|record| (record.partition, record.key_text(), record.value_text()));
    let seen: Vec<_> = seen.collect();
    assert_same_multiset("sums", expected.clone(), seen.clone());
    assert!(
        seen == expected,
        "the sums are right and in another order than their numbers"
    );
    tally.input += rounds * SHARE;
    tally.output += rounds * SHARE;
    tally
}
