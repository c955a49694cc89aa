//! `reset`: an application begins anew. Sources are read from a chosen position, state is empty, what lies in between is gone.
//!
//! What is looked at first ([`Steps::look`]) and then done ([`Steps::carry_out`]), in this order:
//! 1. the offsets of the sources are set to where they shall be, those of the topics in the middle to their ends, all in one commit,
//!    and all marked as of a reset that has begun ([`Reset::Begun`](crate::broker::Reset));
//! 2. state on disk is deleted;
//! 3. changelogs and the topics in the middle are deleted; the next start creates them anew. It is waited until they are gone, and
//!    the group's offsets in them;
//! 4. the sources' offsets are set again, now for good.
//!
//! Why the marks: to delete state first would leave old offsets with no state, and duplicates would pass for new; to set offsets
//! first would leave the old state with new offsets, and records would count twice. Either would look like a success. So whatever
//! the moment of a crash, whoever starts the application before the reset was run again meets a mark and refuses, by name. Before
//! the first commit nothing has changed, and after the last all is done.
//!
//! Deliberately not here: state on machines that this process can't see. A store there stands at an offset of a changelog that has
//! gone, and is refused when it is opened.

mod carry_out;
mod look;
mod positions;
#[cfg(test)]
mod tests;

pub use positions::{Positions, Target, offsets};

use crate::broker::{BrokerError, GroupMember, TopicPartition};
use crate::state::StateError;
use crate::topology::Role;
use std::collections::BTreeSet;
use std::time::Duration;

/// All that a reset does, known before any of it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The application, and its consumer group.
    pub group: String,
    /// Where the sources are read from.
    pub offsets: Vec<Change>,
    /// Topics that are deleted.
    pub delete: Vec<Touched>,
    /// Topics that are there and left as they are.
    pub leave: Vec<Touched>,
    /// The ends of the topics in the middle that are there.
    ends: Vec<(TopicPartition, i64)>,
    /// The partitions of all topics in the middle, as they are or would be.
    middle: Vec<TopicPartition>,
}

/// What becomes of a committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub partition: TopicPartition,
    /// `None`: nothing is committed.
    pub from: Option<i64>,
    pub to: i64,
}

/// A topic of the topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    pub topic: String,
    pub role: Role,
    /// The source's, processor's or sink's name.
    pub of: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(
        "group `{group}` is active, and a reset needs it to be empty. Its members: {}. Stop them all. A static member that was \
         stopped, or one that was killed, stays a member until its session times out, here after up to {} s: wait and try again",
        .members.join(", "), .session.as_secs()
    )]
    Active {
        group: String,
        members: Vec<String>,
        session: Duration,
    },
    #[error("topic {topic} of the source `{source_name}` does not exist: create it, or correct the source")]
    NoSource { topic: String, source_name: String },
    #[error("the offsets can't be set so:{}", .0.iter().map(|why| format!("\n  {why}")).collect::<String>())]
    Offsets(Vec<String>),
    #[error(
        "the brokers still have offsets of group `{group}` in deleted topics, after {} s: {}. The reset is not finished, and nobody \
         starts meanwhile: run it again, or delete these offsets by `kafka-consumer-groups --delete-offsets` and run it again",
        .waited.as_secs(), .partitions.join(", ")
    )]
    Lingering {
        group: String,
        partitions: Vec<String>,
        waited: Duration,
    },
}

fn active(group: &str, members: &[GroupMember], session: Duration) -> ResetError {
    let names: BTreeSet<&str> = members.iter().map(|member| member.client.as_str()).collect();
    ResetError::Active {
        group: group.to_owned(),
        members: names.into_iter().map(str::to_owned).collect(),
        session,
    }
}

/// As people write a partition.
fn shown(partition: &TopicPartition) -> String {
    format!("{}:{}", partition.topic, partition.partition)
}
