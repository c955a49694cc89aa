//! Before the start: every topic that the topology needs is there, with settings under which it can work.

use super::error::EngineError;
use crate::broker::{Broker, TopicState};
use crate::topology::Topology;
use crate::topology::{Action, compare};

/// Creates the topics that are ours to create and checks the others.
///
/// # Errors
/// All topics that are missing or wrong, each with its remedy; or what the broker said.
pub fn prepare(broker: &dyn Broker, topology: &Topology) -> Result<(), EngineError> {
    let plan = topology.plan();
    let names: Vec<String> = plan.topics.iter().map(|topic| topic.name.clone()).collect();
    let mut admin = broker.admin()?;
    let found = admin.describe(&names)?;
    let mut wrong = Vec::new();
    let mut create: Vec<TopicState> = Vec::new();
    for verdict in compare(&plan, &found) {
        match verdict.action {
            Action::Fine => {}
            Action::Create(state) => create.push(state),
            Action::Wrong(differences) => wrong.extend(differences),
        }
    }
    if !wrong.is_empty() {
        return Err(EngineError::Topics(wrong));
    }
    for topic in &create {
        tracing::info!(topic = topic.name, partitions = topic.partitions, "creating");
    }
    if !create.is_empty() {
        admin.create(&create, None)?;
    }
    Ok(())
}
