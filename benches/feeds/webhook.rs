//! Events that are posted, of 1.2 KB, over connections that stay: as many as can be, and then half as many, evenly.
//!
//! Clients are in this process, on the same machine: both variants have the same.

use crate::harness::broker::Broker;
use crate::harness::client::Client;
use crate::harness::load::update_user;
use crate::harness::millstream::{Instance, TestTopology};
use crate::harness::{children, free_port, processor_time, wait_until};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

const KEY: &str = "bench-key";
const PARTITIONS: i32 = 4;
/// Before anything is measured.
const WARM: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub struct Arguments {
    /// How long each is measured.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections that post at a time.
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// How often all is measured.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// A property of Kafka's client for the feed, as in linger.ms=20.
    #[arg(long = "kafka", value_name = "NAME=VALUE")]
    properties: Vec<String>,
}

pub fn bench(arguments: &Arguments) {
    let broker = Broker::start_with(&["-Xmx1g"]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("an event loop");
    println!("variant     events/s   CPU/event    Kafka's   p50 at half   p99 at half      max");
    for _ in 0..arguments.rounds {
        let (server, address) = Server::nothing();
        runtime.block_on(measure("nothing", &server, &broker, address, arguments));
        server.end();
        let (server, address) = Server::millstream(&broker, &arguments.properties);
        let posted = runtime.block_on(measure("millstream", &server, &broker, address, arguments));
        server.verify(&broker, posted);
        server.end();
    }
}

enum Server {
    Nothing(Child),
    Millstream(Box<Instance>, TestTopology),
}

impl Server {
    fn nothing() -> (Self, SocketAddr) {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["nothing", &address.to_string()]).stdin(Stdio::null());
        let server = Self::Nothing(children::start(command));
        wait_until("the handler to listen", Duration::from_secs(10), || {
            std::net::TcpStream::connect(address).map_err(|error| error.to_string())
        });
        (server, address)
    }

    fn millstream(broker: &Broker, properties: &[String]) -> (Self, SocketAddr) {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let yaml = format!(
            "application: bench\nfeeds:\n  hook:\n    type: webhook\n    topic: posted\n    listen: \"{address}\"\n    path: /in\n    \
             auth: {{api_key: \"${{MILLSTREAM_BENCH_KEY:-{KEY}}}\"}}\n    max_pending: 10000\n    key: = event.detail.payload.users[0].id\n\
             sources:\n  posted:\n    topic: posted\nsinks:\n  out:\n    from: posted\n    topic: out\n\
             dead_letters:\n  topic: dead\n"
        );
        let mut topology = TestTopology::of("bench-webhook", &yaml);
        for property in properties {
            let (name, value) = property.split_once('=').expect("--kafka NAME=VALUE");
            topology = topology.kafka(name, value);
        }
        let client = Client::new(broker.address());
        for topic in ["posted", "out", "dead"] {
            client.create_topic(&topology.topic(topic), PARTITIONS);
        }
        let mut instance = Instance::start_with(&topology, &broker.address(), "bench", &["--only", "hook"]);
        instance.wait_ready();
        (Self::Millstream(Box::new(instance), topology), address)
    }

    fn id(&self) -> u32 {
        match self {
            Self::Nothing(child) => child.id(),
            Self::Millstream(instance, _) => instance.id(),
        }
    }

    /// All that was acknowledged is there.
    fn verify(&self, broker: &Broker, posted: usize) {
        if let Self::Millstream(_, topology) = self {
            let found = Client::new(broker.address()).committed_count(&topology.topic("posted"));
            assert!(
                found == posted,
                "{posted} events were acknowledged, and {found} are there"
            );
        }
    }

    fn end(self) {
        match self {
            Self::Nothing(mut child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Self::Millstream(mut instance, _topology) => {
                let status = instance.terminate();
                assert!(status.success(), "it ended with {status}:\n{}", instance.log());
            }
        }
    }
}

/// Reads bodies and answers 200, on one thread as a feed does.
pub fn nothing(address: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("an event loop");
    let handler = axum::routing::post(|body: axum::body::Body| async {
        let read = axum::body::to_bytes(body, 1 << 20).await;
        read.map_or("wrong", |_| "{\"records\": 1, \"dead_letters\": 0}\n")
    });
    let app = axum::Router::new().route("/in", handler).into_make_service();
    let server = axum_server::bind(address).http1_only().serve(app);
    runtime.block_on(server).expect("the server");
}

/// Prints a line, and gives how many events were posted.
async fn measure(variant: &str, server: &Server, broker: &Broker, address: SocketAddr, arguments: &Arguments) -> usize {
    let cpu = || [server.id(), broker.id()].map(processor_time);
    let mut streams = Vec::new();
    for _ in 0..arguments.connections {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        streams.push(Arc::new(stream));
    }
    let time = Duration::from_secs(arguments.seconds);
    let warm = as_many_as_can_be(&streams, WARM).await;
    let (before, began) = (cpu(), Instant::now());
    let most = as_many_as_can_be(&streams, time).await;
    let rate = most as f64 / began.elapsed().as_secs_f64();
    let after = cpu();
    let each = |of: usize| (after[of] - before[of]).as_secs_f64() * 1e6 / most as f64;
    let mut latencies = evenly(&streams, rate / 2.0, time).await;
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{variant:10} {rate:9.0} {:8.1} us {:7.1} us {:10.1} ms {:10.1} ms {:5.0} ms",
        each(0),
        each(1),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    warm + most + latencies.len()
}

/// Each connection posts again as soon as it has an answer.
async fn as_many_as_can_be(streams: &[Arc<TcpStream>], time: Duration) -> usize {
    let end = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for (number, stream) in streams.iter().cloned().enumerate() {
        let request = request(number);
        tasks.spawn(async move {
            let mut count = 0;
            while Instant::now() < end {
                post(&stream, &request).await;
                count += 1;
            }
            count
        });
    }
    tasks.join_all().await.into_iter().sum()
}

/// So many in a second, whatever the answers take: an answer's time counts from when its event was due.
async fn evenly(streams: &[Arc<TcpStream>], rate: f64, time: Duration) -> Vec<Duration> {
    let began = Instant::now();
    let step = Duration::from_secs_f64(streams.len() as f64 / rate);
    let mut tasks = JoinSet::new();
    for (number, stream) in streams.iter().cloned().enumerate() {
        let request = request(number);
        let mut due = began + Duration::from_secs_f64(number as f64 / rate);
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while due < began + time {
                sleep_until(due).await;
                post(&stream, &request).await;
                latencies.push(due.elapsed());
                due += step;
            }
            latencies
        });
    }
    tasks.join_all().await.concat()
}

fn request(number: usize) -> Vec<u8> {
    let body = update_user(&format!("e-{number}"), &(1_000_000 + number).to_string(), "Brock");
    let head = format!(
        "POST /in HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

async fn post(stream: &TcpStream, request: &[u8]) {
    let mut sent = 0;
    while sent < request.len() {
        match stream.try_write(&request[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await.expect("a connection"),
            Err(error) => panic!("the connection is gone: {error}"),
        }
    }
    let mut answer = [0; 1024];
    let mut read = 0;
    while !is_whole(&answer[..read]) {
        match stream.try_read(&mut answer[read..]) {
            Ok(0) => panic!("the connection was closed"),
            Ok(count) => read += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.readable().await.expect("a connection"),
            Err(error) => panic!("the connection is gone: {error}"),
        }
    }
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

fn is_whole(answer: &[u8]) -> bool {
    let answer = String::from_utf8_lossy(answer);
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.parse::<usize>().ok());
    body.len() >= length.unwrap_or_default()
}
