//! The schemas of a topology, and what its registry says of them: what would be registered, and what that would break.
//!
//! Invariants: all is tested before anything is registered, and nothing is while one of them would break something; what is there
//! already stays as it is, so doing it again does nothing.

mod explain;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use crate::codec::{CodecError, Writer};
use crate::registry::{Declared, Level, RegistryError, Subjects, Version};
use crate::topology::Topology;
use std::collections::BTreeSet;

/// A schema that the topology writes with, and its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub subject: String,
    pub schema: Declared,
    /// The sinks that write with it.
    pub sinks: BTreeSet<String>,
}

/// What the registry says of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The subject has it.
    Same { version: u32, id: u32 },
    /// There is no such subject.
    New,
    /// It can follow the newest version, under the subject's level.
    Compatible { version: u32, level: Level },
    /// It can't, and what it breaks.
    Breaks {
        version: u32,
        level: Level,
        words: Vec<String>,
    },
    /// The registry does not take it, and why.
    Refused(String),
}

impl Verdict {
    /// Whether nothing may be registered.
    pub fn forbids(&self) -> bool {
        matches!(self, Self::Breaks { .. } | Self::Refused(_))
    }

    /// Whether something is to be done.
    pub fn is_to_register(&self) -> bool {
        matches!(self, Self::New | Self::Compatible { .. })
    }
}

/// A schema with what the registry says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub wanted: Wanted,
    pub verdict: Verdict,
}

/// All schemas that records are framed with the ids of, by subject, each once.
///
/// # Errors
/// A schema that can't be written with.
pub fn wanted(topology: &Topology) -> Result<Vec<Wanted>, CodecError> {
    let mut all: Vec<Wanted> = Vec::new();
    for sink in &topology.sinks {
        for topic in sink.topic.topics() {
            for (subject, schema) in Writer::new(&sink.format, &topic)?.registrations() {
                let same = |wanted: &&mut Wanted| wanted.subject == *subject && wanted.schema == *schema;
                match all.iter_mut().find(same) {
                    Some(wanted) => {
                        wanted.sinks.insert(sink.name.clone());
                    }
                    None => all.push(Wanted {
                        subject: subject.clone(),
                        schema: schema.clone(),
                        sinks: BTreeSet::from([sink.name.clone()]),
                    }),
                }
            }
        }
    }
    Ok(all)
}

/// Asks the registry about each, and changes nothing.
///
/// # Errors
/// The registry is away.
pub fn plan(wanted: Vec<Wanted>, registry: &dyn Subjects) -> Result<Vec<Planned>, RegistryError> {
    let mut planned = Vec::new();
    for one in wanted {
        let verdict = match verdict(&one, registry) {
            Ok(verdict) => verdict,
            Err(RegistryError::Refused(why)) => Verdict::Refused(why),
            Err(error) => return Err(error),
        };
        planned.push(Planned { wanted: one, verdict });
    }
    rivals(&mut planned);
    Ok(planned)
}

fn verdict(wanted: &Wanted, registry: &dyn Subjects) -> Result<Verdict, RegistryError> {
    let Wanted { subject, schema, .. } = wanted;
    let latest = match registry.find(subject, schema) {
        Ok(Version { version, id, .. }) => return Ok(Verdict::Same { version, id }),
        Err(RegistryError::Unknown(_)) => match registry.latest(subject) {
            Err(RegistryError::Unknown(_)) => return Ok(Verdict::New),
            latest => latest?,
        },
        Err(error) => return Err(error),
    };
    let (version, level) = (latest.version, registry.level(subject)?);
    let said = registry.breaks(subject, schema)?;
    if said.is_empty() {
        return Ok(Verdict::Compatible { version, level });
    }
    let mut words = explain::breaks(level, &latest, schema);
    words.extend(said.into_iter().map(|words| format!("the registry: {words}")));
    Ok(Verdict::Breaks { version, level, words })
}

/// Two schemas of one subject follow each other, and nobody has tested that.
fn rivals(planned: &mut [Planned]) {
    let subjects: Vec<String> = planned
        .iter()
        .filter(|planned| planned.verdict.is_to_register())
        .map(|planned| planned.wanted.subject.clone())
        .collect();
    for one in planned.iter_mut().filter(|one| one.verdict.is_to_register()) {
        if subjects
            .iter()
            .filter(|subject| **subject == one.wanted.subject)
            .count()
            > 1
        {
            one.verdict = Verdict::Refused(
                "the topology writes several new schemas under this subject, each of which would have to follow the others: give \
                 each a subject of its own by `subject: topic_record`"
                    .to_owned(),
            );
        }
    }
}

/// Registers what is to be registered, one after the other; `done` is told the id of each.
///
/// # Errors
/// The first that failed. Those before it are registered, and running it again goes on after them.
pub fn apply(
    planned: &[Planned],
    registry: &dyn Subjects,
    done: &mut dyn FnMut(&Wanted, u32),
) -> Result<(), RegistryError> {
    if planned.iter().any(|planned| planned.verdict.forbids()) {
        return Ok(());
    }
    for Planned { wanted, verdict } in planned {
        if verdict.is_to_register() {
            done(wanted, registry.register(&wanted.subject, &wanted.schema)?);
        }
    }
    Ok(())
}
