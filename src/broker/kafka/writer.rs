//! A producer for feeds: idempotent, without transactions, each record acknowledged by itself.

use super::config::KafkaSettings;
use super::context::log;
use super::errors::classify;
use super::producer::base_record;
use crate::broker::{BrokerError, Done, Outgoing, Reaction, Writer};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{Producer as _, ProducerContext, ThreadedProducer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Whoever waits for an acknowledgement waits for this, too.
const LINGER_MS: &str = "5";

pub struct KafkaWriter {
    kafka: KafkaSettings,
    producer: Mutex<Arc<ThreadedProducer<Callbacks>>>,
}

/// Tells each record's owner what became of it.
#[derive(Default)]
struct Callbacks {
    /// The producer has failed for good.
    broken: AtomicBool,
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
}

impl ProducerContext for Callbacks {
    type DeliveryOpaque = Box<Done>;

    fn delivery(&self, result: &DeliveryResult<'_>, done: Box<Done>) {
        done(match result {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(self.met(error.clone())),
        });
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
    pub fn start(kafka: &KafkaSettings) -> Result<Self, BrokerError> {
        Ok(Self {
            kafka: kafka.clone(),
            producer: Mutex::new(Arc::new(producer(kafka)?)),
        })
    }

    /// The producer; a new one where the last has failed for good, whose records are all told so.
    fn producer(&self) -> Result<Arc<ThreadedProducer<Callbacks>>, BrokerError> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if producer.context().broken.load(Ordering::Relaxed) {
            tracing::warn!("the feeds' producer has failed for good: a new one is built");
            *producer = Arc::new(self::producer(&self.kafka)?);
        }
        Ok(Arc::clone(&producer))
    }
}

fn producer(kafka: &KafkaSettings) -> Result<ThreadedProducer<Callbacks>, BrokerError> {
    let mut config = kafka.producer();
    config.set("delivery.report.only.error", "false");
    // For ever: who sent the record keeps it until we say that Kafka has it.
    config.set("message.timeout.ms", "0");
    if !kafka.properties.contains_key("linger.ms") {
        config.set("linger.ms", LINGER_MS);
    }
    config
        .create_with_context(Callbacks::default())
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
        match producer.send(base_record(&record, Box::new(done))) {
            Ok(()) => None,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => Some(*back.delivery_opaque),
            Err((error, back)) => {
                (back.delivery_opaque)(Err(producer.context().met(error)));
                None
            }
        }
    }

    fn pending(&self) -> usize {
        let producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        usize::try_from(producer.in_flight_count()).unwrap_or(0)
    }
}
