//! The way out of a feed: a message becomes a record of its topic, and its sender's feed hears when Kafka has it.

use super::keys::Keys;
use super::state::FeedState;
use crate::broker::{BrokerError, Done, Outgoing, Reaction, Writer};
use crate::dead_letter::{self, Reason};
use crate::record::{self, Header, Origin, RawRecord};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// Until there is room in the queue again.
const FULL: Duration = Duration::from_millis(5);
/// The largest dead letter; what is larger is cut.
const DEAD_LETTER_BYTES: usize = 900_000;
/// Of a message whose dead letter was refused at that size.
const SMALL_LETTER_BYTES: usize = 16_384;

/// A message as it came.
#[derive(Clone, Debug, Default)]
pub struct Message<'m> {
    pub body: Cow<'m, [u8]>,
    /// The record's headers.
    pub headers: Vec<MessageHeader<'m>>,
}

/// Name and value; one without a value is allowed.
pub type MessageHeader<'m> = (Cow<'m, str>, Option<Cow<'m, [u8]>>);

/// What became of a message. Either way it is Kafka's now, and its sender may forget it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Record,
    DeadLetter,
}

/// A record that is under way. Resolves when Kafka has it, or to why it may not.
pub type Receipt = oneshot::Receiver<Result<(), BrokerError>>;

/// Where one feed's messages go. Cheap to share; the order of [`Outlet::send`]s is the order of the records of a key.
pub struct Outlet {
    pub(super) topic: String,
    pub(super) dead_letters: String,
    pub(super) writer: Arc<dyn Writer>,
    pub(super) keys: Mutex<Keys>,
    pub(super) state: Arc<FeedState>,
}

impl Outlet {
    pub fn state(&self) -> &Arc<FeedState> {
        &self.state
    }

    /// Queues a message, waiting while the queue is full. The receipt is for [`Outlet::settle`].
    pub async fn send(&self, message: &Message<'_>) -> Receipt {
        self.state.received();
        queued(|done| self.offer(message, done)).await
    }

    /// Queues a message, unless the queue is full: `None`.
    pub fn try_send(&self, message: &Message<'_>) -> Option<Receipt> {
        let (done, receipt) = receipt();
        if self.offer(message, done).is_some() {
            return None;
        }
        self.state.received();
        Some(receipt)
    }

    /// Waits until Kafka has the message: as a record or, where it can never be one, as a dead letter.
    ///
    /// # Errors
    /// Nobody knows whether Kafka has it: it is to be sent again.
    pub async fn settle(&self, message: &Message<'_>, receipt: Receipt) -> Result<Written, BrokerError> {
        match told(receipt).await {
            Ok(()) => {
                self.state.written(1);
                Ok(Written::Record)
            }
            Err(error) if error.reaction == Reaction::DeadLetter => {
                self.too_large(message, &error).await?;
                Ok(Written::DeadLetter)
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps a message as a dead letter that Kafka refused with a `DeadLetter`, and waits until Kafka has that.
    ///
    /// # Errors
    /// Nobody knows whether Kafka has it.
    pub async fn too_large(&self, message: &Message<'_>, refused: &BrokerError) -> Result<(), BrokerError> {
        self.dead_letter(message, "too_large", &refused.message).await
    }

    /// Keeps a message as a dead letter, and waits until Kafka has that. `kind` is one word, `why` says more.
    ///
    /// # Errors
    /// Nobody knows whether Kafka has it.
    pub async fn dead_letter(&self, message: &Message<'_>, kind: &'static str, why: &str) -> Result<(), BrokerError> {
        let reason = Reason {
            kind,
            message: why.to_owned(),
            detail: None,
            processor: self.state.name.clone(),
        };
        let written = self.write_letter(message, &reason, DEAD_LETTER_BYTES).await;
        match written {
            // Its topic takes less than that.
            Err(error) if error.reaction == Reaction::DeadLetter => {
                self.write_letter(message, &reason, SMALL_LETTER_BYTES).await?;
            }
            written => written?,
        }
        self.state.dead_lettered();
        Ok(())
    }

    async fn write_letter(&self, message: &Message<'_>, reason: &Reason, limit: usize) -> Result<(), BrokerError> {
        let receipt = queued(|done| {
            with_headers(message, |headers| {
                let record = RawRecord {
                    origin: Origin {
                        topic: &self.topic,
                        partition: -1,
                        offset: -1,
                    },
                    key: None,
                    value: Some(&message.body),
                    headers,
                    timestamp: -1,
                };
                let write = |letter: Outgoing<'_>| self.writer.write(letter, done);
                dead_letter::write(&record, reason, &self.dead_letters, limit, write)
            })
        });
        told(receipt.await).await
    }

    /// Queues a message for who hears of it by `done`, and counts what Kafka has by [`FeedState::written`]. Given back: the queue is
    /// full.
    pub fn try_send_to(&self, message: &Message<'_>, done: Done) -> Option<Done> {
        let back = self.offer(message, done);
        if back.is_none() {
            self.state.received();
        }
        back
    }

    /// As [`Outlet::try_send_to`], of a message that must be a JSON object; `done` is asked for where it is one.
    ///
    /// # Errors
    /// Why it is none. It is not counted then.
    pub fn try_send_object(&self, message: &Message<'_>, done: impl FnOnce() -> Done) -> Result<Option<Done>, String> {
        let back = with_headers(message, |headers| {
            let (now, mut keys) = (now(), self.keys());
            keys.of_object(&message.body, headers, now, |key, headers| {
                self.write(message, key, headers, now, done())
            })
        })?;
        if back.is_none() {
            self.state.received();
        }
        Ok(back)
    }

    /// Given back: the queue is full.
    fn offer(&self, message: &Message<'_>, done: Done) -> Option<Done> {
        with_headers(message, |headers| {
            let (now, mut keys) = (now(), self.keys());
            keys.of(&message.body, headers, now, |key, headers| {
                self.write(message, key, headers, now, done)
            })
        })
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `now`, whatever the message says of its own time: a topic deletes what is older than its retention, and what waited for longer
    /// than that elsewhere would be gone before anybody read it.
    fn write(
        &self,
        message: &Message<'_>,
        key: Option<&[u8]>,
        headers: &[Header<'_>],
        now: i64,
        done: Done,
    ) -> Option<Done> {
        let record = Outgoing {
            topic: &self.topic,
            partition: None,
            key,
            value: Some(&message.body),
            headers,
            timestamp: Some(now),
        };
        self.writer.write(record, done)
    }
}

/// Milliseconds since the epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Offers a record until the queue has room for it.
async fn queued(offer: impl Fn(Done) -> Option<Done>) -> Receipt {
    let (done, receipt) = receipt();
    let mut done = Some(done);
    while let Some(again) = done.take() {
        done = offer(again);
        if done.is_some() {
            tokio::time::sleep(FULL).await;
        }
    }
    receipt
}

fn receipt() -> (Done, Receipt) {
    let (tell, receipt) = oneshot::channel();
    let done: Done = Box::new(move |outcome| {
        // Nobody may wait any more: then the message is sent again, and dropped as a duplicate.
        let _ = tell.send(outcome);
    });
    (done, receipt)
}

async fn told(receipt: Receipt) -> Result<(), BrokerError> {
    receipt.await.unwrap_or_else(|_| Err(closed()))
}

/// Nobody will tell any more what became of a record.
pub(super) fn closed() -> BrokerError {
    BrokerError {
        operation: "write",
        message: "the producer was closed before it was told".to_owned(),
        reaction: Reaction::Retry,
    }
}

fn with_headers<T>(message: &Message<'_>, use_them: impl FnOnce(&[Header<'_>]) -> T) -> T {
    use_them(&record::headers(&message.headers))
}
