//! The transactional producer (or, for `at_least_once`, an idempotent one).
//!
//! `flush` is librdkafka's own: the binding's polls, in steps of up to 100 ms and busily in the last millisecond of each. It is
//! always called before the commit, since an error of the flush that the commit does would lose the transaction's flags.

use super::config::KafkaSettings;
use super::consumer::offsets_list;
use super::context::ProducerCallbacks;
use super::errors::classify;
use super::statistics::{Client, Clients, Kind};
use crate::broker::{BrokerError, GroupMetadata, Outgoing, Producer, ProducerSettings, Reaction, TopicPartition};
use rdkafka::bindings;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::util::IntoOpaque;
use std::sync::Arc;
use std::time::{Duration, Instant};

const INIT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a flush waits before failed records are looked for.
const FLUSH_SLICE: Duration = Duration::from_millis(50);
/// How long an abort waits before the reports that it may be waiting for are served.
const ABORT_SLICE: Duration = Duration::from_millis(100);

pub struct KafkaProducer {
    producer: BaseProducer<ProducerCallbacks>,
    transactional: bool,
}

impl KafkaProducer {
    /// Creates the producer; a transactional one has ended its predecessor's transaction when this returns.
    pub fn start(
        kafka: &KafkaSettings,
        settings: &ProducerSettings,
        clients: &Arc<Clients>,
    ) -> Result<Self, BrokerError> {
        let mut config = kafka.producer();
        if let Some(id) = &settings.transactional_id {
            config.set("transactional.id", id);
        }
        let callbacks = ProducerCallbacks::told_by(Client::of(clients, Kind::Producer, &mut config));
        let producer: BaseProducer<ProducerCallbacks> = config
            .create_with_context(callbacks)
            .map_err(|error| classify("create the producer", error))?;
        let transactional = settings.transactional_id.is_some();
        if transactional {
            producer
                .init_transactions(INIT_TIMEOUT)
                .map_err(|error| classify("initialise transactions", error))?;
        }
        Ok(Self {
            producer,
            transactional,
        })
    }

    /// Takes the reports that have come, of records that are given up.
    fn serve_reports(&self) {
        let mut left = i32::MAX;
        while self.producer.in_flight_count() < left {
            left = self.producer.in_flight_count();
            self.producer.poll(Duration::from_millis(1));
        }
        self.producer.context().take_failure();
    }

    /// Waits until nothing is under way any more, whatever became of it.
    fn forget(&self, timeout: Duration) -> Result<(), BrokerError> {
        let deadline = Instant::now() + timeout;
        while !wait_acknowledged(&self.producer, deadline) {
            self.serve_reports();
            if Instant::now() > deadline {
                return Err(self.unacknowledged("abort"));
            }
        }
        self.serve_reports();
        Ok(())
    }

    fn unacknowledged(&self, operation: &'static str) -> BrokerError {
        BrokerError {
            operation,
            message: format!("{} records not yet acknowledged", self.producer.in_flight_count()),
            reaction: Reaction::Retry,
        }
    }

    fn failure(&self) -> Result<(), BrokerError> {
        self.producer.context().take_failure().map_or(Ok(()), Err)
    }
}

/// Waits a little until everything queued was acknowledged, with nothing lingering meanwhile; `true` if it was. A record that
/// failed counts as not acknowledged until it is polled for.
fn wait_acknowledged(producer: &BaseProducer<ProducerCallbacks>, deadline: Instant) -> bool {
    let slice = deadline.saturating_duration_since(Instant::now()).min(FLUSH_SLICE);
    let milliseconds = i32::try_from(slice.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the producer is alive, and the call touches nothing but it. Reports are polled for as events, so librdkafka only
    // waits on a condition here and serves none.
    let flushed = unsafe { bindings::rd_kafka_flush(producer.client().native_ptr(), milliseconds) };
    flushed == bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}

/// A record as the binding wants it.
pub(super) fn base_record<'r, D: IntoOpaque>(record: &Outgoing<'r>, opaque: D) -> BaseRecord<'r, [u8], [u8], D> {
    let mut base = BaseRecord::with_opaque_to(record.topic, opaque);
    base.partition = record.partition;
    base.key = record.key;
    base.payload = record.value;
    base.timestamp = record.timestamp.filter(|timestamp| *timestamp > 0);
    if !record.headers.is_empty() {
        let headers = OwnedHeaders::new_with_capacity(record.headers.len());
        base.headers = Some(record.headers.iter().fold(headers, |all, h| {
            all.insert(Header {
                key: h.name,
                value: h.value,
            })
        }));
    }
    base
}

impl Producer for KafkaProducer {
    fn begin(&mut self) -> Result<(), BrokerError> {
        if !self.transactional {
            return Ok(());
        }
        self.producer
            .begin_transaction()
            .map_err(|error| classify("begin a transaction", error))
    }

    fn send(&mut self, record: Outgoing<'_>) -> Result<(), BrokerError> {
        let mut base = base_record(&record, ());
        loop {
            match self.producer.send(base) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    base = back;
                    self.producer.poll(Duration::from_millis(1));
                    self.failure()?;
                }
                Err((error, _)) => return Err(classify("write", error)),
            }
        }
    }

    fn flush(&mut self, timeout: Duration) -> Result<(), BrokerError> {
        let deadline = Instant::now() + timeout;
        loop {
            let all = wait_acknowledged(&self.producer, deadline);
            self.producer.poll(Duration::ZERO);
            self.failure()?;
            if all {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.unacknowledged("flush"));
            }
        }
    }

    fn send_offsets(
        &mut self,
        offsets: &[(TopicPartition, i64)],
        group: &GroupMetadata,
        timeout: Duration,
    ) -> Result<(), BrokerError> {
        let Some(group) = group.0.downcast_ref::<ConsumerGroupMetadata>() else {
            return Err(BrokerError {
                operation: "send offsets",
                message: "the group's metadata is not Kafka's".into(),
                reaction: Reaction::Fatal,
            });
        };
        let list = offsets_list("send offsets", offsets)?;
        self.producer
            .send_offsets_to_transaction(&list, group, timeout)
            .map_err(|error| classify("send offsets", error))
    }

    fn commit(&mut self, timeout: Duration) -> Result<(), BrokerError> {
        self.producer
            .commit_transaction(timeout)
            .map_err(|error| classify("commit", error))
    }

    fn abort(&mut self, timeout: Duration) -> Result<(), BrokerError> {
        if !self.transactional {
            return self.forget(timeout);
        }
        let deadline = Instant::now() + timeout;
        loop {
            // An abort waits until every record that it purges is reported, and reports come only with a poll.
            let slice = deadline.saturating_duration_since(Instant::now()).min(ABORT_SLICE);
            let aborted = self
                .producer
                .abort_transaction(slice)
                .map_err(|error| classify("abort", error));
            self.serve_reports();
            match aborted {
                Err(error) if error.reaction == Reaction::Retry && Instant::now() < deadline => {}
                aborted => return aborted,
            }
        }
    }
}
