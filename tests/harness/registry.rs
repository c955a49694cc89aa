//! Apicurio's registry, which speaks Confluent's API, as a child process. It keeps what it has in memory: killed, it forgets.

use super::{children, free_port, log_folder, tail, wait_until};
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

/// The folder of `./test --fetch` is named so.
const FOLDER: &str = "target/test-tools/apicurio-2.6.13.Final";
const JAR: &str = "apicurio-registry-app-2.6.13.Final-runner.jar";
const START_LIMIT: Duration = Duration::from_secs(60);
/// Below this, it speaks as Confluent's registry.
const API: &str = "/apis/ccompat/v7";

pub struct SchemaRegistry {
    child: Mutex<Child>,
    port: u16,
    log: PathBuf,
}

/// The one that all tests of this binary share: subjects have names of their own.
pub fn shared() -> &'static SchemaRegistry {
    static SHARED: OnceLock<SchemaRegistry> = OnceLock::new();
    SHARED.get_or_init(|| SchemaRegistry::start(free_port()))
}

impl SchemaRegistry {
    /// Starts it on this port, and waits for it.
    pub fn start(port: u16) -> Self {
        let log = log_folder().join(format!("registry-{port}.log"));
        let registry = Self {
            child: Mutex::new(launch(port, &log)),
            port,
            log,
        };
        registry.wait_up();
        registry
    }

    /// What `schema_registry.url` takes.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{API}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it as a power cut would.
    pub fn kill(&self) {
        let mut child = self.child.lock().expect("the registry's process");
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Brings it back after [`SchemaRegistry::kill`], with nothing in it, and waits for it.
    pub fn relaunch(&self) {
        *self.child.lock().expect("the registry's process") = launch(self.port, &self.log);
        self.wait_up();
    }

    /// Stalls it: its connections stay, its answers don't come.
    pub fn pause(&self) {
        children::signal(&self.child.lock().expect("the registry's process"), libc::SIGSTOP);
    }

    pub fn resume(&self) {
        children::signal(&self.child.lock().expect("the registry's process"), libc::SIGCONT);
    }

    fn wait_up(&self) {
        wait_until("the registry to answer", START_LIMIT, || {
            let ended = self.child.lock().expect("the registry's process").try_wait();
            if let Some(status) = ended.expect("the registry's state") {
                panic!("the registry ended with {status}\n{}", tail(&self.log, 20));
            }
            match self.try_ask("GET", "/subjects", "") {
                Ok((200, _)) => Ok(()),
                Ok((status, _)) => Err(format!("it answers {status}")),
                Err(error) => Err(error.to_string()),
            }
        });
    }

    /// The answer to a good request. It is asked by hand: the client is what is tested.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let (status, answer) = self.try_ask(method, path, body).expect("the registry answers");
        assert_eq!(status, 200, "{method} {path}: {answer}\n{}", tail(&self.log, 20));
        answer
    }

    /// Status and body of an answer.
    pub fn try_ask(&self, method: &str, path: &str, body: &str) -> std::io::Result<(u16, Value)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        // Of HTTP 1.0, as it is answered in one piece.
        write!(
            stream,
            "{method} {API}{path} HTTP/1.0\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/vnd.schemaregistry.v1+json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let invalid = || std::io::Error::new(std::io::ErrorKind::InvalidData, "no HTTP answer");
        let (_, body) = answer.split_once("\r\n\r\n").ok_or_else(invalid)?;
        Ok((
            status.ok_or_else(invalid)?,
            serde_json::from_str(body).unwrap_or(Value::Null),
        ))
    }

    /// Sets what a subject asks of a new version.
    pub fn set_level(&self, subject: &str, level: &str) {
        let body = serde_json::json!({"compatibility": level}).to_string();
        self.ask("PUT", &format!("/config/{subject}"), &body);
    }

    /// Registers a schema as another team would, and gives its id.
    pub fn register(&self, subject: &str, language: &str, schema: &str, references: Value) -> u32 {
        let body = serde_json::json!({"schema": schema, "schemaType": language, "references": references}).to_string();
        let answer = self.ask("POST", &format!("/subjects/{subject}/versions"), &body);
        answer["id"]
            .as_u64()
            .and_then(|id| u32::try_from(id).ok())
            .expect("an id")
    }

    /// The numbers of a subject's versions.
    pub fn versions(&self, subject: &str) -> Vec<u64> {
        match self
            .try_ask("GET", &format!("/subjects/{subject}/versions"), "")
            .expect("the registry answers")
        {
            (200, Value::Array(versions)) => versions.iter().filter_map(Value::as_u64).collect(),
            (404, _) => Vec::new(),
            (status, answer) => panic!("{status}: {answer}"),
        }
    }
}

impl Drop for SchemaRegistry {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch(port: u16, log: &Path) -> Child {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    assert!(
        folder.join(JAR).exists(),
        "the registry is not in {FOLDER}; fetch it with: ./test --fetch"
    );
    let output = File::options()
        .create(true)
        .append(true)
        .open(log)
        .expect("the registry's log");
    let mut command = Command::new("java");
    command
        .args(["-Xmx192m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
        .args(["-Dquarkus.http.host=127.0.0.1", &format!("-Dquarkus.http.port={port}")])
        .args(["-jar", JAR])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a second handle of the log"))
        .stderr(output);
    children::start(command)
}
