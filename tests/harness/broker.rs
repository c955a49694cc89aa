//! A real Kafka broker: one KRaft node (broker and controller) on free ports of 127.0.0.1, in a folder of its own.

use super::{children, free_port, log_folder, tail};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

const VERSION: &str = "4.1.1";
const START_LIMIT: Duration = Duration::from_secs(60);

pub struct Broker {
    child: Mutex<Child>,
    folder: PathBuf,
    port: u16,
    log: PathBuf,
    heap: &'static str,
}

/// The broker that all tests of this binary share: topics and applications have names of their own.
pub fn shared() -> &'static Broker {
    static SHARED: OnceLock<Broker> = OnceLock::new();
    extern "C" fn end() {
        if let Some(broker) = SHARED.get() {
            broker.destroy();
        }
    }
    SHARED.get_or_init(|| {
        let broker = Broker::start();
        children::at_exit(end);
        broker
    })
}

impl Broker {
    pub fn start() -> Self {
        Self::start_with_heap("512m")
    }

    pub fn start_with_heap(heap: &'static str) -> Self {
        sweep();
        let mut last_failure = String::new();
        // A port found free may be taken a moment later: try again with others.
        for attempt in 0..3 {
            match Self::try_start(attempt, heap) {
                Ok(broker) => return broker,
                Err(failure) => last_failure = failure,
            }
        }
        panic!("Kafka did not start: {last_failure}");
    }

    fn try_start(attempt: u32, heap: &'static str) -> Result<Self, String> {
        let (port, controller) = (free_port(), free_port());
        let folder = std::env::temp_dir().join(format!("millstream-kafka-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let properties = folder.join("server.properties");
        fs::write(&properties, server_properties(port, controller, &folder.join("data")))
            .map_err(|error| error.to_string())?;
        fs::write(folder.join("log4j2.properties"), LOG4J).map_err(|error| error.to_string())?;

        let log = log_folder().join(format!("kafka-{}-{port}.log", std::process::id()));
        let properties_text = properties.display().to_string();
        let format = java(&folder, heap)
            .args([
                "kafka.tools.StorageTool",
                "format",
                "-t",
                "bWlsbHN0cmVhbS10ZXN0cw",
                "-c",
                &properties_text,
            ])
            .output()
            .map_err(|error| format!("cannot run java: {error}; `./test --fetch` installs it"))?;
        if !format.status.success() {
            let _ = fs::remove_dir_all(&folder);
            return Err(format!(
                "formatting the storage failed: {}",
                String::from_utf8_lossy(&format.stderr)
            ));
        }
        let broker = Self {
            child: Mutex::new(launch(&folder, &log, heap)),
            folder,
            port,
            log,
            heap,
        };
        broker
            .wait_ready()
            .map_err(|failure| format!("attempt {}: {failure}", attempt + 1))?;
        Ok(broker)
    }

    /// `host:port`, for clients.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends the broker as a power cut would; [`Broker::relaunch`] brings it back with its data on the same port.
    pub fn kill(&self) {
        let mut child = self.child.lock().expect("the broker's process");
        let _ = child.kill();
        let _ = child.wait();
    }

    pub fn relaunch(&self) {
        *self.child.lock().expect("the broker's process") = launch(&self.folder, &self.log, self.heap);
        self.wait_ready()
            .unwrap_or_else(|failure| panic!("Kafka did not come back: {failure}"));
    }

    fn wait_ready(&self) -> Result<(), String> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if let Ok(Some(status)) = self.child.lock().expect("the broker's process").try_wait() {
                return Err(format!("it ended with {status}\n{}", tail(&self.log, 40)));
            }
            if answers(&self.address()) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("no answer within {START_LIMIT:?}\n{}", tail(&self.log, 40)));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn destroy(&self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.destroy();
        if std::thread::panicking() {
            eprintln!("the broker's log: {}", self.log.display());
        }
    }
}

fn answers(address: &str) -> bool {
    // A port that refuses needs no client (and no line of one on standard error).
    if std::net::TcpStream::connect(address).is_err() {
        return false;
    }
    let consumer: Result<BaseConsumer, _> = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("log_level", "0")
        .create();
    consumer
        .and_then(|consumer| consumer.fetch_metadata(None, Duration::from_secs(2)))
        .is_ok_and(|metadata| !metadata.brokers().is_empty())
}

fn launch(folder: &Path, log: &Path, heap: &str) -> Child {
    let output = File::options()
        .create(true)
        .append(true)
        .open(log)
        .expect("the broker's log");
    let mut command = java(folder, heap);
    command
        .arg("kafka.Kafka")
        .arg(folder.join("server.properties"))
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a second handle of the log"))
        .stderr(output);
    children::start(command)
}

fn java(folder: &Path, heap: &str) -> Command {
    let jars = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/test-tools/kafka-{VERSION}"));
    assert!(
        jars.is_dir(),
        "Kafka {VERSION} is not in {}; fetch it with: ./test --fetch",
        jars.display()
    );
    let mut command = Command::new("java");
    command
        .arg(format!("-Xmx{heap}"))
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
        let Some(owner) = name
            .strip_prefix("millstream-kafka-")
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

fn server_properties(port: u16, controller: u16, data: &Path) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
# topics are made by those who need them, never by asking for one
auto.create.topics.enable=false
num.partitions=4
# one node keeps everything once
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# start and rebalance quickly
offsets.topic.num.partitions=8
transaction.state.log.num.partitions=8
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
# a broker that was killed is let in again when its last session is over
broker.session.timeout.ms=4000
",
        data = data.display()
    )
}

const LOG4J: &str = "rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss,SSS} %p %c{1} %m%n
";
