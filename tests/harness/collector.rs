//! A collector of traces: takes spans by OTLP over HTTP, and keeps them for whoever looks.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use prost::Message as _;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A span as it arrived; numbers as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub name: String,
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub state: String,
    /// By OTLP's number: 5 is a consumer.
    pub kind: i32,
    /// Nanoseconds since the epoch.
    pub start: u64,
    pub end: u64,
    pub attributes: BTreeMap<String, String>,
    /// By OTLP's number, 2 is an error; and why.
    pub status: (i32, String),
    pub resource: BTreeMap<String, String>,
}

/// What came so far, and what it answers.
#[derive(Default)]
struct Kept {
    spans: Mutex<Vec<Arrived>>,
    /// The heads of the requests.
    heads: Mutex<Vec<String>>,
    status: AtomicU16,
}

/// Listens until the process ends.
#[derive(Clone)]
pub struct Collector {
    address: SocketAddr,
    kept: Arc<Kept>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let kept = Arc::new(Kept::default());
        kept.status.store(200, Ordering::Relaxed);
        let shared = Arc::clone(&kept);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { address, kept }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` takes.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers with this status from now on, and keeps nothing unless it is 200.
    pub fn answer(&self, status: u16) {
        self.kept.status.store(status, Ordering::Relaxed);
    }

    pub fn spans(&self) -> Vec<Arrived> {
        self.kept.spans.lock().expect("not poisoned").clone()
    }

    pub fn heads(&self) -> Vec<String> {
        self.kept.heads.lock().expect("not poisoned").clone()
    }

    /// Waits for so many spans.
    pub fn wait(&self, count: usize) -> Vec<Arrived> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let spans = self.spans();
            if spans.len() >= count {
                return spans;
            }
            assert!(
                Instant::now() < deadline,
                "only {} of {count} spans: {spans:#?}",
                spans.len()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Requests of one connection, one after the other.
fn serve(stream: TcpStream, kept: &Kept) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let mut body = vec![0; length?];
        reader.read_exact(&mut body).ok()?;
        let status = kept.status.load(Ordering::Relaxed);
        kept.heads.lock().expect("not poisoned").push(head);
        if status == 200 {
            let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("OTLP");
            kept.spans.lock().expect("not poisoned").extend(arrived(request));
        }
        write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}

fn arrived(request: ExportTraceServiceRequest) -> Vec<Arrived> {
    let mut all = Vec::new();
    for of_resource in request.resource_spans {
        let resource = texts(
            of_resource
                .resource
                .map(|resource| resource.attributes)
                .unwrap_or_default(),
        );
        for span in of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            let status = span.status.unwrap_or_default();
            all.push(Arrived {
                name: span.name,
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                state: span.trace_state,
                kind: span.kind,
                start: span.start_time_unix_nano,
                end: span.end_time_unix_nano,
                attributes: texts(span.attributes),
                status: (status.code, status.message),
                resource: resource.clone(),
            });
        }
    }
    all
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes
        .into_iter()
        .map(|attribute| (attribute.key, text(attribute.value)))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
