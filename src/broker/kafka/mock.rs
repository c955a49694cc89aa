//! librdkafka's mock cluster, in process: for the demo. It stores no transactional offsets, has no admin API, no compaction
//! and no fencing, so it proves nothing about exactly-once.

use super::KafkaBroker;
use super::config::KafkaSettings;
use super::errors::classify;
use crate::broker::BrokerError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use std::collections::BTreeMap;

/// A cluster that lives as long as this value.
pub struct MockKafka {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl MockKafka {
    /// Starts one broker on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start() -> Result<Self, BrokerError> {
        let cluster = MockCluster::new(1).map_err(|error| classify("start the mock cluster", error))?;
        Ok(Self { cluster })
    }

    /// # Errors
    /// When the topic is there already.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), BrokerError> {
        self.cluster
            .create_topic(name, partitions, 1)
            .map_err(|error| classify("create a topic of the mock cluster", error))
    }

    /// How to reach it.
    pub fn broker(&self) -> KafkaBroker {
        let mut properties = BTreeMap::new();
        // The demo has a few hundred records: latency counts, not throughput.
        properties.insert("linger.ms".to_owned(), "1".to_owned());
        KafkaBroker::new(KafkaSettings {
            brokers: self.cluster.bootstrap_servers(),
            properties,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::{
        Broker, ConsumerSettings, Outgoing, Position, ProducerSettings, Reaction, Rebalance, TopicPartition,
    };
    use std::time::{Duration, Instant};

    const SOON: Duration = Duration::from_secs(60);

    #[test]
    fn records_go_through_a_transaction_and_a_group_and_come_out_as_they_went_in() {
        let mock = MockKafka::start().unwrap();
        mock.create_topic("letters", 2).unwrap();
        let broker = mock.broker();
        let mut producer = broker
            .producer(&ProducerSettings {
                transactional_id: Some("t-0".into()),
            })
            .unwrap();
        producer.begin().unwrap();
        let headers = [crate::record::Header {
            name: "h",
            value: Some(b"\xff\x00"),
        }];
        for number in 0..10_u8 {
            let value = [number];
            let out = Outgoing {
                topic: "letters",
                partition: None,
                key: Some(&value),
                value: Some(&value),
                headers: &headers,
                timestamp: Some(77),
            };
            producer.send(out).unwrap();
        }
        producer.flush(SOON).unwrap();
        producer.commit(SOON).unwrap();

        let settings = ConsumerSettings {
            group: "g".into(),
            client: "test".into(),
            instance: None,
            topics: vec!["letters".into()],
        };
        let mut consumer = broker.consumer(&settings).unwrap();
        let mut seen = Vec::new();
        let deadline = Instant::now() + SOON;
        while seen.len() < 10 && Instant::now() < deadline {
            let rebalance = consumer
                .poll(Duration::from_millis(50), 100, &mut |record| {
                    assert_eq!(record.headers, &headers);
                    assert_eq!(record.timestamp, 77);
                    seen.push(record.value.unwrap()[0]);
                })
                .unwrap();
            if let Some(Rebalance::Assigned(partitions)) = rebalance {
                assert_eq!(
                    consumer.committed(&partitions, SOON).unwrap(),
                    vec![None; partitions.len()]
                );
                let start: Vec<(TopicPartition, Position)> =
                    partitions.iter().map(|p| (p.clone(), Position::Beginning)).collect();
                consumer.complete(Rebalance::Assigned(partitions), &start).unwrap();
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_reader_knows_when_it_has_read_to_the_end() {
        let mock = MockKafka::start().unwrap();
        mock.create_topic("log", 1).unwrap();
        let broker = mock.broker();
        let mut producer = broker.producer(&ProducerSettings { transactional_id: None }).unwrap();
        for _ in 0..5 {
            let out = Outgoing {
                topic: "log",
                partition: Some(0),
                key: None,
                value: Some(b"x"),
                headers: &[],
                timestamp: None,
            };
            producer.send(out).unwrap();
        }
        producer.flush(SOON).unwrap();
        let partition = TopicPartition {
            topic: "log".into(),
            partition: 0,
        };
        let mut reader = broker.reader().unwrap();
        assert_eq!(reader.offsets(&partition).unwrap(), (0, 5));
        assert_eq!(reader.end(&partition).unwrap(), 5);
        reader.assign(&[(partition.clone(), Position::Offset(2))]).unwrap();
        let mut count = 0;
        let deadline = Instant::now() + SOON;
        while reader.position(&partition).unwrap().is_none_or(|p| p < 5) && Instant::now() < deadline {
            reader
                .poll(Duration::from_millis(20), 100, &mut |_| count += 1)
                .unwrap();
        }
        assert_eq!(count, 3);
    }

    #[test]
    fn an_abort_comes_through_after_a_broker_was_away_for_longer_than_its_records_may_wait() {
        let mock = MockKafka::start().unwrap();
        mock.create_topic("many", 8).unwrap();
        let mut broker = mock.broker();
        // Records wait as long as their transaction may last.
        let patience = ("transaction.timeout.ms".to_owned(), "1500".to_owned());
        broker.settings.properties.extend([patience]);
        let settings = ProducerSettings {
            transactional_id: Some("t-away".into()),
        };
        let mut producer = broker.producer(&settings).unwrap();
        let send = |producer: &mut Box<dyn crate::broker::Producer>, count: i32| {
            producer.begin().unwrap();
            for number in 0..count {
                let out = Outgoing {
                    topic: "many",
                    partition: Some(number % 8),
                    key: None,
                    value: Some(b"x"),
                    headers: &[],
                    timestamp: None,
                };
                producer.send(out).unwrap();
            }
        };
        send(&mut producer, 8);
        producer.flush(SOON).unwrap();
        producer.commit(SOON).unwrap();

        mock.cluster.broker_down(1).unwrap();
        send(&mut producer, 800);
        let deadline = Instant::now() + SOON;
        let failed = loop {
            match producer.flush(Duration::from_millis(100)) {
                Err(error) if error.reaction == Reaction::Retry && Instant::now() < deadline => {}
                other => break other,
            }
        };
        assert_eq!(failed.unwrap_err().reaction, Reaction::Abort);
        mock.cluster.broker_up(1).unwrap();
        // As a worker does: abort and begin again, until the broker is connected to again.
        let deadline = Instant::now() + 3 * SOON;
        loop {
            match producer.abort(Duration::from_millis(500)) {
                Err(error) => assert_eq!(error.reaction, Reaction::Retry, "{error}"),
                Ok(()) => {
                    send(&mut producer, 8);
                    let written = producer.flush(SOON).and_then(|()| producer.commit(SOON));
                    if written.is_ok() {
                        break;
                    }
                }
            }
            assert!(Instant::now() < deadline, "the abort does not come through");
        }
    }

    /// Of a group of its own.
    fn member() -> (MockKafka, Box<dyn crate::broker::Consumer>) {
        let mock = MockKafka::start().unwrap();
        mock.create_topic("letters", 2).unwrap();
        let mut broker = mock.broker();
        let soon = [("session.timeout.ms", "4000"), ("heartbeat.interval.ms", "200")];
        let soon = soon.map(|(name, value)| (name.to_owned(), value.to_owned()));
        broker.settings.properties.extend(soon);
        let settings = ConsumerSettings {
            group: "g".into(),
            client: "test".into(),
            instance: None,
            topics: vec!["letters".into()],
        };
        let consumer = broker.consumer(&settings).unwrap();
        (mock, consumer)
    }

    fn rebalanced(consumer: &mut Box<dyn crate::broker::Consumer>) -> Rebalance {
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            let polled = consumer.poll(Duration::from_millis(50), 100, &mut |_| {});
            if let Ok(Some(rebalance)) = polled {
                return rebalance;
            }
        }
        panic!("no rebalance");
    }

    fn leaves(consumer: Box<dyn crate::broker::Consumer>) {
        let (left, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            drop(consumer);
            left.send(()).unwrap();
        });
        heard.recv_timeout(SOON).expect("the consumer to leave");
    }

    #[test]
    fn a_consumer_that_owes_an_answer_to_what_it_was_assigned_leaves() {
        let (_mock, mut consumer) = member();
        assert!(matches!(rebalanced(&mut consumer), Rebalance::Assigned(_)));
        leaves(consumer);
    }

    #[test]
    fn a_consumer_whose_answer_to_a_loss_is_refused_leaves() {
        let (mock, mut consumer) = member();
        let assigned = rebalanced(&mut consumer);
        // What is not had can't be given up.
        consumer.complete(assigned, &[]).unwrap();
        mock.cluster.broker_down(1).unwrap();
        let lost = rebalanced(&mut consumer);
        assert!(consumer.complete(lost, &[]).is_err());
        leaves(consumer);
    }

    /// librdkafka tells nothing more of partitions that it has told to be gone, and waits for the answer.
    #[test]
    fn a_consumer_that_owes_an_answer_to_the_loss_of_all_it_had_leaves() {
        let (mock, mut consumer) = member();
        let assigned = rebalanced(&mut consumer);
        let Rebalance::Assigned(partitions) = &assigned else {
            panic!("{assigned:?}");
        };
        let start: Vec<_> = partitions.iter().map(|p| (p.clone(), Position::Beginning)).collect();
        consumer.complete(assigned, &start).unwrap();
        mock.cluster.broker_down(1).unwrap();
        assert!(matches!(rebalanced(&mut consumer), Rebalance::Lost(_)));
        leaves(consumer);
    }

    #[test]
    fn a_partition_that_had_no_leader_for_a_while_is_found_again_by_the_same_client() {
        let mock = MockKafka::start().unwrap();
        mock.create_topic("log", 1).unwrap();
        let partition = TopicPartition {
            topic: "log".into(),
            partition: 0,
        };
        let mut reader = mock.broker().reader().unwrap();
        mock.cluster.partition_leader("log", 0, None).unwrap();
        assert_eq!(reader.end(&partition).unwrap_err().reaction, Reaction::Retry);
        assert_eq!(reader.offsets(&partition).unwrap_err().reaction, Reaction::Retry);
        mock.cluster.partition_leader("log", 0, Some(1)).unwrap();
        let deadline = Instant::now() + SOON;
        while reader.end(&partition).is_err() || reader.offsets(&partition).is_err() {
            assert!(Instant::now() < deadline, "{:?}", reader.end(&partition));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// librdkafka waits for a change of any broker's connection to look for the group's coordinator again, and there may be none.
    #[test]
    fn offsets_are_sent_although_the_groups_coordinator_was_replaced_while_nothing_else_changed() {
        use rdkafka::mocking::MockCoordinator;
        let mock = MockKafka {
            cluster: MockCluster::new(3).unwrap(),
        };
        for (kind, broker) in [
            (MockCoordinator::Transaction("t-moved".into()), 1),
            (MockCoordinator::Group("g-moved".into()), 2),
        ] {
            mock.cluster.coordinator(kind, broker).unwrap();
        }
        mock.create_topic("in", 1).unwrap();
        mock.cluster.partition_leader("in", 0, Some(1)).unwrap();
        let mut broker = mock.broker();
        // Asked often enough to hear of the broker's end while the test looks on.
        let often = ("topic.metadata.refresh.interval.ms".to_owned(), "500".to_owned());
        broker.settings.properties.extend([often]);
        let settings = ConsumerSettings {
            group: "g-moved".into(),
            client: String::new(),
            instance: None,
            topics: vec!["in".into()],
        };
        let mut consumer = broker.consumer(&settings).unwrap();
        let deadline = Instant::now() + SOON;
        let partitions = loop {
            assert!(Instant::now() < deadline, "nothing assigned");
            if let Some(Rebalance::Assigned(partitions)) =
                consumer.poll(Duration::from_millis(50), 100, &mut |_| {}).unwrap()
            {
                break partitions;
            }
        };
        let group = consumer.group().unwrap();
        let settings = ProducerSettings {
            transactional_id: Some("t-moved".into()),
        };
        let mut producer = broker.producer(&settings).unwrap();
        let offsets = [(partitions[0].clone(), 0)];
        producer.begin().unwrap();
        producer.send_offsets(&offsets, &group, SOON).unwrap();
        producer.commit(SOON).unwrap();

        producer.begin().unwrap();
        mock.cluster.broker_down(2).unwrap();
        let (sent, outcome) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let began = Instant::now();
            let result = producer.send_offsets(&offsets, &group, SOON);
            sent.send((result, began.elapsed())).unwrap();
        });
        std::thread::sleep(Duration::from_secs(3));
        mock.cluster
            .coordinator(MockCoordinator::Group("g-moved".into()), 3)
            .unwrap();
        let (result, took) = outcome.recv_timeout(3 * SOON).expect("an answer");
        assert!(took < 2 * SOON, "{result:?} after {took:?}");
        assert!(result.is_ok(), "{result:?} after {took:?}");
    }
}
