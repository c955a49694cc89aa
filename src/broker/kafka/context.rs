//! librdkafka's callbacks: rebalances and failed deliveries become data, its log becomes ours.

use crate::broker::{BrokerError, Rebalance, TopicPartition};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Message, TopicPartitionList};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Passes librdkafka's log lines on; those that say only that a consumer's property is not a producer's are noise.
fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
            tracing::warn!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Warning => tracing::info!(target: "librdkafka", facility, "{message}"),
        _ => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}

/// A consumer's callbacks. The rebalance is only noted: the worker commits first and then completes it.
#[derive(Default)]
pub struct ConsumerCallbacks {
    pending: Mutex<Option<Rebalance>>,
    /// Set when the consumer is being dropped: nobody is there to complete a rebalance any more.
    pub closing: AtomicBool,
}

impl ConsumerCallbacks {
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

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::info!(target: "librdkafka", %error, "{reason}");
    }
}

impl ConsumerContext for ConsumerCallbacks {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, list: &mut TopicPartitionList) {
        if self.closing.load(Ordering::Relaxed) {
            if let Err(error) = consumer.incremental_unassign(list) {
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
}

impl ProducerCallbacks {
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

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::info!(target: "librdkafka", %error, "{reason}");
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
