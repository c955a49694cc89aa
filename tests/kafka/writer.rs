//! The producer of feeds: what a broker refuses for one record costs no other.

use crate::harness::broker::shared;
use crate::harness::client::Client;
use millstream::broker::kafka::{KafkaBroker, KafkaSettings};
use millstream::broker::{Broker, Outgoing, Reaction};
use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// Writes values at once, so that they share batches; what became of each.
fn write(topic: &str, values: &[Vec<u8>], timestamp: impl Fn(usize) -> Option<i64>) -> Vec<Result<(), Reaction>> {
    let broker = KafkaBroker::new(KafkaSettings {
        brokers: shared().address(),
        properties: BTreeMap::from([("linger.ms".to_owned(), "200".to_owned())]),
    });
    let writer = broker.writer().expect("a writer");
    let (tell, told) = mpsc::channel();
    for (index, value) in values.iter().enumerate() {
        let record = Outgoing {
            topic,
            partition: Some(0),
            key: Some(b"k"),
            value: Some(value),
            headers: &[],
            timestamp: timestamp(index),
        };
        let tell = tell.clone();
        let full = writer.write(
            record,
            Box::new(move |outcome| {
                let _ = tell.send((index, outcome));
            }),
        );
        assert!(full.is_none(), "there is room for so few");
    }
    let mut outcomes = vec![Ok(()); values.len()];
    for _ in values {
        let (index, outcome) = told.recv_timeout(LIMIT).expect("an outcome for each");
        outcomes[index] = outcome.map_err(|error| error.reaction);
    }
    assert_eq!(writer.pending(), 0);
    outcomes
}

/// Bytes that no codec makes fewer.
fn incompressible(count: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

#[test]
fn small_records_in_a_batch_with_one_that_is_too_large_are_written_and_that_one_is_refused() {
    let client = Client::new(shared().address());
    client.create_topic_with("writer.small", 1, &[("max.message.bytes", "3000")]);
    let values: Vec<Vec<u8>> = (0..200)
        .map(|number| {
            if number == 100 {
                incompressible(10_000)
            } else {
                format!("{number:0100}").into_bytes()
            }
        })
        .collect();
    let outcomes = write("writer.small", &values, |_| None);
    let refused: Vec<usize> = (0..200)
        .filter(|index| outcomes[*index] == Err(Reaction::DeadLetter))
        .collect();
    assert_eq!(refused, [100]);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 199);
    let mut seen: Vec<String> = client
        .committed("writer.small")
        .iter()
        .map(|record| record.value_text())
        .collect();
    seen.sort();
    let expected: Vec<String> = (0..200)
        .filter(|number| *number != 100)
        .map(|number| format!("{number:0100}"))
        .collect();
    assert_eq!(seen, expected, "each of them once");
}

#[test]
fn a_record_with_a_time_that_its_topic_refuses_is_refused_and_the_others_of_its_batch_are_written() {
    let client = Client::new(shared().address());
    client.create_topic_with(
        "writer.times",
        1,
        &[
            ("message.timestamp.type", "CreateTime"),
            ("message.timestamp.after.max.ms", "3600000"),
        ],
    );
    let values: Vec<Vec<u8>> = (0..20).map(|number| number.to_string().into_bytes()).collect();
    // The year 2100, and what is sent once more keeps its own.
    let outcomes = write("writer.times", &values, |index| {
        Some(if index == 7 {
            4_102_444_800_000
        } else {
            1_700_000_000_000
        })
    });
    let refused: Vec<usize> = (0..20).filter(|index| outcomes[*index].is_err()).collect();
    assert_eq!((refused, outcomes[7]), (vec![7], Err(Reaction::DeadLetter)));
    let times: Vec<_> = client
        .committed("writer.times")
        .iter()
        .map(|record| record.timestamp)
        .collect();
    assert_eq!(times, [Some(1_700_000_000_000); 19]);
}
