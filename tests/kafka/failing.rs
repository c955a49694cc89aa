//! A processor that fails and ends its process (`on_error: fail`): what it did since the last commit is never seen, what was
//! committed is not done again.

use crate::crew::Crew;
use crate::harness::millstream::TestTopology;
use crate::harness::random::Random;
use crate::numbers::{KEYS, numbered, verify};
use crate::pipeline::Pipeline;
use crate::scenario::{Size, Tally, check};
use std::collections::HashSet;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const PARTITIONS: i32 = 3;
/// Where in the topology the number stands at which it fails.
const PLACE: &str = "999999999";

/// Two stages; the second fails at one number.
const FAILING: &str = r#"application: failing
sources: {in: {topic: in}}
processors:
  middle: {type: repartition, from: in, topic: middle}
  checked: {type: filter, from: middle, where: "= required(event != 999999999 ? true : null, 'another number')", on_error: fail}
sinks: {out: {from: checked, topic: out}}
dead_letters: {topic: dead}
"#;

#[test]
fn a_processor_that_fails_after_some_records_and_again_after_more_repeats_nothing_and_shows_nothing_aborted() {
    check("failing", failing);
}

pub fn failing(random: &mut Random, size: Size) -> Tally {
    let times = size.of(3, 8);
    let count: u32 = 5_000 * times;
    let mut tally = Tally::default();
    let mut topology = TestTopology::of("failing", FAILING)
        .kafka("session.timeout.ms", "3000")
        .kafka("heartbeat.interval.ms", "500");
    let mut failing_at = PLACE.to_owned();
    let mut fails_at = |topology: TestTopology, number: String| {
        let before = std::mem::replace(&mut failing_at, number.clone());
        topology.edit(|yaml| yaml.replace(&format!("!= {before}"), &format!("!= {number}")))
    };
    // Of one key, so that each is behind the one before it: what is in other partitions is done meanwhile.
    let key = random.below(KEYS.into()) as u32;
    let numbers = (0..times).map(|time| key + KEYS * (1 + time * (count / KEYS - 2) / times));

    let mut first = true;
    for number in numbers {
        topology = fails_at(topology, number.to_string());
        let pipeline = Pipeline::of(topology);
        if std::mem::take(&mut first) {
            pipeline.create(&["in", "out"], PARTITIONS, &[]);
            pipeline.produce(&numbered(&pipeline, 0..count));
        }
        // Twice: started again without a remedy, it fails at the same record.
        for _ in 0..2 {
            let mut instance = pipeline.start("a");
            let status = instance.wait_ended(LIMIT);
            assert_eq!(status.code(), Some(1), "at {number}:\n{}", instance.log());
            assert!(instance.log().contains("on_error: fail"), "{}", instance.log());
            tally.stops += 1;
            seen_is_committed(&pipeline, number);
        }
        topology = pipeline.topology;
    }
    let pipeline = Pipeline::of(fails_at(topology, PLACE.to_owned()));
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&["a"]);
    pipeline
        .client
        .wait_committed(&pipeline.topic("out"), count as usize, LIMIT);
    tally += crew.finish();
    verify(&pipeline, count);
    tally.input += u64::from(count);
    tally.output += u64::from(count);
    tally
}

/// What is seen is what was committed as processed: as many, each once, and not the one that failed.
fn seen_is_committed(pipeline: &Pipeline, failed: u32) {
    let seen: Vec<String> = pipeline
        .committed("out")
        .iter()
        .map(crate::harness::client::Delivered::value_text)
        .collect();
    let distinct: HashSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "numbers seen, and seen once");
    assert!(!distinct.contains(&failed.to_string()), "{failed} failed and is seen");
}
