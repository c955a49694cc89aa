//! A producer for feeds: idempotent, without transactions, each record acknowledged by itself.
//!
//! A broker refuses batches, not records: one that is too large for its topic takes those along that happen to be in its batch, and
//! small ones together may be too large for a topic with a low limit. So what is refused is sent once more, alone.

use super::config::KafkaSettings;
use super::consumer::hand_over;
use super::context::log;
use super::errors::classify;
use super::producer::base_record;
use super::statistics::{Client, Clients, Kind};
use crate::broker::{BrokerError, Done, Outgoing, Reaction, Writer};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, DeliveryResult};
use rdkafka::producer::{Producer as _, ProducerContext, ThreadedProducer};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Whoever waits for an acknowledgement waits for this, too.
const LINGER_MS: &str = "5";

pub struct KafkaWriter {
    kafka: KafkaSettings,
    clients: Arc<Clients>,
    producer: Mutex<Arc<ThreadedProducer<Callbacks>>>,
}

/// Tells each record's owner what became of it.
struct Callbacks {
    /// The producer has failed for good.
    broken: AtomicBool,
    /// How a record is sent alone; `None`: this is how.
    alone: Option<Alone>,
    client: Client,
}

/// What is owed to whoever wrote a record.
struct Owed {
    done: Done,
    /// As it was written: of a record that failed, librdkafka does not tell it any more.
    timestamp: Option<i64>,
}

/// A producer whose batches have one record; built when first needed.
struct Alone {
    kafka: KafkaSettings,
    clients: Arc<Clients>,
    producer: OnceLock<Result<ThreadedProducer<Callbacks>, BrokerError>>,
}

impl Alone {
    /// Sends a record once more. It is called where nothing may wait: if there is no room, its owner sends it again.
    fn send(&self, message: &BorrowedMessage<'_>, owed: Owed) {
        let producer = self.producer.get_or_init(|| producer(&self.kafka, &self.clients, None));
        let producer = match producer {
            Ok(producer) => producer,
            Err(error) => return (owed.done)(Err(error.clone())),
        };
        let timestamp = owed.timestamp;
        let owed = Cell::new(Some(owed));
        hand_over(message, &mut |record| {
            let outgoing = Outgoing {
                topic: record.origin.topic,
                partition: Some(record.origin.partition),
                key: record.key,
                value: record.value,
                headers: record.headers,
                timestamp,
            };
            if let Some(owed) = owed.take()
                && let Err((error, back)) = producer.send(base_record(&outgoing, Box::new(owed)))
            {
                (back.delivery_opaque.done)(Err(classify("write", error)));
            }
        });
    }
}

impl ClientContext for Callbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, met: KafkaError, reason: &str) {
        if met.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.broken.store(true, Ordering::Relaxed);
        }
        super::context::error(&met, reason);
    }

    fn stats_raw(&self, json: &[u8]) {
        self.client.tells(json);
    }
}

impl ProducerContext for Callbacks {
    type DeliveryOpaque = Box<Owed>;

    fn delivery(&self, result: &DeliveryResult<'_>, owed: Box<Owed>) {
        let (error, message) = match result {
            Ok(_) => return (owed.done)(Ok(())),
            Err((error, message)) => (self.met(error.clone()), message),
        };
        match &self.alone {
            Some(alone) if error.reaction == Reaction::DeadLetter => alone.send(message, *owed),
            _ => (owed.done)(Err(error)),
        }
    }
}

impl Callbacks {
    fn met(&self, error: KafkaError) -> BrokerError {
        let error = classify("write", error);
        if error.reaction == Reaction::Rebuild {
            self.broken.store(true, Ordering::Relaxed);
        }
        error
    }
}

impl KafkaWriter {
    /// # Errors
    /// `Fatal` for properties that librdkafka refuses.
    pub fn start(kafka: &KafkaSettings, clients: &Arc<Clients>) -> Result<Self, BrokerError> {
        Ok(Self {
            kafka: kafka.clone(),
            clients: Arc::clone(clients),
            producer: Mutex::new(Arc::new(start(kafka, clients)?)),
        })
    }

    /// The producer; a new one where the last has failed for good, whose records are all told so.
    fn producer(&self) -> Result<Arc<ThreadedProducer<Callbacks>>, BrokerError> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if producer.context().broken.load(Ordering::Relaxed) {
            tracing::warn!("the feeds' producer has failed for good: a new one is built");
            *producer = Arc::new(start(&self.kafka, &self.clients)?);
        }
        Ok(Arc::clone(&producer))
    }
}

fn start(kafka: &KafkaSettings, clients: &Arc<Clients>) -> Result<ThreadedProducer<Callbacks>, BrokerError> {
    let alone = Alone {
        kafka: kafka.clone(),
        clients: Arc::clone(clients),
        producer: OnceLock::new(),
    };
    producer(kafka, clients, Some(alone))
}

fn producer(
    kafka: &KafkaSettings,
    clients: &Arc<Clients>,
    alone: Option<Alone>,
) -> Result<ThreadedProducer<Callbacks>, BrokerError> {
    let mut config = kafka.producer();
    if alone.is_none() {
        config.set("batch.num.messages", "1");
    }
    config.set("delivery.report.only.error", "false");
    // For ever: who sent the record keeps it until we say that Kafka has it.
    config.set("message.timeout.ms", "0");
    if !kafka.properties.contains_key("linger.ms") {
        config.set("linger.ms", LINGER_MS);
    }
    let client = Client::of(clients, Kind::Producer, &mut config);
    config
        .create_with_context(Callbacks {
            broken: AtomicBool::new(false),
            alone,
            client,
        })
        .map_err(|error| classify("create the feeds' producer", error))
}

impl Writer for KafkaWriter {
    fn write(&self, record: Outgoing<'_>, done: Done) -> Option<Done> {
        let producer = match self.producer() {
            Ok(producer) => producer,
            Err(error) => {
                done(Err(error));
                return None;
            }
        };
        let owed = Owed {
            done,
            timestamp: record.timestamp,
        };
        match producer.send(base_record(&record, Box::new(owed))) {
            Ok(()) => None,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => Some(back.delivery_opaque.done),
            Err((error, back)) => {
                (back.delivery_opaque.done)(Err(producer.context().met(error)));
                None
            }
        }
    }

    fn pending(&self) -> usize {
        let producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        usize::try_from(producer.in_flight_count()).unwrap_or(0)
    }
}
