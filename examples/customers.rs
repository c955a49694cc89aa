//! Publishes as the Customers microservice does: its 11 RabbitMQ events to the exchange, its 21 EventBridge events to a
//! webhook or an SQS queue. To try the feeds of `topology/customer-events/feeds.yaml`, and for their tests.
//!
//! `cargo run --example customers -- --rabbitmq amqp://guest:guest@localhost:5672/%2f`

use clap::Parser;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Connection, ConnectionProperties, ExchangeKind};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Publish every event of the Customers microservice
#[derive(Parser)]
struct Arguments {
    /// Publish the RabbitMQ events here: amqp://user:password@host:port/vhost
    #[arg(long, value_name = "URL")]
    rabbitmq: Option<String>,
    /// The topic exchange that they go to
    #[arg(long, value_name = "NAME", default_value = "ecomm")]
    exchange: String,
    /// Post the EventBridge events here
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// The key that the webhook asks for
    #[arg(
        long,
        value_name = "KEY",
        env = "EVENTBRIDGE_KEY",
        default_value = "",
        hide_env_values = true
    )]
    api_key: String,
    /// Send the EventBridge events to this SQS queue
    #[arg(long, value_name = "URL")]
    sqs: Option<String>,
    /// Where SQS is, if not at Amazon
    #[arg(long, value_name = "URL")]
    sqs_endpoint: Option<String>,
    /// How often each event is sent: it has the same id every time
    #[arg(long, value_name = "N", default_value_t = 1)]
    times: usize,
    /// The folder of the samples
    #[arg(long, value_name = "DIR", default_value = "topology/customer-events/samples")]
    samples: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if [&arguments.rabbitmq, &arguments.webhook, &arguments.sqs]
        .iter()
        .all(|to| to.is_none())
    {
        return Err("say where to: --rabbitmq, --webhook or --sqs".into());
    }
    // The program links one provider of TLS, and which one is said once a process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    for _ in 0..arguments.times {
        if let Some(url) = &arguments.rabbitmq {
            let count = to_rabbitmq(&arguments, url).await?;
            println!("{count} events to the exchange {}", arguments.exchange);
        }
        if let Some(url) = &arguments.webhook {
            let count = to_webhook(&arguments, url).await?;
            println!("{count} events posted");
        }
        if let Some(queue) = &arguments.sqs {
            let count = to_sqs(&arguments, queue).await?;
            println!("{count} events to the SQS queue");
        }
    }
    Ok(())
}

/// Every RabbitMQ event, each confirmed.
async fn to_rabbitmq(arguments: &Arguments, url: &str) -> Result<usize, Box<dyn Error>> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let exchange = ShortString::from(arguments.exchange.as_str());
    channel
        .exchange_declare(exchange.clone(), ExchangeKind::Topic, durable, FieldTable::default())
        .await?;
    let mut count = 0;
    // `UserCreated.json: user.usercreated`
    let keys = std::fs::read_to_string(arguments.samples.join("rabbitmq.yaml"))?;
    for line in keys.lines().filter(|line| !line.starts_with('#')) {
        let Some((file, key)) = line.split_once(": ") else {
            continue;
        };
        let body = std::fs::read(arguments.samples.join("rabbitmq").join(file))?;
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(2)
            .with_message_id(ShortString::from(format!("customers-{key}")))
            .with_timestamp(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
        let options = BasicPublishOptions::default();
        channel
            .basic_publish(exchange.clone(), key.into(), options, &body, properties)
            .await?
            .await?;
        count += 1;
    }
    connection.close(200, "done".into()).await?;
    Ok(count)
}

/// Every EventBridge event, each answered.
async fn to_webhook(arguments: &Arguments, url: &str) -> Result<usize, Box<dyn Error>> {
    let client = reqwest::Client::new();
    let events = eventbridge(&arguments.samples)?;
    for event in &events {
        let answer = client
            .post(url)
            .header("content-type", "application/json")
            .header("x-api-key", &arguments.api_key)
            .body(event.clone())
            .send()
            .await?;
        if !answer.status().is_success() {
            return Err(format!("the webhook answers {}", answer.status()).into());
        }
    }
    Ok(events.len())
}

async fn to_sqs(arguments: &Arguments, queue: &str) -> Result<usize, Box<dyn Error>> {
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut config = aws_config::from_env().http_client(http);
    if let Some(endpoint) = &arguments.sqs_endpoint {
        config = config.endpoint_url(endpoint);
    }
    let client = aws_sdk_sqs::Client::new(&config.load().await);
    let events = eventbridge(&arguments.samples)?;
    for event in &events {
        client
            .send_message()
            .queue_url(queue)
            .message_body(event)
            .send()
            .await?;
    }
    Ok(events.len())
}

/// The EventBridge events. CreateNotes' sample is broken as it was given, so its mended copy is sent.
fn eventbridge(samples: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(samples.join("eventbridge"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| !file.ends_with("CreateNotes.json"));
    files.sort();
    files.iter().map(|file| Ok(std::fs::read_to_string(file)?)).collect()
}
