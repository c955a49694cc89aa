//! Doing it, in the order that [`super`] gives reasons for.

use super::{ResetError, Steps, active, shown};
use crate::broker::{Admin, Broker, BrokerError, Reset, TopicPartition};
use crate::state::StateError;
use std::time::{Duration, Instant};

/// A broker forgets the offsets of a deleted topic in the background.
const FORGOTTEN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);
const CALL: Duration = Duration::from_secs(10);

impl Steps {
    /// Does all of it. `delete_state` deletes what is on disk. `session`: how long a member that is gone stays in the group.
    ///
    /// # Errors
    /// When somebody joined the group meanwhile, or a broker or the disk did not do its part. Then nobody can start the application
    /// before the reset was done again and finished.
    pub fn carry_out(
        &self,
        broker: &dyn Broker,
        session: Duration,
        delete_state: &mut dyn FnMut() -> Result<(), StateError>,
    ) -> Result<(), ResetError> {
        let mut admin = broker.admin()?;
        let admin = admin.as_mut();
        let sources: Vec<(TopicPartition, i64)> = self
            .offsets
            .iter()
            .map(|change| (change.partition.clone(), change.to))
            .collect();
        let begun: Vec<_> = sources.iter().chain(&self.ends).cloned().collect();
        self.set(admin, session, &begun, Reset::Begun)?;
        delete_state()?;
        let topics: Vec<String> = self.delete.iter().map(|topic| topic.topic.clone()).collect();
        admin.delete(&topics)?;
        self.wait_forgotten(admin)?;
        self.set(admin, session, &sources, Reset::Finished)
    }

    fn set(
        &self,
        admin: &mut dyn Admin,
        session: Duration,
        offsets: &[(TopicPartition, i64)],
        reset: Reset,
    ) -> Result<(), ResetError> {
        let Err(error) = admin.set_offsets(&self.group, offsets, reset) else {
            return Ok(());
        };
        // A group with members takes no offsets of anybody else.
        match admin.members(&self.group) {
            Ok(members) if !members.is_empty() => Err(active(&self.group, &members, session)),
            _ => Err(error.into()),
        }
    }

    /// A topic made anew begins at 0: whoever began at an offset in its predecessor would pass over records.
    fn wait_forgotten(&self, admin: &mut dyn Admin) -> Result<(), ResetError> {
        let began = Instant::now();
        loop {
            let kept = self.kept(admin)?;
            if kept.is_empty() {
                return Ok(());
            }
            let waited = began.elapsed();
            if waited > FORGOTTEN {
                return Err(ResetError::Lingering {
                    group: self.group.clone(),
                    partitions: kept,
                    waited,
                });
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn kept(&self, admin: &mut dyn Admin) -> Result<Vec<String>, BrokerError> {
        if self.middle.is_empty() {
            return Ok(Vec::new());
        }
        let committed = admin.committed(&self.group, &self.middle, CALL)?;
        let kept = self.middle.iter().zip(committed);
        Ok(kept
            .filter(|(_, offset)| offset.is_some())
            .map(|(partition, _)| shown(partition))
            .collect())
    }
}
