//! Ways to break the commit protocol, by name, so that the simulator can show that it notices each of them. In tests only: the
//! program has nothing of this.
//!
//! A point in the code asks [`sabotaged`]; [`with`] chooses what is broken, for one thread.

use std::cell::Cell;

/// What is broken. What each breaks is told in `testkit::simulation`'s mutations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    KeepOverlay,
    KeepStreamTime,
    KeepFailedWrites,
    StateBeforeCommit,
    NoOffsets,
    OffsetTooHigh,
    OffsetTooLow,
    NoSeek,
    AbortUnknown,
    NoFlush,
    StartUnrestored,
    UnstableOffsets,
    RestoreToStable,
    CheckpointTooHigh,
    KeepRevoked,
    KeepLost,
    NoChangelog,
    ForgetDamage,
    StateBeforeOutputs,
    /// Of `dead-letters replay`: a mark is committed after the record that it is of, and not with it.
    MarksApart,
    /// Of `dead-letters replay`: marks are read before others are fenced off.
    MarksBeforeFence,
}

thread_local! {
    static CHOSEN: Cell<Option<Sabotage>> = const { Cell::new(None) };
}

/// Whether this is broken now.
pub fn sabotaged(what: Sabotage) -> bool {
    CHOSEN.get() == Some(what)
}

/// Does something with one thing broken.
pub fn with<R>(what: Sabotage, does: impl FnOnce() -> R) -> R {
    CHOSEN.set(Some(what));
    let result = does();
    CHOSEN.set(None);
    result
}
