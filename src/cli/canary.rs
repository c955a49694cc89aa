//! `millstream canary`: one record through a running pipeline.

use super::connection::Connection;
use super::{Outcome, Output, Terminal, named};
use crate::broker::Broker;
use crate::broker::kafka::KafkaBroker;
use crate::ops::canary::{self, CanaryError};
use crate::yaml::parse_duration;
use serde_json::json;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Send one record through a running pipeline, and wait until it comes out
///
/// Wherever `{canary}` stands in the value, the key or a header, an id is put that no other record has. The record that has it where it
/// must come out is waited for. Exit code 1 where it does not come, or comes out as a dead letter. It is a real record: give it what
/// tells those who read the topic that it is none of theirs.
#[derive(clap::Args)]
pub(crate) struct Canary {
    #[command(flatten)]
    connection: Connection,
    /// The topic that it is sent to
    #[arg(long, value_name = "TOPIC")]
    to: String,
    /// The topic that it must come out of
    #[arg(long, value_name = "TOPIC")]
    from: String,
    /// The file with its value; `-`: the standard input
    #[arg(long, value_name = "FILE")]
    value: PathBuf,
    /// Its key. Default: none
    #[arg(long, value_name = "TEXT")]
    key: Option<String>,
    /// A header; may be given several times
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = named)]
    headers: Vec<(String, String)>,
    /// The topic of the dead letters, so that one is told at once, and why
    #[arg(long, value_name = "TOPIC")]
    dead_letters: Option<String>,
    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    timeout: Duration,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    parse_duration(text).ok_or("write a number and its unit, as in 500ms, 30s or 2m")
}

impl Canary {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let Some(settings) = self.connection.settings([], terminal)? else {
            return Ok(Outcome::Failed);
        };
        match self.value() {
            Ok(value) => self.with(&KafkaBroker::new(settings), value, terminal),
            Err(error) => {
                writeln!(terminal.err, "error: {}: {error}", self.value.display())?;
                Ok(Outcome::Failed)
            }
        }
    }

    fn value(&self) -> io::Result<String> {
        if self.value.as_os_str() != "-" {
            return std::fs::read_to_string(&self.value);
        }
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        Ok(text)
    }

    fn with(&self, broker: &dyn Broker, value: String, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let canary = canary::Canary {
            to: self.to.clone(),
            key: self.key.clone(),
            value,
            headers: self.headers.clone(),
            from: self.from.clone(),
            dead_letters: self.dead_letters.clone(),
            timeout: self.timeout,
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let id = format!("canary-{:x}-{:x}", since.as_nanos(), std::process::id());
        let flown = canary::fly(broker, &canary, &id);
        match (&flown, self.output) {
            (Ok(arrived), Output::Text) => writeln!(
                terminal.out,
                "{id} came out of {}[{}]@{} after {:.1} s",
                canary.from,
                arrived.partition,
                arrived.offset,
                arrived.after.as_secs_f64()
            )?,
            (Ok(arrived), Output::Json) => {
                let place = json!({"topic": canary.from, "partition": arrived.partition, "offset": arrived.offset});
                let document = json!({"id": id, "arrived": place, "seconds": arrived.after.as_secs_f64()});
                writeln!(terminal.out, "{document}")?;
            }
            (Err(error), Output::Json) if !matches!(error, CanaryError::Broker(_)) => {
                writeln!(
                    terminal.out,
                    "{}",
                    json!({"id": id, "arrived": null, "error": error.to_string()})
                )?;
            }
            (Err(_), _) => {}
        }
        match flown {
            Ok(_) => Ok(Outcome::Fine),
            Err(error) => {
                writeln!(terminal.err, "error: {id}: {error}")?;
                Ok(Outcome::Failed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::memory::MemoryBroker;
    use crate::cli::testing::printed;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        canary: Canary,
    }

    fn run(more: &[&str], value: &str) -> String {
        let broker = MemoryBroker::new(1);
        broker.create_topic("orders", 2).unwrap();
        let all = "canary --brokers nowhere --to orders --value - --from orders --timeout 2s";
        let line = Line::try_parse_from(all.split(' ').chain(more.iter().copied()));
        let command = line.unwrap_or_else(|error| panic!("{error}")).canary;
        printed(|terminal| command.with(&broker, value.to_owned(), terminal))
    }

    #[test]
    fn it_says_where_and_when_the_record_came_out() {
        let text = run(&[], "{\"id\": \"{canary}\"}");
        assert!(text.starts_with("canary-"), "{text}");
        assert!(
            text.contains(" came out of orders[") && text.contains("]@0 after "),
            "{text}"
        );
        assert!(text.ends_with(" s\nFine\n"), "{text}");
        let document = run(&["--output", "json"], "{canary}");
        assert!(document.starts_with("{\"id\":\"canary-"), "{document}");
        assert!(document.contains("\"arrived\":{\"topic\":\"orders\""), "{document}");
    }

    #[test]
    fn one_that_nobody_could_know_again_is_not_sent() {
        let text = run(&["--header", "id={canary}"], "{}");
        assert!(
            text.contains("{canary} is neither in the value nor in the key"),
            "{text}"
        );
        assert!(text.ends_with("Failed\n"), "{text}");
    }
}
