//! Standbys: warm copies of other instances' stores, kept by following their changelogs, so that a task that moves here finds
//! its state nearly whole.
//!
//! Who keeps which copy is worked out by every instance for itself, from the same list of the group's members: for a partition,
//! the next `standby_replicas` instances after its owner ([`chosen`]). librdkafka lets nobody add an assignor of his own, so the
//! group gives a task to any member, warm or not; with as many replicas as there are other instances, all are warm. A static
//! member that comes back within its session's time has its own tasks, and its own state, again.
//!
//! Invariants: a copy has only what is committed (it is read read_committed); a worker that is given the task takes the copy
//! ([`super::warm::Standbys::take`]) and restores the rest, so a copy that lags costs time only.

use super::error::EngineError;
use super::shared::Shared;
use super::status::Status;
use super::warm::Warm;
use crate::broker::{Admin, BrokerError, GroupMember, Position, Reaction, Reader, TopicPartition};
use crate::state::{StateError, StoreId};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often it is looked who has what.
const REFRESH: Duration = Duration::from_secs(3);
/// Between two reads when nothing came.
const IDLE: Duration = Duration::from_millis(50);
/// Records between two moments in which a worker can take a copy.
const BATCH: usize = 2_000;

/// The partitions of which the instance `me` keeps copies.
pub fn chosen(members: &[GroupMember], me: &str, replicas: usize) -> BTreeSet<TopicPartition> {
    let instances: BTreeSet<&str> = members.iter().map(|member| member.client.as_str()).collect();
    let mut mine = BTreeSet::new();
    for owner in members.iter().filter(|member| member.client != me) {
        let others: Vec<&str> = instances
            .iter()
            .copied()
            .filter(|other| *other != owner.client)
            .collect();
        for partition in &owner.partitions {
            // Spread by the partition's number, so that one instance does not keep the copies of all.
            let first = usize::try_from(partition.partition).unwrap_or(0);
            let keepers = (first..).take(replicas.min(others.len()));
            if keepers
                .into_iter()
                .any(|turn| others.get(turn % others.len()) == Some(&me))
            {
                mine.insert(partition.clone());
            }
        }
    }
    mine
}

/// Keeps the copies until stopped. A broker that is away is waited for.
pub fn follow_changelogs(
    shared: &Shared,
    instance: &str,
    status: &Status,
    stop: &AtomicBool,
) -> Result<(), EngineError> {
    if shared.topology.standby_replicas == 0 || shared.wiring.stores.is_empty() {
        return Ok(());
    }
    while !stop.load(Ordering::Relaxed) {
        match follow(shared, instance, status, stop) {
            Ok(()) => {}
            Err(Failed::Broker(error)) if error.reaction != Reaction::Fatal => {
                tracing::info!(%error, "following changelogs is tried again");
                std::thread::park_timeout(REFRESH);
            }
            Err(Failed::State(StateError::InUse { .. })) => std::thread::park_timeout(IDLE),
            Err(Failed::Broker(error)) => return Err(error.into()),
            Err(Failed::State(error)) => return Err(error.into()),
        }
    }
    shared.standbys.lock().clear();
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    State(#[from] StateError),
}

fn follow(shared: &Shared, instance: &str, status: &Status, stop: &AtomicBool) -> Result<(), Failed> {
    let mut admin = shared.broker.admin()?;
    let mut followers: Vec<Follower> = Vec::new();
    let mut refreshed: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        if refreshed.is_none_or(|at| at.elapsed() >= REFRESH) {
            refresh(shared, instance, admin.as_mut(), &mut followers)?;
            status.set_standbys(shared.standbys.lock().len());
            refreshed = Some(Instant::now());
        }
        let mut read = 0;
        for follower in &mut followers {
            read += follower.step(shared)?;
        }
        if read == 0 {
            std::thread::park_timeout(IDLE);
        }
    }
    Ok(())
}

/// Opens the copies that are this instance's to keep, lets go of the others, and reads on where each stands.
fn refresh(
    shared: &Shared,
    instance: &str,
    admin: &mut dyn Admin,
    followers: &mut Vec<Follower>,
) -> Result<(), Failed> {
    let mut members = admin.members(&shared.topology.application)?;
    // Who runs other parts of the topology keeps no copies for this one.
    let selection = shared.wiring.selection();
    members.retain(|member| {
        let mut topics = member.partitions.iter().map(|partition| &partition.topic);
        member.client == instance || topics.any(|topic| selection.reads(topic))
    });
    let chosen = chosen(&members, instance, shared.topology.standby_replicas);
    let mut wanted: Vec<(usize, StoreId)> = Vec::new();
    for partition in chosen.iter().filter(|partition| selection.reads(&partition.topic)) {
        let entry = shared.wiring.entry_of(&partition.topic);
        let stores = entry
            .and_then(|entry| shared.wiring.entries.get(entry))
            .map(|entry| &entry.stores);
        for index in stores.into_iter().flatten() {
            if let Some(wired) = shared.wiring.stores.get(*index) {
                wanted.push((*index, wired.id(partition)));
            }
        }
    }
    {
        let mut warm = shared.standbys.lock();
        warm.retain(|copy| wanted.iter().any(|(_, id)| *id == copy.id));
        for (index, id) in &wanted {
            let Some(wired) = shared.wiring.stores.get(*index) else {
                continue;
            };
            if warm.iter().all(|copy| copy.id != *id) {
                let store = shared.stores.open(id, &wired.spec)?;
                tracing::info!(
                    task = id.task(),
                    store = id.store,
                    topic = id.topic,
                    partition = id.partition,
                    "standby"
                );
                warm.push(Warm { id: id.clone(), store });
            }
        }
    }
    for (index, wired) in shared.wiring.stores.iter().enumerate() {
        let copies: BTreeSet<i32> = wanted
            .iter()
            .filter(|(of, _)| *of == index)
            .map(|(_, id)| id.partition)
            .collect();
        match followers.iter_mut().find(|follower| follower.store == index) {
            Some(follower) if follower.copies == copies => {}
            Some(follower) => follower.read(shared, copies)?,
            None if copies.is_empty() => {}
            None => {
                let mut follower = Follower {
                    store: index,
                    changelog: wired.changelog.clone(),
                    reader: shared.broker.reader()?,
                    copies: BTreeSet::new(),
                };
                follower.read(shared, copies)?;
                followers.push(follower);
            }
        }
    }
    Ok(())
}

/// Reads the changelog of one store, of all partitions of which this process keeps copies.
struct Follower {
    /// Index into the wiring's stores.
    store: usize,
    changelog: String,
    reader: Box<dyn Reader>,
    copies: BTreeSet<i32>,
}

impl Follower {
    fn partition(&self, partition: i32) -> TopicPartition {
        TopicPartition {
            topic: self.changelog.clone(),
            partition,
        }
    }

    /// Reads these partitions, each from where its copy stands.
    fn read(&mut self, shared: &Shared, copies: BTreeSet<i32>) -> Result<(), BrokerError> {
        let Some(wired) = shared.wiring.stores.get(self.store) else {
            return Ok(());
        };
        let warm = shared.standbys.lock();
        let mut positions = Vec::new();
        for copy in warm
            .iter()
            .filter(|copy| copy.id.store == wired.spec.name && copies.contains(&copy.id.partition))
        {
            let position = copy.store.checkpoint().map_or(Position::Beginning, Position::Offset);
            positions.push((self.partition(copy.id.partition), position));
        }
        drop(warm);
        self.reader.assign(&positions)?;
        self.copies = copies;
        Ok(())
    }

    /// Takes what came; with how many records.
    fn step(&mut self, shared: &Shared) -> Result<usize, Failed> {
        let Some(wired) = shared.wiring.stores.get(self.store).filter(|_| !self.copies.is_empty()) else {
            return Ok(0);
        };
        let mut warm = shared.standbys.lock();
        let mut read = 0;
        let mut touched = BTreeSet::new();
        let mut foreign = None;
        self.reader.poll(Duration::ZERO, BATCH, &mut |record| {
            read += 1;
            let is =
                |copy: &&mut Warm| copy.id.partition == record.origin.partition && copy.id.store == wired.spec.name;
            // A copy that a worker took meanwhile is no longer here.
            let Some(copy) = warm.iter_mut().find(is) else { return };
            touched.insert(record.origin.partition);
            if let Err(error) = copy.store.restore(record.key, record.value) {
                foreign = Some(format!("{}: {error}", record.origin.topic));
            }
        })?;
        if let Some(message) = foreign {
            return Err(Failed::Broker(BrokerError {
                operation: "follow a changelog",
                message,
                reaction: Reaction::Fatal,
            }));
        }
        for partition in touched {
            let position = self.reader.position(&self.partition(partition))?;
            let is = |copy: &Warm| copy.id.partition == partition && copy.id.store == wired.spec.name;
            let (Some(at), Some(position)) = (warm.iter().position(is), position) else {
                continue;
            };
            let Some(copy) = warm.get_mut(at) else { continue };
            match copy.store.restored(position) {
                Ok(()) => {}
                Err(StateError::Damaged { path, why }) => {
                    let id = warm.swap_remove(at).id;
                    tracing::error!(
                        task = id.task(),
                        store = id.store,
                        topic = id.topic,
                        partition = id.partition,
                        path = %path.display(),
                        why,
                        "a standby is damaged: it is put aside and begun anew"
                    );
                    shared.stores.set_aside(&id, &wired.spec)?;
                    // The next refresh opens and reads it again.
                    self.copies.remove(&partition);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(client: &str, partitions: &[i32]) -> GroupMember {
        let partition = |partition: &i32| TopicPartition {
            topic: "in".into(),
            partition: *partition,
        };
        GroupMember {
            client: client.into(),
            partitions: partitions.iter().map(partition).collect(),
        }
    }

    fn numbers(members: &[GroupMember], me: &str, replicas: usize) -> Vec<i32> {
        chosen(members, me, replicas).iter().map(|p| p.partition).collect()
    }

    #[test]
    fn every_partition_has_as_many_copies_as_asked_for_and_none_with_its_owner() {
        let members = [
            member("a", &[0, 1]),
            member("a", &[2]),
            member("b", &[3, 4]),
            member("c", &[5]),
        ];
        for replicas in 0..=3 {
            let all: Vec<i32> = ["a", "b", "c"]
                .iter()
                .flat_map(|me| numbers(&members, me, replicas))
                .collect();
            let copies = |partition: i32| all.iter().filter(|copy| **copy == partition).count();
            for partition in 0..6 {
                assert_eq!(
                    copies(partition),
                    replicas.min(2),
                    "partition {partition}, {replicas} replicas"
                );
            }
        }
        assert!(numbers(&members, "a", 2).iter().all(|partition| *partition >= 3));
    }

    #[test]
    fn copies_are_spread_over_the_others() {
        let members = [member("a", &[0, 1, 2, 3]), member("b", &[]), member("c", &[])];
        assert_eq!(
            (numbers(&members, "b", 1), numbers(&members, "c", 1)),
            (vec![0, 2], vec![1, 3])
        );
        assert!(numbers(&members, "not-a-member", 1).is_empty());
    }

    #[test]
    fn alone_there_is_nobody_to_keep_a_copy_for() {
        assert!(numbers(&[member("a", &[0, 1])], "a", 1).is_empty());
    }
}
