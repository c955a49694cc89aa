//! `millstream demo`: the shipped topology on a Kafka in this process, fed with every sample event.

mod samples;
mod show;
mod traffic;
mod watch;

use super::{Outcome, Output, Terminal};
use crate::broker::kafka::MockKafka;
use crate::broker::{Broker, BrokerError, Outgoing, Producer, ProducerSettings};
use crate::engine::{Backends, Counts, Engine, EngineError, Schemas, Topics, WorkerSettings};
use crate::observe::Traces;
use crate::state::MemoryStores;
use crate::topology::{self, Role, Selection, Topology};
use crate::yaml::Mistake;
use samples::Sample;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use watch::Watch;

/// Watch the shipped topology at work, without any server
///
/// Starts a Kafka in this process (librdkafka's mock cluster), plays every sample event into the feed topics, with duplicates
/// and a broken one, runs the real engine on them, and prints what arrives where.
#[derive(clap::Args)]
pub(crate) struct Demo {
    /// Go on with generated traffic until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// Events a second of the generated traffic
    #[arg(long, value_name = "N", requires = "keep", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// How to print the summary
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error("the embedded topology has mistakes: {}", .0.iter().map(|m| format!("{}: {}", m.place, m.message)).collect::<Vec<_>>().join("; "))]
    Topology(Vec<Mistake>),
    #[error("{0}")]
    Sample(String),
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("not everything has arrived within a minute: {0}")]
    Late(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

const PATIENCE: Duration = Duration::from_secs(60);
const PARTITIONS: i32 = 2;

impl Demo {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        match self.play(terminal) {
            Ok(outcome) => Ok(outcome),
            Err(DemoError::Io(error)) => Err(error),
            Err(error) => {
                writeln!(terminal.err, "error: {error}")?;
                Ok(Outcome::Failed)
            }
        }
    }

    fn play(&self, terminal: &mut Terminal<'_>) -> Result<Outcome, DemoError> {
        let folder = Folder::extract()?;
        let topology = topology::load(&folder.0, terminal.environment).map_err(DemoError::Topology)?;
        let samples = samples::all()?;
        let mock = MockKafka::start()?;
        let topics = create_topics(&mock, &topology)?;
        let talk = self.output == Output::Text;
        if talk {
            show::begin(terminal, &topology, &samples)?;
        }
        let broker = mock.broker();
        let mut producer = broker.producer(&ProducerSettings { transactional_id: None })?;
        for row in samples::rows()? {
            row.send(producer.as_mut())?;
        }
        producer.flush(PATIENCE)?;
        let started = Instant::now();
        let settings = WorkerSettings::new("demo", 0, Duration::from_millis(50));
        let selection = Selection::all(&topology);
        let engine = Engine::start(
            topology,
            Backends {
                broker: Box::new(mock.broker()),
                stores: Box::new(MemoryStores),
                schemas: Schemas::none(),
                traces: Traces::off(),
            },
            Topics::AsTheyAre,
            selection,
            1,
            &settings,
        )?;
        for sample in &samples {
            sample.send(producer.as_mut())?;
        }
        producer.flush(PATIENCE)?;
        let mut watch = Watch::start(&broker, topics)?;
        while !all_arrived(&engine, &watch, samples.len()) {
            watch.poll(&mut |arrived| if talk { show::arrival(terminal, arrived) } else { Ok(()) })?;
            if engine.is_stopping() || started.elapsed() > PATIENCE {
                engine.stop();
                let seen = format!("{} of the outputs of {} records", watch.arrived().len(), samples.len());
                engine.join()?;
                return Err(DemoError::Late(seen));
            }
        }
        let counts = totals(&engine);
        let summary = show::Summary::new(&samples, &watch, &counts, engine.status(), started.elapsed());
        match self.output {
            Output::Text => summary.print(terminal)?,
            Output::Json => writeln!(terminal.out, "{}", summary.json())?,
        }
        if self.keep {
            traffic::play(&engine, producer.as_mut(), &samples, self.rate, terminal)?;
        }
        engine.stop();
        engine.join()?;
        Ok(if summary.adds_up() {
            Outcome::Fine
        } else {
            Outcome::Failed
        })
    }
}

impl Sample {
    /// Writes it to the mock cluster.
    fn send(&self, producer: &mut dyn Producer) -> Result<(), BrokerError> {
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| crate::record::Header {
                name,
                value: Some(value.as_bytes()),
            })
            .collect();
        producer.send(Outgoing {
            topic: &self.topic,
            partition: None,
            key: self.key.as_ref().map(String::as_bytes),
            value: Some(&self.value),
            headers: &headers,
            timestamp: None,
        })
    }
}

/// Creates every topic of the plan; the ones whose records are watched.
fn create_topics(mock: &MockKafka, topology: &Topology) -> Result<Vec<String>, DemoError> {
    let plan = topology.plan();
    for topic in &plan.topics {
        mock.create_topic(&topic.name, PARTITIONS)?;
    }
    let watched = |role: Role| matches!(role, Role::Sink | Role::DeadLetters);
    Ok(plan
        .topics
        .into_iter()
        .filter(|topic| watched(topic.role))
        .map(|topic| topic.name)
        .collect())
}

fn totals(engine: &Engine) -> Counts {
    let mut counts = Counts::default();
    for worker in engine.status().workers().into_iter().flatten() {
        counts.add(&worker.counts);
    }
    counts
}

/// Every record in was read, what was passed on was read too, and everything written was seen here.
fn all_arrived(engine: &Engine, watch: &Watch, sent: usize) -> bool {
    let counts = totals(engine);
    let names = &engine.status().names;
    let produced_to = |topic: &str| {
        names
            .topics
            .iter()
            .zip(&counts.produced)
            .filter(|(name, _)| *name == topic)
            .map(|(_, count)| *count)
            .sum::<u64>()
    };
    let mut between = 0;
    let mut consumed_between = 0;
    let mut consumed = 0;
    for ((_, topic), count) in names.entries.iter().zip(&counts.consumed) {
        if names.topics.contains(topic) {
            between += produced_to(topic);
            consumed_between += count;
        } else {
            consumed += count;
        }
    }
    let outputs: u64 = counts.produced.iter().sum::<u64>() - between;
    consumed == sent as u64 && consumed_between == between && watch.arrived().len() as u64 == outputs
}

/// The embedded topology, laid out in a folder that goes with the demo.
struct Folder(PathBuf);

impl Folder {
    fn extract() -> io::Result<Self> {
        let folder = Self(std::env::temp_dir().join(format!("millstream-demo-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0)?;
        samples::TOPOLOGY.extract(&folder.0)?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
