//! What a replay or drop would do, and with which letters it can't.

use super::marks::Marks;
use super::scan::{Progress, Span};
use super::{At, DeadLetters, LettersError, Mark, Query, nothing_there};
use crate::dead_letter::Letter;
use crate::topology::{Role, Topology};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;

/// What is to be done with dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Put back to where they came from, or to a source or topic of that name.
    Replay { to: Option<String> },
    /// Marked, so that nobody sees them who does not ask for them.
    Drop,
}

impl What {
    pub fn mark(&self) -> Mark {
        match self {
            What::Replay { .. } => Mark::Replayed,
            What::Drop => Mark::Dropped,
        }
    }
}

/// Why a dead letter can't be put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    Truncated,
    OfFeed,
    FromNowhere,
    NotRead,
    /// Known only when it was tried.
    TooLarge,
}

impl Obstacle {
    /// For programs.
    pub fn name(self) -> &'static str {
        match self {
            Obstacle::Truncated => "truncated",
            Obstacle::OfFeed => "of_feed",
            Obstacle::FromNowhere => "from_nowhere",
            Obstacle::NotRead => "not_read",
            Obstacle::TooLarge => "too_large",
        }
    }
}

/// What is wrong with them, and the remedy; after how many there are.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Obstacle::Truncated => {
                "cut to fit into the dead letters, so the record is not whole: have its sender send it again, and drop it here"
            }
            Obstacle::OfFeed => "never in a topic, as a feed could not make a record of it: say by --to where it goes, without a key",
            Obstacle::FromNowhere => "without a header that says where it came from: say by --to where it goes",
            Obstacle::TooLarge => "larger than the topic takes that it goes to: raise that topic's `max.message.bytes`, and run it again",
            Obstacle::NotRead => "from a topic that this topology does not read: say by --to where it goes",
        })
    }
}

/// What was or would be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By the topic that it is put into; those that are dropped under an empty name.
    pub done: BTreeMap<String, u64>,
    pub obstacles: BTreeMap<Obstacle, u64>,
    /// Matched, and replayed or dropped before.
    pub before: u64,
}

impl Tally {
    pub fn done(&self) -> u64 {
        self.done.values().sum()
    }

    pub fn hindered(&self) -> u64 {
        self.obstacles.values().sum()
    }
}

/// All that a replay or drop does, known before any of it is done.
#[derive(Debug)]
pub struct Work {
    pub what: What,
    pub query: Query,
    pub tally: Tally,
    pub(super) spans: Vec<Span>,
    /// The topic to put them into, whatever they came from.
    pub(super) to: Option<String>,
}

impl DeadLetters<'_> {
    /// Changes nothing.
    ///
    /// # Errors
    /// A letter that is named is not there, or a topic that letters would be put into is not or can't be.
    pub fn look(&self, what: What, query: Query, progress: &mut dyn FnMut(Progress)) -> Result<Work, LettersError> {
        let to = match &what {
            What::Replay { to: Some(to) } => Some(self.named(to)?),
            _ => None,
        };
        let mut work = Work {
            spans: self.spans_of(&query.filter)?,
            tally: Tally::default(),
            what,
            query,
            to,
        };
        let mut tally = Tally::default();
        let missing = self.todo(&work, &self.marks, &mut tally, progress, &mut |_, target, tally| {
            *tally.done.entry(target.to_owned()).or_default() += 1;
            Ok(())
        })?;
        if let Some(at) = missing.first() {
            return Err(nothing_there(*at));
        }
        work.tally = tally;
        let mut admin = self.broker.admin()?;
        for target in work.tally.done.keys().filter(|target| !target.is_empty()) {
            if admin.partitions(target)?.is_none() {
                return Err(LettersError::Target(format!(
                    "topic {target}, which records would be put into, does not exist: create it, or say another by --to"
                )));
            }
        }
        Ok(work)
    }

    /// The topic that a user names, or the one of the source that is named.
    fn named(&self, to: &str) -> Result<String, LettersError> {
        let source = self.topology.sources.iter().find(|source| source.name == to);
        let topic = source.map_or(to, |source| source.topic.as_str());
        let refused = |why: &str| {
            Err(LettersError::Target(format!(
                "records can't be put into topic {topic}: {why}"
            )))
        };
        if topic == self.topology.dead_letters {
            return refused("these are the dead letters themselves");
        }
        let plan = self.topology.plan();
        let role = plan
            .topics
            .iter()
            .find(|planned| planned.name == topic)
            .map(|planned| planned.role);
        if topic == self.topology.marks() || matches!(role, Some(Role::Changelog | Role::Kept)) {
            return refused("the application keeps in it what it knows, and nobody else may write there");
        }
        if self.broker.admin()?.partitions(topic)?.is_none() {
            return Err(LettersError::Target(format!(
                "there is neither a source nor a topic `{to}`: name one that is there"
            )));
        }
        Ok(topic.to_owned())
    }

    /// Hands over what there is to do, with the topic that it goes to, and notes in the tally why anything else is left. The letters
    /// that were named and are not there.
    pub(super) fn todo(
        &self,
        work: &Work,
        marks: &Marks,
        tally: &mut Tally,
        progress: &mut dyn FnMut(Progress),
        each: &mut dyn FnMut(&Letter<'_>, &str, &mut Tally) -> Result<(), LettersError>,
    ) -> Result<Vec<At>, LettersError> {
        let read = topics_read(self.topology);
        let limit = work.query.limit.unwrap_or(u64::MAX);
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut count = 0;
        let mut named = work.query.filter.at.clone();
        self.matching(&work.spans, &work.query.filter, marks, progress, &mut |letter, mark| {
            named.retain(|at| (at.partition, at.offset) != (letter.partition, letter.offset));
            if mark.is_some() {
                tally.before += 1;
                return Ok(ControlFlow::Continue(()));
            }
            match target(letter, work, &read) {
                Err(obstacle) => *tally.obstacles.entry(obstacle).or_default() += 1,
                Ok(target) => {
                    each(letter, target, tally)?;
                    count += 1;
                }
            }
            Ok(if count < limit {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            })
        })?;
        Ok(named)
    }
}

/// Topics that may be written to without being named: a header of a dead letter alone must not decide it.
fn topics_read(topology: &Topology) -> BTreeSet<String> {
    let plan = topology.plan().topics.into_iter();
    let read = plan.filter(|topic| matches!(topic.role, Role::Source | Role::Through));
    read.map(|topic| topic.name).collect()
}

/// Where a letter goes; nowhere, if it is dropped.
fn target<'l>(letter: &'l Letter<'_>, work: &'l Work, read: &BTreeSet<String>) -> Result<&'l str, Obstacle> {
    if work.what == What::Drop {
        return Ok("");
    }
    if letter.truncated.is_some() {
        return Err(Obstacle::Truncated);
    }
    if let Some(to) = &work.to {
        return Ok(to);
    }
    let source = letter.source.ok_or(Obstacle::FromNowhere)?;
    if source.place.is_none() {
        return Err(Obstacle::OfFeed);
    }
    if read.contains(source.topic) {
        Ok(source.topic)
    } else {
        Err(Obstacle::NotRead)
    }
}
