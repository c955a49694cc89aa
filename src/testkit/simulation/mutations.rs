//! The mutation check: the protocol is broken on purpose, in each of its steps, and the simulator must notice.
//!
//! | broken | what comes of it |
//! | --- | --- |
//! | `KeepOverlay` | what an aborted transaction remembered and added stays: its records, read again, are taken for duplicates |
//! | `KeepStreamTime` | ids are forgotten too early after an abort |
//! | `KeepFailedWrites` | a record that became a dead letter is remembered and added all the same |
//! | `StateBeforeCommit` | the state has what an abort or a crash takes back |
//! | `NoOffsets` | outputs are committed without their offsets, and come again |
//! | `OffsetTooHigh`, `OffsetTooLow` | a record is left out, or comes again, whenever a task moves |
//! | `NoSeek` | what was aborted is never read again |
//! | `AbortUnknown` | a transaction that may be committed is processed again; the broker refuses the abort |
//! | `NoFlush` | a transaction is committed while a part of it is queued |
//! | `StartUnrestored` | a task sees a state that lacks what others committed |
//! | `UnstableOffsets` | a task starts before what its predecessor is about to commit |
//! | `RestoreToStable` | what was committed behind the open transaction of somebody who died is left out of the state |
//! | `CheckpointTooHigh` | restoring leaves records out |
//! | `KeepRevoked`, `KeepLost` | a task goes on that another worker has now |
//! | `NoChangelog` | state that no other worker and no new disk will ever have |
//! | `ForgetDamage` | a store that was damaged begins empty and stays so |
//! | `StateBeforeOutputs` | with `at_least_once` an id is remembered whose record never came out |
//!
//! What can be broken without harm, and so is not here: to count the checkpoint too low (what lies before it is taken twice,
//! which changes nothing), and to commit where partitions are lost (the group's generation has gone on, and the broker refuses
//! the offsets).

use super::log::Log;
use super::plan::Plan;
use super::{life, tell};
use crate::sabotage::{self, Sabotage};

/// Within so many seeds a break is noticed, or the simulator is no good.
const SEEDS: u64 = 1_000;

/// Tells the first seed that notices, and what it says.
fn is_noticed(what: Sabotage, plan: impl Fn(u64) -> Plan) {
    let log = Log::default();
    let noticed = sabotage::with(what, || {
        (0..SEEDS).find_map(|seed| Some((seed, life(seed, plan(seed), &log).1.err()?)))
    });
    let Some((seed, how)) = noticed else {
        panic!("nobody noticed {what:?} in {SEEDS} seeds");
    };
    let how: String = how.chars().take(160).collect();
    tell(&format!("simulation, {what:?}: noticed by seed {seed}: {how}"));
}

macro_rules! mutations {
    ($($name:ident: $what:ident,)*) => {
        $(#[test]
        fn $name() {
            is_noticed(Sabotage::$what, Plan::of);
        })*
    };
}

mutations! {
    an_overlay_that_is_kept_after_an_abort_is_noticed: KeepOverlay,
    stream_time_that_is_kept_after_an_abort_is_noticed: KeepStreamTime,
    writes_of_a_failed_record_that_are_kept_are_noticed: KeepFailedWrites,
    state_that_is_written_before_the_commit_is_noticed: StateBeforeCommit,
    offsets_that_are_not_sent_are_noticed: NoOffsets,
    offsets_one_too_high_are_noticed: OffsetTooHigh,
    offsets_one_too_low_are_noticed: OffsetTooLow,
    reading_on_after_an_abort_is_noticed: NoSeek,
    an_abort_of_a_commit_whose_outcome_is_unknown_is_noticed: AbortUnknown,
    a_commit_without_a_flush_is_noticed: NoFlush,
    a_task_that_starts_before_it_is_restored_is_noticed: StartUnrestored,
    offsets_that_are_not_stable_are_noticed: UnstableOffsets,
    a_checkpoint_one_too_high_is_noticed: CheckpointTooHigh,
    a_revoked_task_that_is_kept_is_noticed: KeepRevoked,
    a_lost_task_that_is_kept_is_noticed: KeepLost,
    a_store_without_a_changelog_is_noticed: NoChangelog,
    a_damaged_store_that_is_not_restored_is_noticed: ForgetDamage,
}

#[test]
fn a_changelog_that_is_written_before_the_outputs_is_noticed_with_at_least_once() {
    is_noticed(Sabotage::StateBeforeOutputs, Plan::at_least_once);
}

/// It takes a transaction that has ended, whose markers come late, just when a task moves: seldom where much else goes wrong.
#[test]
fn restoring_to_the_last_stable_offset_is_noticed() {
    let moving = |seed| Plan {
        events: 60,
        slow_commits: 400,
        faults: 0,
        disk_events: 0,
        instances: 3,
        workers: 1,
        ..Plan::of(seed)
    };
    is_noticed(Sabotage::RestoreToStable, moving);
}
