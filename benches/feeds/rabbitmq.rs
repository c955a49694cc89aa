//! A queue of RabbitMQ that is full of messages of 1.2 KB, drained: into Kafka, and beside it by a consumer that acknowledges and
//! throws away.

use crate::harness::broker::Broker;
use crate::harness::client::Client;
use crate::harness::load::update_user;
use crate::harness::millstream::{Instance, TestTopology};
use crate::harness::progress::Progress;
use crate::harness::rabbitmq::{Publish, Rabbit};
use crate::harness::{children, processor_time};
use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PARTITIONS: i32 = 4;
const ACKNOWLEDGED_AT_ONCE: u64 = 100;
const LIMIT: Duration = Duration::from_secs(300);
const EXCHANGE: &str = "bench";

#[derive(clap::Args)]
pub struct Arguments {
    /// How many messages each drains.
    #[arg(long, default_value_t = 100_000)]
    messages: u64,
    /// How often all is measured.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Of both; the feed's default.
    #[arg(long, default_value_t = 2_000)]
    prefetch: u16,
    /// A property of Kafka's client for the feed, as in linger.ms=20.
    #[arg(long = "kafka", value_name = "NAME=VALUE")]
    properties: Vec<String>,
}

pub fn bench(arguments: &Arguments) {
    let broker = Broker::start_with(&["-Xmx1g"]);
    let rabbit = Rabbit::start();
    println!("variant     messages/s   CPU/message   RabbitMQ's   Kafka's");
    let servers = || [processor_time(rabbit.id()), processor_time(broker.id())];
    // Not told: the servers compile themselves meanwhile.
    let mut rounds = 0..=arguments.rounds;
    rounds
        .next()
        .inspect(|round| drop(millstream(&rabbit, &broker, &servers, arguments, *round)));
    for round in rounds {
        println!("{}", bare(&rabbit, &servers, arguments, round));
        println!("{}", millstream(&rabbit, &broker, &servers, arguments, round));
    }
}

/// The processor time of RabbitMQ and Kafka.
type Servers<'s> = &'s dyn Fn() -> [Duration; 2];

fn report(variant: &str, messages: u64, time: Duration, cpu: Duration, servers: [Duration; 2]) -> String {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / messages as f64;
    format!(
        "{variant:10} {:11.0} {:10.1} us {:9.1} us {:6.1} us",
        messages as f64 / time.as_secs_f64(),
        each(cpu),
        each(servers[0]),
        each(servers[1])
    )
}

fn since(before: [Duration; 2], servers: Servers<'_>) -> [Duration; 2] {
    let now = servers();
    [now[0].saturating_sub(before[0]), now[1].saturating_sub(before[1])]
}

fn bare(rabbit: &Rabbit, servers: Servers<'_>, measured: &Arguments, round: usize) -> String {
    let messages = measured.messages;
    let queue = format!("bare-{round}");
    let mut arguments = FieldTable::default();
    arguments.insert(
        "x-queue-type".into(),
        lapin::types::AMQPValue::LongString("quorum".into()),
    );
    rabbit.declare_exchange(EXCHANGE);
    let bound = rabbit.on_channel(async |channel| {
        let options = QueueDeclareOptions::durable();
        channel
            .queue_declare(queue.as_str().into(), options, arguments.clone())
            .await?;
        let (queue, exchange) = (queue.as_str().into(), EXCHANGE.into());
        channel
            .queue_bind(
                queue,
                exchange,
                "user.#".into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
    });
    bound.expect("a queue");
    fill(rabbit, messages);
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    let (number, prefetch) = (messages.to_string(), measured.prefetch.to_string());
    let before = servers();
    command
        .args(["drain", &rabbit.url(), &queue, &number, &prefetch])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = children::start(command);
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let seconds: f64 = lines.next().expect("a line").expect("a line").parse().expect("seconds");
    let cpu = processor_time(child.id());
    let servers = since(before, servers);
    let _ = child.kill();
    let _ = child.wait();
    rabbit.delete_queue(&queue);
    report("bare", messages, Duration::from_secs_f64(seconds), cpu, servers)
}

/// Consumes so many, acknowledges and forgets them; prints the seconds from the first to the last, and waits to be killed.
pub fn drain(url: &str, queue: &str, messages: u64, prefetch: u16) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("an event loop");
    let seconds = runtime.block_on(async {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let mut consumer = channel
            .basic_consume(queue.into(), "bare".into(), options, FieldTable::default())
            .await?;
        let mut first = None;
        let mut count = 0;
        while count < messages {
            let Some(delivery) = consumer.next().await else { break };
            let delivery = delivery?;
            first.get_or_insert_with(Instant::now);
            count += 1;
            if count % ACKNOWLEDGED_AT_ONCE == 0 || count == messages {
                channel
                    .basic_ack(delivery.delivery_tag, BasicAckOptions { multiple: true })
                    .await?;
            }
        }
        lapin::Result::Ok(first.map_or(0.0, |first| first.elapsed().as_secs_f64()))
    });
    println!("{}", seconds.expect("messages"));
    loop {
        std::thread::park();
    }
}

fn millstream(rabbit: &Rabbit, broker: &Broker, servers: Servers<'_>, measured: &Arguments, round: usize) -> String {
    let messages = measured.messages;
    let yaml = format!(
        "application: bench\nfeeds:\n  rabbit: {{type: rabbitmq, topic: fed, url: \"{}\", exchange: {EXCHANGE}, queue: fed-{round}, \
         prefetch: {}, key: \"= event.detail.payload.users[0].id\"}}\nsources:\n  fed: {{topic: fed}}\nsinks:\n  out: {{from: fed, topic: out}}\n\
         dead_letters: {{topic: dead}}\n",
        rabbit.url(),
        measured.prefetch
    );
    let mut topology = TestTopology::of("bench-rabbitmq", &yaml);
    for property in &measured.properties {
        let (name, value) = property.split_once('=').expect("--kafka NAME=VALUE");
        topology = topology.kafka(name, value);
    }
    let client = Client::new(broker.address());
    for topic in ["fed", "out", "dead"] {
        client.create_topic(&topology.topic(topic), PARTITIONS);
    }
    let start = || Instance::start_with(&topology, &broker.address(), "bench", &["--only", "rabbit"]);
    // The first start makes the queue.
    let mut instance = start();
    instance.wait_ready();
    assert!(instance.terminate().success());
    fill(rabbit, messages);
    let progress = Progress::new(&broker.address(), &topology.topic("fed"));
    let before = servers();
    let mut instance = start();
    let began = Instant::now();
    let mut first = None;
    while progress.offsets() < messages {
        assert!(
            began.elapsed() < LIMIT,
            "{} of {messages}:\n{}",
            progress.offsets(),
            instance.log()
        );
        if first.is_none() && progress.offsets() > 0 {
            first = Some(Instant::now());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let time = first.map_or(began.elapsed(), |first| first.elapsed());
    let cpu = processor_time(instance.id());
    let servers = since(before, servers);
    rabbit.wait_empty(&format!("fed-{round}"), LIMIT);
    assert_eq!(progress.offsets(), messages, "each of them once");
    assert!(instance.terminate().success());
    rabbit.delete_queue(&format!("fed-{round}"));
    report("millstream", messages, time, cpu, servers)
}

fn fill(rabbit: &Rabbit, messages: u64) {
    let message = |number: u64| Publish {
        routing_key: "user.userupdated".to_owned(),
        body: update_user(
            &format!("e-{number}"),
            &(1_000_000 + number % 10_000).to_string(),
            "Brock",
        )
        .into_bytes(),
        properties: BasicProperties::default().with_message_id(format!("m-{number}").into()),
    };
    let all: Vec<Publish> = (0..messages).map(message).collect();
    rabbit.publish(EXCHANGE, &all, Duration::ZERO);
}
