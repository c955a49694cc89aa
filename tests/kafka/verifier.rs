//! Kafka's own verdict. Apache Kafka tests the exactly-once of Kafka Streams with `StreamsEosTest`: a generator writes random
//! numbers to the topic `data`; an application copies them, and keeps minimum and sum of each key, and behind a topic in the
//! middle maximum and count; a verifier reads all of it and judges. Here millstream is the application.

use crate::crew::Crew;
use crate::harness::children;
use crate::harness::client::{Client, Message};
use crate::harness::cluster::{self, Cluster};
use crate::harness::millstream::TestTopology;
use crate::harness::node::{self, JavaOptions};
use crate::harness::random::Random;
use crate::harness::{log_folder, tail, wait_until};
use crate::pipeline::Pipeline;
use crate::scenario::{Size, Tally, check};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// As Kafka names them; the first is the input.
const TOPICS: [&str; 7] = ["data", "echo", "min", "sum", "repartition", "max", "cnt"];
const PARTITIONS: i32 = 5;
const OPTIONS: JavaOptions = &["-Xmx384m", "-XX:TieredStopAtLevel=1"];
const LIMIT: Duration = Duration::from_secs(180);

/// Kafka's test, set up on the cluster of three.
struct Exam {
    cluster: &'static Cluster,
    client: Client,
    folder: tempfile::TempDir,
    log: PathBuf,
}

impl Exam {
    /// The topics are made anew: their names are Kafka's, so is the group's. With its topics its offsets go.
    fn begin(name: &str) -> Self {
        let cluster = cluster::shared();
        let client = Client::new(cluster.address());
        client.delete_topics();
        wait_until("the topics of before to be gone", LIMIT, || {
            let left = client.topics().len();
            if left == 0 {
                Ok(())
            } else {
                Err(format!("{left} topics are left"))
            }
        });
        client.create_topics(&TOPICS, PARTITIONS, &[]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("log4j2.properties"), node::LOG4J).expect("the logging's properties");
        let log = log_folder().join(format!("verifier-{name}.log"));
        let _ = fs::remove_file(&log);
        Self {
            cluster,
            client,
            folder,
            log,
        }
    }

    /// Kafka's program with `command`, in the name of `name`, which gets a state folder of its own.
    fn program(&self, name: &str, command: &str) -> Command {
        let properties = self.folder.path().join(format!("{name}.properties"));
        let text = format!(
            "bootstrap.servers={}\nprocessing.guarantee=exactly_once_v2\nstate.dir={}\n",
            self.cluster.address(),
            self.folder.path().join(name).display()
        );
        fs::write(&properties, text).expect("the program's properties");
        let output = File::options().create(true).append(true).open(&self.log);
        let output = output.expect("the program's log");
        let mut program = node::java(self.folder.path(), OPTIONS);
        program
            .arg("org.apache.kafka.streams.tests.StreamsEosTest")
            .arg(&properties)
            .arg(command)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle of the log"))
            .stderr(output);
        program
    }

    fn generator(&self) -> Program {
        Program(children::start(self.program("generator", "run")))
    }

    /// Kafka's generator writes some 200 records a second, of 20 000 keys: too few for a key to come often. These are of the same
    /// shape, and their keys among Kafka's.
    fn more(&self, count: u32, random: &mut Random) -> Vec<Message> {
        let message = |random: &mut Random| {
            let (key, value) = (random.below(500).to_string(), random.below(10_000) as i32);
            Message::new("data", Some(&key), value.to_be_bytes())
        };
        (0..count).map(|_| message(random)).collect()
    }

    /// Waits until every record of `data` has come out of every topic; says how many there are.
    fn wait_done(&self) -> usize {
        let count = self.client.committed_count("data");
        for topic in &TOPICS[1..] {
            self.client.wait_committed(topic, count, LIMIT);
        }
        count
    }

    /// What Kafka's verifier says.
    fn judge(&self, count: usize) {
        for topic in TOPICS {
            assert_eq!(self.client.committed_count(topic), count, "records of {topic}");
        }
        let mut verifier = Program(children::start(self.program("verifier", "verify-complex")));
        let status = wait_until("the verifier to end", LIMIT, || {
            let status = verifier.0.try_wait().expect("the verifier's state");
            status.ok_or_else(|| "it runs".to_owned())
        });
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        assert!(
            status.success() && said.lines().any(|line| line == "ALL-RECORDS-DELIVERED"),
            "Kafka's verifier ended with {status}\n{}",
            tail(&self.log, 40)
        );
        println!("Kafka's verifier of {count} records: ALL-RECORDS-DELIVERED");
    }
}

/// Kafka's program; it does not outlive the test.
struct Program(Child);

impl Program {
    /// As an operator does.
    fn terminate(mut self) {
        children::signal(&self.0, libc::SIGTERM);
        wait_until("Kafka's program to end", LIMIT, || {
            let ended = self.0.try_wait().expect("the program's state");
            ended.map(|_| ()).ok_or_else(|| "it runs".to_owned())
        });
    }

    fn kill(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn kafkas_own_verifier_says_that_all_records_are_delivered() {
    check("kafkas-verifier", judged);
}

/// One instance first, killed and stopped; then three.
pub fn judged(random: &mut Random, size: Size) -> Tally {
    let exam = Exam::begin("millstream");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/topologies/kafka-eos");
    let topology = TestTopology::unchanged("kafka-eos", &folder)
        .kafka("session.timeout.ms", "6000")
        .kafka("heartbeat.interval.ms", "500");
    let pipeline = Pipeline::on(topology, &exam.cluster.address());
    let generator = exam.generator();
    let rounds: u64 = size.of(2, 8);
    let more = exam.more(size.of(20_000, 100_000), random);
    let flow = pipeline.flow(&more, Duration::from_secs(8 * rounds));
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&["a"]);
    for names in [&["a"][..], &["a", "b", "c"]] {
        for name in &names[1..] {
            crew.start(name);
        }
        crew.wait_ready();
        for round in 0..rounds {
            std::thread::sleep(Duration::from_millis(random.between(500, 3_000)));
            let name = names[random.below(names.len() as u64) as usize];
            if round % 2 == 0 {
                crew.kill(name);
            } else {
                crew.stop(name);
            }
            std::thread::sleep(Duration::from_millis(random.between(0, 1_000)));
            crew.start(name);
        }
    }
    flow.finish();
    generator.terminate();
    let count = exam.wait_done();
    let mut tally = crew.finish();
    exam.judge(count);
    tally.input += count as u64;
    tally.output += (count * (TOPICS.len() - 1)) as u64;
    tally
}

/// The exam itself is right if Kafka Streams passes it: three of its own clients, one of them killed, one stopped.
#[test]
#[ignore = "tests the test: Kafka's own client takes millstream's place"]
fn kafkas_own_client_passes_its_own_verifier() {
    let exam = Exam::begin("kafka-streams");
    let generator = exam.generator();
    let start = |name: &str| Program(children::start(exam.program(name, "process-complex")));
    let (a, b, c) = (start("a"), start("b"), start("c"));
    exam.client.wait_committed("cnt", 1_000, LIMIT);
    a.kill();
    let a = start("a");
    std::thread::sleep(Duration::from_secs(10));
    b.terminate();
    std::thread::sleep(Duration::from_secs(5));
    generator.terminate();
    let count = exam.wait_done();
    a.terminate();
    c.terminate();
    exam.judge(count);
}
