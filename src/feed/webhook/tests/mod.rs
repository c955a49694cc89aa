//! The webhook over a broker in memory, asked by requests over TCP.

mod credentials;
mod events;
mod oauth;
mod overload;
mod refused;
mod tls;

use super::*;
use crate::broker::memory::MemoryBroker;
use crate::broker::{BrokerError, Done, Outgoing, Reaction, TopicState, Writer};
use crate::feed::keys::Keys;
use crate::feed::state::FeedState;
use crate::topology::{FeedKind, Topology, load_text};
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread::JoinHandle;
use tokio::sync::watch;

const KEY: &str = "new-key";
const OLD: &str = "old-key";

fn topology(auth: &str) -> Topology {
    let yaml = format!(
        "application: shop\n\
         feeds: {{hook: {{type: webhook, topic: orders, path: /in, key: = event.id, auth: {auth}}}}}\n\
         sources: {{in: {{topic: orders}}}}\nsinks: {{out: {{from: in, topic: all}}}}\ndead_letters: {{topic: dead}}\n"
    );
    let environment = |name: &str| match name {
        "KEY" => Some(KEY.to_owned()),
        "OLD" => Some(OLD.to_owned()),
        _ => None,
    };
    let loaded = load_text(&yaml, std::path::Path::new("no-such-folder"), &environment);
    loaded.unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

/// Settings as they are by default, and what may be changed of them.
fn settings(auth: &str) -> Webhook {
    match topology(auth).feeds.remove(0).kind {
        FeedKind::Webhook(webhook) => webhook,
        _ => panic!("another type"),
    }
}

/// A webhook that listens on a free port.
struct Hook {
    address: SocketAddr,
    state: Arc<FeedState>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<Result<(), FeedError>>>,
}

impl Hook {
    fn start(settings: Webhook, writer: Arc<dyn Writer>) -> Self {
        let topology = Arc::new(topology("none"));
        let state = Arc::new(FeedState::new("hook"));
        let outlet = Outlet {
            topic: "orders".to_owned(),
            dead_letters: "dead".to_owned(),
            writer,
            keys: Mutex::new(Keys::new(topology, 0)),
            state: Arc::clone(&state),
        };
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                serve(listener, &settings, outlet, Stop::of(stopped)).await
            })
        });
        let address = told.recv().unwrap();
        Self {
            address,
            state,
            stop,
            thread: Some(thread),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    fn ask(&self, request: &Request<'_>) -> Answer {
        let mut stream = self.connect();
        stream.write_all(&request.bytes()).unwrap();
        answer(&mut stream)
    }

    fn post(&self, body: &[u8]) -> Answer {
        self.ask(&Request::of(body))
    }

    /// Tells it to stop, and waits for that.
    fn stop(mut self) {
        let _ = self.stop.send(true);
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

/// A right request, until something of it is changed.
#[derive(Clone)]
struct Request<'b> {
    method: &'static str,
    path: &'static str,
    headers: Vec<(String, String)>,
    body: &'b [u8],
}

impl<'b> Request<'b> {
    fn of(body: &'b [u8]) -> Self {
        let headers = [("content-type", "application/json; charset=utf-8"), ("x-api-key", KEY)];
        let mut request = Self {
            method: "POST",
            path: "/in",
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body,
        };
        request = request.with("content-length", &body.len().to_string());
        request
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: x\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        [head.as_bytes(), b"\r\n", self.body].concat()
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// Reads one answer; further ones may follow.
fn answer(stream: &mut impl Read) -> Answer {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap_or("0").parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        body: String::from_utf8(body).unwrap(),
        head,
    }
}

fn broker() -> MemoryBroker {
    let broker = MemoryBroker::new(1);
    for (name, most) in [("orders", "1000"), ("dead", "1000000")] {
        let topic = TopicState {
            name: name.to_owned(),
            partitions: 1,
            settings: vec![("max.message.bytes".to_owned(), most.to_owned())],
        };
        broker.create_topic_with(&topic).unwrap();
    }
    broker
}

/// With one key that is right, over a broker in memory.
fn hook() -> (Hook, MemoryBroker) {
    let broker = broker();
    (
        Hook::start(settings("{api_key: \"${KEY}\"}"), Arc::new(broker.clone())),
        broker,
    )
}

/// The bodies in a topic.
fn bodies(broker: &MemoryBroker, topic: &str) -> Vec<String> {
    let records = broker.committed_records(topic).into_iter();
    let texts = records.map(|record| String::from_utf8_lossy(&record.value.unwrap()).into_owned());
    texts.collect()
}
