//! From a body to Kafka, with what may be under way bounded in events and in bytes.
//!
//! What is under way counts until Kafka has told what became of it, also when its sender was told long ago to send it again:
//! else each try while Kafka is away would leave a copy in memory.

use super::answer::{Accepted, Refusal};
use super::body::{self, Part};
use crate::broker::BrokerError;
use crate::feed::outlet::{Message, Outlet, Receipt, Written};
use crate::topology::Webhook;
use futures_util::future::join_all;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Of bodies under way, in KiB, and at least two of the largest.
const BYTES_KIB: usize = 64 << 10;

pub struct Delivery {
    outlet: Arc<Outlet>,
    max_pending: usize,
    /// Events that may be added to what is under way.
    events: Arc<Semaphore>,
    /// KiB of bodies that may.
    kibs: Arc<Semaphore>,
    /// Kafka gave an error last, which was said.
    failing: AtomicBool,
}

impl Delivery {
    pub fn new(outlet: Arc<Outlet>, settings: &Webhook) -> Self {
        Self {
            outlet,
            max_pending: settings.max_pending,
            events: Arc::new(Semaphore::new(settings.max_pending)),
            kibs: Arc::new(Semaphore::new(BYTES_KIB.max(2 * kib(settings.max_body)))),
            failing: AtomicBool::new(false),
        }
    }

    /// Room for a body of up to so many bytes, before it is read.
    ///
    /// # Errors
    /// Too much is under way.
    pub fn room_for_bytes(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        if self.events.available_permits() == 0 {
            return Err(Refusal::Full);
        }
        take(&self.kibs, kib(bytes))
    }

    /// Queues all of a body, and waits until Kafka has it, but not beyond `deadline`.
    ///
    /// # Errors
    /// Too much is under way, or nobody knows whether Kafka has all of it.
    pub async fn deliver(
        self: &Arc<Self>,
        body: Vec<u8>,
        mut bytes: OwnedSemaphorePermit,
        deadline: Instant,
    ) -> Result<Accepted, Refusal> {
        // what of a body without a length turned out not to be needed
        let surplus = bytes.num_permits().saturating_sub(kib(body.len()));
        drop(bytes.split(surplus));
        let own = Arc::clone(self);
        // On its own: it goes on when nobody waits for it any more.
        let work = tokio::spawn(async move {
            let accepted = own.write(&body).await;
            drop(bytes);
            accepted
        });
        match tokio::time::timeout_at(deadline, work).await {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(_)) | Err(_) => Err(Refusal::Unacknowledged),
        }
    }

    async fn write(&self, body: &[u8]) -> Result<Accepted, Refusal> {
        let parts = body::parts(body, self.max_pending)?;
        let events = take(&self.events, parts.len())?;
        self.show();
        let (sent, whole) = self.send(parts);
        let settled = join_all(sent.into_iter().map(|sent| settle(&self.outlet, sent))).await;
        drop(events);
        self.show();
        let mut accepted = Accepted::default();
        for outcome in settled {
            match outcome {
                Ok(Written::Record) => accepted.records += 1,
                Ok(Written::DeadLetter) => accepted.dead_letters += 1,
                Err(error) => {
                    self.failed(&error);
                    return Err(Refusal::Unacknowledged);
                }
            }
        }
        if accepted != Accepted::default() && self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!(feed = self.outlet.state().name, "Kafka takes events of the feed again");
        }
        // those that were sent are Kafka's, and come again with the others
        if whole { Ok(accepted) } else { Err(Refusal::Full) }
    }

    /// Queues parts in their order, up to the first for which there is no room; and whether that was all.
    fn send<'b>(&self, parts: Vec<Part<'b>>) -> (Vec<Sent<'b>>, bool) {
        let mut sent = Vec::with_capacity(parts.len());
        for part in parts {
            let message = |bytes| Message {
                body: Cow::Borrowed(bytes),
                ..Message::default()
            };
            sent.push(match part {
                Part::Event(bytes) => {
                    let message = message(bytes);
                    let Some(receipt) = self.outlet.try_send(&message) else {
                        return (sent, false);
                    };
                    Sent::Event(message, receipt)
                }
                Part::Wrong(bytes, why) => {
                    self.outlet.state().received();
                    Sent::Wrong(message(bytes), why)
                }
            });
        }
        (sent, true)
    }

    fn failed(&self, error: &BrokerError) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            let feed = &self.outlet.state().name;
            tracing::warn!(feed, %error, "Kafka takes no events of the feed: they are refused, to be sent again");
        }
    }

    fn show(&self) {
        let free = self.events.available_permits().min(self.max_pending);
        self.outlet.state().unacknowledged(self.max_pending - free);
    }
}

fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1 << 10)
}

fn take(room: &Arc<Semaphore>, much: usize) -> Result<OwnedSemaphorePermit, Refusal> {
    let much = u32::try_from(much).map_err(|_| Refusal::Full)?;
    Arc::clone(room).try_acquire_many_owned(much).map_err(|_| Refusal::Full)
}

/// A part on its way.
enum Sent<'b> {
    Event(Message<'b>, Receipt),
    Wrong(Message<'b>, Cow<'static, str>),
}

async fn settle(outlet: &Outlet, sent: Sent<'_>) -> Result<Written, BrokerError> {
    match sent {
        Sent::Event(message, receipt) => outlet.settle(&message, receipt).await,
        Sent::Wrong(message, why) => {
            outlet.dead_letter(&message, "parse", &why).await?;
            Ok(Written::DeadLetter)
        }
    }
}
