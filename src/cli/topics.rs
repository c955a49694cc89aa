//! `millstream topics`: what a topology needs of a cluster, and having it.

use super::cluster::Cluster;
use super::{Outcome, Output, Terminal, counted};
use crate::broker::Broker;
use crate::broker::kafka::KafkaBroker;
use crate::ops::topics::{self, Planned, Step, Wishes};
use crate::topology::Topology;
use serde_json::{Value, json};
use std::io;

/// Compare the topics that a topology needs with what a cluster has, and create them
///
/// Sources, tables, topics in the middle, changelogs, sinks and dead letters, with the partitions and settings that matter. Nothing is
/// ever deleted, narrowed or changed: what is there and not as it should be is said, with what a person can do.
#[derive(clap::Args)]
pub(crate) struct TopicsCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Plan(PlanTopics),
    Apply(ApplyTopics),
}

/// Say what would be created, and what a person must mend
///
/// Changes nothing. Exit code 1 where something is to be mended by hand.
#[derive(clap::Args)]
struct PlanTopics {
    #[command(flatten)]
    what: What,
}

/// Create what is missing
///
/// Topics that are read, too, which `run` refuses to create: look at the plan first, as one that is missing may be misspelt. Doing it
/// again does nothing.
#[derive(clap::Args)]
struct ApplyTopics {
    #[command(flatten)]
    what: What,
}

#[derive(clap::Args)]
struct What {
    #[command(flatten)]
    cluster: Cluster,
    /// Partitions of sources and tables that are missing; all else is as wide as what it comes from
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..=10_000))]
    partitions: i32,
    /// Copies of each topic that is created. Default: the cluster's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=64))]
    replication_factor: Option<i32>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl TopicsCommand {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let (what, is_apply) = match &self.command {
            Command::Plan(plan) => (&plan.what, false),
            Command::Apply(apply) => (&apply.what, true),
        };
        let Some((topology, settings)) = what.cluster.load(what.output, terminal)? else {
            return Ok(Outcome::Failed);
        };
        let broker = KafkaBroker::new(settings);
        what.with(&topology, &broker, is_apply, terminal)
    }
}

impl What {
    fn with(
        &self,
        topology: &Topology,
        broker: &dyn Broker,
        is_apply: bool,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<Outcome> {
        let wishes = Wishes {
            partitions: self.partitions,
            replication: self.replication_factor,
        };
        let planned = match topics::plan(broker, topology, wishes) {
            Ok(planned) => planned,
            Err(error) => return failed(&error.to_string(), terminal),
        };
        let done = if is_apply {
            topics::apply(broker, &planned, wishes)
        } else {
            Ok(())
        };
        let is_done = is_apply && done.is_ok();
        match self.output {
            Output::Text => planned
                .iter()
                .try_for_each(|planned| print(planned, is_done, terminal))?,
            Output::Json => {
                let list: Vec<Value> = planned.iter().map(as_json).collect();
                writeln!(terminal.out, "{}", json!({"applied": is_done, "topics": list}))?;
            }
        }
        if let Err(error) = done {
            return failed(&format!("{error}; running it again goes on"), terminal);
        }
        let by_hand = planned
            .iter()
            .filter(|planned| matches!(planned.step, Step::ByHand(_)))
            .count();
        if by_hand > 0 {
            let topics = counted(by_hand, "topic is", "topics are");
            return failed(&format!("{topics} to be mended by hand"), terminal);
        }
        Ok(Outcome::Fine)
    }
}

fn print(planned: &Planned, is_done: bool, terminal: &mut Terminal<'_>) -> io::Result<()> {
    let topic = &planned.topic;
    let out = &mut terminal.out;
    write!(out, "{} ({}", topic.name, topic.role.name())?;
    if topic.of != topic.role.name() && topic.of != "dead_letters" {
        write!(out, " {}", topic.of)?;
    }
    let partitions = |count: &i32| counted(usize::try_from(*count).unwrap_or(0), "partition", "partitions");
    match &planned.step {
        Step::There { partitions: count } => writeln!(out, "): there, {}", partitions(count)),
        Step::Create(state) => {
            let word = if is_done { "created" } else { "create" };
            let settings: String = state
                .settings
                .iter()
                .map(|(name, value)| format!(", {name}={value}"))
                .collect();
            writeln!(out, "): {word}, {}{settings}", partitions(&state.partitions))
        }
        Step::ByHand(wrong) => {
            writeln!(out, "): by hand")?;
            wrong.iter().try_for_each(|wrong| {
                let (what, found, expected) = (wrong.what, &wrong.found, &wrong.expected);
                writeln!(out, "  {what} is {found}, and must be {expected}: {}", wrong.remedy)
            })
        }
    }
}

fn as_json(planned: &Planned) -> Value {
    let topic = &planned.topic;
    let mut line = json!({"topic": topic.name, "role": topic.role.name(), "of": topic.of});
    let more = match &planned.step {
        Step::There { partitions } => json!({"action": "none", "partitions": partitions}),
        Step::Create(state) => {
            let settings: serde_json::Map<String, Value> = state
                .settings
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            json!({"action": "create", "partitions": state.partitions, "settings": settings})
        }
        Step::ByHand(wrong) => {
            let wrong = wrong.iter().map(|wrong| {
                json!({"what": wrong.what, "found": wrong.found, "expected": wrong.expected, "remedy": wrong.remedy})
            });
            json!({"action": "by_hand", "wrong": wrong.collect::<Vec<_>>()})
        }
    };
    if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
        line.extend(more);
    }
    line
}

fn failed(error: &str, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
    writeln!(terminal.err, "error: {error}")?;
    Ok(Outcome::Failed)
}
