//! `moto`, which speaks as Amazon's services do, as a child process; and a client of its SQS that sends and counts.
//!
//! What is asked of it here is asked by hand, over HTTP: the SDK is what is tested.

use super::{children, free_port, log_folder, tail, wait_until};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// The folder of `./test --fetch` is named so.
const ENVIRONMENT: &str = "target/test-tools/moto-5.1.22";
const START_LIMIT: Duration = Duration::from_secs(30);
pub const REGION: &str = "eu-west-1";
/// What one request takes.
const BATCH: usize = 10;

pub struct Moto {
    child: Child,
    port: u16,
    log: PathBuf,
}

/// The one that all tests of this binary share: queues have names of their own.
pub fn shared() -> &'static Moto {
    static SHARED: OnceLock<Moto> = OnceLock::new();
    SHARED.get_or_init(|| Moto::start(free_port()))
}

impl Moto {
    /// Starts it on this port, and waits for it.
    pub fn start(port: u16) -> Self {
        let python = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(ENVIRONMENT)
            .join("bin/python");
        assert!(
            python.exists(),
            "moto is not in {ENVIRONMENT}; fetch it with: ./test --fetch"
        );
        let log = log_folder().join(format!("moto-{port}.log"));
        let output = File::create(&log).expect("moto's log");
        let mut command = Command::new(python);
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness/moto_server.py"))
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle of the log"))
            .stderr(output);
        let mut moto = Self {
            child: children::start(command),
            port,
            log,
        };
        wait_until("moto to answer", START_LIMIT, || {
            if let Some(status) = moto.child.try_wait().expect("moto's state") {
                panic!("moto ended with {status}\n{}", tail(&moto.log, 20));
            }
            TcpStream::connect(("127.0.0.1", port))
                .map(|_| ())
                .map_err(|error| error.to_string())
        });
        moto
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn create_queue(&self, name: &str) -> Queue<'_> {
        let answer = self.ask("CreateQueue", &json!({"QueueName": name}));
        let url = answer["QueueUrl"].as_str().expect("the queue's URL").to_owned();
        Queue { moto: self, url }
    }

    fn ask(&self, action: &str, request: &Value) -> Value {
        let body = request.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("moto answers");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a time-out");
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nX-Amz-Target: AmazonSQS.{action}\r\n\
             Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/sqs/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .expect("the request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        assert!(
            head.starts_with("HTTP/1.1 200"),
            "{action}: {head}\n{body}\n{}",
            tail(&self.log, 20)
        );
        if body.trim().is_empty() {
            return Value::Null;
        }
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{action} answers no JSON ({error}): {body}"))
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a moto on this port is asked.
pub fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// The URL that a queue will have.
pub fn queue_url(port: u16, name: &str) -> String {
    format!("{}/123456789012/{name}", endpoint(port))
}

pub struct Queue<'m> {
    moto: &'m Moto,
    pub url: String,
}

impl Queue<'_> {
    pub fn send_all(&self, bodies: &[String]) {
        for (batch, bodies) in bodies.chunks(BATCH).enumerate() {
            let entry = |(index, body): (usize, &String)| {
                json!({
                    "Id": index.to_string(),
                    "MessageBody": body,
                    "MessageAttributes": {"batch": {"DataType": "Number", "StringValue": batch.to_string()}},
                })
            };
            let entries: Vec<Value> = bodies.iter().enumerate().map(entry).collect();
            let answer = self
                .moto
                .ask("SendMessageBatch", &json!({"QueueUrl": self.url, "Entries": entries}));
            let sent = answer["Successful"].as_array().map_or(0, Vec::len);
            assert_eq!(sent, bodies.len(), "{answer}");
        }
    }

    /// Messages that are still there, seen by anybody or hidden.
    pub fn left(&self) -> u64 {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let request = json!({"QueueUrl": self.url, "AttributeNames": names});
        let answer = self.moto.ask("GetQueueAttributes", &request);
        let number = |name: &str| {
            answer["Attributes"][name]
                .as_str()
                .and_then(|text| text.parse::<u64>().ok())
        };
        names
            .iter()
            .map(|name| number(name).unwrap_or_else(|| panic!("{name} of {answer}")))
            .sum()
    }

    /// Waits until every message was deleted.
    pub fn wait_empty(&self, limit: Duration) {
        wait_until("an empty queue", limit, || match self.left() {
            0 => Ok(()),
            left => Err(format!("{left} messages are left")),
        });
    }
}
