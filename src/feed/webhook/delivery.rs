//! From a body to Kafka, with what may be under way bounded in events and in bytes.
//!
//! What is under way counts until Kafka has told what became of it, also when its sender was told long ago to send it again:
//! else each try while Kafka is away would leave a copy in memory.

use super::answer::{Accepted, Refusal};
use super::body::{self, Part};
use crate::broker::{BrokerError, Reaction};
use crate::feed::outlet::{Message, MessageHeader, Outlet, Receipt, Written};
use crate::feed::returns::{Outcome, Returns};
use crate::topology::Webhook;
use futures_util::future::join_all;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
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
    /// Of single events. `None` is never told.
    returns: Arc<Returns<Option<Waiting>>>,
}

/// Who waits for a single event, and what the event takes until it is told.
type Waiting = (oneshot::Sender<(Outcome, Option<Room>)>, Room);

struct Room {
    _event: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

/// The headers of a request's trace; none where it has none.
type Trace = Vec<MessageHeader<'static>>;

const ONE_RECORD: Accepted = Accepted {
    records: 1,
    dead_letters: 0,
};

impl Delivery {
    pub fn new(outlet: Arc<Outlet>, settings: &Webhook) -> Self {
        Self {
            outlet,
            max_pending: settings.max_pending,
            events: Arc::new(Semaphore::new(settings.max_pending)),
            kibs: Arc::new(Semaphore::new(BYTES_KIB.max(2 * kib(settings.max_body)))),
            failing: AtomicBool::new(false),
            returns: Returns::new(),
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

    /// Queues all of a body, each event with the request's trace, and waits until Kafka has it, but not beyond `deadline`.
    ///
    /// # Errors
    /// Too much is under way, or nobody knows whether Kafka has all of it.
    pub async fn deliver(
        self: &Arc<Self>,
        body: Vec<u8>,
        trace: Trace,
        mut bytes: OwnedSemaphorePermit,
        deadline: Instant,
    ) -> Result<Accepted, Refusal> {
        // what of a body without a length turned out not to be needed
        let surplus = bytes.num_permits().saturating_sub(kib(body.len()));
        drop(bytes.split(surplus));
        if body::is_single(&body) {
            return self.deliver_single(body, trace, bytes, deadline).await;
        }
        let own = Arc::clone(self);
        let work = async move {
            let accepted = own.write(&body, &trace).await;
            drop(bytes);
            accepted
        };
        on_its_own(work, deadline).await
    }

    /// As nearly every request is: without a task of its own, and read once.
    async fn deliver_single(
        self: &Arc<Self>,
        body: Vec<u8>,
        trace: Trace,
        bytes: OwnedSemaphorePermit,
        deadline: Instant,
    ) -> Result<Accepted, Refusal> {
        let event = take(&self.events, 1)?;
        self.show();
        let (tell, told) = oneshot::channel();
        let message = whole(&body, &trace);
        let mut room = Some((
            tell,
            Room {
                _event: event,
                _bytes: bytes,
            },
        ));
        let sent = self.outlet.try_send_object(&message, || self.returns.done(room.take()));
        let (why, room) = match sent {
            Ok(None) => match tokio::time::timeout_at(deadline, told).await {
                Ok(Ok((Ok(()), _))) => return Ok(ONE_RECORD),
                Ok(Ok((Err(refused), room))) if refused.reaction == Reaction::DeadLetter => {
                    (("too_large", refused.message), room)
                }
                _ => return Err(Refusal::Unacknowledged),
            },
            Ok(Some(_back)) => {
                // Before what is given back: nobody is to hear of it.
                drop(told);
                return Err(Refusal::Full);
            }
            Err(why) => {
                self.outlet.state().received();
                (("parse", why), room.map(|(_, room)| room))
            }
        };
        let own = Arc::clone(self);
        let letter = async move {
            let kept = own.outlet.dead_letter(&whole(&body, &trace), why.0, &why.1).await;
            drop(room);
            own.accepted([kept.map(|()| Written::DeadLetter)])
        };
        on_its_own(letter, deadline).await
    }

    /// Passes on what becomes of single events. Never ends.
    pub async fn tell_all(&self) {
        let mut all = Vec::new();
        loop {
            self.returns.next(&mut all).await;
            let mut written = 0;
            for (waiting, outcome) in all.drain(..) {
                match &outcome {
                    Ok(()) => written += 1,
                    Err(error) if error.reaction == Reaction::DeadLetter => {}
                    // Who was told to come again long ago needs no word of it.
                    Err(_) if waiting.as_ref().is_none_or(|(tell, _): &Waiting| tell.is_closed()) => {}
                    Err(error) => self.failed(error),
                }
                if let Some((tell, room)) = waiting {
                    let _ = tell.send((outcome, Some(room)));
                }
            }
            if written > 0 {
                self.outlet.state().written(written);
                self.works();
            }
            self.show();
        }
    }

    async fn write(&self, body: &[u8], trace: &Trace) -> Result<Accepted, Refusal> {
        let parts = body::parts(body, self.max_pending)?;
        let events = take(&self.events, parts.len())?;
        self.show();
        let (sent, whole) = self.send(parts, trace);
        let settled = join_all(sent.into_iter().map(|sent| settle(&self.outlet, sent))).await;
        drop(events);
        self.show();
        let accepted = self.accepted(settled)?;
        // those that were sent are Kafka's, and come again with the others
        if whole { Ok(accepted) } else { Err(Refusal::Full) }
    }

    fn accepted(&self, settled: impl IntoIterator<Item = Result<Written, BrokerError>>) -> Result<Accepted, Refusal> {
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
        if accepted != Accepted::default() {
            self.works();
        }
        Ok(accepted)
    }

    /// Queues parts in their order, up to the first for which there is no room; and whether that was all.
    fn send<'b>(&self, parts: Vec<Part<'b>>, trace: &Trace) -> (Vec<Sent<'b>>, bool) {
        let mut sent = Vec::with_capacity(parts.len());
        for part in parts {
            sent.push(match part {
                Part::Event(bytes) => {
                    let message = whole(bytes, trace);
                    let Some(receipt) = self.outlet.try_send(&message) else {
                        return (sent, false);
                    };
                    Sent::Event(message, receipt)
                }
                Part::Wrong(bytes, why) => {
                    self.outlet.state().received();
                    Sent::Wrong(whole(bytes, trace), why)
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

    fn works(&self) {
        if self.failing.load(Ordering::Relaxed) && self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!(feed = self.outlet.state().name, "Kafka takes events of the feed again");
        }
    }

    fn show(&self) {
        let free = self.events.available_permits().min(self.max_pending);
        self.outlet.state().unacknowledged(self.max_pending - free);
    }
}

fn whole<'b>(body: &'b [u8], trace: &Trace) -> Message<'b> {
    Message {
        body: Cow::Borrowed(body),
        headers: trace.clone(),
    }
}

/// Goes on when nobody waits for it any more.
async fn on_its_own(
    work: impl Future<Output = Result<Accepted, Refusal>> + Send + 'static,
    deadline: Instant,
) -> Result<Accepted, Refusal> {
    match tokio::time::timeout_at(deadline, tokio::spawn(work)).await {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(_)) | Err(_) => Err(Refusal::Unacknowledged),
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
