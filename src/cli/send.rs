//! `millstream send`: the lines of a file, or of the standard input, into a topic.

mod sending;

use super::connection::Connection;
use super::{Outcome, Output, Terminal, counted, named};
use crate::broker::kafka::KafkaBroker;
use crate::broker::{Broker, BrokerError};
use crate::expression::{Expression, Names};
use crate::yaml::{Kind, Mistake, Node, Place};
use sending::{Progress, Shape};
use serde_json::json;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Send the lines of a file to a topic
///
/// Each line is the value of one record, byte for byte without the line's end; empty lines are left out. Lines are written in their
/// order, idempotently and to all in-sync replicas; the first that can't be sent ends it, and is named. Ctrl-C ends it, too: what is
/// under way is written, and how many were written is said.
#[derive(clap::Args)]
pub(crate) struct Send {
    /// The topic; it must be there
    topic: String,
    /// The file; `-` or none: the standard input
    file: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
    /// Each record's key, an expression over the line as `event`: `event.id`. Default: none, and records go to any partition
    #[arg(long, value_name = "EXPRESSION")]
    key: Option<String>,
    /// A header of each record, a text or, after `= `, an expression: `env=dev`, `id== event.id`; may be given several times
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Take lines that are not JSON, too: then `event` is null
    #[arg(long)]
    raw: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Between two lines about how far it is.
const REPORT: Duration = Duration::from_secs(5);

fn header(text: &str) -> Result<(String, String), String> {
    named(text).map_err(|why| format!("{why}, or NAME== EXPRESSION, as in id== event.id"))
}

impl Send {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let Some(settings) = self.connection.settings([], terminal)? else {
            return Ok(Outcome::Failed);
        };
        let input: Box<dyn BufRead + std::marker::Send> = match &self.file {
            Some(file) if file.as_os_str() != "-" => match File::open(file) {
                Ok(file) => Box::new(BufReader::new(file)),
                Err(error) => {
                    writeln!(terminal.err, "error: {}: {error}", file.display())?;
                    return Ok(Outcome::Failed);
                }
            },
            _ => Box::new(BufReader::new(io::stdin())),
        };
        let interrupted = || async {
            if tokio::signal::ctrl_c().await.is_err() {
                // Then nobody can be told of it: the signal ends the process.
                std::future::pending::<()>().await;
            }
        };
        self.with(&KafkaBroker::new(settings), input, interrupted, terminal)
    }

    fn with<I: Future<Output = ()>>(
        &self,
        broker: &dyn Broker,
        input: Box<dyn BufRead + std::marker::Send>,
        interrupted: impl FnMut() -> I,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<Outcome> {
        let shape = match self.shape() {
            Ok(shape) => shape,
            Err(mistakes) => {
                for mistake in mistakes {
                    writeln!(terminal.err, "error: {}: {}", mistake.place, mistake.message)?;
                    if let Some(help) = mistake.help {
                        writeln!(terminal.err, "  help: {help}")?;
                    }
                }
                return Ok(Outcome::Failed);
            }
        };
        let writer = match self.topic_is_there(broker).and_then(|()| Ok(broker.writer()?)) {
            Ok(writer) => writer,
            Err(error) => {
                writeln!(terminal.err, "error: {error}")?;
                return Ok(Outcome::Failed);
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let began = Instant::now();
        let mut said = began;
        let err = &mut *terminal.err;
        let progress = runtime.block_on(sending::send(&shape, writer.as_ref(), input, interrupted, |progress| {
            if said.elapsed() >= REPORT {
                said = Instant::now();
                let text = written(progress, began.elapsed());
                // Whoever does not look at it loses nothing.
                let _ = writeln!(err, "{text}, {} under way", progress.under_way);
            }
        }));
        self.summary(&progress, began.elapsed(), terminal)
    }

    fn shape(&self) -> Result<Shape, Vec<Mistake>> {
        let names = Names::default();
        let key = self.key.as_deref().map(|text| {
            let text = text.strip_prefix("= ").unwrap_or(text);
            Expression::compile_all(text, &Place::start_of("--key"), &names)
        });
        let headers = self.headers.iter().map(|(name, value)| {
            let place = Place::start_of(&format!("--header {name}"));
            let node = Node::new(place, Kind::String(value.clone()));
            Ok((name.clone(), Expression::of_node(&node, &names)?))
        });
        Ok(Shape {
            topic: self.topic.clone(),
            key: key.transpose()?,
            headers: headers.collect::<Result<_, Vec<Mistake>>>()?,
            raw: self.raw,
        })
    }

    /// A topic that is not there would be waited for.
    fn topic_is_there(&self, broker: &dyn Broker) -> Result<(), Box<dyn std::error::Error>> {
        let found: Result<_, BrokerError> = broker.admin()?.partitions(&self.topic);
        match found? {
            Some(_) => Ok(()),
            None => Err(format!("there is no topic `{}`: create it first", self.topic).into()),
        }
    }

    fn summary(&self, progress: &Progress, took: Duration, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        for (line, why) in &progress.failed {
            writeln!(terminal.err, "error: line {line} was not written: {why}")?;
        }
        let more = progress.failures - progress.failed.len() as u64;
        if more > 0 {
            writeln!(terminal.err, "error: nor were {more} more")?;
        }
        if progress.under_way > 0 {
            let lines = progress.under_way;
            writeln!(
                terminal.err,
                "error: of {lines} more nobody knows whether Kafka has them"
            )?;
        }
        let is_fine = progress.failures == 0 && progress.under_way == 0 && !progress.interrupted;
        if !is_fine {
            writeln!(terminal.err, "note: lines after {} were not read", progress.line)?;
        }
        match self.output {
            Output::Json => {
                let failed = progress.failed.iter();
                let document = json!({
                    "topic": self.topic,
                    "written": progress.written,
                    "last_line": progress.line,
                    "failures": progress.failures,
                    "failed": failed.map(|(line, why)| json!({"line": line, "why": why})).collect::<Vec<_>>(),
                    "unknown": progress.under_way,
                    "interrupted": progress.interrupted,
                    "seconds": took.as_secs_f64(),
                });
                writeln!(terminal.out, "{document}")?;
            }
            Output::Text => writeln!(terminal.out, "{}", written(progress, took))?,
        }
        Ok(if is_fine { Outcome::Fine } else { Outcome::Failed })
    }
}

fn written(progress: &Progress, took: Duration) -> String {
    let count = usize::try_from(progress.written).unwrap_or(usize::MAX);
    let records = counted(count, "record", "records");
    let seconds = took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = progress.written as f64 / seconds.max(0.001);
    format!("{records} written in {seconds:.1} s, {rate:.0}/s")
}

#[cfg(test)]
mod tests;
