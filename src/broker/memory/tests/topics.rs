use super::super::MemoryBroker;
use super::*;
use crate::broker::partition::partition_of;
use crate::broker::{Reaction, TopicState};
use crate::record::Header;

#[test]
fn keys_choose_the_partition_as_java_clients_do() {
    let broker = broker();
    for key in ["21", "foobar", "a-little-bit-long-string"] {
        let outgoing = Outgoing {
            key: Some(key.as_bytes()),
            partition: None,
            ..record("in", 0, "v")
        };
        let (partition, _) = broker.produce(&outgoing).unwrap();
        assert_eq!(partition.partition, partition_of(key.as_bytes(), 4));
    }
}

#[test]
fn records_without_a_key_spread_the_same_way_for_the_same_seed() {
    let spread = |seed| {
        let broker = MemoryBroker::new(seed);
        broker.create_topic("in", 4).unwrap();
        let outgoing = Outgoing {
            partition: None,
            ..record("in", 0, "v")
        };
        (0..20)
            .map(|_| broker.produce(&outgoing).unwrap().0.partition)
            .collect::<Vec<_>>()
    };
    assert_eq!(spread(1), spread(1));
    assert_ne!(spread(1), spread(2));
}

#[test]
fn a_record_larger_than_a_client_takes_is_a_dead_letter_and_harms_nothing_else() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    producer.begin().unwrap();
    let error = producer.send(record("out", 0, &"x".repeat(1_000_000))).unwrap_err();
    assert_eq!(error.reaction, Reaction::DeadLetter, "{error}");
    producer.send(record("out", 0, "x")).unwrap();
    producer.flush(SOON).unwrap();
    producer.commit(SOON).unwrap();
    assert_eq!(values(&broker, "out"), ["x"]);
}

#[test]
fn a_record_larger_than_its_topic_allows_is_refused_when_it_is_written_and_costs_the_transaction() {
    let broker = broker();
    let settings = vec![("max.message.bytes".to_owned(), "100".to_owned())];
    broker
        .create_topic_with(&TopicState {
            name: "small".to_owned(),
            partitions: 1,
            settings,
        })
        .unwrap();
    let mut producer = producer(&broker, "p");
    producer.begin().unwrap();
    producer.send(record("small", 0, &"x".repeat(200))).unwrap();
    assert_eq!(producer.flush(SOON).unwrap_err().reaction, Reaction::DeadLetter);
    assert_eq!(producer.commit(SOON).unwrap_err().reaction, Reaction::Abort);
    producer.abort(SOON).unwrap();
    assert!(values(&broker, "small").is_empty());
}

#[test]
fn a_record_keeps_everything_it_was_written_with() {
    let broker = broker();
    let headers = [
        Header {
            name: "h",
            value: Some(b"1"),
        },
        Header { name: "h", value: None },
    ];
    let outgoing = Outgoing {
        key: Some(b"k"),
        value: None,
        headers: &headers,
        timestamp: Some(5),
        ..record("in", 3, "")
    };
    broker.produce(&outgoing).unwrap();
    let dump = &broker.committed_records("in")[0];
    assert_eq!((dump.partition, dump.offset, dump.timestamp), (3, 0, 5));
    assert_eq!((dump.key.as_deref(), dump.value.as_deref()), (Some(&b"k"[..]), None));
    assert_eq!(
        dump.headers,
        [("h".to_owned(), Some(b"1".to_vec())), ("h".to_owned(), None)]
    );
    let mut consumer = consumer(&broker, None);
    settle(&mut [&mut consumer]);
    consumer.seek(&[(at("in", 3), Position::Beginning)]).unwrap();
    let mut seen = 0;
    consumer
        .poll(SOON, 1, &mut |r| {
            seen += 1;
            assert_eq!(r.headers, headers);
            assert_eq!((r.origin.topic, r.origin.partition, r.timestamp), ("in", 3, 5));
        })
        .unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn topics_are_created_once_and_described_as_they_are() {
    let broker = broker();
    let mut admin = broker.admin().unwrap();
    let wanted = |name: &str, partitions| TopicState {
        name: name.to_owned(),
        partitions,
        settings: Vec::new(),
    };
    admin.create(&[wanted("in", 9), wanted("new", 2)], None).unwrap();
    let names = ["in".to_owned(), "gone".to_owned(), "new".to_owned()];
    assert_eq!(admin.describe(&names).unwrap(), [wanted("in", 4), wanted("new", 2)]);
    assert!(admin.create(&[wanted("none", 0)], None).is_err());
}

#[test]
fn several_threads_share_a_waiting_broker() {
    let broker = MemoryBroker::waiting(1);
    broker.create_topic("in", 4).unwrap();
    let other = broker.clone();
    let reader = std::thread::spawn(move || {
        let mut consumer = consumer(&other, None);
        let mut seen = Vec::new();
        while seen.len() < 100 {
            let (values, rebalance) = poll(consumer.as_mut());
            seen.extend(values);
            rebalance
                .into_iter()
                .for_each(|r| accept(consumer.as_mut(), r).unwrap());
        }
        seen.len()
    });
    for number in 0..100 {
        broker.produce(&record("in", number % 4, "v")).unwrap();
    }
    assert_eq!(reader.join().unwrap(), 100);
}
