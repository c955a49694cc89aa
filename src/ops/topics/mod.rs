//! The topics of a topology, and what a cluster has of them: what is to be created, and what a person must do.
//!
//! `run` creates what is the application's own, and refuses to start where a topic that it reads is missing: that one is more likely
//! misspelt. Here a person looks at the plan first, so those are created too.
//!
//! Invariants: nothing is deleted, narrowed or changed; doing it again does nothing.

#[cfg(test)]
mod tests;

use crate::broker::{Broker, BrokerError, TopicState};
use crate::topology::{Action, Missing, Plan, PlannedTopic, Role, Topology, Wrong, compare};

/// What topics that are to be created for others get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// Of what is read, where it is missing; everything else is as wide as what it comes from.
    pub partitions: i32,
    /// Of every topic; `None`: the cluster's default.
    pub replication: Option<i32>,
}

/// What is to be done about one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is there, and as it should be.
    There {
        partitions: i32,
    },
    Create(TopicState),
    /// Only a person can: a change would lose records or mix up their partitions.
    ByHand(Vec<Wrong>),
}

/// A topic of the plan with its step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub topic: PlannedTopic,
    pub step: Step,
}

/// Looks at the cluster, and says of each topic what is to be done, in the order in which they would be created.
///
/// # Errors
/// What the broker said.
pub fn plan(broker: &dyn Broker, topology: &Topology, wishes: Wishes) -> Result<Vec<Planned>, BrokerError> {
    let plan = topology.plan();
    let names: Vec<String> = plan.topics.iter().map(|topic| topic.name.clone()).collect();
    let found = broker.admin()?.describe(&names)?;
    Ok(steps(&plan, &found, wishes))
}

fn steps(plan: &Plan, found: &[TopicState], wishes: Wishes) -> Vec<Planned> {
    let is_there = |name: &str| found.iter().any(|state| state.name == name);
    // what others depend on in their width comes first, as if it were there
    let missing = plan
        .topics
        .iter()
        .filter(|topic| topic.missing == Missing::Refuse && !is_there(&topic.name));
    let read: Vec<TopicState> = missing.map(|topic| to_be_read(topic, wishes)).collect();
    let all = [found, &read].concat();
    let step = |topic: &PlannedTopic, action: Action| match action {
        _ if read.iter().any(|state| state.name == topic.name) => {
            let created = read.iter().find(|state| state.name == topic.name);
            Step::Create(created.cloned().unwrap_or_else(|| to_be_read(topic, wishes)))
        }
        Action::Fine => Step::There {
            partitions: all
                .iter()
                .find(|state| state.name == topic.name)
                .map_or(0, |state| state.partitions),
        },
        Action::Create(state) => Step::Create(state),
        Action::Wrong(wrong) => Step::ByHand(wrong),
    };
    let planned = compare(plan, &all).into_iter().map(|verdict| Planned {
        topic: verdict.topic.clone(),
        step: step(verdict.topic, verdict.action),
    });
    planned.collect()
}

/// A topic that somebody else fills. A table's keeps the latest of each key.
fn to_be_read(topic: &PlannedTopic, wishes: Wishes) -> TopicState {
    let compacted = ("cleanup.policy".to_owned(), "compact".to_owned());
    TopicState {
        name: topic.name.clone(),
        partitions: wishes.partitions,
        settings: if topic.role == Role::Table {
            vec![compacted]
        } else {
            Vec::new()
        },
    }
}

/// Creates what is to be created, also where something else is left for a person.
///
/// # Errors
/// What the broker said; what was created stays, and doing it again goes on.
pub fn apply(broker: &dyn Broker, planned: &[Planned], wishes: Wishes) -> Result<(), BrokerError> {
    let create = planned.iter().filter_map(|planned| match &planned.step {
        Step::Create(state) => Some(state.clone()),
        Step::There { .. } | Step::ByHand(_) => None,
    });
    let create: Vec<TopicState> = create.collect();
    if create.is_empty() {
        return Ok(());
    }
    broker.admin()?.create(&create, wishes.replication)
}
