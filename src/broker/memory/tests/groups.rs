use super::*;
use crate::broker::Reaction;
use std::collections::BTreeSet;

/// What each member has, by the group's own account; panics if a partition is missing or has two owners.
fn shares(broker: &MemoryBroker) -> Vec<BTreeSet<TopicPartition>> {
    let shares: Vec<BTreeSet<_>> = broker
        .members("g")
        .into_iter()
        .map(|m| m.assigned.into_iter().collect())
        .collect();
    let all: BTreeSet<_> = shares.iter().flatten().cloned().collect();
    assert_eq!(all.len(), 4);
    assert_eq!(shares.iter().map(BTreeSet::len).sum::<usize>(), 4);
    shares
}

#[test]
fn a_partition_moves_only_after_its_old_owner_gave_it_up() {
    let broker = broker();
    let mut first = consumer(&broker, None);
    assert_eq!(
        settle(&mut [&mut first]),
        [(0, Rebalance::Assigned((0..4).map(|p| at("in", p)).collect()))]
    );
    let mut second = consumer(&broker, None);
    let seen = settle(&mut [&mut first, &mut second]);
    let moved = vec![at("in", 2), at("in", 3)];
    // Who gets nothing, or nothing more, is told so too.
    let nothing = Rebalance::Assigned(Vec::new());
    assert_eq!(
        seen,
        [
            (0, Rebalance::Revoked(moved.clone())),
            (1, nothing.clone()),
            (1, Rebalance::Assigned(moved)),
            (0, nothing)
        ]
    );
    assert!(shares(&broker).iter().all(|share| share.len() == 2));
}

#[test]
fn a_member_goes_on_with_what_it_keeps_while_others_join() {
    let broker = broker();
    let mut first = consumer(&broker, None);
    settle(&mut [&mut first]);
    let mut second = consumer(&broker, None);
    poll(second.as_mut());
    let (_, rebalance) = poll(first.as_mut());
    let Some(Rebalance::Revoked(partitions)) = &rebalance else {
        panic!("{rebalance:?}")
    };
    broker.produce(&record("in", 0, "kept")).unwrap();
    broker
        .produce(&record("in", partitions[0].partition, "moving"))
        .unwrap();
    assert_eq!(poll(first.as_mut()), (vec!["kept".to_owned()], None));
    accept(first.as_mut(), rebalance.unwrap()).unwrap();
    let mut moved = Vec::new();
    for _ in 0..6 {
        for consumer in [&mut first, &mut second] {
            let (values, rebalance) = poll(consumer.as_mut());
            moved.extend(values);
            rebalance
                .into_iter()
                .for_each(|r| accept(consumer.as_mut(), r).unwrap());
        }
    }
    assert_eq!(moved, ["moving"]);
}

#[test]
fn a_dynamic_member_that_closes_leaves_its_partitions_at_once() {
    let broker = broker();
    let (mut first, mut second) = (consumer(&broker, None), consumer(&broker, None));
    settle(&mut [&mut first, &mut second]);
    second.close();
    assert_eq!(second.poll(SOON, 1, &mut |_| ()).unwrap_err().reaction, Reaction::Fatal);
    settle(&mut [&mut first]);
    assert_eq!(shares(&broker)[0].len(), 4);
}

#[test]
fn a_member_that_died_keeps_its_partitions_until_its_session_ends() {
    let broker = broker();
    let (mut first, mut second) = (consumer(&broker, None), consumer(&broker, None));
    settle(&mut [&mut first, &mut second]);
    drop(second);
    assert!(settle(&mut [&mut first]).is_empty());
    broker.advance(Duration::from_secs(30));
    assert!(settle(&mut [&mut first]).is_empty());
    broker.advance(Duration::from_secs(30));
    settle(&mut [&mut first]);
    assert_eq!(shares(&broker)[0].len(), 4);
}

#[test]
fn a_member_put_out_of_the_group_loses_everything_and_joins_again() {
    let broker = broker();
    let (mut zombie, mut other) = (consumer(&broker, None), consumer(&broker, None));
    settle(&mut [&mut zombie, &mut other]);
    let members = broker.members("g");
    let (id, held) = (members[0].id.clone(), members[0].assigned.clone());
    let metadata = zombie.group().unwrap();
    broker.expire("g", &id);
    settle(&mut [&mut other]);
    let mut producer = producer(&broker, "p");
    producer.begin().unwrap();
    let error = producer
        .send_offsets(&[(held[0].clone(), 1)], &metadata, SOON)
        .unwrap_err();
    assert_eq!(error.reaction, Reaction::Abort, "{error}");
    assert!(error.message.contains("unknown member"));
    assert_eq!(poll(zombie.as_mut()).1, Some(Rebalance::Lost(held.clone())));
    zombie.complete(Rebalance::Lost(held), &[]).unwrap();
    settle(&mut [&mut zombie, &mut other]);
    assert!(shares(&broker).iter().all(|share| share.len() == 2));
}

#[test]
fn offsets_of_an_older_generation_are_refused() {
    let broker = broker();
    let mut first = consumer(&broker, None);
    settle(&mut [&mut first]);
    let old = first.group().unwrap();
    let mut second = consumer(&broker, None);
    settle(&mut [&mut first, &mut second]);
    let mut producer = producer(&broker, "p");
    producer.begin().unwrap();
    let error = producer.send_offsets(&[(at("in", 0), 1)], &old, SOON).unwrap_err();
    assert_eq!(error.reaction, Reaction::Abort, "{error}");
    assert!(error.message.contains("illegal generation"), "{error}");
    producer.abort(SOON).unwrap();
    producer.begin().unwrap();
    producer
        .send_offsets(&[(at("in", 0), 1)], &first.group().unwrap(), SOON)
        .unwrap();
    producer.commit(SOON).unwrap();
    assert_eq!(broker.committed_offset("g", "in", 0), Some(1));
}

#[test]
fn what_is_revoked_can_be_committed_before_it_is_given_up() {
    let broker = broker();
    let mut first = consumer(&broker, None);
    settle(&mut [&mut first]);
    let mut second = consumer(&broker, None);
    poll(second.as_mut());
    let (_, rebalance) = poll(first.as_mut());
    let Some(Rebalance::Revoked(partitions)) = rebalance else {
        panic!("{rebalance:?}")
    };
    let mut producer = producer(&broker, "p");
    producer.begin().unwrap();
    producer
        .send_offsets(&[(partitions[0].clone(), 8)], &first.group().unwrap(), SOON)
        .unwrap();
    producer.commit(SOON).unwrap();
    first.complete(Rebalance::Revoked(partitions.clone()), &[]).unwrap();
    settle(&mut [&mut first, &mut second]);
    assert_eq!(second.committed(&partitions[..1], SOON).unwrap(), [Some(8)]);
}

#[test]
fn a_static_member_that_comes_back_gets_the_same_partitions_without_a_rebalance() {
    let broker = broker();
    let (mut first, mut second) = (consumer(&broker, Some("a")), consumer(&broker, Some("b")));
    settle(&mut [&mut first, &mut second]);
    let before = broker.members("g")[1].assigned.clone();
    second.close();
    assert!(settle(&mut [&mut first]).is_empty());
    let mut again = consumer(&broker, Some("b"));
    assert_eq!(
        settle(&mut [&mut first, &mut again]),
        [(1, Rebalance::Assigned(before))]
    );
}

#[test]
fn a_static_member_that_was_replaced_is_fenced() {
    let broker = broker();
    let mut old = consumer(&broker, Some("a"));
    settle(&mut [&mut old]);
    let metadata = old.group().unwrap();
    let mut new = consumer(&broker, Some("a"));
    settle(&mut [&mut new]);
    assert_eq!(old.poll(SOON, 1, &mut |_| ()).unwrap_err().reaction, Reaction::Fatal);
    let mut producer = producer(&broker, "p");
    producer.begin().unwrap();
    let error = producer.send_offsets(&[(at("in", 0), 1)], &metadata, SOON).unwrap_err();
    assert_eq!(error.reaction, Reaction::Abort, "{error}");
    assert!(error.message.contains("fenced instance"), "{error}");
}

#[test]
fn a_static_member_that_restarts_in_the_middle_of_a_rebalance_leaves_no_partition_behind() {
    let broker = broker();
    let mut first = consumer(&broker, Some("a"));
    settle(&mut [&mut first]);
    let mut second = consumer(&broker, Some("b"));
    poll(second.as_mut());
    assert!(matches!(poll(first.as_mut()).1, Some(Rebalance::Revoked(_))));
    drop(first);
    let mut again = consumer(&broker, Some("a"));
    settle(&mut [&mut again, &mut second]);
    assert!(shares(&broker).iter().all(|share| share.len() == 2));
}

#[test]
fn a_topic_that_comes_up_later_is_shared_out() {
    let broker = MemoryBroker::new(1);
    let mut first = consumer(&broker, None);
    assert_eq!(settle(&mut [&mut first]), [(0, Rebalance::Assigned(Vec::new()))]);
    broker.create_topic("in", 2).unwrap();
    assert_eq!(
        settle(&mut [&mut first]),
        [(0, Rebalance::Assigned(vec![at("in", 0), at("in", 1)]))]
    );
}

#[test]
fn positions_pauses_and_seeks_hold() {
    let broker = broker();
    let mut first = consumer(&broker, None);
    settle(&mut [&mut first]);
    for value in ["a", "b"] {
        broker.produce(&record("in", 0, value)).unwrap();
    }
    first.pause(&[at("in", 0)]).unwrap();
    assert!(poll(first.as_mut()).0.is_empty());
    first.resume(&[at("in", 0)]).unwrap();
    assert_eq!(poll(first.as_mut()).0, ["a", "b"]);
    first.seek(&[(at("in", 0), Position::Offset(1))]).unwrap();
    assert_eq!(poll(first.as_mut()).0, ["b"]);
    first.commit(&[(at("in", 0), 2)]).unwrap();
    assert_eq!(first.committed(&[at("in", 0)], SOON).unwrap(), [Some(2)]);
    assert_eq!(broker.lag("g", &["in".to_owned()]), 0);
}

#[test]
fn random_comings_and_goings_always_end_in_an_even_share() {
    for seed in 0..300 {
        let broker = broker();
        let mut random = super::super::Random::new(seed);
        let mut members: Vec<Box<dyn Consumer>> = vec![consumer(&broker, None)];
        for step in 0..60 {
            let index = random.below(members.len() as u64) as usize;
            match random.below(10) {
                0 if members.len() < 5 => {
                    let instance = random.chance(500).then(|| format!("static-{step}"));
                    members.push(consumer(&broker, instance.as_deref()));
                }
                1 if members.len() > 1 => members.remove(index).close(),
                2 => {
                    let all = broker.members("g");
                    let member = random.pick(&all).map(|m| m.id.clone()).unwrap_or_default();
                    broker.expire("g", &member);
                }
                _ => {
                    let (_, rebalance) = poll(members[index].as_mut());
                    rebalance
                        .into_iter()
                        .for_each(|r| accept(members[index].as_mut(), r).unwrap());
                }
            }
        }
        // Whoever still polls stays; the sessions of the others end.
        broker.advance(Duration::from_secs(40));
        settle(&mut members.iter_mut().collect::<Vec<_>>());
        broker.advance(Duration::from_secs(40));
        settle(&mut members.iter_mut().collect::<Vec<_>>());
        let shares = shares(&broker);
        assert_eq!(shares.len(), members.len(), "seed {seed}");
        let (least, most) = (
            shares.iter().map(BTreeSet::len).min(),
            shares.iter().map(BTreeSet::len).max(),
        );
        assert!(most.unwrap() - least.unwrap() <= 1, "seed {seed}: {shares:?}");
    }
}
