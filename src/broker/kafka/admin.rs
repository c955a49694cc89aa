//! Topics and groups as a tool sees them: what is there, creating and deleting topics, setting offsets.

use super::config::KafkaSettings;
use super::errors::classify;
use super::members::members;
use super::offsets::Outsider;
use super::refusal::refusal;
use crate::broker::{Admin, BrokerError, GroupMember, Reaction, Reset, TopicPartition, TopicState};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataTopic};
use std::future::Future;
use std::time::{Duration, Instant};

/// A broker that is there answers sooner; one that is away is asked again, and a signal to stop is heard in between.
const TIMEOUT: Duration = Duration::from_secs(4);
/// Brokers delete topics in the background.
const DELETED: Duration = Duration::from_secs(30);

pub struct KafkaAdmin {
    kafka: KafkaSettings,
    client: AdminClient<DefaultClientContext>,
    runtime: tokio::runtime::Runtime,
}

impl KafkaAdmin {
    pub fn new(kafka: &KafkaSettings) -> Result<Self, BrokerError> {
        let client = kafka
            .common()
            .create()
            .map_err(|error| classify("create the admin client", error))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| BrokerError {
                operation: "create the admin client",
                message: error.to_string(),
                reaction: Reaction::Fatal,
            })?;
        Ok(Self {
            kafka: kafka.clone(),
            client,
            runtime,
        })
    }

    /// All topics at once: asking for one that is missing would create it on a broker that creates topics by itself.
    fn metadata(&self) -> Result<Metadata, BrokerError> {
        self.client
            .inner()
            .fetch_metadata(None, TIMEOUT)
            .map_err(|error| self.told(classify("read the cluster's topics", error)))
    }

    /// An error with what kept us from the brokers, such as a certificate that is not trusted.
    fn told(&self, mut error: BrokerError) -> BrokerError {
        if error.reaction == Reaction::Retry
            && let Some(why) = refusal(&self.kafka)
        {
            error.message = format!("{}: {why}", error.message);
        }
        error
    }

    /// Waits until none of `topics` is there.
    fn wait_deleted(&self, topics: &[String]) -> Result<(), BrokerError> {
        let deadline = Instant::now() + DELETED;
        loop {
            let metadata = self.metadata()?;
            let mut names = metadata.topics().iter().map(MetadataTopic::name);
            let Some(there) = names.find(|name| topics.iter().any(|topic| topic == name)) else {
                return Ok(());
            };
            if Instant::now() > deadline {
                return Err(BrokerError {
                    operation: "delete topics",
                    message: format!(
                        "{there} is there still, {} seconds after the brokers took its deletion",
                        DELETED.as_secs()
                    ),
                    reaction: Reaction::Retry,
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn wait<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, KafkaError>>,
    ) -> Result<T, BrokerError> {
        self.runtime.block_on(call).map_err(|error| classify(operation, error))
    }
}

fn width(topic: &MetadataTopic) -> i32 {
    i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX)
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(TIMEOUT))
        .operation_timeout(Some(TIMEOUT))
}

impl Admin for KafkaAdmin {
    fn members(&mut self, group: &str) -> Result<Vec<GroupMember>, BrokerError> {
        members(self.client.inner().native_ptr(), group, TIMEOUT)
    }

    fn partitions(&mut self, topic: &str) -> Result<Option<i32>, BrokerError> {
        let metadata = self.metadata()?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        Ok(found.map(width))
    }

    fn describe(&mut self, topics: &[String]) -> Result<Vec<TopicState>, BrokerError> {
        let metadata = self.metadata()?;
        let found: Vec<_> = metadata
            .topics()
            .iter()
            .filter(|t| topics.iter().any(|name| name == t.name()))
            .collect();
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let resources: Vec<_> = found
            .iter()
            .map(|topic| ResourceSpecifier::Topic(topic.name()))
            .collect();
        let configs = self.wait(
            "read topic settings",
            self.client.describe_configs(&resources, &options()),
        )?;
        found
            .iter()
            .zip(configs)
            .map(|(topic, config)| {
                let config = config.map_err(|code| classify("read topic settings", KafkaError::AdminOp(code)))?;
                Ok(TopicState {
                    name: topic.name().to_owned(),
                    partitions: width(topic),
                    settings: config
                        .entries
                        .into_iter()
                        .filter_map(|e| Some((e.name, e.value?)))
                        .collect(),
                })
            })
            .collect()
    }

    fn create(&mut self, topics: &[TopicState], replication: Option<i32>) -> Result<(), BrokerError> {
        let new: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|topic| {
                // -1: the broker's default replication.
                let replication = TopicReplication::Fixed(replication.unwrap_or(-1));
                let new = NewTopic::new(&topic.name, topic.partitions, replication);
                topic
                    .settings
                    .iter()
                    .fold(new, |new, (name, value)| new.set(name, value))
            })
            .collect();
        for result in self.wait("create topics", self.client.create_topics(&new, &options()))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => return Err(of_topic("create topics", &name, code)),
            }
        }
        Ok(())
    }

    fn delete(&mut self, topics: &[String]) -> Result<(), BrokerError> {
        if topics.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        for result in self.wait("delete topics", self.client.delete_topics(&names, &options()))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
                Err((name, code)) => return Err(of_topic("delete topics", &name, code)),
            }
        }
        self.wait_deleted(topics)
    }

    fn committed(
        &mut self,
        group: &str,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<Option<i64>>, BrokerError> {
        Outsider::new(&self.kafka, group)?.committed(partitions, timeout)
    }

    fn set_offsets(&mut self, group: &str, offsets: &[(TopicPartition, i64)], reset: Reset) -> Result<(), BrokerError> {
        Outsider::new(&self.kafka, group)?.set(offsets, reset)
    }

    fn offsets_at(&mut self, partitions: &[TopicPartition], time: i64) -> Result<Vec<Option<i64>>, BrokerError> {
        Outsider::new(&self.kafka, "millstream-reader")?.at(partitions, time)
    }
}

fn of_topic(operation: &'static str, topic: &str, code: RDKafkaErrorCode) -> BrokerError {
    let mut error = classify(operation, KafkaError::AdminOp(code));
    error.message = format!("{topic}: {}", error.message);
    error
}
