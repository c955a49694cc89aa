//! What an event costs: the shipped customer topology on a real broker, beside loops that only copy.
//!
//! `cargo bench --bench throughput -- --events 300000`
//!
//! Each variant is a process of its own, run on two topics of different sizes; what an event costs is the difference of
//! processor time (user and system) over the difference of events, so that starting up is taken out. The loops have the same
//! librdkafka settings as the program, from the program's own code.

#[path = "../../tests/harness/mod.rs"]
mod harness;
mod loops;
mod measure;
mod report;

use clap::{Parser, ValueEnum};
use harness::broker::Broker;
use harness::client::{Client, Message};
use harness::load::update_user;
use harness::millstream::{Instance, TestTopology};
use harness::random::Random;
use harness::{children, documents};
use measure::{Measured, Process, watch};
use report::Report;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PARTITIONS: i32 = 4;
const CUSTOMERS: u64 = 100_000;
/// One event in so many was sent before.
const DUPLICATE_ONE_IN: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Variant {
    /// Bytes in, bytes out.
    Copy,
    /// Parsed into structs and written again.
    Typed,
    /// The customer topology without a topic in the middle.
    Fused,
    /// The same with its state in memory.
    Memory,
    /// As it is shipped.
    Staged,
    /// Fused, by the program that `--other` names: what a change costs, round by round.
    Other,
}

impl Variant {
    pub fn name(self) -> &'static str {
        match self {
            Variant::Copy => "copy",
            Variant::Typed => "typed",
            Variant::Fused => "fused",
            Variant::Memory => "memory",
            Variant::Staged => "staged",
            Variant::Other => "other",
        }
    }

    pub fn describe(self) -> &'static str {
        match self {
            Variant::Copy => "bare transactional copy loop",
            Variant::Typed => "the same, typed serde_json in and out",
            Variant::Fused => "millstream, fused",
            Variant::Memory => "millstream, fused, its state in memory",
            Variant::Staged => "millstream, two stages",
            Variant::Other => "the program of --other, fused",
        }
    }
}

/// What an event costs: millstream on a real broker, beside loops that only copy.
#[derive(Parser)]
struct Arguments {
    /// Events of the larger topic; the smaller has a fifth.
    #[arg(long, default_value_t = 300_000)]
    events: u64,
    /// How often all is measured; the middle one counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Which to measure.
    #[arg(long, value_delimiter = ',', default_value = "copy,typed,fused,memory,staged")]
    only: Vec<Variant>,
    /// Another build of millstream, for the variant `other`.
    #[arg(long, value_name = "FILE", required_if_eq("only", "other"))]
    other: Option<PathBuf>,
    /// The results as JSON too.
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// As `cargo bench` adds it.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A topic that is filled and what must come of it.
struct Feed {
    topic: String,
    events: u64,
    /// Without those that were sent before.
    different: u64,
}

fn main() {
    // As the program itself.
    millstream::allocator::tune();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "loop") {
        loops::run(&arguments[1..]);
    }
    bench(&Arguments::parse());
}

fn bench(arguments: &Arguments) {
    let broker = Broker::start_with(&["-Xmx1g"]);
    let client = Client::new(broker.address());
    let feeds: Vec<Feed> = [arguments.events / 5, arguments.events]
        .iter()
        .map(|events| fill(&client, *events))
        .collect();

    let mut report = Report::new(arguments.events);
    for round in 0..arguments.rounds {
        for variant in &arguments.only {
            let measured: Vec<Measured> = feeds
                .iter()
                .map(|feed| measure(&broker, &client, *variant, arguments.other.as_deref(), feed, round))
                .collect();
            report.add(*variant, &measured[0], &measured[1]);
        }
    }
    println!("{}", report.table());
    if let Some(file) = &arguments.json {
        std::fs::write(file, report.json()).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

/// Updates of users, keyed by customer, one in ten sent before.
fn fill(client: &Client, events: u64) -> Feed {
    let topic = format!("feed.{events}");
    client.create_topic(&topic, PARTITIONS);
    let mut random = Random::new(7);
    let mut different = 0;
    let mut sent: Vec<(u64, u64)> = Vec::new();
    let mut chunk: Vec<Message> = Vec::new();
    for _ in 0..events {
        let earlier = sent.len() as u64;
        let (number, customer) = if earlier > 0 && random.one_in(DUPLICATE_ONE_IN) {
            // Most duplicates come soon after.
            let back = random.below(earlier.min(5_000)) + 1;
            sent[(earlier - back) as usize]
        } else {
            different += 1;
            (different, 1_000_000 + random.below(CUSTOMERS))
        };
        sent.push((number, customer));
        let customer = customer.to_string();
        // Ids as EventBridge gives them.
        let id = format!("{number:08x}-9b02-8c72-42ac-982553c0b8be");
        chunk.push(Message::new(
            &topic,
            Some(&customer),
            update_user(&id, &customer, "Brock"),
        ));
        if chunk.len() == 20_000 {
            client.produce(&chunk);
            chunk.clear();
        }
    }
    client.produce(&chunk);
    println!("{topic}: {events} events, {different} different");
    Feed {
        topic,
        events,
        different,
    }
}

fn measure(
    broker: &Broker,
    client: &Client,
    variant: Variant,
    other: Option<&Path>,
    feed: &Feed,
    round: usize,
) -> Measured {
    let brokers = broker.address();
    let name = format!("{}-{}-{round}", variant.name(), feed.events);
    let (output, expected, process) = match variant {
        Variant::Copy | Variant::Typed => {
            let output = format!("out.{name}");
            client.create_topic(&output, PARTITIONS);
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command
                .args(["loop", variant.name(), &brokers, &feed.topic, &output, &name])
                .stdin(Stdio::null());
            (output, feed.events, Process::Loop(children::start(command)))
        }
        Variant::Fused | Variant::Memory | Variant::Staged | Variant::Other => {
            let topology = match variant {
                Variant::Fused | Variant::Other => TestTopology::customer_events_fused(&name),
                Variant::Memory => TestTopology::customer_events_fused(&name)
                    .edit(|yaml| format!("{yaml}\nstate: {{stores: memory}}\n")),
                _ => TestTopology::customer_events(&name),
            };
            // All read the same topics, which are filled once.
            let (fused, staged) = (
                topology.topic("feed.customer-keyed"),
                topology.topic("feed.eventbridge"),
            );
            let topology = topology.edit(|yaml| yaml.replace(&fused, &feed.topic).replace(&staged, &feed.topic));
            for other in documents::FEEDS {
                client.create_topic(&topology.topic(other), PARTITIONS);
            }
            for table in documents::TABLES {
                client.create_topic_with(&topology.topic(table), 1, &[("cleanup.policy", "compact")]);
            }
            client.produce(&documents::table_rows(&topology));
            let outputs: Vec<String> = documents::outputs()
                .iter()
                .map(|output| topology.topic(output))
                .collect();
            client.create_topics(&outputs.iter().map(String::as_str).collect::<Vec<_>>(), PARTITIONS, &[]);
            let output = topology.topic("integration-dev");
            let instance = match other {
                Some(program) if variant == Variant::Other => {
                    Instance::launch(program, &topology, &brokers, "bench", &[])
                }
                _ => Instance::start(&topology, &brokers, "bench"),
            };
            (
                output,
                feed.different,
                Process::Millstream {
                    instance: Box::new(instance),
                    _folder: topology,
                },
            )
        }
    };
    let measured = watch(&brokers, &output, process, expected);
    let found = client.committed_count(&output) as u64;
    assert!(
        found == expected,
        "{name}: {found} records came out instead of {expected}"
    );
    println!(
        "{name}: {:.2} s of processor time, {:.2} s, first output after {:.2} s, {} MB at most",
        measured.cpu.as_secs_f64(),
        measured.wall.as_secs_f64(),
        measured.first_output.as_secs_f64(),
        measured.peak_kib / 1024
    );
    Measured {
        events: feed.events,
        ..measured
    }
}
