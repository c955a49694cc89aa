//! `millstream reset`: an application that does not run begins anew.

use super::asking::{Asking, Consent, Decision};
use super::cluster::Cluster;
use super::{Outcome, Output, Terminal, counted};
use crate::broker::Broker;
use crate::broker::kafka::KafkaBroker;
use crate::ops::reset::{self, Positions, ResetError, Steps, Target, Touched};
use crate::state::{StateError, Stopped};
use crate::topology::Topology;
use serde_json::json;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Begin anew: read the sources from a chosen position, with empty state
///
/// The group must have no members: stop every instance first. Sets the group's offsets in all source topics; deletes the changelogs
/// and the topics in the middle (of `repartition`), which the next start creates anew; deletes state on disk. Sinks, dead letters
/// and tables are left as they are, so what comes out again is written again. One that failed half-way is finished by running it
/// again, and nobody can start the application in between.
#[derive(clap::Args)]
pub(crate) struct ResetCommand {
    #[command(flatten)]
    cluster: Cluster,
    /// Where the sources are read from: `earliest`, `latest`, or the first record since a time, as 2024-05-22T05:55:57Z. Default:
    /// earliest
    #[arg(long, value_name = "POSITION")]
    to: Option<Target>,
    /// Offsets to read partitions from: `topic:partition=offset`, several separated by commas, or a file of such lines. Without
    /// `--to`, every partition of the sources must have one
    #[arg(long, value_name = "OFFSETS|FILE")]
    offsets: Option<String>,
    /// Where state is kept on this machine
    #[arg(
        long,
        value_name = "DIR",
        env = "MILLSTREAM_STATE_DIR",
        default_value = "millstream-state"
    )]
    state_dir: PathBuf,
    /// Delete the state of this instance only. Default: of every instance in the state folder
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    #[command(flatten)]
    consent: Consent,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl ResetCommand {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let Some((topology, settings)) = self.cluster.load(self.output, terminal)? else {
            return Ok(Outcome::Failed);
        };
        let session = settings.session_timeout();
        let broker = KafkaBroker::new(settings);
        Asking::with(|asking| self.with(&topology, &broker, session, asking, terminal))
    }

    fn with(
        &self,
        topology: &Topology,
        broker: &dyn Broker,
        session: Duration,
        asking: &mut Asking<'_>,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<Outcome> {
        let looked = self.look(topology, broker, session);
        let (steps, state) = match looked {
            Ok(looked) => looked,
            Err(error) => return failed(error.as_ref(), terminal),
        };
        if self.output == Output::Text {
            self.print(&steps, &state, terminal)?;
        }
        let folders: Vec<PathBuf> = state.iter().map(|state| state.path().to_owned()).collect();
        let decision = self.consent.decide(&question(&steps), asking, terminal)?;
        if decision == Decision::Agreed
            && let Err(error) = self.carry_out(&steps, broker, session, state)
        {
            return failed(&error, terminal);
        }
        let done = decision == Decision::Agreed;
        match self.output {
            Output::Json => writeln!(terminal.out, "{}", as_json(&steps, &folders, done))?,
            Output::Text if done => writeln!(terminal.out, "done")?,
            Output::Text => {}
        }
        Ok(if decision == Decision::Declined {
            Outcome::Failed
        } else {
            Outcome::Fine
        })
    }

    fn look(
        &self,
        topology: &Topology,
        broker: &dyn Broker,
        session: Duration,
    ) -> Result<(Steps, Vec<Stopped>), Box<dyn Error>> {
        let positions = Positions {
            target: self.to,
            offsets: self.named_offsets()?,
        };
        let steps = Steps::look(broker, topology, &positions, session)?;
        let application = &topology.application;
        let instances = match &self.instance {
            Some(instance) => vec![instance.clone()],
            None => Stopped::instances(&self.state_dir, application)?,
        };
        let mut state = Vec::new();
        for instance in instances {
            state.extend(Stopped::open(&self.state_dir, application, &instance)?);
        }
        Ok((steps, state))
    }

    fn named_offsets(&self) -> Result<std::collections::BTreeMap<crate::broker::TopicPartition, i64>, String> {
        let Some(named) = &self.offsets else {
            return Ok(Default::default());
        };
        if named.contains('=') {
            return reset::offsets(named);
        }
        let text = std::fs::read_to_string(named).map_err(|error| {
            format!("{named} is neither offsets, as orders:0=42, nor a file that can be read: {error}")
        })?;
        reset::offsets(&text).map_err(|error| format!("{named}: {error}"))
    }

    fn carry_out(
        &self,
        steps: &Steps,
        broker: &dyn Broker,
        session: Duration,
        state: Vec<Stopped>,
    ) -> Result<(), ResetError> {
        steps.carry_out(broker, session, &mut || {
            state
                .iter()
                .try_for_each(|state| -> Result<(), StateError> { state.remove() })
        })
    }

    fn print(&self, steps: &Steps, state: &[Stopped], terminal: &mut Terminal<'_>) -> io::Result<()> {
        let out = &mut *terminal.out;
        let would = if self.consent.dry_run { "would be " } else { "" };
        writeln!(out, "offsets of group {} {would}set", steps.group)?;
        for change in &steps.offsets {
            let (topic, partition) = (&change.partition.topic, change.partition.partition);
            let from = change.from.map_or_else(|| "none".to_owned(), |from| from.to_string());
            writeln!(out, "  {topic} partition {partition}: {from} → {}", change.to)?;
        }
        topics(
            out,
            &format!("topics {would}deleted, and created anew by the next start"),
            &steps.delete,
        )?;
        if !state.is_empty() {
            writeln!(out, "state {would}deleted")?;
        }
        for state in state {
            writeln!(out, "  {}", state.path().display())?;
        }
        topics(out, "topics left as they are", &steps.leave)?;
        if state.is_empty() {
            let folder = self.state_dir.display();
            writeln!(terminal.err, "note: there is no state of {} in {folder}", steps.group)?;
        }
        writeln!(
            terminal.err,
            "note: state that other machines keep is not reached from here: delete it there before the next start"
        )
    }
}

fn topics(out: &mut dyn Write, title: &str, topics: &[Touched]) -> io::Result<()> {
    if !topics.is_empty() {
        writeln!(out, "{title}")?;
    }
    for topic in topics {
        writeln!(out, "  {} ({}, {})", topic.topic, topic.role.name(), topic.of)?;
    }
    Ok(())
}

fn failed(error: &(dyn Error + 'static), terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
    writeln!(terminal.err, "error: {error}")?;
    Ok(Outcome::Failed)
}

fn question(steps: &Steps) -> String {
    let partitions = counted(steps.offsets.len(), "offset", "offsets");
    let topics = counted(steps.delete.len(), "topic", "topics");
    format!("Set {partitions}, delete {topics} and the state of {}?", steps.group)
}

fn as_json(steps: &Steps, state: &[PathBuf], done: bool) -> serde_json::Value {
    let offsets: Vec<_> = steps
        .offsets
        .iter()
        .map(|change| {
            json!({
                "topic": change.partition.topic,
                "partition": change.partition.partition,
                "from": change.from,
                "to": change.to,
            })
        })
        .collect();
    let topics = |topics: &[Touched]| -> Vec<_> {
        let topic = |topic: &Touched| json!({"topic": topic.topic, "role": topic.role.name(), "of": topic.of});
        topics.iter().map(topic).collect()
    };
    let folders: Vec<_> = state.iter().map(|folder| folder.display().to_string()).collect();
    json!({
        "group": steps.group,
        "done": done,
        "offsets": offsets,
        "delete": topics(&steps.delete),
        "delete_state": folders,
        "leave": topics(&steps.leave),
    })
}

#[cfg(test)]
mod tests;
