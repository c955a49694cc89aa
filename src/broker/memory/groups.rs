//! The group coordinator: members, generations, cooperative rebalances, static membership, committed offsets.
//!
//! A rebalance waits until every member has joined again (a member that stays away holds it up until its session ends),
//! then the generation goes up and each member picks its assignment up at its next poll. A partition that moves is
//! withheld from its new owner until the old one has given it up and joined once more.

use super::assignor::{self, Claim};
use super::operation::{Operation, failure};
use crate::broker::{BrokerError, Reaction, Reset, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};

/// A member as it knows itself: what offsets are committed with.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub group: String,
    pub instance: Option<String>,
    /// Empty before the first join.
    pub member: String,
    pub generation: i32,
}

#[derive(Default)]
pub(super) struct Group {
    pub generation: i32,
    pub offsets: BTreeMap<TopicPartition, i64>,
    /// Those of a reset that was begun and not finished.
    unfinished: BTreeSet<TopicPartition>,
    members: BTreeMap<String, Member>,
    /// A rebalance waits for members to join.
    preparing: bool,
    /// The last assignment kept partitions back for their old owners to give up.
    withheld: bool,
    /// The partitions that the last assignment shared out.
    known: Vec<TopicPartition>,
    /// How many topics there were when `known` was looked up.
    topics: usize,
    joins: u64,
}

struct Member {
    instance: Option<String>,
    topics: Vec<String>,
    process: String,
    /// What it claimed when it joined last.
    owned: BTreeSet<TopicPartition>,
    joined: bool,
    assigned: BTreeSet<TopicPartition>,
    picked_up: bool,
    seen: i64,
}

/// A member, for tests to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberState {
    pub id: String,
    pub instance: Option<String>,
    pub process: String,
    pub assigned: Vec<TopicPartition>,
}

/// What a heartbeat says.
pub(super) enum Standing {
    /// Taken out of the group, or never in it.
    Unknown,
    /// Another member has the same instance name now.
    Fenced,
    /// A rebalance waits for this member to join.
    Join,
    /// An assignment to pick up.
    Assignment(BTreeSet<TopicPartition>),
    Stable,
}

impl Group {
    /// A new member. With the instance name of another it takes that one's place and assignment, without a rebalance.
    pub fn join(&mut self, instance: Option<&str>, topics: &[String], process: &str, now: i64) -> String {
        self.joins += 1;
        let id = format!("{}-{}", instance.unwrap_or("member"), self.joins);
        let mut member = Member {
            instance: instance.map(str::to_owned),
            topics: topics.to_vec(),
            process: process.to_owned(),
            owned: BTreeSet::new(),
            joined: false,
            assigned: BTreeSet::new(),
            picked_up: true,
            seen: now,
        };
        let predecessor = instance.and_then(|name| self.current(name)).map(str::to_owned);
        match predecessor.and_then(|old| self.members.remove(&old)) {
            Some(old) if old.topics == topics && !self.preparing && !self.withheld => {
                member.assigned = old.assigned;
                member.picked_up = false;
                self.members.insert(id.clone(), member);
            }
            _ => {
                self.members.insert(id.clone(), member);
                self.prepare();
            }
        }
        id
    }

    /// Joins the rebalance that waits, with what the member holds on to.
    pub fn rejoin(&mut self, member: &str, owned: BTreeSet<TopicPartition>) {
        if let Some(entry) = self.members.get_mut(member) {
            entry.owned = owned;
            entry.joined = true;
        }
    }

    /// Starts a rebalance, if none waits already.
    pub fn prepare(&mut self) {
        if !self.preparing {
            self.preparing = true;
            for member in self.members.values_mut() {
                member.joined = false;
                member.picked_up = true;
            }
        }
    }

    /// Takes a member out at once.
    pub fn remove(&mut self, member: &str) {
        if self.members.remove(member).is_some() {
            self.prepare();
        }
    }

    /// Takes out what a process has in the group.
    pub fn remove_process(&mut self, process: &str) {
        let of = self.members.iter().filter(|(_, m)| m.process == process);
        let members: Vec<String> = of.map(|(id, _)| id.clone()).collect();
        members.iter().for_each(|member| self.remove(member));
    }

    /// Takes out the members that were not heard of for `session` milliseconds.
    pub fn expire(&mut self, now: i64, session: i64) {
        let late: Vec<String> = self
            .members
            .iter()
            .filter(|(_, m)| now - m.seen > session)
            .map(|(id, _)| id.clone())
            .collect();
        for member in late {
            self.remove(&member);
        }
    }

    pub fn heartbeat(&mut self, membership: &Membership, now: i64) -> Standing {
        let preparing = self.preparing;
        let Some(member) = self.members.get_mut(&membership.member) else {
            return if self.is_replaced(membership) {
                Standing::Fenced
            } else {
                Standing::Unknown
            };
        };
        member.seen = now;
        match (preparing, member.joined) {
            (true, false) => Standing::Join,
            (true, true) => Standing::Stable,
            (false, _) if std::mem::replace(&mut member.picked_up, true) => Standing::Stable,
            (false, _) => Standing::Assignment(member.assigned.clone()),
        }
    }

    /// Ends the rebalance if everybody has joined. `partitions` answers which partitions some topics have; as long as
    /// `topics` is the same number, the answer is the same.
    pub fn share_out(&mut self, topics: usize, partitions: &dyn Fn(&[String]) -> Vec<TopicPartition>) {
        if !self.preparing && self.topics == topics {
            return;
        }
        self.topics = topics;
        let topics: Vec<String> = self.members.values().flat_map(|m| m.topics.iter().cloned()).collect();
        let all = partitions(&topics);
        if !self.preparing && all != self.known && !self.members.is_empty() {
            self.prepare();
        }
        if !self.preparing || !self.members.values().all(|m| m.joined) {
            return;
        }
        let claims: Vec<Claim<'_>> = self
            .members
            .iter()
            .map(|(member, m)| Claim {
                member,
                topics: &m.topics,
                owned: &m.owned,
            })
            .collect();
        let mut shares = assignor::assign(&all, &claims);
        let owned: Vec<(String, BTreeSet<TopicPartition>)> = self
            .members
            .iter()
            .map(|(id, m)| (id.clone(), m.owned.clone()))
            .collect();
        self.withheld = false;
        for (id, member) in &mut self.members {
            let mut share = shares.remove(id).unwrap_or_default();
            let before = share.len();
            share.retain(|p| !owned.iter().any(|(other, held)| other != id && held.contains(p)));
            self.withheld |= share.len() < before;
            member.assigned = share;
            member.picked_up = false;
        }
        self.known = all;
        self.preparing = false;
        self.generation += 1;
    }

    pub fn commit(&mut self, partition: TopicPartition, offset: i64) {
        self.unfinished.remove(&partition);
        self.offsets.insert(partition, offset);
    }

    /// Commits without being a member, which only a group without any takes.
    pub fn set_offsets(
        &mut self,
        offsets: &[(TopicPartition, i64)],
        reset: Reset,
        operation: Operation,
    ) -> Result<(), BrokerError> {
        if !self.members.is_empty() {
            let message = "the group has members (unknown member)".to_owned();
            return Err(failure(operation, Reaction::Abort, message));
        }
        for (partition, offset) in offsets {
            self.commit(partition.clone(), *offset);
            if reset == Reset::Begun {
                self.unfinished.insert(partition.clone());
            }
        }
        Ok(())
    }

    pub fn is_reset_unfinished(&self, partitions: &[TopicPartition]) -> bool {
        partitions.iter().any(|partition| self.unfinished.contains(partition))
    }

    /// Forgets the offsets of a topic that was deleted.
    pub fn forget(&mut self, topic: &str) {
        self.offsets.retain(|partition, _| partition.topic != topic);
        self.unfinished.retain(|partition| partition.topic != topic);
    }

    /// Whether offsets may be committed with this membership.
    pub fn check(&mut self, membership: &Membership, operation: Operation) -> Result<(), BrokerError> {
        let message = match self.members.contains_key(&membership.member) {
            true if membership.generation == self.generation => return Ok(()),
            true => format!(
                "generation {} of group {} is over, it is {} now (illegal generation)",
                membership.generation, membership.group, self.generation
            ),
            false
                if membership
                    .instance
                    .as_deref()
                    .is_some_and(|name| self.current(name).is_some()) =>
            {
                "another member has this instance name now (fenced instance)".to_owned()
            }
            false => format!("not a member of group {} any more (unknown member)", membership.group),
        };
        Err(failure(operation, Reaction::Abort, message))
    }

    /// The generation that a member knows of: that of its last join.
    pub fn generation_of(&self, member: &str) -> Option<i32> {
        self.members.contains_key(member).then_some(self.generation)
    }

    pub fn members(&self) -> Vec<MemberState> {
        let state = |(id, m): (&String, &Member)| MemberState {
            id: id.clone(),
            instance: m.instance.clone(),
            process: m.process.clone(),
            assigned: m.assigned.iter().cloned().collect(),
        };
        self.members.iter().map(state).collect()
    }

    /// Whether another member has the instance name of this one.
    fn is_replaced(&self, membership: &Membership) -> bool {
        membership
            .instance
            .as_deref()
            .is_some_and(|name| self.current(name).is_some())
    }

    fn current(&self, instance: &str) -> Option<&str> {
        self.members
            .iter()
            .find(|(_, m)| m.instance.as_deref() == Some(instance))
            .map(|(id, _)| id.as_str())
    }
}
