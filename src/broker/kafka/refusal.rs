//! Why a connection is not had: a certificate that is not trusted, a password that is wrong.
//!
//! Of an answer that is waited for, librdkafka says no more than that it did not come. What kept it from the brokers it tells by itself,
//! and only to a client that is polled; the one that topics are looked at with can't be.

use super::config::KafkaSettings;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, Producer as _, ProducerContext};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A connection is refused sooner.
const PATIENCE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);

/// Connects once more, and gives the first reason that it can't. `None`: there is no such reason, or no broker at all.
pub fn refusal(kafka: &KafkaSettings) -> Option<String> {
    let config = kafka.common();
    let client: BaseProducer<Listening> = config.create_with_context(Listening::default()).ok()?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        client.poll(POLL);
        if let Some(why) = client.context().why() {
            return Some(why);
        }
    }
    None
}

#[derive(Default)]
struct Listening(Mutex<Option<String>>);

impl Listening {
    fn why(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Listening {
    // it has been told already that the brokers are away
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, met: KafkaError, reason: &str) {
        if !matches!(met.rdkafka_error_code(), Some(Code::AllBrokersDown)) {
            let mut why = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            why.get_or_insert_with(|| reason.to_owned());
        }
    }
}

impl ProducerContext for Listening {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}
