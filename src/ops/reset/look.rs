//! Looking: whether a reset can be done, and what it would do.

use super::{Change, Positions, ResetError, Steps, Target, Touched, active, shown};
use crate::broker::{Admin, Broker, Reader, TopicPartition, TopicState};
use crate::topology::{Action, Missing, PlannedTopic, Role, Topology, compare};
use std::collections::BTreeMap;
use std::time::Duration;

/// Transactions of members that died are over by then.
const STABLE: Duration = Duration::from_secs(30);

impl Steps {
    /// Changes nothing. `session`: how long a member that is gone stays in the group.
    ///
    /// # Errors
    /// When the group has members, a source's topic is missing, or the positions are wrong.
    pub fn look(
        broker: &dyn Broker,
        topology: &Topology,
        positions: &Positions,
        session: Duration,
    ) -> Result<Steps, ResetError> {
        let plan = topology.plan();
        let mut admin = broker.admin()?;
        let members = admin.members(&plan.group)?;
        if !members.is_empty() {
            return Err(active(&plan.group, &members, session));
        }
        let names: Vec<String> = plan.topics.iter().map(|topic| topic.name.clone()).collect();
        let found = admin.describe(&names)?;
        let (mut sources, mut middle) = (Vec::new(), Vec::new());
        let (mut delete, mut leave) = (Vec::new(), Vec::new());
        for verdict in compare(&plan, &found) {
            let topic = verdict.topic;
            let there = found.iter().find(|state| state.name == topic.name);
            match (topic.role, there) {
                (Role::Source, None) if topic.missing == Missing::Refuse => return Err(no_source(topic)),
                (Role::Source, Some(state)) => sources.extend(partitions(state)),
                // of one that a crash left deleted, the offsets may be there still
                (Role::Through, None) => {
                    if let Action::Create(state) = &verdict.action {
                        middle.extend(partitions(state));
                    }
                }
                (Role::Through, Some(state)) => middle.extend(partitions(state)),
                _ => {}
            }
            if there.is_some() {
                let touched = match topic.role {
                    Role::Through | Role::Changelog => &mut delete,
                    _ => &mut leave,
                };
                touched.push(Touched {
                    topic: topic.name.clone(),
                    role: topic.role,
                    of: topic.of.clone(),
                });
            }
        }
        let mut reader = broker.reader()?;
        let targets = targets(reader.as_mut(), admin.as_mut(), &sources, positions)?;
        let committed = admin.committed(&plan.group, &sources, STABLE)?;
        let offsets = sources.into_iter().zip(committed).zip(targets);
        let mut ends = Vec::new();
        for partition in &middle {
            if found.iter().any(|state| state.name == partition.topic) {
                ends.push((partition.clone(), reader.end(partition)?));
            }
        }
        Ok(Steps {
            group: plan.group,
            offsets: offsets
                .map(|((partition, from), to)| Change { partition, from, to })
                .collect(),
            delete,
            leave,
            ends,
            middle,
        })
    }
}

fn no_source(topic: &PlannedTopic) -> ResetError {
    ResetError::NoSource {
        topic: topic.name.clone(),
        source_name: topic.of.clone(),
    }
}

fn partitions(topic: &TopicState) -> impl Iterator<Item = TopicPartition> {
    (0..topic.partitions).map(|partition| TopicPartition {
        topic: topic.name.clone(),
        partition,
    })
}

/// Where each of the sources' partitions goes.
fn targets(
    reader: &mut dyn Reader,
    admin: &mut dyn Admin,
    sources: &[TopicPartition],
    positions: &Positions,
) -> Result<Vec<i64>, ResetError> {
    let mut wrong: Vec<String> = Vec::new();
    for partition in positions.offsets.keys().filter(|named| !sources.contains(named)) {
        wrong.push(format!("{}: no source reads such a partition", shown(partition)));
    }
    let unnamed: Vec<TopicPartition> = sources
        .iter()
        .filter(|source| !positions.offsets.contains_key(source))
        .cloned()
        .collect();
    if !positions.offsets.is_empty() && positions.target.is_none() && !unnamed.is_empty() {
        let names: Vec<String> = unnamed.iter().map(shown).collect();
        let names = names.join(", ");
        wrong.push(format!(
            "no offset for {names}: give them, or say by --to where all others go"
        ));
    }
    let times = match positions.target {
        Some(Target::Time(time)) => admin.offsets_at(&unnamed, time)?,
        _ => vec![None; unnamed.len()],
    };
    let times: BTreeMap<&TopicPartition, Option<i64>> = unnamed.iter().zip(times).collect();
    let mut targets = Vec::with_capacity(sources.len());
    for partition in sources {
        let (first, stable) = reader.offsets(partition)?;
        let target = match (positions.offsets.get(partition), positions.target) {
            (Some(offset), _) => {
                let end = reader.end(partition)?;
                if !(first..=end).contains(offset) {
                    let named = shown(partition);
                    wrong.push(format!(
                        "{named}={offset}: the partition has offsets from {first} to {end}"
                    ));
                }
                *offset
            }
            (None, None | Some(Target::Earliest)) => first,
            (None, Some(Target::Latest)) => stable,
            (None, Some(Target::Time(_))) => times.get(partition).copied().flatten().unwrap_or(stable),
        };
        targets.push(target);
    }
    if wrong.is_empty() {
        Ok(targets)
    } else {
        Err(ResetError::Offsets(wrong))
    }
}
