use super::super::{Fault, Operation, Point, When};
use super::*;
use crate::broker::Reaction;

#[test]
fn records_are_visible_after_the_commit_and_not_before() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    producer.begin().unwrap();
    producer.send(record("out", 0, "a")).unwrap();
    producer.flush(SOON).unwrap();
    assert!(values(&broker, "out").is_empty());
    producer.commit(SOON).unwrap();
    assert_eq!(values(&broker, "out"), ["a"]);
}

#[test]
fn an_open_transaction_hides_what_others_wrote_after_it() {
    let broker = broker();
    let (mut slow, mut quick) = (producer(&broker, "slow"), producer(&broker, "quick"));
    for (producer, value) in [(&mut slow, "a"), (&mut quick, "b")] {
        producer.begin().unwrap();
        producer.send(record("out", 0, value)).unwrap();
        producer.flush(SOON).unwrap();
    }
    quick.commit(SOON).unwrap();
    broker.produce(&record("out", 0, "c")).unwrap();
    assert!(values(&broker, "out").is_empty());
    slow.abort(SOON).unwrap();
    assert_eq!(values(&broker, "out"), ["b", "c"]);
}

#[test]
fn markers_take_offsets_and_a_reader_moves_past_them() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    for (value, commit) in [("a", true), ("b", false), ("c", true)] {
        producer.begin().unwrap();
        producer.send(record("out", 0, value)).unwrap();
        producer.flush(SOON).unwrap();
        if commit {
            producer.commit(SOON).unwrap()
        } else {
            producer.abort(SOON).unwrap()
        }
    }
    let offsets: Vec<i64> = broker.committed_records("out").iter().map(|r| r.offset).collect();
    assert_eq!(offsets, [0, 4]);
    let mut reader = broker.reader().unwrap();
    reader.assign(&[(at("out", 0), Position::Beginning)]).unwrap();
    let mut read = Vec::new();
    reader.poll(SOON, 100, &mut |r| read.push(r.origin.offset)).unwrap();
    assert_eq!(read, [0, 4]);
    assert_eq!(reader.offsets(&at("out", 0)).unwrap(), (0, 6));
    assert_eq!(reader.position(&at("out", 0)).unwrap(), Some(6));
}

#[test]
fn a_new_producer_of_the_same_id_aborts_and_fences_the_old_one() {
    let broker = broker();
    let mut old = producer(&broker, "p");
    old.begin().unwrap();
    old.send(record("out", 0, "old")).unwrap();
    old.flush(SOON).unwrap();
    let mut new = producer(&broker, "p");
    assert!(broker.open_transactions().is_empty());
    assert_eq!(old.commit(SOON).unwrap_err().reaction, Reaction::Rebuild);
    assert_eq!(old.begin().unwrap_err().reaction, Reaction::Rebuild);
    new.begin().unwrap();
    new.send(record("out", 0, "new")).unwrap();
    new.flush(SOON).unwrap();
    new.commit(SOON).unwrap();
    assert_eq!(values(&broker, "out"), ["new"]);
}

#[test]
fn offsets_of_a_transaction_block_readers_of_offsets_and_count_only_once_committed() {
    let broker = broker();
    let mut consumer = consumer(&broker, None);
    settle(&mut [&mut consumer]);
    let mut producer = producer(&broker, "p");
    for (offset, commit, expected) in [(5, true, Some(5)), (9, false, Some(5))] {
        producer.begin().unwrap();
        producer
            .send_offsets(&[(at("in", 1), offset)], &consumer.group().unwrap(), SOON)
            .unwrap();
        assert_eq!(
            consumer.committed(&[at("in", 1)], SOON).unwrap_err().reaction,
            Reaction::Retry
        );
        assert_eq!(consumer.committed(&[at("in", 0)], SOON).unwrap(), [None]);
        if commit {
            producer.commit(SOON).unwrap()
        } else {
            producer.abort(SOON).unwrap()
        }
        assert_eq!(consumer.committed(&[at("in", 1)], SOON).unwrap(), [expected]);
    }
}

#[test]
fn a_commit_that_timed_out_although_it_happened_can_be_asked_for_again() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    producer.begin().unwrap();
    producer.send(record("out", 0, "a")).unwrap();
    producer.flush(SOON).unwrap();
    let mut once = Some(Fault::Fail(Reaction::Retry));
    broker.set_faults(Some(Box::new(move |point: &Point<'_>| {
        match (point.operation, point.when) {
            (Operation::Commit, When::After) => once.take(),
            _ => None,
        }
    })));
    assert_eq!(producer.commit(SOON).unwrap_err().reaction, Reaction::Retry);
    assert_eq!(values(&broker, "out"), ["a"]);
    assert_eq!(
        producer.abort(SOON).unwrap_err().reaction,
        Reaction::Fatal,
        "never abort what may be committed"
    );
}

#[test]
fn a_commit_that_timed_out_is_resumed() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    let mut faults = vec![
        Fault::Fail(Reaction::Retry),
        Fault::LateMarkers(0),
        Fault::Fail(Reaction::Retry),
    ];
    broker.set_faults(Some(Box::new(move |point: &Point<'_>| match point.operation {
        Operation::Commit => faults.pop(),
        _ => None,
    })));
    producer.begin().unwrap();
    producer.send(record("out", 0, "a")).unwrap();
    producer.flush(SOON).unwrap();
    assert!(producer.commit(SOON).is_err());
    assert!(producer.commit(SOON).is_err());
    producer.commit(SOON).unwrap();
    producer.begin().unwrap();
    assert_eq!(values(&broker, "out"), ["a"]);
}

#[test]
fn a_committed_transaction_may_become_visible_later() {
    let broker = broker();
    let mut consumer = consumer(&broker, None);
    settle(&mut [&mut consumer]);
    let mut producer = producer(&broker, "p");
    broker.set_faults(Some(Box::new(|point: &Point<'_>| {
        let commits = point.operation == Operation::Commit && point.when == When::Before;
        commits.then_some(Fault::LateMarkers(2))
    })));
    producer.begin().unwrap();
    producer.send(record("out", 0, "a")).unwrap();
    producer.flush(SOON).unwrap();
    producer
        .send_offsets(&[(at("in", 0), 3)], &consumer.group().unwrap(), SOON)
        .unwrap();
    producer.commit(SOON).unwrap();
    assert!(values(&broker, "out").is_empty());
    assert_eq!(
        consumer.committed(&[at("in", 0)], SOON).unwrap_err().reaction,
        Reaction::Retry
    );
    assert_eq!(consumer.committed(&[at("in", 0)], SOON).unwrap(), [Some(3)]);
    assert_eq!(values(&broker, "out"), ["a"]);
}

#[test]
fn a_commit_with_records_still_queued_is_refused() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    producer.begin().unwrap();
    producer.send(record("out", 0, "a")).unwrap();
    assert_eq!(producer.commit(SOON).unwrap_err().reaction, Reaction::Fatal);
}

#[test]
fn a_failed_transaction_can_only_be_aborted() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    broker.set_faults(Some(Box::new(|point: &Point<'_>| {
        (point.operation == Operation::Flush).then_some(Fault::Fail(Reaction::Abort))
    })));
    producer.begin().unwrap();
    producer.send(record("out", 0, "a")).unwrap();
    assert_eq!(producer.flush(SOON).unwrap_err().reaction, Reaction::Abort);
    assert_eq!(
        producer.send(record("out", 0, "b")).unwrap_err().reaction,
        Reaction::Abort
    );
    assert_eq!(producer.commit(SOON).unwrap_err().reaction, Reaction::Abort);
    producer.abort(SOON).unwrap();
    producer.begin().unwrap();
    producer.commit(SOON).unwrap();
    assert!(values(&broker, "out").is_empty());
}

#[test]
fn a_transaction_left_alone_for_too_long_is_aborted_and_its_producer_fenced() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    producer.begin().unwrap();
    producer.send(record("out", 0, "a")).unwrap();
    producer.flush(SOON).unwrap();
    broker.advance(Duration::from_secs(61));
    assert!(broker.open_transactions().is_empty());
    assert_eq!(producer.commit(SOON).unwrap_err().reaction, Reaction::Rebuild);
    assert!(values(&broker, "out").is_empty());
}

#[test]
fn a_producer_without_transactions_writes_with_the_flush_and_what_it_gives_up_is_written_all_the_same() {
    let broker = broker();
    let mut plain = broker.producer(&ProducerSettings { transactional_id: None }).unwrap();
    plain.begin().unwrap();
    plain.send(record("out", 0, "a")).unwrap();
    assert!(values(&broker, "out").is_empty());
    plain.flush(SOON).unwrap();
    assert_eq!(values(&broker, "out"), ["a"]);
    assert_eq!(plain.commit(SOON).unwrap_err().reaction, Reaction::Fatal);
    plain.send(record("out", 0, "b")).unwrap();
    plain.abort(SOON).unwrap();
    assert_eq!(values(&broker, "out"), ["a", "b"]);
}
