//! librdkafka's callbacks: rebalances and failed deliveries become data, its log becomes ours.

use super::statistics::Client;
use crate::broker::{BrokerError, Rebalance, TopicPartition};
use crate::observe::Repeats;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Message, TopicPartitionList};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

/// Passes librdkafka's log lines on; what all clients say again and again about a broker, once in a while.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    static SAID: LazyLock<(Instant, Mutex<Repeats<String>>)> = LazyLock::new(|| (Instant::now(), Mutex::default()));
    let said = || {
        let (start, repeats) = &*SAID;
        let mut repeats = repeats.lock().unwrap_or_else(PoisonError::into_inner);
        repeats.ask(without_numbers(facility, message), start.elapsed())
    };
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            if let Some(held) = said() {
                tracing::warn!(target: "librdkafka", facility, repeated = held.field(), "{message}");
            }
        }
        RDKafkaLogLevel::Warning => {
            if let Some(held) = said() {
                tracing::info!(target: "librdkafka", facility, repeated = held.field(), "{message}");
            }
        }
        _ => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}

/// What two lines have in common that say the same: they differ by client, time and attempt.
fn without_numbers(facility: &str, message: &str) -> String {
    let message = message.chars().filter(|character| !character.is_ascii_digit());
    facility.chars().chain([' ']).chain(message).collect()
}

/// Passes an error on that comes with no operation.
pub(super) fn error(error: &KafkaError, reason: &str) {
    if is_told_elsewhere(error) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
    } else {
        tracing::info!(target: "librdkafka", %error, "{reason}");
    }
}

/// Whether librdkafka logs the same itself (`FAIL`), the engine tells it when it waits, or it is no error at all.
fn is_told_elsewhere(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(Code::BrokerTransportFailure | Code::Resolve | Code::AllBrokersDown | Code::PartitionEOF)
    )
}

/// A consumer's callbacks. The rebalance is only noted: the worker commits first and then completes it.
#[derive(Default)]
pub struct ConsumerCallbacks {
    pending: Mutex<Option<Rebalance>>,
    /// Set when the consumer is being dropped: nobody is there to complete a rebalance any more.
    pub closing: AtomicBool,
    /// Takes its statistics; `None`: nobody.
    client: Option<Client>,
}

impl ConsumerCallbacks {
    pub fn told_by(client: Client) -> Self {
        Self {
            client: Some(client),
            ..Self::default()
        }
    }

    pub fn take(&self) -> Option<Rebalance> {
        self.pending
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take()
    }
}

impl ClientContext for ConsumerCallbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, met: KafkaError, reason: &str) {
        error(&met, reason);
    }

    fn stats_raw(&self, json: &[u8]) {
        if let Some(client) = &self.client {
            client.tells(json);
        }
    }
}

impl ConsumerContext for ConsumerCallbacks {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, list: &mut TopicPartitionList) {
        if self.closing.load(Ordering::Relaxed) {
            let given_up = match error {
                // They are not had yet, so none of them could be given up.
                RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => consumer.unassign(),
                _ => consumer.incremental_unassign(list),
            };
            if let Err(error) = given_up {
                tracing::debug!(%error, "giving up partitions while closing");
            }
            return;
        }
        let partitions = partitions(list);
        let rebalance = match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Rebalance::Assigned(partitions),
            _ if consumer.assignment_lost() => Rebalance::Lost(partitions),
            _ => Rebalance::Revoked(partitions),
        };
        *self.pending.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(rebalance);
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements()
        .iter()
        .map(|element| TopicPartition {
            topic: element.topic().to_owned(),
            partition: element.partition(),
        })
        .collect()
}

/// A producer's callbacks: the first failed delivery of a transaction is kept, it decides what becomes of it.
#[derive(Default)]
pub struct ProducerCallbacks {
    failed: Mutex<Option<BrokerError>>,
    client: Option<Client>,
}

impl ProducerCallbacks {
    pub fn told_by(client: Client) -> Self {
        Self {
            client: Some(client),
            ..Self::default()
        }
    }

    pub fn take_failure(&self) -> Option<BrokerError> {
        self.failed
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take()
    }
}

impl ClientContext for ProducerCallbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, met: KafkaError, reason: &str) {
        error(&met, reason);
    }

    fn stats_raw(&self, json: &[u8]) {
        if let Some(client) = &self.client {
            client.tells(json);
        }
    }
}

impl ProducerContext for ProducerCallbacks {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if let Err((error, message)) = result {
            let mut classified = super::errors::classify_delivery(error.clone());
            classified.message = format!("topic {}: {}", message.topic(), classified.message);
            let mut failed = self.failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            failed.get_or_insert(classified);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_by_numbers_are_the_same_line() {
        let line = |host: &str, number: u32| {
            without_numbers(
                "FAIL",
                &format!("[thrd:{host}:9092/{number}]: refused (after {number}ms in state CONNECT)"),
            )
        };
        assert_eq!(line("kafka", 1), line("kafka", 20));
        assert_ne!(line("kafka", 1), line("other", 1));
    }

    #[test]
    fn what_is_told_elsewhere_is_not_told_twice_and_everything_else_is_told() {
        for code in [
            Code::BrokerTransportFailure,
            Code::Resolve,
            Code::AllBrokersDown,
            Code::PartitionEOF,
        ] {
            assert!(is_told_elsewhere(&KafkaError::Global(code)), "{code}");
        }
        for code in [Code::Authentication, Code::Fatal, Code::TopicAuthorizationFailed] {
            assert!(!is_told_elsewhere(&KafkaError::Global(code)), "{code}");
        }
    }
}
