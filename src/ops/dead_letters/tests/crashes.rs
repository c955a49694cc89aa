//! A replay that is cut short at each of its steps, or that meets another: nothing is lost and nothing doubled.

use super::*;
use crate::broker::Reaction;
use crate::broker::memory::{Fault, Operation, Point, RandomFaults, When, possible};
use crate::sabotage::{self, Sabotage};

/// Enough for several transactions.
const COUNT: i64 = 11;

/// `fault` at the n-th point of the process `tool`; where markers come late, of every commit.
fn strike(broker: &MemoryBroker, n: usize, late: u32, fault: impl Fn(&Point<'_>) -> Option<Fault> + Send + 'static) {
    let mut points = 0;
    broker.set_faults(Some(Box::new(move |point: &Point<'_>| {
        if point.process != "tool" {
            return None;
        }
        points += 1;
        if points == n {
            return fault(point);
        }
        let is_commit = (point.operation, point.when) == (Operation::Commit, When::Before);
        (is_commit && late > 0).then_some(Fault::LateMarkers(late))
    })));
}

/// Kills a replay at every point and finishes it by another. What came back each time, and how many were killed after some of it was
/// committed.
fn killed(late: u32) -> (Vec<Vec<String>>, usize) {
    let (mut outcomes, mut between) = (Vec::new(), 0);
    for n in 1.. {
        let broker = filled(COUNT);
        strike(&broker, n, late, |_| Some(Fault::Crash));
        let is_killed = act(&broker.process("tool"), BACK, Query::default()).is_err();
        broker.set_faults(None);
        if !is_killed {
            return (outcomes, between);
        }
        let before = broker.committed_records("orders").len();
        if before > 0 && before < COUNT as usize {
            between += 1;
        }
        act(&broker, BACK, Query::default()).unwrap();
        let again = act(&broker, BACK, Query::default()).unwrap();
        assert_eq!((again.done(), again.before), (0, COUNT as u64), "point {n}");
        outcomes.push(values(&broker, "orders"));
    }
    (outcomes, between)
}

#[test]
fn wherever_it_is_killed_the_next_replay_finishes_and_repeats_nothing() {
    for late in [0, 3, 40] {
        let (outcomes, between) = killed(late);
        for (n, outcome) in outcomes.iter().enumerate() {
            assert_eq!(
                *outcome,
                expected(0..COUNT),
                "killed at point {}, markers {late} late",
                n + 1
            );
        }
        assert!(outcomes.len() > 50 && between > 20, "{} {between}", outcomes.len());
    }
}

#[test]
fn a_mark_that_is_not_committed_with_its_record_is_noticed() {
    let (outcomes, _) = sabotage::with(Sabotage::MarksApart, || killed(0));
    assert!(outcomes.iter().any(|outcome| outcome.len() > COUNT as usize));
}

#[test]
fn an_answer_that_was_lost_at_any_point_costs_nothing() {
    let mut failed = 0;
    for n in 1.. {
        let broker = filled(COUNT);
        strike(&broker, n, 0, |point| {
            let lost = Fault::Fail(Reaction::Retry);
            possible(point.operation, point.when).contains(&lost).then_some(lost)
        });
        let first = act(&broker.process("tool"), BACK, Query::default());
        failed += usize::from(first.is_err());
        broker.set_faults(None);
        act(&broker, BACK, Query::default()).unwrap();
        assert_eq!(values(&broker, "orders"), expected(0..COUNT), "point {n}");
        if n > 200 {
            break;
        }
    }
    assert!(failed < 20, "an answer that did not come is asked for again: {failed}");
}

#[test]
fn under_all_kinds_of_faults_it_comes_to_its_end_when_it_is_tried_often_enough() {
    let mut tries = 0;
    for seed in 0..60 {
        let broker = filled(COUNT);
        broker.set_faults(Some(Box::new(RandomFaults::new(seed, 30))));
        for attempt in 0.. {
            tries += 1;
            let tool = broker.process("tool");
            if act(&tool, BACK, Query::default()).is_ok_and(|done| done.done() + done.before >= COUNT as u64) {
                break;
            }
            assert!(attempt < 200, "seed {seed} never ends");
        }
        broker.set_faults(None);
        assert_eq!(values(&broker, "orders"), expected(0..COUNT), "seed {seed}");
    }
    assert!(tries > 90, "there were faults: {tries}");
}

/// One replay begins when another is so far; then both are finished. What came back, and whether the first was fenced.
fn met(at: usize) -> Option<(Vec<String>, bool)> {
    let broker = filled(COUNT);
    let topology = topology();
    // So that there are marks to be read.
    act(&broker, What::Drop, query(|query| query.limit = Some(1))).unwrap();
    let letters = DeadLetters::open(&broker, &topology, &mut |_| {}).unwrap();
    let work = letters.look(BACK, Query::default(), &mut |_| {}).unwrap();
    let (mut calls, mut has_met) = (0, false);
    let first = letters.carry_out(&work, &mut Tally::default(), &mut |_| {
        calls += 1;
        if calls == at {
            has_met = true;
            act(&broker.process("other"), BACK, Query::default()).unwrap();
        }
    });
    if let Err(error) = &first {
        assert!(matches!(error, LettersError::Fenced(_)), "{error}");
    }
    has_met.then(|| (values(&broker, "orders"), first.is_err()))
}

#[test]
fn of_two_at_the_same_time_the_second_ends_the_first_and_nothing_is_doubled() {
    let mut fenced = 0;
    for at in 1.. {
        let Some((values, is_fenced)) = met(at) else { break };
        fenced += usize::from(is_fenced);
        assert_eq!(values.len() as i64, COUNT - 1, "met at {at}: {values:?}");
    }
    assert!(fenced >= 2, "{fenced}");
}

#[test]
fn marks_that_are_read_before_the_fence_are_noticed() {
    let doubled = sabotage::with(Sabotage::MarksBeforeFence, || met(1));
    assert!(doubled.is_some_and(|(values, _)| values.len() as i64 > COUNT - 1));
}
