//! What the feed asks of a queue, and SQS itself: the only file that knows Amazon's SDK.

use super::trouble::{Trouble, of_region};
use crate::topology::Sqs;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageSystemAttributeName,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use std::time::Duration;

/// What one request gives, or is about, at most.
pub const BATCH: usize = 10;

/// How long a connection may take, and an answer beyond what it waits for messages.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);

/// One of a batch that was refused; the others were done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its position in the batch.
    pub index: usize,
    /// The same again would be refused again.
    pub for_good: bool,
    pub code: String,
}

/// A queue of messages that are hidden from others while somebody has them.
pub trait Queue {
    /// At most [`BATCH`] messages, waiting for the first. Nobody else gets them for as long as `visibility`.
    async fn receive(&self, wait: Duration, visibility: Duration) -> Result<Vec<Message>, Trouble>;
    /// Deletes messages by their receipts, at most [`BATCH`].
    async fn delete(&self, receipts: &[String]) -> Result<Vec<Refused>, Trouble>;
    /// Hides messages for so long from now on, at most [`BATCH`]; not at all: gives them back.
    async fn hide(&self, receipts: &[String], visibility: Duration) -> Result<Vec<Refused>, Trouble>;
}

pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// Asks nobody for anything but the region, where neither settings nor URL name one.
    pub async fn new(settings: &Sqs) -> Self {
        let tls = Provider::Rustls(CryptoMode::Ring);
        let http = Builder::new().tls_provider(tls).build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_timeout(settings.wait + ANSWER)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            // The feed has its own, which end with it and say what is wrong.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        // Otherwise the SDK looks for one itself, with the client above.
        if let Some(region) = settings.region.as_deref().or_else(|| of_region(&settings.queue_url)) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        if let Some(endpoint) = &settings.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        Self {
            client: Client::new(&loader.load().await),
            url: settings.queue_url.clone(),
        }
    }
}

impl Queue for SqsQueue {
    async fn receive(&self, wait: Duration, visibility: Duration) -> Result<Vec<Message>, Trouble> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(BATCH as i32)
            .wait_time_seconds(seconds(wait))
            .visibility_timeout(seconds(visibility))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let answer = request.send().await.map_err(|error| Trouble::of("receive", &error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    async fn delete(&self, receipts: &[String]) -> Result<Vec<Refused>, Trouble> {
        let mut entries = Vec::with_capacity(receipts.len());
        for (index, receipt) in receipts.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
            entries.push(entry.receipt_handle(receipt).build().map_err(Trouble::unbuilt)?);
        }
        let request = self.client.delete_message_batch().queue_url(&self.url);
        let answer = request.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| Trouble::of("delete", &error))?;
        Ok(refused(&answer.failed))
    }

    async fn hide(&self, receipts: &[String], visibility: Duration) -> Result<Vec<Refused>, Trouble> {
        let mut entries = Vec::with_capacity(receipts.len());
        for (index, receipt) in receipts.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string());
            let entry = entry.receipt_handle(receipt).visibility_timeout(seconds(visibility));
            entries.push(entry.build().map_err(Trouble::unbuilt)?);
        }
        let request = self.client.change_message_visibility_batch().queue_url(&self.url);
        let answer = request.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| Trouble::of("extend", &error))?;
        Ok(refused(&answer.failed))
    }
}

fn refused(failed: &[BatchResultErrorEntry]) -> Vec<Refused> {
    let refused = failed.iter().filter_map(|entry| {
        Some(Refused {
            index: entry.id.parse().ok()?,
            for_good: entry.sender_fault,
            code: entry.code.clone(),
        })
    });
    refused.collect()
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}
