//! A reset that is cut short at each of its steps.

use super::*;
use crate::broker::memory::{Fault, Operation, Point, When};
use crate::broker::{BrokerError, Reaction};
use crate::state::StateError;
use std::path::Path;

/// `kill -9` at the n-th point of the process `tool`.
fn crash_at(broker: &MemoryBroker, n: usize) {
    let mut points = 0;
    broker.set_faults(Some(Box::new(move |point: &Point<'_>| {
        if point.process != "tool" {
            return None;
        }
        points += 1;
        (points == n).then_some(Fault::Crash)
    })));
}

/// Whoever starts between a crash and the next attempt processes everything again, or nothing, or does not start: never half.
#[test]
fn wherever_it_is_killed_nobody_starts_on_half_of_it_and_the_next_attempt_finishes() {
    let (mut before, mut refused, mut after) = (0, 0, 0);
    for n in 1.. {
        let (broker, topology) = shop();
        run(&broker, &topology).unwrap();
        let first = outputs(&broker);
        crash_at(&broker, n);
        let tool = broker.process("tool");
        let killed = reset(&tool, &topology, &Positions::default()).is_err();
        broker.set_faults(None);
        if !killed {
            break;
        }
        let mut runs = 1;
        match run(&broker, &topology) {
            Err(EngineError::Broker(error)) => {
                assert!(
                    error.to_string().contains("run `millstream reset` again"),
                    "point {n}: {error}"
                );
                assert_eq!(outputs(&broker), first, "point {n}: refused");
                refused += 1;
            }
            Err(other) => panic!("point {n}: {other}"),
            Ok(()) if outputs(&broker) == first => before += 1,
            Ok(()) => {
                runs += 1;
                assert_eq!(outputs(&broker), repeated(&first, runs), "point {n}");
                after += 1;
            }
        }
        reset(&broker, &topology, &Positions::default()).unwrap();
        run(&broker, &topology).unwrap();
        assert_eq!(
            outputs(&broker),
            repeated(&first, runs + 1),
            "point {n}: after the second attempt"
        );
    }
    println!("killed: {before} times before the first change, {refused} times between, {after} times after the last");
    assert!(before > 5 && refused >= 4 && after >= 1, "{before} {refused} {after}");
}

#[test]
fn when_state_on_disk_can_not_be_deleted_nobody_starts_before_it_was() {
    let (broker, topology) = shop();
    run(&broker, &topology).unwrap();
    let first = outputs(&broker);
    let steps = look(&broker, &topology).unwrap();
    let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let result = steps.carry_out(&broker, SESSION, &mut || {
        Err(StateError::io("remove", Path::new("state"), denied()))
    });
    assert!(matches!(result, Err(ResetError::State(_))), "{result:?}");
    assert!(
        run(&broker, &topology)
            .unwrap_err()
            .to_string()
            .contains("has not finished")
    );
    reset(&broker, &topology, &Positions::default()).unwrap();
    run(&broker, &topology).unwrap();
    assert_eq!(outputs(&broker), repeated(&first, 2));
}

#[test]
fn an_answer_that_was_lost_is_an_error_and_the_next_attempt_finishes() {
    for operation in [Operation::SetOffsets, Operation::Delete] {
        let (broker, topology) = shop();
        run(&broker, &topology).unwrap();
        let first = outputs(&broker);
        broker.set_faults(Some(Box::new(move |point: &Point<'_>| {
            let lost = point.operation == operation && point.when == When::After;
            lost.then_some(Fault::Fail(Reaction::Retry))
        })));
        let result = reset(&broker, &topology, &Positions::default());
        assert!(
            matches!(result, Err(ResetError::Broker(BrokerError { .. }))),
            "{result:?}"
        );
        broker.set_faults(None);
        reset(&broker, &topology, &Positions::default()).unwrap();
        run(&broker, &topology).unwrap();
        assert_eq!(outputs(&broker), repeated(&first, 2), "{operation:?}");
    }
}
