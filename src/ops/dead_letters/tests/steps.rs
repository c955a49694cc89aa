//! What is done and what is not.

use super::*;
use crate::broker::TopicState;
use std::collections::BTreeMap;

#[test]
fn a_replayed_record_is_what_it_was_and_goes_where_its_key_goes() {
    let broker = filled(10);
    let looked = look(&broker, BACK, Query::default()).unwrap();
    assert_eq!(looked.done, BTreeMap::from([("orders".to_owned(), 10)]));
    assert!(broker.committed_records("orders").is_empty(), "a look changes nothing");
    assert!(!broker.topics().contains(&"shop-dead-letters-replayed".to_owned()));
    assert_eq!(act(&broker, BACK, Query::default()).unwrap(), looked);
    assert_eq!(values(&broker, "orders"), expected(0..10));
    for record in broker.committed_records("orders") {
        let key = String::from_utf8(record.key.unwrap()).unwrap();
        let number: i64 = key.strip_prefix('k').unwrap().parse().unwrap();
        assert_eq!(record.headers, [("env".to_owned(), Some(b"dev".to_vec()))]);
        assert_eq!(record.timestamp, 1_000 + number);
        let partition = crate::broker::partition::partition_of(key.as_bytes(), 2);
        assert_eq!(record.partition, partition);
    }
    assert_eq!(waiting(&broker), [0; 0]);
}

#[test]
fn a_second_replay_does_nothing_and_what_fails_later_is_replayed_by_the_next() {
    let broker = filled(7);
    act(&broker, BACK, Query::default()).unwrap();
    let again = act(&broker, BACK, Query::default()).unwrap();
    assert_eq!((again.done(), again.before), (0, 7));
    fail(&broker, &failed("orders", 7));
    let next = act(&broker, BACK, Query::default()).unwrap();
    assert_eq!((next.done(), next.before), (1, 7));
    assert_eq!(values(&broker, "orders"), expected(0..8));
}

#[test]
fn filters_limits_and_names_choose() {
    let broker = filled(12);
    fail(
        &broker,
        &Failed {
            kind: "no_route",
            ..failed("returns", 12)
        },
    );
    act(
        &broker,
        BACK,
        query(|query| query.filter.reason = Some("no_route".into())),
    )
    .unwrap();
    assert_eq!(values(&broker, "returns"), expected(12..13));
    act(&broker, BACK, query(|query| query.filter.key = Some("k3".into()))).unwrap();
    act(&broker, BACK, query(|query| query.filter.until = Some(1_002))).unwrap();
    let mut left: Vec<i64> = vec![2];
    left.extend(4..12);
    assert_eq!(waiting(&broker), left);
    let some = act(&broker, BACK, query(|query| query.limit = Some(4))).unwrap();
    assert_eq!(some.done(), 4, "the limit counts what is done");
    assert_eq!(waiting(&broker).len(), 5);
    assert_eq!(
        act(&broker, BACK, query(|query| query.limit = Some(0))).unwrap().done(),
        0
    );

    let topology = topology();
    let letters = DeadLetters::open(&broker, &topology, &mut |_| {}).unwrap();
    let mut first = None;
    let mut each = |letter: &Letter<'_>, mark: Option<Mark>| {
        if mark.is_none() {
            first = Some((letter.partition, letter.offset));
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    };
    letters.each(&Filter::default(), &mut |_| {}, &mut each).unwrap();
    let (partition, offset) = first.unwrap();
    let named = At { partition, offset };
    let one = act(&broker, BACK, query(|query| query.filter.at = vec![named, named])).unwrap();
    assert_eq!((one.done(), one.before), (1, 0));
    let again = act(&broker, BACK, query(|query| query.filter.at = vec![named])).unwrap();
    assert_eq!((again.done(), again.before), (0, 1));
}

#[test]
fn a_named_letter_that_is_not_there_is_told_before_anything_is_done() {
    let broker = filled(4);
    let marker = broker
        .committed_records("dead")
        .iter()
        .map(|record| (record.partition, record.offset + 1))
        .max()
        .unwrap();
    for (at, why) in [("0:99", "ends at offset"), ("7:0", "has 2 partitions")] {
        let named = query(|query| query.filter.at = vec!["0:0".parse().unwrap(), at.parse().unwrap()]);
        let error = act(&broker, BACK, named).unwrap_err().to_string();
        assert!(
            error.contains(&format!("no dead letter {at}: ")) && error.contains(why),
            "{error}"
        );
    }
    let at = At {
        partition: marker.0,
        offset: marker.1,
    };
    let error = act(&broker, BACK, query(|query| query.filter.at = vec![at])).unwrap_err();
    assert!(error.to_string().contains("the end of a transaction"), "{error}");
    assert!(broker.committed_records("orders").is_empty());
}

#[test]
fn what_can_not_be_put_back_is_counted_by_its_reason() {
    let broker = filled(1);
    let cut = Failed {
        limit: 6_000,
        ..failed("orders", 1)
    };
    let fed = Failed {
        at: (-1, -1),
        ..failed("orders", 0)
    };
    for failed in [&cut, &fed, &failed("else", 3)] {
        fail(&broker, failed);
    }
    broker
        .produce(&Outgoing {
            topic: "dead",
            partition: None,
            key: None,
            value: Some(b"v9"),
            headers: &[],
            timestamp: None,
        })
        .unwrap();
    let done = act(&broker, BACK, Query::default()).unwrap();
    assert_eq!(done.done, BTreeMap::from([("orders".to_owned(), 1)]));
    let each_once = [
        Obstacle::Truncated,
        Obstacle::OfFeed,
        Obstacle::FromNowhere,
        Obstacle::NotRead,
    ];
    assert_eq!(
        done.obstacles,
        each_once.into_iter().map(|obstacle| (obstacle, 1)).collect()
    );

    let to = What::Replay {
        to: Some("returns".into()),
    };
    let done = act(&broker, to, Query::default()).unwrap();
    assert_eq!((done.done(), done.before, done.hindered()), (3, 1, 1));
    assert_eq!(values(&broker, "returns"), ["v3", "v9", "v-1"]);
    let dropped = act(&broker, What::Drop, Query::default()).unwrap();
    assert_eq!((dropped.done(), dropped.before), (1, 4), "the truncated one, too");
}

#[test]
fn what_is_dropped_is_written_nowhere_and_not_replayed() {
    let broker = filled(5);
    let dropped = act(&broker, What::Drop, query(|query| query.filter.key = Some("k2".into()))).unwrap();
    assert_eq!(dropped.done, BTreeMap::from([(String::new(), 1)]));
    assert!(broker.committed_records("orders").is_empty());
    act(&broker, BACK, Query::default()).unwrap();
    assert_eq!(values(&broker, "orders"), ["v0", "v1", "v3", "v4"]);
    let marks = broker.committed_records("shop-dead-letters-replayed");
    let is = |record: &Dumped| {
        let document: serde_json::Value = serde_json::from_slice(record.value.as_ref().unwrap()).unwrap();
        document["is"].as_str().unwrap().to_owned()
    };
    let dropped = marks.iter().filter(|record| is(record) == "dropped").count();
    assert_eq!((marks.len(), dropped), (5, 1));
}

#[test]
fn it_goes_to_no_topic_where_nobody_may_write_or_that_is_not_there() {
    let broker = filled(1);
    for (to, why) in [
        ("dead", "themselves"),
        ("shop-dead-letters-replayed", "keeps in it what it knows"),
        ("nowhere", "neither a source nor a topic `nowhere`"),
    ] {
        let to = What::Replay { to: Some(to.into()) };
        let error = act(&broker, to, Query::default()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let to = What::Replay {
        to: Some("else".into()),
    };
    assert_eq!(act(&broker, to, Query::default()).unwrap().done(), 1);
    assert_eq!(values(&broker, "else"), ["v0"]);
}

#[test]
fn a_record_that_its_topic_does_not_take_is_left_and_the_others_go() {
    let broker = filled(6);
    let small = TopicState {
        name: "small".to_owned(),
        partitions: 1,
        settings: vec![("max.message.bytes".to_owned(), "2000".to_owned())],
    };
    broker.create_topic_with(&small).unwrap();
    let large = vec![b'x'; 5_000];
    let headers = [Header {
        name: "__streams.errors.exception",
        value: Some(b"decode"),
    }];
    for partition in [0, 1] {
        let letter = Outgoing {
            topic: "dead",
            partition: Some(partition),
            key: None,
            value: Some(&large),
            headers: &headers,
            timestamp: None,
        };
        broker.produce(&letter).unwrap();
    }
    let to = What::Replay {
        to: Some("small".into()),
    };
    for before in [0, 6] {
        let done = act(&broker, to.clone(), Query::default()).unwrap();
        assert_eq!(done.obstacles, BTreeMap::from([(Obstacle::TooLarge, 2)]));
        assert_eq!((done.done(), done.before), (6 - before, before));
        assert_eq!(values(&broker, "small"), expected(0..6));
    }
}

#[test]
fn a_topic_that_is_not_there_is_told() {
    let broker = MemoryBroker::new(1);
    let error = act(&broker, BACK, Query::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("topic dead of the dead letters does not exist"),
        "{error}"
    );
    broker.create_topic("dead", 1).unwrap();
    fail(&broker, &failed("orders", 0));
    let error = act(&broker, BACK, Query::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("topic orders, which records would be put into"),
        "{error}"
    );
}

#[test]
fn marks_of_a_topic_that_was_made_anew_hide_nothing() {
    let broker = filled(8);
    act(&broker, BACK, Query::default()).unwrap();
    broker.admin().unwrap().delete(&["dead".to_owned()]).unwrap();
    broker.create_topic("dead", 2).unwrap();
    for number in 100..108 {
        fail(&broker, &failed("orders", number));
    }
    assert_eq!(waiting(&broker), (100..108).collect::<Vec<i64>>());
    assert_eq!(act(&broker, BACK, Query::default()).unwrap().done(), 8);
    assert_eq!(act(&broker, BACK, Query::default()).unwrap().done(), 0);
    assert_eq!(broker.committed_records("orders").len(), 16);
}

#[test]
fn a_mark_is_taken_away_by_its_key_without_a_value() {
    let broker = filled(2);
    act(&broker, BACK, Query::default()).unwrap();
    let marks = broker.committed_records("shop-dead-letters-replayed");
    broker
        .produce(&Outgoing {
            topic: "shop-dead-letters-replayed",
            partition: Some(0),
            key: marks[0].key.as_deref(),
            value: None,
            headers: &[],
            timestamp: None,
        })
        .unwrap();
    assert_eq!(waiting(&broker).len(), 1);
}

#[test]
fn a_topic_of_marks_that_can_not_be_trusted_is_refused() {
    let broker = filled(2);
    let state = |policy: &str| TopicState {
        name: "shop-dead-letters-replayed".to_owned(),
        partitions: 1,
        settings: vec![("cleanup.policy".to_owned(), policy.to_owned())],
    };
    broker.create_topic_with(&state("delete")).unwrap();
    let error = act(&broker, BACK, Query::default()).unwrap_err().to_string();
    assert!(
        error.contains("cleanup.policy is delete, and must be compact"),
        "{error}"
    );

    let broker = filled(2);
    broker.create_topic_with(&state("compact")).unwrap();
    broker
        .produce(&Outgoing {
            topic: "shop-dead-letters-replayed",
            partition: Some(0),
            key: Some(b"dead:0:0"),
            value: Some(b"{}"),
            headers: &[],
            timestamp: None,
        })
        .unwrap();
    let error = act(&broker, BACK, Query::default()).unwrap_err().to_string();
    assert!(error.contains("partition 0 offset 0 is no mark"), "{error}");
    assert!(broker.committed_records("orders").is_empty());
}
