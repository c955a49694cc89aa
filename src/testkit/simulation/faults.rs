//! Which calls to the broker fail in a life, and which errors may come of that.

use super::log::Log;
use super::plan::Plan;
use crate::broker::Reaction;
use crate::broker::memory::{Fault, Faults, MemoryBroker, Operation, Point, Random, RandomFaults, When};
use crate::engine::EngineError;
use crate::state::StateError;

/// Only what was done to it may end an instance.
pub fn foreseen(error: &EngineError) -> Result<(), String> {
    let message = error.to_string();
    let done_to_it = ["injected fault", "killed by a fault"];
    match error {
        EngineError::State(StateError::Io { .. }) => Ok(()),
        EngineError::Broker(_) if done_to_it.iter().any(|words| message.contains(words)) => Ok(()),
        _ => Err(format!("an instance ends, and nobody did that to it: {message}")),
    }
}

/// From now on calls fail as planned.
pub fn inject(broker: &MemoryBroker, seed: u64, plan: &Plan, log: &Log) {
    let (log, slow, mut random) = (log.clone(), plan.slow_commits, Random::new(seed));
    let mut faults = RandomFaults::new(random.next_u64(), plan.faults);
    broker.set_faults(Some(Box::new(move |point: &Point<'_>| {
        let ends = point.operation == Operation::Commit && point.when == When::Before;
        let fault = match faults.at(point) {
            None if ends && random.chance(slow) => Some(match random.below(2) {
                0 => Fault::LateMarkers(1 + random.below(60) as u32),
                _ => Fault::Fail(Reaction::Retry),
            }),
            fault => fault,
        };
        if fault.is_some() || point.when == When::After {
            let told = fault.map(|fault| format!(": {fault:?}")).unwrap_or_default();
            log.add(|| {
                let (process, operation, when) = (point.process, point.operation.name(), point.when);
                format!("    {process} {operation} {when:?}{told}")
            });
        }
        fault
    })));
}
