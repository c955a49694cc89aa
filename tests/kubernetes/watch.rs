//! What is seen of a stage while it scales.

use crate::cluster::{Namespace, RELEASE};
use crate::harness::client::{Client, offsets};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The consumer group of the shipped topology.
pub const GROUP: &str = "customer-events";
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub at: Duration,
    /// Pods that whoever scales asks for.
    pub wanted: u64,
    pub ready: u64,
    /// Records that Kafka has and the group has not committed.
    pub lag: i64,
}

/// All samples, oldest first.
pub struct Seen(Vec<Sample>);

impl Seen {
    pub fn most_wanted(&self) -> u64 {
        self.0.iter().map(|sample| sample.wanted).max().unwrap_or(0)
    }

    pub fn most_lag(&self) -> i64 {
        self.0.iter().map(|sample| sample.lag).max().unwrap_or(0)
    }
}

fn line(sample: &Sample, remark: &str) {
    let Sample { at, wanted, ready, lag } = sample;
    println!(
        "{:>4} s: {wanted} pods wanted, {ready} ready, {lag} records of lag{remark}",
        at.as_secs()
    );
}

/// Looks every second, for as long as `during` takes, at the release's stage and its lag of a topic; prints a line whenever the number of pods is
/// another one.
pub fn watched(namespace: &Namespace, brokers: &str, topic: &str, during: impl FnOnce()) -> Seen {
    let over = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let looks = scope.spawn(|| {
            let mut samples: Vec<Sample> = Vec::new();
            let start = Instant::now();
            while !over.load(Ordering::Relaxed) {
                let sample = look(namespace, brokers, topic, start);
                let pods = |sample: &Sample| (sample.wanted, sample.ready);
                if samples.last().map(pods) != Some(pods(&sample)) {
                    line(&sample, "");
                }
                samples.push(sample);
                std::thread::sleep(PAUSE);
            }
            samples
        });
        // However it ends: the scope waits for the thread.
        let _ended = Ended(&over);
        during();
        over.store(true, Ordering::Relaxed);
        looks.join().expect("the looks")
    });
    if let Some(most) = seen.iter().max_by_key(|sample| sample.lag) {
        line(most, ", the most");
    }
    Seen(seen)
}

struct Ended<'o>(&'o AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn look(namespace: &Namespace, brokers: &str, topic: &str, start: Instant) -> Sample {
    let stage = namespace.get(&format!("statefulset/{RELEASE}-main"));
    Sample {
        at: start.elapsed(),
        wanted: stage["spec"]["replicas"].as_u64().unwrap_or(0),
        ready: stage["status"]["readyReplicas"].as_u64().unwrap_or(0),
        lag: lag(brokers, topic),
    }
}

/// Of a topic that nobody writes to in transactions: markers would count.
pub fn lag(brokers: &str, topic: &str) -> i64 {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("log_level", "3");
    config.set("group.id", "millstream-test-verifier");
    let consumer: BaseConsumer = config.create().expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10));
    let metadata = metadata.expect("the topic's metadata");
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    let ends = partitions.map(|partition| offsets(&consumer, topic, partition.id()).1);
    ends.sum::<i64>() - Client::new(brokers).group_progress(GROUP, topic)
}

/// Whether an autoscaler knows its metric, and what it says otherwise.
pub fn active(namespace: &Namespace, autoscaler: &str) -> Result<(), String> {
    let status = "jsonpath={range .status.conditions[?(@.type=='ScalingActive')]}{.status} {.reason} {.message}{end}";
    let said = namespace.try_kubectl(&["get", "hpa", autoscaler, "--output", status], None)?;
    if said.starts_with("True ValidMetricFound") {
        Ok(())
    } else {
        Err(said)
    }
}
