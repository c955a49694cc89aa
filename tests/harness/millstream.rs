//! `millstream` as a child process, and topologies made for one test.

use super::{children, free_port, log_folder, tail, wait_until};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long an instance may take from its start until it has what it needs.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// How long it may take to commit and leave.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A topology folder of one test: every topic in it and the application have the test's prefix, as all share one broker.
pub struct TestTopology {
    folder: tempfile::TempDir,
    file: &'static str,
    /// The beginning of its logs' names.
    run: String,
    prefix: String,
    application: String,
    /// What its instances have in their environment, beside what the test has in its own.
    environment: Vec<(String, String)>,
}

enum Names {
    Own,
    AsTheyAre,
}

impl TestTopology {
    /// The shipped customer topology.
    pub fn customer_events(test: &str) -> Self {
        Self::shipped(test, "topology.yaml")
    }

    /// The same without a topic in the middle: its input is keyed by customer already.
    pub fn customer_events_fused(test: &str) -> Self {
        Self::shipped(test, "fused.yaml")
    }

    /// The same with its feeds.
    pub fn customer_events_fed(test: &str) -> Self {
        Self::shipped(test, "feeds.yaml")
    }

    fn shipped(test: &str, file: &'static str) -> Self {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("topology/customer-events");
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy_folder(&shipped, folder.path());
        Self::made(test, folder, file, Names::Own)
    }

    /// A topology of one file.
    pub fn of(test: &str, yaml: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("topology.yaml"), yaml).expect("the topology's file");
        Self::made(test, folder, "topology.yaml", Names::Own)
    }

    /// A copy of a topology's folder with the topics and the application as they are there, for brokers of its own.
    pub fn unchanged(test: &str, from: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy_folder(from, folder.path());
        Self::made(test, folder, "topology.yaml", Names::AsTheyAre)
    }

    fn made(test: &str, folder: tempfile::TempDir, file: &'static str, names: Names) -> Self {
        // A run of its own, so that a bench or a test repeated on the same broker starts anew.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let run = format!("{test}-{}.", COUNT.fetch_add(1, Ordering::Relaxed));
        let prefix = match names {
            Names::Own => run.clone(),
            Names::AsTheyAre => String::new(),
        };
        let mut topology = Self {
            folder,
            file,
            run,
            prefix,
            application: String::new(),
            environment: Vec::new(),
        };
        // Logs are appended to when an instance starts again; those of an earlier run have nothing to say here.
        for entry in fs::read_dir(log_folder()).expect("the folder of logs").flatten() {
            if entry.file_name().to_string_lossy().starts_with(&topology.run) {
                let _ = fs::remove_file(entry.path());
            }
        }
        // One file may build on another, so all beside it get the prefix.
        for entry in fs::read_dir(topology.folder.path()).expect("the topology's folder") {
            let path = entry.expect("an entry of the topology's folder").path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let yaml = fs::read_to_string(&path).expect("a topology's file");
                let changed: Vec<String> = yaml.lines().map(|line| prefix_line(line, &topology.prefix)).collect();
                fs::write(&path, changed.join("\n") + "\n").expect("a topology's file");
            }
        }
        let yaml = topology.read();
        let application = yaml.lines().find_map(|line| line.strip_prefix("application: "));
        topology.application = application.expect("the topology names its application").to_owned();
        topology
    }

    /// What `--topology` takes.
    pub fn path(&self) -> PathBuf {
        if self.file == "topology.yaml" {
            self.folder.path().to_path_buf()
        } else {
            self.folder.path().join(self.file)
        }
    }

    /// Where its instances keep their state, unless they are told otherwise: gone with the topology.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The consumer group too.
    pub fn application(&self) -> &str {
        &self.application
    }

    /// The test's own name of a topic that the topology calls `name`.
    pub fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Sets a property under `kafka:`, instead of what the topology has.
    #[must_use]
    pub fn kafka(self, property: &str, value: &str) -> Self {
        let line = format!("  {property}: {value}");
        let mut lines: Vec<String> = self.read().lines().map(str::to_owned).collect();
        match lines.iter().position(|line| line.starts_with("kafka:")) {
            None => lines.extend(["kafka:".to_owned(), line]),
            Some(at) => {
                let inline = lines[at]
                    .trim_start_matches("kafka:")
                    .split(" #")
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_owned();
                let inline = inline.trim_start_matches('{').trim_end_matches('}').to_owned();
                let mut block: Vec<String> = inline
                    .split(',')
                    .map(str::trim)
                    .filter(|entry| !entry.is_empty())
                    .map(|entry| format!("  {entry}"))
                    .collect();
                block.push(line);
                lines[at] = "kafka:".to_owned();
                let key = format!("{property}:");
                let mut next = at + 1;
                while lines.get(next).is_some_and(|line| line.starts_with("  ")) {
                    if lines[next].trim_start().starts_with(&key) {
                        lines.remove(next);
                    } else {
                        next += 1;
                    }
                }
                lines.splice(at + 1..at + 1, block);
            }
        }
        self.write(&(lines.join("\n") + "\n"));
        self
    }

    /// Sets a variable in the environment of its instances.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The text of the file changed by `edit`, for what has no method here.
    #[must_use]
    pub fn edit(self, edit: impl FnOnce(String) -> String) -> Self {
        self.write(&edit(self.read()));
        self
    }

    pub fn read(&self) -> String {
        fs::read_to_string(self.folder.path().join(self.file)).expect("the topology's file")
    }

    fn write(&self, yaml: &str) {
        fs::write(self.folder.path().join(self.file), yaml).expect("the topology's file");
    }
}

fn prefix_line(line: &str, prefix: &str) -> String {
    match line.strip_prefix("application:") {
        Some(rest) => {
            let name = rest.split('#').next().unwrap_or_default().trim().trim_matches('"');
            format!("application: {prefix}{name}")
        }
        None => prefix_topics(line, prefix),
    }
}

/// `topic: x` and `dead_letters: {topic: x}` with the prefix put before the name.
fn prefix_topics(line: &str, prefix: &str) -> String {
    let mut changed = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("topic:") {
        let (before, after) = rest.split_at(at);
        let is_key = before.is_empty() || before.ends_with([' ', '{', ',']);
        let is_comment = before.contains('#');
        let name = after["topic:".len()..].trim_start_matches([' ', '"', '\'']);
        let start = after.len() - name.len();
        changed.push_str(before);
        changed.push_str(&after[..start]);
        if is_key && !is_comment && !name.is_empty() {
            changed.push_str(prefix);
        }
        rest = name;
    }
    changed.push_str(rest);
    changed
}

fn copy_folder(from: &Path, to: &Path) {
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries {
        let entry = entry.expect("an entry of the topology's folder");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).expect("a folder");
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a copy of a file");
        }
    }
}

/// A running `millstream run`.
pub struct Instance {
    child: Child,
    name: String,
    http: String,
    log: PathBuf,
    started: Instant,
    ended: bool,
}

impl Instance {
    pub fn start(topology: &TestTopology, brokers: &str, name: &str) -> Self {
        Self::start_with(topology, brokers, name, &[])
    }

    pub fn start_with(topology: &TestTopology, brokers: &str, name: &str, arguments: &[&str]) -> Self {
        Self::launch(
            Path::new(env!("CARGO_BIN_EXE_millstream")),
            topology,
            brokers,
            name,
            arguments,
        )
    }

    pub fn launch(binary: &Path, topology: &TestTopology, brokers: &str, name: &str, arguments: &[&str]) -> Self {
        Self::launch_at(
            &format!("127.0.0.1:{}", free_port()),
            binary,
            topology,
            brokers,
            name,
            arguments,
        )
    }

    /// As [`Instance::launch`], with its page at this address.
    pub fn launch_at(
        http: &str,
        binary: &Path,
        topology: &TestTopology,
        brokers: &str,
        name: &str,
        arguments: &[&str],
    ) -> Self {
        let mut command = Command::new(binary);
        command
            .arg("run")
            .arg("--topology")
            .arg(topology.path())
            .args(["--brokers", brokers, "--instance", name, "--http", http])
            .args(arguments)
            .env("MILLSTREAM_STATE_DIR", topology.state());
        Self::launch_command(command, http, topology, name)
    }

    /// A command that was made elsewhere, whose page is at `http`.
    pub fn launch_command(mut command: Command, http: &str, topology: &TestTopology, name: &str) -> Self {
        let log = log_folder().join(format!("{}{name}.log", topology.run));
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("the instance's log");
        command
            .envs(topology.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle of the log"))
            .stderr(output);
        let started = Instant::now();
        Self {
            child: children::start(command),
            name: name.to_owned(),
            http: http.to_owned(),
            log,
            started,
            ended: false,
        }
    }

    /// Where its page, its metrics and its health are.
    pub fn http(&self) -> &str {
        &self.http
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn started(&self) -> Instant {
        self.started
    }

    /// Waits for `/readyz`.
    pub fn wait_ready(&mut self) -> &mut Self {
        let what = format!("{} to be ready", self.name);
        wait_until(&what, READY_LIMIT, || {
            if let Some(status) = self.child.try_wait().expect("the instance's state") {
                self.ended = true;
                panic!("{} ended with {status}\n{}", self.name, tail(&self.log, 40));
            }
            match self.get("/readyz") {
                Ok((200, _)) => Ok(()),
                Ok((status, body)) => Err(format!("/readyz answers {status}: {body}")),
                Err(error) => Err(error.to_string()),
            }
        });
        self
    }

    /// Status and body of a page.
    pub fn get(&self, path: &str) -> std::io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(&self.http)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.http
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let invalid = || std::io::Error::new(std::io::ErrorKind::InvalidData, "no HTTP answer");
        Ok((status.ok_or_else(invalid)?, body.to_owned()))
    }

    /// A sample by its name and labels, or the sum of a metric over its labels; 0 when nobody answers.
    pub fn metric(&self, name: &str) -> u64 {
        let Ok((200, page)) = self.get("/metrics") else {
            return 0;
        };
        let samples = page.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with([' ', '{']))
        });
        let values = samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum::<f64>() as u64
    }

    /// SIGKILL: no last word.
    pub fn kill(&mut self) {
        children::signal(&self.child, libc::SIGKILL);
        let _ = self.child.wait();
        self.ended = true;
    }

    /// SIGTERM, and waits for the end.
    pub fn terminate(&mut self) -> ExitStatus {
        children::signal(&self.child, libc::SIGTERM);
        self.wait_ended(STOP_LIMIT)
    }

    /// As [`Instance::terminate`], for several at once.
    pub fn terminate_all(instances: &mut [Instance]) {
        for instance in instances.iter() {
            children::signal(&instance.child, libc::SIGTERM);
        }
        for instance in instances {
            let status = instance.wait_ended(STOP_LIMIT);
            assert!(
                status.success(),
                "{} ended with {status}\n{}",
                instance.name,
                tail(&instance.log, 40)
            );
        }
    }

    pub fn wait_ended(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("{} to end", self.name);
        let status = wait_until(&what, limit, || {
            self.child
                .try_wait()
                .expect("the instance's state")
                .ok_or_else(|| "it runs".to_owned())
        });
        self.ended = true;
        status
    }

    pub fn pause(&self) {
        children::signal(&self.child, libc::SIGSTOP);
    }

    pub fn resume(&self) {
        children::signal(&self.child, libc::SIGCONT);
    }

    pub fn is_running(&mut self) -> bool {
        !self.ended && self.child.try_wait().expect("the instance's state").is_none()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} (process {})\n{}", self.name, self.child.id(), tail(&self.log, 30));
        }
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Runs a command of `millstream` that ends by itself: status, standard output, standard error.
pub fn run_command(arguments: &[&str]) -> (ExitStatus, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments)
        .output()
        .expect("millstream runs");
    (
        output.status,
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn topics_get_the_prefix_and_nothing_else_does() {
    assert_eq!(
        prefix_topics("  rabbitmq: {topic: feed.rabbitmq}", "t."),
        "  rabbitmq: {topic: t.feed.rabbitmq}"
    );
    assert_eq!(
        prefix_topics("    topic: \"integration-{env}\"", "t."),
        "    topic: \"t.integration-{env}\""
    );
    assert_eq!(prefix_topics("# a topic: nothing", "t."), "# a topic: nothing");
    assert_eq!(
        prefix_topics("  x: {where: = record.topic == 'a'}", "t."),
        "  x: {where: = record.topic == 'a'}"
    );
}

#[test]
fn a_kafka_property_replaces_the_topologys_own() {
    let inline = TestTopology::of("a", "application: x\nkafka: {linger.ms: 5}\nsources: {}\n")
        .kafka("session.timeout.ms", "1000");
    assert!(
        inline
            .read()
            .contains("kafka:\n  linger.ms: 5\n  session.timeout.ms: 1000\nsources"),
        "{}",
        inline.read()
    );
    let block = inline.kafka("linger.ms", "7");
    assert!(
        block
            .read()
            .contains("kafka:\n  linger.ms: 7\n  session.timeout.ms: 1000\nsources"),
        "{}",
        block.read()
    );
    let none = TestTopology::of("a", "application: x\n").kafka("linger.ms", "7");
    assert!(none.read().ends_with("kafka:\n  linger.ms: 7\n"), "{}", none.read());
}
