//! What a reset refuses, does and leaves.

use super::*;
use crate::topology::Role;

fn refusal(result: Result<Steps, ResetError>) -> String {
    result.expect_err("refused").to_string()
}

fn roles(topics: &[super::super::Touched]) -> Vec<(&str, Role)> {
    topics.iter().map(|topic| (topic.topic.as_str(), topic.role)).collect()
}

#[test]
fn everything_is_processed_once_more_as_if_for_the_first_time() {
    let (broker, topology) = shop();
    run(&broker, &topology).unwrap();
    let first = outputs(&broker);
    assert_eq!(first["ann"].len(), 6);
    assert_eq!(first["bob"].last().unwrap(), r#"{"orders":5,"rate":null,"total":29}"#);
    run(&broker, &topology).unwrap();
    assert_eq!(outputs(&broker), first, "a restart processes nothing again");
    for times in 2..4 {
        reset(&broker, &topology, &Positions::default()).unwrap();
        run(&broker, &topology).unwrap();
        assert_eq!(outputs(&broker), repeated(&first, times));
    }
    assert_eq!(broker.committed_records("dead").len(), 6, "two broken ones a run");
}

#[test]
fn it_is_refused_while_the_group_has_members_and_they_are_named() {
    let (broker, topology) = shop();
    run(&broker, &topology).unwrap();
    let before = broker.committed_offset("shop", "orders", 0);
    let steps = look(&broker, &topology).unwrap();
    let process = broker.process("pod-7");
    let mut worker = worker(&process, &topology);
    for _ in 0..5 {
        worker.step(Duration::ZERO).unwrap();
    }
    let why = refusal(look(&broker, &topology));
    assert!(why.contains("pod-7") && why.contains("45 s"), "{why}");
    // and one that joined after it was looked
    let mut deleted = false;
    let result = steps.carry_out(&broker, SESSION, &mut || {
        deleted = true;
        Ok(())
    });
    assert!(matches!(result, Err(ResetError::Active { .. })), "{result:?}");
    assert!(!deleted, "state of a running instance");
    assert_eq!(broker.committed_offset("shop", "orders", 0), before);
    assert!(broker.topics().contains(&"by-customer".to_owned()));
    while !worker.finish().unwrap() {}
    reset(&broker, &topology, &Positions::default()).unwrap();
}

#[test]
fn a_static_member_that_stopped_stays_until_its_session_ends() {
    let (broker, topology) = shop();
    let mut member = broker
        .consumer(&ConsumerSettings {
            group: "shop".into(),
            client: "a".into(),
            instance: Some("a-0".into()),
            topics: vec!["orders".into()],
        })
        .unwrap();
    member.poll(Duration::ZERO, 1, &mut |_| {}).unwrap();
    member.close();
    assert!(refusal(look(&broker, &topology)).contains("static member"));
    broker.advance(Duration::from_secs(46));
    look(&broker, &topology).unwrap();
}

#[test]
fn looking_changes_nothing_and_says_all() {
    let (broker, topology) = shop();
    run(&broker, &topology).unwrap();
    let topics = broker.topics();
    let steps = look(&broker, &topology).unwrap();
    assert_eq!(broker.topics(), topics);
    assert_eq!(broker.committed_offset("shop", "orders", 1), Some(8));
    let change = |partition| Change {
        partition: orders(partition),
        from: Some(8),
        to: 0,
    };
    assert_eq!(steps.offsets, [change(0), change(1), change(2)]);
    let deleted = [
        ("by-customer", Role::Through),
        ("shop-new-changelog", Role::Changelog),
        ("shop-totals-changelog", Role::Changelog),
    ];
    assert_eq!(roles(&steps.delete), deleted);
    let left = [
        ("orders", Role::Source),
        ("rates", Role::Table),
        ("latest", Role::Kept),
        ("out", Role::Sink),
        ("dead", Role::DeadLetters),
    ];
    assert_eq!(roles(&steps.leave), left);
    run(&broker, &topology).unwrap();
}

#[test]
fn what_is_deleted_is_gone_and_what_is_left_is_whole() {
    let (broker, topology) = shop();
    run(&broker, &topology).unwrap();
    let latest = broker.committed_records("latest");
    assert!(!latest.is_empty());
    let steps = reset(&broker, &topology, &Positions::default()).unwrap();
    let left: Vec<String> = steps.leave.iter().map(|topic| topic.topic.clone()).collect();
    let mut topics = broker.topics();
    topics.sort_by_key(|topic| left.iter().position(|other| other == topic));
    assert_eq!(topics, left);
    assert_eq!(broker.committed_records("latest"), latest);
    assert_eq!(broker.committed_offset("shop", "orders", 2), Some(0));
    assert_eq!(broker.committed_offset("shop", "by-customer", 2), None);
    let again = reset(&broker, &topology, &Positions::default()).unwrap();
    assert_eq!((again.delete.len(), again.leave.len()), (0, 5));
}

#[test]
fn before_the_first_start_there_is_nothing_to_delete_and_it_is_fine() {
    let (broker, topology) = shop();
    let steps = reset(&broker, &topology, &Positions::default()).unwrap();
    assert_eq!(steps.offsets[0].from, None);
    assert!(steps.delete.is_empty());
    run(&broker, &topology).unwrap();
    assert_eq!(outputs(&broker)["ann"].len(), 6);
}

#[test]
fn to_latest_nothing_comes_out_again() {
    let (broker, topology) = shop();
    run(&broker, &topology).unwrap();
    let first = outputs(&broker);
    reset(&broker, &topology, &to(Target::Latest)).unwrap();
    run(&broker, &topology).unwrap();
    assert_eq!(outputs(&broker), first);
    order(&broker, 2);
    run(&broker, &topology).unwrap();
    assert_eq!(
        outputs(&broker)["ann"].last().unwrap(),
        r#"{"orders":1,"rate":null,"total":2}"#,
        "new, as state is empty"
    );
}

#[test]
fn to_a_time_it_begins_with_what_is_not_older() {
    let (broker, topology) = shop();
    let start = broker.now() - 24_000;
    // the orders before number 10 of the second round
    let steps = reset(&broker, &topology, &to(Target::Time(start + 22_500))).unwrap();
    let offsets: Vec<i64> = steps.offsets.iter().map(|change| change.to).collect();
    assert_eq!(offsets, [8, 7, 7], "the end, where none is so new");
    run(&broker, &topology).unwrap();
    assert_eq!(outputs(&broker)["ann"], [r#"{"orders":1,"rate":null,"total":10}"#]);
    assert_eq!(outputs(&broker)["bob"], [r#"{"orders":1,"rate":null,"total":11}"#]);
}

#[test]
fn to_offsets_every_partition_goes_where_it_was_told() {
    let (broker, topology) = shop();
    run(&broker, &topology).unwrap();
    let named = |text: &str, target| Positions {
        target,
        offsets: super::super::offsets(text).unwrap(),
    };
    let targets = |positions: &Positions| {
        let steps = Steps::look(&broker, &topology, positions, SESSION).unwrap();
        steps.offsets.iter().map(|change| change.to).collect::<Vec<_>>()
    };
    assert_eq!(targets(&named("orders:0=5,orders:1=0,orders:2=8", None)), [5, 0, 8]);
    assert_eq!(targets(&named("orders:1=3", Some(Target::Latest))), [8, 3, 8]);
    let positions = named("orders:0=9,orders:7=1,out:0=0", None);
    let why = refusal(Steps::look(&broker, &topology, &positions, SESSION));
    for part in [
        "orders:0=9: the partition has offsets from 0 to 8",
        "orders:7: no source",
        "out:0: no source",
        "no offset for orders:1, orders:2",
    ] {
        assert!(why.contains(part), "{part} in {why}");
    }
}

#[test]
fn a_source_that_is_not_there_is_refused_by_name() {
    let why = refusal(look(&MemoryBroker::new(1), &topology(SHOP)));
    assert!(why.contains("topic orders of the source `orders`"), "{why}");
}

#[test]
fn offsets_of_a_transaction_that_is_open_are_waited_for() {
    let (broker, topology) = shop();
    run(&broker, &topology).unwrap();
    let process = broker.process("killed");
    let mut worker = worker(&process, &topology);
    order(&broker, 3);
    broker.set_faults(Some(Box::new(|point: &crate::broker::memory::Point<'_>| {
        let commit = point.operation == crate::broker::memory::Operation::Commit;
        (commit && point.process == "killed").then_some(crate::broker::memory::Fault::Crash)
    })));
    (1..).find(|second| worker.step(Duration::from_secs(*second)).is_err());
    broker.set_faults(None);
    drop(worker);
    broker.expire("shop", &broker.members("shop")[0].id);
    let why = refusal(look(&broker, &topology));
    assert!(why.contains("unstable"), "{why}");
    broker.advance(Duration::from_secs(61));
    look(&broker, &topology).unwrap();
}
