//! What a member of a group knows, and its part in the group: joining, heartbeats, picking assignments up, fetching.

use super::cluster::Cluster;
use super::groups::{Membership, Standing};
use super::log::Stored;
use super::operation::{Operation, failure};
use crate::broker::{BrokerError, ConsumerSettings, Reaction, Rebalance, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) type Fetched = Vec<(TopicPartition, i64, Arc<Stored>)>;

/// What the member knows.
pub(super) struct MemberView {
    process: String,
    pub membership: Membership,
    pub positions: BTreeMap<TopicPartition, i64>,
    pub paused: BTreeSet<TopicPartition>,
    /// Reported, not completed yet.
    pub pending: Option<Rebalance>,
    /// To be reported once `pending` is completed: what else the assignment brings.
    added: Vec<TopicPartition>,
    /// Something was given up: the group must share out again.
    rejoin: bool,
    /// The partition to fetch from first, so that none starves.
    turn: usize,
}

impl MemberView {
    pub fn new(process: &str, settings: &ConsumerSettings) -> MemberView {
        let membership = Membership {
            group: settings.group.clone(),
            instance: settings.instance.clone(),
            member: String::new(),
            generation: -1,
        };
        MemberView {
            process: process.to_owned(),
            membership,
            positions: BTreeMap::new(),
            paused: BTreeSet::new(),
            pending: None,
            added: Vec::new(),
            rejoin: false,
            turn: 0,
        }
    }

    /// The member's part in the group, as the client does it in the background: what came of it, if anything.
    pub fn attend(&mut self, cluster: &mut Cluster, topics: &[String]) -> Result<Option<Rebalance>, BrokerError> {
        let now = cluster.now;
        let group_name = self.membership.group.clone();
        if self.membership.member.is_empty() {
            let group = cluster.group(&group_name);
            self.membership.member = group.join(self.membership.instance.as_deref(), topics, &self.process, now);
            self.rejoin = false;
        }
        // A topic may have come up since.
        share_out(cluster, &group_name);
        match cluster.group(&group_name).heartbeat(&self.membership, now) {
            Standing::Fenced => {
                let message = "another member has this instance name now (fenced instance)".to_owned();
                return Err(failure(Operation::Poll, Reaction::Fatal, message));
            }
            Standing::Unknown => return self.lose(cluster, topics),
            Standing::Stable | Standing::Join | Standing::Assignment(_) if !self.added.is_empty() => {
                return Ok(Some(Rebalance::Assigned(std::mem::take(&mut self.added))));
            }
            Standing::Assignment(assigned) => return Ok(Some(self.take(assigned))),
            Standing::Stable if self.rejoin => cluster.group(&group_name).prepare(),
            Standing::Stable => return Ok(None),
            Standing::Join => {}
        }
        self.rejoin = false;
        let owned = self.positions.keys().cloned().collect();
        cluster.group(&group_name).rejoin(&self.membership.member, owned);
        share_out(cluster, &group_name);
        match cluster.group(&group_name).heartbeat(&self.membership, now) {
            Standing::Assignment(assigned) => Ok(Some(self.take(assigned))),
            _ => Ok(None),
        }
    }

    /// Out of the group: everything held is lost, and the member joins anew.
    fn lose(&mut self, cluster: &mut Cluster, topics: &[String]) -> Result<Option<Rebalance>, BrokerError> {
        self.membership.member.clear();
        self.membership.generation = -1;
        self.added.clear();
        if self.positions.is_empty() {
            return self.attend(cluster, topics);
        }
        Ok(Some(Rebalance::Lost(self.positions.keys().cloned().collect())))
    }

    /// Picks an assignment up: first what must be given up, then what comes.
    /// As with librdkafka, a member is also told when nothing came.
    fn take(&mut self, assigned: BTreeSet<TopicPartition>) -> Rebalance {
        let revoked: Vec<TopicPartition> = self
            .positions
            .keys()
            .filter(|p| !assigned.contains(p))
            .cloned()
            .collect();
        let added: Vec<TopicPartition> = assigned
            .into_iter()
            .filter(|p| !self.positions.contains_key(p))
            .collect();
        if !revoked.is_empty() {
            self.added = added;
            self.rejoin = true;
            return Rebalance::Revoked(revoked);
        }
        Rebalance::Assigned(added)
    }

    /// With the generation of the last join's answer, which a client gets in the background.
    pub fn current_membership(&self, cluster: &Cluster) -> Membership {
        let mut membership = self.membership.clone();
        let group = cluster.groups.get(&membership.group);
        if let Some(generation) = group.and_then(|group| group.generation_of(&membership.member)) {
            membership.generation = generation;
        }
        membership
    }

    fn is_leaving(&self, partition: &TopicPartition) -> bool {
        match &self.pending {
            Some(Rebalance::Revoked(partitions) | Rebalance::Lost(partitions)) => partitions.contains(partition),
            _ => false,
        }
    }

    pub fn fetch(&mut self, cluster: &Cluster, max: usize) -> Result<Fetched, BrokerError> {
        let mut fetched = Vec::new();
        let ready: Vec<TopicPartition> = self
            .positions
            .keys()
            .filter(|p| !self.paused.contains(p) && !self.is_leaving(p))
            .cloned()
            .collect();
        self.turn = self.turn.wrapping_add(1);
        let first = self.turn.checked_rem(ready.len()).unwrap_or(0);
        for partition in ready.iter().cycle().skip(first).take(ready.len()) {
            let log = cluster.log(Operation::Poll, partition)?;
            if let Some(position) = self.positions.get_mut(partition) {
                *position = log.read(*position, max - fetched.len(), &mut |offset, record| {
                    fetched.push((partition.clone(), offset, Arc::clone(record)));
                });
            }
        }
        Ok(fetched)
    }

    pub fn owned(&self, operation: Operation, partition: &TopicPartition) -> Result<(), BrokerError> {
        if self.positions.contains_key(partition) {
            return Ok(());
        }
        let message = format!(
            "partition {} of {} is not assigned",
            partition.partition, partition.topic
        );
        Err(failure(operation, Reaction::Fatal, message))
    }
}

fn share_out(cluster: &mut Cluster, group: &str) {
    if let Some(mut entry) = cluster.groups.remove(group) {
        entry.share_out(cluster.topics.len(), &|topics| cluster.partitions(topics));
        cluster.groups.insert(group.to_owned(), entry);
    }
}
