//! The life of a pod, played with processes: what the chart gives a pod (its arguments, environment, volumes), the signals that a
//! kubelet sends, and the order in which a StatefulSet rolls.

use crate::harness::broker::shared;
use crate::harness::chart::Container;
use crate::harness::free_port;
use crate::harness::millstream::{Instance, TestTopology};
use crate::harness::random::Random;
use crate::harness::wait_until;
use crate::pipeline::Pipeline;
use std::collections::BTreeMap;
use std::time::Duration;

const REPLICAS: usize = 3;
const LIMIT: Duration = Duration::from_secs(120);

/// The pods of a release, each with a volume that outlives it.
struct StatefulSet<'p> {
    pipeline: &'p Pipeline,
    container: Container,
    volumes: tempfile::TempDir,
    pods: BTreeMap<usize, Instance>,
}

impl<'p> StatefulSet<'p> {
    fn new(pipeline: &'p Pipeline, values: &[&str]) -> Self {
        Self {
            pipeline,
            container: container(pipeline, values),
            volumes: tempfile::tempdir().expect("a temporary folder"),
            pods: BTreeMap::new(),
        }
    }

    fn start(&mut self, ordinal: usize) {
        let name = format!("millstream-{ordinal}");
        let volume = self.volumes.path().join(&name);
        std::fs::create_dir_all(&volume).expect("a volume");
        let http = format!("127.0.0.1:{}", free_port());
        let topology = &self.pipeline.topology;
        let command = self.container.command(&name, &volume, &topology.path(), &http);
        let instance = Instance::launch_command(command, &http, topology, &name);
        assert!(self.pods.insert(ordinal, instance).is_none(), "{name} runs already");
    }

    fn pod(&mut self, ordinal: usize) -> &mut Instance {
        self.pods.get_mut(&ordinal).expect("a pod that runs")
    }

    /// As the kubelet does: SIGTERM, and SIGKILL when the grace period is over, which must not be needed.
    fn terminate(&mut self, ordinal: usize) {
        let mut pod = self.pods.remove(&ordinal).expect("a pod that runs");
        let began = std::time::Instant::now();
        let status = pod.terminate();
        assert!(
            status.success(),
            "millstream-{ordinal} ended with {status}\n{}",
            pod.log()
        );
        assert!(
            began.elapsed() < self.container.grace_period,
            "it took {:?}",
            began.elapsed()
        );
    }

    /// Another revision of the pods, from the last to the first, each once the one before is ready.
    fn roll(&mut self, values: &[&str]) {
        self.container = container(self.pipeline, values);
        for ordinal in (0..REPLICAS).rev() {
            self.terminate(ordinal);
            self.start(ordinal);
            self.pod(ordinal).wait_ready();
        }
    }
}

fn container(pipeline: &Pipeline, values: &[&str]) -> Container {
    let brokers = format!("kafka.brokers={}", pipeline.brokers());
    Container::rendered(&[&[brokers.as_str()], values].concat())
}

#[test]
fn three_pods_that_are_rolled_under_load_lose_and_double_nothing_and_restore_nothing() {
    let mut random = Random::seeded("pods");
    // With the session's time-out as it is by default: a pod that is rolled is back before it is over, however busy the machine is.
    let pipeline = Pipeline::customers(TestTopology::customer_events("pods"), &shared().address());
    let load = pipeline.load("pods", 8_000, 200, &mut random);
    let mut set = StatefulSet::new(&pipeline, &["replicas=3"]);
    for ordinal in 0..REPLICAS {
        set.start(ordinal);
    }
    for ordinal in 0..REPLICAS {
        set.pod(ordinal).wait_ready();
    }
    let flow = pipeline.flow(&load.messages, Duration::from_secs(12));
    std::thread::sleep(Duration::from_secs(2));
    set.roll(&["replicas=3", "kafka.config.linger\\.ms=5"]);
    // A node that dies takes no leave: the pod comes back on its volume.
    set.pod(1).kill();
    set.pods.remove(&1);
    set.start(1);
    set.pod(1).wait_ready();
    flow.finish();
    pipeline.wait_done(&load, LIMIT);
    // One of them may have no store at all: there are four partitions, and other topics beside. Stores are counted once in a while.
    let mut total = |metric: &str| {
        (0..REPLICAS)
            .map(|ordinal| set.pod(ordinal).metric(metric))
            .sum::<u64>()
    };
    let owned = wait_until("the entries of all stores", LIMIT, || {
        match total("millstream_store_entries") {
            owned if owned == load.outcomes.len() as u64 => Ok(owned),
            owned => Err(format!("{owned} instead of {}", load.outcomes.len())),
        }
    });
    let restored = total("millstream_restore_records_total");
    assert!(restored < owned / 4, "{restored} records of {owned} were restored");
    for ordinal in 0..REPLICAS {
        set.terminate(ordinal);
    }
    pipeline.verify(&load);
}
