//! A real Kafka of three brokers: everything is kept three times, and a write counts when two have it. One node may be away.

use super::node::{JavaOptions, Node, Ports};
use super::{children, free_port, wait_until};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub const NODES: usize = 3;
/// Small and soon warm: three of them share a small machine with what they serve.
const OPTIONS: JavaOptions = &["-Xmx320m", "-XX:TieredStopAtLevel=1"];
/// How long nodes that came back may take to have everything again.
const WHOLE_LIMIT: Duration = Duration::from_secs(120);

pub struct Cluster {
    pub nodes: Vec<Node>,
}

static SHARED: OnceLock<Cluster> = OnceLock::new();

/// [`shared`], if any test has asked for it.
pub fn started() -> Option<&'static Cluster> {
    SHARED.get()
}

/// The cluster that all tests of this binary share. Whole when it is handed out.
pub fn shared() -> &'static Cluster {
    extern "C" fn end() {
        if let Some(cluster) = SHARED.get() {
            cluster.nodes.iter().for_each(Node::destroy);
        }
    }
    let cluster = SHARED.get_or_init(|| {
        let cluster = Cluster::start();
        children::at_exit(end);
        cluster
    });
    cluster.mend();
    cluster
}

impl Cluster {
    pub fn start() -> Self {
        let began = Instant::now();
        let mut last_failure = String::new();
        for _ in 0..3 {
            match Self::try_start() {
                Ok(cluster) => {
                    println!("three brokers are up after {:.1} s", began.elapsed().as_secs_f64());
                    return cluster;
                }
                Err(failure) => last_failure = failure,
            }
        }
        panic!("Kafka did not start: {last_failure}");
    }

    fn try_start() -> Result<Self, String> {
        let ports: Vec<Ports> = (0..NODES)
            .map(|_| Ports {
                clients: free_port(),
                controller: free_port(),
            })
            .collect();
        let nodes = std::thread::scope(|scope| {
            let launching: Vec<_> = (1..=NODES)
                .map(|id| {
                    let ports = &ports;
                    scope.spawn(move || Node::launch(id, ports, OPTIONS))
                })
                .collect();
            let launched = launching.into_iter().map(|thread| thread.join().expect("a launch"));
            launched.collect::<Result<Vec<Node>, String>>()
        })?;
        let cluster = Self { nodes };
        for node in &cluster.nodes {
            node.wait_up(NODES)?;
        }
        Ok(cluster)
    }

    /// All of them, for clients.
    pub fn address(&self) -> String {
        let addresses: Vec<String> = self.nodes.iter().map(Node::address).collect();
        addresses.join(",")
    }

    /// Brings back what a failed test left behind, so that the next one does not fail for it.
    fn mend(&self) {
        for node in &self.nodes {
            node.resume_or_relaunch();
        }
        self.wait_whole();
    }

    /// Waits until every partition has a leader and all of its copies are in sync.
    pub fn wait_whole(&self) {
        for node in &self.nodes {
            node.wait_up(NODES)
                .unwrap_or_else(|failure| panic!("Kafka did not come back: {failure}"));
        }
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.address())
            .set("log_level", "0")
            .create()
            .expect("a client");
        wait_until("all copies to be in sync", WHOLE_LIMIT, || {
            let metadata = consumer
                .fetch_metadata(None, Duration::from_secs(5))
                .map_err(|error| error.to_string())?;
            let topics = metadata.topics().iter();
            let behind = topics
                .flat_map(|topic| topic.partitions())
                .filter(|partition| partition.leader() < 0 || partition.isr().len() < partition.replicas().len())
                .count();
            if behind == 0 {
                Ok(())
            } else {
                Err(format!("{behind} partitions are not"))
            }
        });
    }
}
