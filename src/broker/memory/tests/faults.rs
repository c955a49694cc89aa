use super::super::{Fault, Operation, Point, RandomFaults, When, is_crash};
use super::*;
use crate::broker::Reaction;

#[test]
fn a_killed_process_changes_nothing_any_more() {
    let broker = broker();
    let process = broker.process("one");
    let (mut producer, mut consumer) = (producer(&process, "p"), consumer(&process, None));
    settle(&mut [&mut consumer]);
    producer.begin().unwrap();
    producer.send(record("out", 0, "a")).unwrap();
    producer.flush(SOON).unwrap();
    process.kill();
    for error in [
        producer.commit(SOON).unwrap_err(),
        consumer.commit(&[(at("in", 0), 1)]).unwrap_err(),
        process.reader().err().unwrap(),
    ] {
        assert!(is_crash(&error), "{error}");
    }
    consumer.close();
    assert_eq!(broker.members("g").len(), 1, "the dead do not say goodbye");
    assert_eq!(broker.open_transactions(), ["p"]);
    assert!(broker.is_alive());
}

#[test]
fn a_fault_strikes_the_call_and_the_process_it_was_made_for() {
    let broker = broker();
    broker.set_faults(Some(Box::new(|point: &Point<'_>| {
        let here = point.operation == Operation::Flush && point.when == When::After && point.process == "one";
        here.then_some(Fault::Crash)
    })));
    let (one, two) = (broker.process("one"), broker.process("two"));
    for process in [&one, &two] {
        let mut plain = process.producer(&ProducerSettings { transactional_id: None }).unwrap();
        plain.send(record("out", 0, &process.process.name)).unwrap();
        assert_eq!(plain.flush(SOON).is_err(), process.process.name == "one");
    }
    assert_eq!(
        values(&broker, "out"),
        ["one", "two"],
        "the call took effect, its answer was lost"
    );
    assert!(!one.is_alive() && two.is_alive());
}

#[test]
fn a_fatal_error_is_not_taken_for_a_crash() {
    let broker = broker();
    broker.set_faults(Some(Box::new(|_: &Point<'_>| Some(Fault::Fail(Reaction::Fatal)))));
    let error = broker.reader().err().unwrap();
    assert_eq!(error.reaction, Reaction::Fatal);
    assert!(!is_crash(&error));
}

/// Copies "in" to "out" with whatever faults come, as simply as a correct copier can; returns a trace.
fn copy(seed: u64) -> Vec<String> {
    let broker = broker();
    for number in 0..20 {
        broker.produce(&record("in", number % 4, &number.to_string())).unwrap();
    }
    broker.set_faults(Some(Box::new(RandomFaults::new(seed, 60))));
    let mut trace = Vec::new();
    for attempt in 0..500 {
        if broker.lag("g", &["in".to_owned()]) == 0 && broker.open_transactions().is_empty() {
            let mut copied: Vec<u32> = values(&broker, "out").iter().map(|v| v.parse().unwrap()).collect();
            copied.sort();
            assert_eq!(copied, (0..20).collect::<Vec<_>>(), "seed {seed}: {trace:?}");
            return trace;
        }
        let process = broker.process("copier");
        let run = attempt_copy(&process);
        trace.push(format!("{attempt}: {run:?}"));
        for member in broker.members("g") {
            broker.expire("g", &member.id);
        }
    }
    panic!("seed {seed} never ends: {trace:?}");
}

fn attempt_copy(process: &MemoryBroker) -> Result<(), BrokerError> {
    let mut producer = process.producer(&ProducerSettings {
        transactional_id: Some("p".to_owned()),
    })?;
    let topics = vec!["in".to_owned()];
    let mut consumer = process.consumer(&ConsumerSettings {
        group: "g".to_owned(),
        client: "test".into(),
        instance: None,
        topics,
    })?;
    loop {
        let mut batch = Vec::new();
        let rebalance = consumer.poll(SOON, 3, &mut |r| {
            let value = String::from_utf8_lossy(r.value.unwrap()).into_owned();
            batch.push((at(r.origin.topic, r.origin.partition), r.origin.offset, value));
        })?;
        if let Some(rebalance) = rebalance {
            accept(consumer.as_mut(), rebalance)?;
            continue;
        }
        if batch.is_empty() {
            return Ok(());
        }
        producer.begin()?;
        let mut offsets = std::collections::BTreeMap::new();
        for (partition, offset, value) in &batch {
            producer.send(record("out", 0, value))?;
            offsets.insert(partition.clone(), offset + 1);
        }
        producer.flush(SOON)?;
        let offsets: Vec<_> = offsets.into_iter().collect();
        producer.send_offsets(&offsets, &consumer.group()?, SOON)?;
        producer.commit(SOON)?;
    }
}

#[test]
fn a_copier_that_starts_again_after_every_fault_loses_and_doubles_nothing() {
    for seed in 0..150 {
        let broker_trace = copy(seed);
        assert_eq!(broker_trace, copy(seed), "seed {seed} is not reproducible");
    }
}
