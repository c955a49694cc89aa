//! `millstream dead-letters`: the records that failed.

mod act;
mod list;
mod show;

use super::cluster::Cluster;
use super::{Outcome, Output, Terminal};
use crate::broker::Broker;
use crate::broker::kafka::KafkaBroker;
use crate::ops::dead_letters::{Filter, LettersError, Moment, Progress, Query};
use crate::topology::Topology;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Look at the records that failed, put them back to where they came from, or put them away
///
/// At any time, whether the application runs or not. The topic of the dead letters is never changed: which of them were replayed or
/// dropped is noted in a topic beside it.
#[derive(clap::Args)]
pub(crate) struct DeadLettersCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    List(list::List),
    Show(show::Show),
    Replay(act::Replay),
    Drop(act::Drop),
}

/// Which dead letters.
#[derive(clap::Args, Clone, Debug, Default)]
struct Filters {
    /// Only those that failed so: a kind, as `decode`, or a part of the message
    #[arg(long, value_name = "KIND|TEXT")]
    reason: Option<String>,
    /// Only those that failed in this processor, source, sink or feed
    #[arg(long, value_name = "NAME")]
    processor: Option<String>,
    /// Only records of this time or later, by their own time: 2024-05-22T05:55:57Z, or how long ago, as 2h
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only records of a time before this
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// Only records with this key, as `list` shows it
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Only records that came from this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// The first so many, in the order of partitions and offsets
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Filters {
    fn query(&self) -> Query {
        let now = now();
        Query {
            filter: Filter {
                reason: self.reason.clone(),
                processor: self.processor.clone(),
                since: self.since.map(|moment| moment.at(now)),
                until: self.until.map(|moment| moment.at(now)),
                key: self.key.clone(),
                topic: self.topic.clone(),
                at: Vec::new(),
            },
            limit: self.limit,
        }
    }
}

impl DeadLettersCommand {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let progress = io::stderr().is_terminal();
        match &self.command {
            // Both on one terminal would be written into each other.
            Command::List(list) => {
                let progress = progress && (list.is_grouped() || !io::stdout().is_terminal());
                list.cluster.with(list.output, terminal, |t, b, terminal| {
                    list.with(t, b, progress, terminal)
                })
            }
            Command::Show(show) => show
                .cluster
                .with(show.output, terminal, |t, b, terminal| show.with(t, b, terminal)),
            Command::Replay(replay) => replay.act.run(replay.what(), progress, terminal),
            Command::Drop(drop) => drop.act.run(crate::ops::dead_letters::What::Drop, progress, terminal),
        }
    }
}

impl Cluster {
    /// Does something with the topology and its cluster.
    fn with(
        &self,
        output: Output,
        terminal: &mut Terminal<'_>,
        does: impl FnOnce(&Topology, &dyn Broker, &mut Terminal<'_>) -> io::Result<Outcome>,
    ) -> io::Result<Outcome> {
        let Some((topology, settings)) = self.load(output, terminal)? else {
            return Ok(Outcome::Failed);
        };
        let broker = KafkaBroker::new(settings);
        does(&topology, &broker, terminal)
    }
}

/// Says how it ended; what can't be printed is nobody's to read.
fn ended(result: Result<Outcome, LettersError>, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
    match result {
        Ok(outcome) => Ok(outcome),
        Err(LettersError::Print(error)) => Err(error),
        Err(error) => {
            writeln!(terminal.err, "error: {error}")?;
            Ok(Outcome::Failed)
        }
    }
}

/// A line that says how far it is, written over again and again. Only where somebody looks.
struct Line {
    is_on: bool,
    said: Instant,
    is_there: bool,
}

impl Line {
    const PAUSE: Duration = Duration::from_millis(500);

    fn new(is_on: bool) -> Self {
        Self {
            is_on,
            said: Instant::now(),
            is_there: false,
        }
    }

    fn say(&mut self, what: &str, progress: Progress, err: &mut dyn Write) {
        if self.is_on && self.said.elapsed() >= Self::PAUSE {
            self.said = Instant::now();
            self.is_there = true;
            let percent = (progress.read * 100).checked_div(progress.of).unwrap_or(100);
            // Whoever does not look at it loses nothing.
            let _ = write!(err, "\r\x1b[K{what}: {percent} % of {} offsets", progress.of);
            let _ = err.flush();
        }
    }

    fn clear(&mut self, err: &mut dyn Write) {
        if std::mem::take(&mut self.is_there) {
            let _ = write!(err, "\r\x1b[K");
        }
    }
}

/// A text of records or headers, fit for a terminal: it may have been made to do something to it.
fn plain(text: &str) -> String {
    let shown = |character: char| -> String {
        if character.is_control() {
            character.escape_default().to_string()
        } else {
            character.to_string()
        }
    };
    text.chars().map(shown).collect()
}

/// Milliseconds since the epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
