//! The calls of a client, and the error with which one fails.

use crate::broker::{BrokerError, Reaction};

/// The calls of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Building a producer: `init_transactions`.
    Init,
    Begin,
    Send,
    Flush,
    SendOffsets,
    Commit,
    Abort,
    /// Building a consumer.
    Subscribe,
    Poll,
    Complete,
    Committed,
    Seek,
    Pause,
    Resume,
    /// Offsets committed without a transaction.
    CommitOffsets,
    Group,
    /// Building a reader, or assigning to it.
    Assign,
    Read,
    Offsets,
    Describe,
    Create,
    Delete,
    /// Offsets set by nobody of the group.
    SetOffsets,
}

impl Operation {
    pub fn name(self) -> &'static str {
        match self {
            Operation::Init => "init transactions",
            Operation::Begin => "begin transaction",
            Operation::Send => "send",
            Operation::Flush => "flush",
            Operation::SendOffsets => "send offsets to transaction",
            Operation::Commit => "commit transaction",
            Operation::Abort => "abort transaction",
            Operation::Subscribe => "subscribe",
            Operation::Poll => "poll",
            Operation::Complete => "complete rebalance",
            Operation::Committed => "fetch committed offsets",
            Operation::Seek => "seek",
            Operation::Pause => "pause",
            Operation::Resume => "resume",
            Operation::CommitOffsets => "commit offsets",
            Operation::Group => "group metadata",
            Operation::Assign => "assign",
            Operation::Read => "read",
            Operation::Offsets => "fetch offsets",
            Operation::Describe => "describe topics",
            Operation::Create => "create topics",
            Operation::Delete => "delete topics",
            Operation::SetOffsets => "set offsets",
        }
    }
}

pub(super) fn failure(operation: Operation, reaction: Reaction, message: String) -> BrokerError {
    BrokerError {
        operation: operation.name(),
        message,
        reaction,
    }
}
