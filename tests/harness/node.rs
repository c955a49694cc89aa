//! One process of Kafka: a KRaft node (broker and controller) on ports of its own, in a folder of its own. It can be killed,
//! stopped, stalled and brought back with its data on the same ports.

use super::{children, log_folder, tail};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// With Kafka Streams' own test classes; the folder of `./test --fetch` is named so.
const JARS: &str = "target/test-tools/kafka-4.1.1-streams";
/// Of an address that others reach: a listener with passwords asks for its name at every log-in, for seconds where no DNS answers.
const HOSTS: &str = "hosts";
const CLUSTER_ID: &str = "bWlsbHN0cmVhbS10ZXN0cw";
pub const START_LIMIT: Duration = Duration::from_secs(90);
/// A clean stop hands leaderships over and closes logs.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// Options of a Java machine: its heap, how much it compiles.
pub type JavaOptions = &'static [&'static str];

/// What a node has beyond what all have.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// Listeners for clients: name, port, protocol.
    pub listeners: Vec<(&'static str, u16, &'static str)>,
    /// Lines of its settings.
    pub properties: String,
    /// Users of SCRAM-SHA-512 and their passwords.
    pub scram: Vec<(&'static str, &'static str)>,
}

/// Where a node listens.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub clients: u16,
    pub controller: u16,
}

pub struct Node {
    child: Mutex<Child>,
    folder: PathBuf,
    ports: Ports,
    log: PathBuf,
    options: JavaOptions,
}

impl Node {
    /// Formats the storage of node `id` (from 1) of a cluster of `all`, and launches it; [`Node::wait_up`] waits for it.
    pub fn launch(id: usize, all: &[Ports], options: JavaOptions) -> Result<Self, String> {
        Self::launch_with(id, all, options, &Extra::default())
    }

    /// As [`Node::launch`], with more listeners.
    pub fn launch_with(id: usize, all: &[Ports], options: JavaOptions, extra: &Extra) -> Result<Self, String> {
        sweep();
        let ports = all[id - 1];
        let folder = std::env::temp_dir().join(format!("millstream-kafka-{}-{}", std::process::id(), ports.clients));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let properties = folder.join("server.properties");
        fs::write(&properties, server_properties(id, all, &folder.join("data"), extra))
            .map_err(|error| error.to_string())?;
        fs::write(folder.join("log4j2.properties"), LOG4J).map_err(|error| error.to_string())?;
        let host = super::host();
        if host.parse::<IpAddr>().is_ok_and(|address| !address.is_loopback()) {
            let names = format!("127.0.0.1 localhost\n{host} broker\n");
            fs::write(folder.join(HOSTS), names).map_err(|error| error.to_string())?;
        }

        let format = java(&folder, options)
            .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
            .arg(&properties)
            .args(extra.scram.iter().flat_map(|(user, password)| {
                let user = format!("SCRAM-SHA-512=[name={user},password={password}]");
                ["--add-scram".to_owned(), user]
            }))
            .output()
            .map_err(|error| format!("cannot run java: {error}; `./test --fetch` installs it"))?;
        if !format.status.success() {
            let _ = fs::remove_dir_all(&folder);
            return Err(format!(
                "formatting the storage failed: {}",
                String::from_utf8_lossy(&format.stderr)
            ));
        }
        let log = log_folder().join(format!("kafka-{}-{}.log", std::process::id(), ports.clients));
        let child = Mutex::new(start(&folder, &log, options));
        Ok(Self {
            child,
            folder,
            ports,
            log,
            options,
        })
    }

    /// `host:port`, for clients.
    pub fn address(&self) -> String {
        format!("{}:{}", super::host(), self.ports.clients)
    }

    pub fn id(&self) -> u32 {
        self.child.lock().expect("the broker's process").id()
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until it answers and knows of so many brokers.
    pub fn wait_up(&self, brokers: usize) -> Result<(), String> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if let Ok(Some(status)) = self.child.lock().expect("the broker's process").try_wait() {
                return Err(format!("it ended with {status}\n{}", tail(&self.log, 40)));
            }
            if known_brokers(&self.address()) >= brokers {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("no answer within {START_LIMIT:?}\n{}", tail(&self.log, 40)));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends it as a power cut would.
    pub fn kill(&self) {
        let mut child = self.child.lock().expect("the broker's process");
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Ends it as an operator would.
    pub fn stop(&self) {
        let mut child = self.child.lock().expect("the broker's process");
        children::signal(&child, libc::SIGTERM);
        super::wait_until("the broker to stop", STOP_LIMIT, || {
            let status = child.try_wait().expect("the broker's state");
            status.ok_or_else(|| "it runs".to_owned())
        });
    }

    /// Stalls it: its connections stay, its answers don't come.
    pub fn pause(&self) {
        children::signal(&self.child.lock().expect("the broker's process"), libc::SIGSTOP);
    }

    pub fn resume(&self) {
        children::signal(&self.child.lock().expect("the broker's process"), libc::SIGCONT);
    }

    /// Brings it back after [`Node::kill`] or [`Node::stop`]. Does not wait for it.
    pub fn relaunch(&self) {
        *self.child.lock().expect("the broker's process") = start(&self.folder, &self.log, self.options);
    }

    /// Whatever a test did to it: afterwards it runs.
    pub fn resume_or_relaunch(&self) {
        let ended = self.child.lock().expect("the broker's process").try_wait();
        match ended.expect("the broker's state") {
            None => self.resume(),
            Some(_) => self.relaunch(),
        }
    }

    pub fn destroy(&self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.destroy();
        if std::thread::panicking() {
            eprintln!("the broker's log: {}", self.log.display());
        }
    }
}

/// How many brokers the one at `address` knows of; 0 when it does not answer.
fn known_brokers(address: &str) -> usize {
    // A port that refuses needs no client (and no line of one on standard error).
    if std::net::TcpStream::connect(address).is_err() {
        return 0;
    }
    let consumer: Result<BaseConsumer, _> = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("log_level", "0")
        .create();
    consumer
        .and_then(|consumer| consumer.fetch_metadata(None, Duration::from_secs(2)))
        .map_or(0, |metadata| metadata.brokers().len())
}

fn start(folder: &Path, log: &Path, options: JavaOptions) -> Child {
    let output = File::options()
        .create(true)
        .append(true)
        .open(log)
        .expect("the broker's log");
    let mut command = java(folder, options);
    command
        .arg("kafka.Kafka")
        .arg(folder.join("server.properties"))
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a second handle of the log"))
        .stderr(output);
    children::start(command)
}

/// Java with Kafka's classes and the logging of `log4j2.properties` in `folder`.
pub fn java(folder: &Path, options: JavaOptions) -> Command {
    let jars = Path::new(env!("CARGO_MANIFEST_DIR")).join(JARS);
    assert!(
        jars.is_dir(),
        "Kafka is not in {}; fetch it with: ./test --fetch",
        jars.display()
    );
    let mut command = Command::new("java");
    let hosts = folder.join(HOSTS);
    if hosts.is_file() {
        command.arg(format!("-Djdk.net.hosts.file={}", hosts.display()));
    }
    command
        .args(options)
        .arg("-XX:+UseSerialGC")
        .arg("-Xshare:auto")
        .arg(format!(
            "-Dlog4j2.configurationFile={}",
            folder.join("log4j2.properties").display()
        ))
        .arg("-cp")
        .arg(jars.join("*"))
        .current_dir(folder);
    command
}

/// Folders of test binaries that were killed.
fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let prefixes = ["millstream-kafka-", "millstream-rabbitmq-"];
        let Some(owner) = prefixes
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .and_then(|rest| rest.split('-').next())
        else {
            continue;
        };
        let alive = owner.parse().is_ok_and(|id: i32| {
            // SAFETY: signal 0 only asks whether the process exists.
            unsafe { libc::kill(id, 0) == 0 }
        });
        if !alive {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn server_properties(id: usize, all: &[Ports], data: &Path, extra: &Extra) -> String {
    let Ports { clients, controller } = all[id - 1];
    let voters: Vec<String> = (1..)
        .zip(all)
        .map(|(id, ports)| format!("{id}@127.0.0.1:{}", ports.controller))
        .collect();
    let copies = all.len().min(3);
    let in_sync = copies.div_ceil(2);
    let host = super::host();
    let mut more = String::new();
    let mut protocols = String::new();
    for (name, port, protocol) in &extra.listeners {
        more += &format!(",{name}://{host}:{port}");
        protocols += &format!(",{name}:{protocol}");
    }
    format!(
        "process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{clients},CONTROLLER://127.0.0.1:{controller}{more}
advertised.listeners=PLAINTEXT://{host}:{clients}{more}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}
inter.broker.listener.name=PLAINTEXT
{properties}log.dirs={data}
# topics are made by those who need them, never by asking for one
auto.create.topics.enable=false
num.partitions=4
# three nodes keep everything three times, one keeps it once
default.replication.factor={copies}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={copies}
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
# start and rebalance quickly
offsets.topic.num.partitions=8
transaction.state.log.num.partitions=8
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
# a broker that was killed is let in again when its last session is over
broker.session.timeout.ms=4000
",
        properties = extra.properties,
        voters = voters.join(","),
        data = data.display()
    )
}

pub const LOG4J: &str = "rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss,SSS} %p %c{1} %m%n
";
