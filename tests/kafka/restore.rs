//! State is what was committed to its changelog: markers and aborted records in it are nothing.

use crate::crew::Crew;
use crate::harness::client::Message;
use crate::harness::millstream::TestTopology;
use crate::harness::random::Random;
use crate::pipeline::Pipeline;
use crate::scenario::{Size, Tally, check};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const PARTITIONS: i32 = 3;

const DEDUPE: &str = r#"application: restored
sources: {in: {topic: in}}
processors: {dedupe: {type: dedupe, from: in, id: = event.id, window: 7d}}
sinks: {out: {from: dedupe, topic: out}}
dead_letters: {topic: dead}
"#;

fn pipeline(test: &str) -> Pipeline {
    let pipeline = Pipeline::of(TestTopology::of(test, DEDUPE));
    pipeline.create(&["in", "out"], PARTITIONS, &[]);
    pipeline
}

fn changelog(pipeline: &Pipeline) -> String {
    format!("{}-dedupe-changelog", pipeline.topology.application())
}

fn events(pipeline: &Pipeline, ids: std::ops::Range<u32>) -> Vec<Message> {
    let topic = pipeline.topic("in");
    let event = |id: u32| Message::new(&topic, Some(&format!("k{}", id % 101)), format!("{{\"id\":\"e{id}\"}}"));
    ids.map(event).collect()
}

#[test]
fn restoring_skips_markers_and_aborted_records() {
    check("restored", restored);
}

/// What one pipeline wrote to its changelog is written to another's, a half in transactions that are committed and a half in
/// ones that are aborted. Then the other must know the first half and no more.
pub fn restored(random: &mut Random, size: Size) -> Tally {
    let count: u32 = size.of(2_000, 20_000);
    let known = count / 2;
    let origin = pipeline("restored-from");
    let mut tally = Tally::default();
    let mut records = Vec::new();
    for (ids, done) in [(0..known, known), (known..count, count)] {
        let mut crew = Crew::new(&origin);
        crew.start_all(&["a"]);
        origin.produce(&events(&origin, ids));
        origin.client.wait_committed(&origin.topic("out"), done as usize, LIMIT);
        tally += crew.finish();
        records.push(origin.client.committed(&changelog(&origin)));
    }
    let all = records.pop().unwrap_or_default();
    let first = records.pop().unwrap_or_default();
    assert!(
        first.len() < all.len(),
        "{} and {} records in the changelog",
        first.len(),
        all.len()
    );
    let is_first = |record: &crate::harness::client::Delivered| {
        let place = (record.partition, record.offset);
        first
            .binary_search_by_key(&place, |known| (known.partition, known.offset))
            .is_ok()
    };

    let pipeline = pipeline("restored");
    let mut crew = Crew::new(&pipeline);
    // Makes the changelog.
    crew.start_all(&["a"]);
    crew.stop("a");
    let copy = |record: &crate::harness::client::Delivered| Message {
        topic: changelog(&pipeline),
        partition: Some(record.partition),
        key: record.key.clone(),
        value: record.value.clone(),
        headers: record.headers.clone(),
        timestamp: record.timestamp,
    };
    let (committed, aborted): (Vec<_>, Vec<_>) = all.iter().partition(|record| is_first(record));
    let mut committed = committed.into_iter().map(copy);
    let mut aborted = aborted.into_iter().map(copy);
    let mut batches: Vec<(Vec<Message>, bool)> = Vec::new();
    loop {
        let good: Vec<Message> = committed.by_ref().take(random.between(1, 300) as usize).collect();
        let bad: Vec<Message> = aborted.by_ref().take(random.between(1, 300) as usize).collect();
        if good.is_empty() && bad.is_empty() {
            break;
        }
        batches.extend([(good, true), (bad, false)]);
    }
    pipeline.client.produce_in_transactions("restored-state", &batches);

    crew.start_all(&["a"]);
    pipeline.produce(&events(&pipeline, 0..count));
    let expected = count - known;
    pipeline
        .client
        .wait_committed(&pipeline.topic("out"), expected as usize, LIMIT);
    tally += crew.finish();
    let mut seen: Vec<String> = pipeline
        .committed("out")
        .iter()
        .map(crate::harness::client::Delivered::value_text)
        .collect();
    seen.sort();
    let mut wanted: Vec<String> = (known..count).map(|id| format!("{{\"id\":\"e{id}\"}}")).collect();
    wanted.sort();
    crate::harness::compare::assert_same_multiset("out", wanted, seen);
    tally.input += u64::from(count) * 2;
    tally.output += u64::from(count + expected);
    tally
}
