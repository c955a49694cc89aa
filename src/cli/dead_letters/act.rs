//! `millstream dead-letters replay` and `drop`.

use super::{Filters, Line, ended};
use crate::broker::Broker;
use crate::cli::asking::{Asking, Consent, Decision};
use crate::cli::cluster::Cluster;
use crate::cli::{Outcome, Output, Terminal};
use crate::ops::dead_letters::{At, DeadLetters, Filter, LettersError, Mark, Obstacle, Query, Tally, What};
use crate::topology::Topology;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Put dead letters back to where they came from
///
/// Each record is written once more, with its own key, value, headers and time, to the topic that it came from, and to the partition of
/// its key. In one transaction with that it is marked, so that no replay puts it back again: not a second one, not one after a `kill -9`,
/// not one at the same time. Without filters: all that were neither replayed nor dropped. Exit code 1 also where some that matched can't be
/// put back.
#[derive(clap::Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(super) act: Act,
    /// Put them into this source's topic, or into this topic, wherever they came from
    #[arg(long, value_name = "SOURCE|TOPIC")]
    to: Option<String>,
}

impl Replay {
    pub(super) fn what(&self) -> What {
        What::Replay { to: self.to.clone() }
    }
}

/// Put dead letters away: `list` shows them no more, and nobody replays them
///
/// They are marked, and stay in their topic as long as it keeps them. Without filters: all that were neither replayed nor dropped.
#[derive(clap::Args)]
pub(crate) struct Drop {
    #[command(flatten)]
    pub(super) act: Act,
}

#[derive(clap::Args)]
pub(super) struct Act {
    /// Only these: PARTITION:OFFSET, as `list` shows them
    #[arg(
        value_name = "PARTITION:OFFSET",
        conflicts_with_all = ["reason", "processor", "since", "until", "key", "topic", "limit"]
    )]
    at: Vec<At>,
    #[command(flatten)]
    cluster: Cluster,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    consent: Consent,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Act {
    pub(super) fn run(&self, what: What, progress: bool, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        Asking::with(|asking| {
            self.cluster.with(self.output, terminal, |topology, broker, terminal| {
                self.with(topology, broker, what, progress, asking, terminal)
            })
        })
    }

    pub(super) fn with(
        &self,
        topology: &Topology,
        broker: &dyn Broker,
        what: What,
        progress: bool,
        asking: &mut Asking<'_>,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<Outcome> {
        let result = self.act(topology, broker, what, progress, asking, terminal);
        ended(result, terminal)
    }

    fn act(
        &self,
        topology: &Topology,
        broker: &dyn Broker,
        what: What,
        progress: bool,
        asking: &mut Asking<'_>,
        terminal: &mut Terminal<'_>,
    ) -> Result<Outcome, LettersError> {
        let query = match self.at.as_slice() {
            [] => self.filters.query(),
            named => Query {
                filter: Filter {
                    at: named.to_vec(),
                    ..Filter::default()
                },
                limit: None,
            },
        };
        let mut line = Line::new(progress);
        let err = &mut *terminal.err;
        let letters = DeadLetters::open(broker, topology, &mut |progress| {
            line.say("reading the marks", progress, err);
        })?;
        let work = letters.look(what, query, &mut |progress| line.say("looking", progress, err))?;
        line.clear(err);
        let mark = work.what.mark();
        if self.output == Output::Text {
            let would = if self.consent.dry_run { "would be " } else { "to be " };
            print(&work.tally, mark, would, terminal.out)?;
        }
        hindrances(&work.tally.obstacles, terminal.err)?;
        let mut tally = Tally::default();
        let decision = match work.tally.done() {
            0 => None,
            _ => Some(self.consent.decide(&question(&work.tally, mark), asking, terminal)?),
        };
        if decision == Some(Decision::Agreed) {
            let err = &mut *terminal.err;
            let doing = match mark {
                Mark::Replayed => "replaying",
                Mark::Dropped => "dropping",
            };
            let carried = letters.carry_out(&work, &mut tally, &mut |progress| line.say(doing, progress, err));
            line.clear(err);
            if let Err(error) = carried {
                writeln!(
                    terminal.err,
                    "note: {} {} before it failed, and will not be again: run it again to go on",
                    tally.done(),
                    were(tally.done(), mark)
                )?;
                return Err(error);
            }
        }
        // What was known before was said before.
        tally
            .obstacles
            .retain(|obstacle, _| !work.tally.obstacles.contains_key(obstacle));
        hindrances(&tally.obstacles, terminal.err)?;
        self.summary(&work.tally, &tally, decision, mark, topology, terminal)
    }

    /// `decision`: `None` where there was nothing to do.
    fn summary(
        &self,
        looked: &Tally,
        done: &Tally,
        decision: Option<Decision>,
        mark: Mark,
        topology: &Topology,
        terminal: &mut Terminal<'_>,
    ) -> Result<Outcome, LettersError> {
        match self.output {
            Output::Json => writeln!(terminal.out, "{}", as_json(looked, done, decision, mark))?,
            Output::Text if decision == Some(Decision::Agreed) => {
                writeln!(terminal.out, "done: {} {}", done.done(), were(done.done(), mark))?;
            }
            Output::Text => {}
        }
        let matched = looked.done() + looked.before + looked.hindered();
        if matched == 0 {
            writeln!(
                terminal.err,
                "error: no dead letter of {} matches",
                topology.dead_letters
            )?;
            return Ok(Outcome::Failed);
        }
        if decision.is_none() && looked.hindered() == 0 {
            writeln!(
                terminal.err,
                "note: nothing is left to do: {} that matched {} replayed or dropped before",
                looked.before,
                if looked.before == 1 { "was" } else { "were" }
            )?;
        }
        Ok(
            if decision == Some(Decision::Declined) || looked.hindered() + done.hindered() > 0 {
                Outcome::Failed
            } else {
                Outcome::Fine
            },
        )
    }
}

fn were(count: u64, mark: Mark) -> String {
    let noun = if count == 1 {
        "dead letter was"
    } else {
        "dead letters were"
    };
    format!("{noun} {}", mark.name())
}

fn print(tally: &Tally, mark: Mark, would: &str, out: &mut dyn Write) -> io::Result<()> {
    for (topic, count) in &tally.done {
        match mark {
            Mark::Replayed => writeln!(out, "{count} {would}replayed to {topic}")?,
            Mark::Dropped => writeln!(out, "{count} {would}dropped")?,
        }
    }
    if tally.before > 0 {
        writeln!(out, "{} replayed or dropped before, left as they are", tally.before)?;
    }
    Ok(())
}

fn hindrances(obstacles: &BTreeMap<Obstacle, u64>, err: &mut dyn Write) -> io::Result<()> {
    for (obstacle, count) in obstacles {
        writeln!(err, "error: {count} can't be replayed: {obstacle}")?;
    }
    Ok(())
}

fn question(tally: &Tally, mark: Mark) -> String {
    let count = tally.done();
    let letters = if count == 1 { "dead letter" } else { "dead letters" };
    match mark {
        Mark::Replayed => format!("Replay {count} {letters}?"),
        Mark::Dropped => format!("Drop {count} {letters}?"),
    }
}

fn as_json(looked: &Tally, done: &Tally, decision: Option<Decision>, mark: Mark) -> serde_json::Value {
    let obstacles: serde_json::Map<String, serde_json::Value> = looked
        .obstacles
        .iter()
        .chain(&done.obstacles)
        .map(|(obstacle, count)| (obstacle.name().to_owned(), json!(count)))
        .collect();
    json!({
        "is": mark.name(),
        "done": matches!(decision, None | Some(Decision::Agreed)),
        "found": looked.done(),
        "topics": if mark == Mark::Replayed { json!(looked.done) } else { json!({}) },
        "written": done.done(),
        "before": looked.before,
        "not_replayable": obstacles,
    })
}
