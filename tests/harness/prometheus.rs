//! Prometheus, Debian's, as a child process: it scrapes instances every second, evaluates the shipped rules, and is asked over HTTP.

use super::{children, free_port, log_folder, tail, wait_until};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const RULES: &str = "helm/millstream/alerts/millstream.yaml";
const START_LIMIT: Duration = Duration::from_secs(30);
/// The namespace that all that it scrapes is given.
pub const NAMESPACE: &str = "test";

pub struct Prometheus {
    child: Child,
    folder: tempfile::TempDir,
    host: String,
    port: u16,
    log: PathBuf,
}

impl Prometheus {
    /// Starts it, and waits for it. It scrapes nothing yet.
    pub fn start() -> Self {
        Self::start_at(
            "127.0.0.1",
            "- job_name: millstream\n  file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]\n",
        )
    }

    /// As [`Prometheus::start`], at another address of this machine, with `scrape_configs` of the caller's.
    pub fn start_at(host: &str, scrape_configs: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join(RULES);
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\nscrape_configs:\n{scrape_configs}",
            rules.display()
        );
        fs::write(folder.path().join("prometheus.yml"), config).expect("a configuration");
        fs::write(folder.path().join("targets.json"), "[]").expect("targets");
        let port = free_port();
        let log = log_folder().join(format!("prometheus-{port}.log"));
        let output = File::create(&log).expect("Prometheus' log");
        let mut command = Command::new("prometheus");
        command
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={host}:{port}"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle of the log"))
            .stderr(output);
        let mut prometheus = Self {
            child: children::start(command),
            folder,
            host: host.to_owned(),
            port,
            log,
        };
        wait_until("Prometheus to be ready", START_LIMIT, || {
            if let Some(status) = prometheus.child.try_wait().expect("Prometheus' state") {
                panic!("Prometheus ended with {status}\n{}", tail(&prometheus.log, 20));
            }
            match prometheus.get("/-/ready") {
                Ok((200, _)) => Ok(()),
                Ok((status, _)) => Err(format!("it answers {status}")),
                Err(error) => Err(error.to_string()),
            }
        });
        prometheus
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// What it scrapes from now on: names of instances, with their addresses.
    pub fn scrape(&self, targets: &[(&str, &str)]) {
        let target = |(instance, address): &(&str, &str)| serde_json::json!({"targets": [address], "labels": {"namespace": NAMESPACE, "instance": instance}});
        let targets: Vec<Value> = targets.iter().map(target).collect();
        // It watches the folder: a file that is written in place could be read half.
        let part = self.folder.path().join("targets.part");
        fs::write(&part, Value::from(targets).to_string()).expect("targets");
        fs::rename(part, self.folder.path().join("targets.json")).expect("targets");
    }

    /// The `data` of an answer of its API.
    ///
    /// # Errors
    /// What it says is wrong with the request.
    pub fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let query: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        let path = format!("/api/v1/{path}?{}", query.join("&"));
        let (status, body) = self.get(&path).map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_str(&body).map_err(|error| format!("{status}, {error}: {body}"))?;
        match answer["status"].as_str() {
            Some("success") => Ok(answer["data"].take()),
            _ => Err(format!("{status}: {}", answer["error"])),
        }
    }

    fn get(&self, path: &str) -> std::io::Result<(u16, String)> {
        let mut stream = TcpStream::connect((self.host.as_str(), self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        // Of HTTP 1.0, as it is answered in one piece.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let invalid = || std::io::Error::new(std::io::ErrorKind::InvalidData, "no HTTP answer");
        let (_, body) = answer.split_once("\r\n\r\n").ok_or_else(invalid)?;
        Ok((status.ok_or_else(invalid)?, body.to_owned()))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As in a URL's query.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Runs Prometheus' own tool on files below a folder of the crate: what it says, where it is not content.
///
/// # Errors
/// Its words.
pub fn promtool(arguments: &[&str], folder: &str) -> Result<(), String> {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .output()
        .expect("promtool, of Debian's package prometheus; `./test --fetch` installs it");
    let said = [output.stdout, output.stderr].concat();
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&said).into_owned())
}
