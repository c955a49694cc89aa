//! From the queue to Kafka and back to the queue: receive, write, wait, delete. One thread, and a part of it for each.

use super::held::{Held, Id};
use super::message::{Made, made};
use super::queue::{BATCH, Queue, Refused};
use super::standing::{Part, Standing};
use super::trouble::Trouble;
use crate::broker::BrokerError;
use crate::feed::backoff::Backoff;
use crate::feed::{Message, Outlet, Receipt, Stop};
use aws_sdk_sqs::types::Message as Received;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How long what may be deleted waits for others, as ten cost what one does.
const GATHER: Duration = Duration::from_millis(20);
/// Requests that extend at the same time.
const EXTENDERS: usize = 8;
/// A request that waits for messages has so long, as those that it gets and that nobody takes stay hidden.
const LAST_RECEIVE: Duration = Duration::from_secs(1);
/// Giving back has so long.
const GIVE_BACK: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub wait: Duration,
    pub visibility: Duration,
    pub in_flight: usize,
    /// At the same time.
    pub receivers: usize,
    pub unwrap_sns: bool,
    /// For what is under way when the feed is stopped.
    pub grace: Duration,
}

pub struct Flow<'f, Q> {
    queue: &'f Q,
    outlet: &'f Outlet,
    limits: Limits,
    held: Held,
    places: Arc<Semaphore>,
    standing: Standing,
    receiving: Backoff,
    writing: Backoff,
}

/// A message on its way to Kafka.
struct Sent {
    id: Id,
    message: Message<'static>,
    way: Way,
}

enum Way {
    Record(Receipt),
    /// And why.
    DeadLetter(String),
}

/// What the settling part waits for.
enum Step {
    Sent(Option<Sent>),
    Settled(Id, Result<(), BrokerError>),
    Gathered,
    Returned,
}

impl<'f, Q: Queue> Flow<'f, Q> {
    pub fn new(queue: &'f Q, outlet: &'f Outlet, limits: Limits) -> Self {
        Self {
            queue,
            outlet,
            limits,
            held: Held::new(outlet.state()),
            places: Arc::new(Semaphore::new(limits.in_flight)),
            standing: Standing::new(outlet.state()),
            receiving: Backoff::default(),
            writing: Backoff::default(),
        }
    }

    /// Until it is stopped; then what is under way is finished, or given back.
    pub async fn run(&self, stop: Stop) {
        // Bounded by the places of those in flight.
        let (tell, told) = unbounded_channel();
        let mut asked = stop.clone();
        tokio::select! {
            ((), ()) = async { tokio::join!(self.receive_all(tell, stop), self.settle_all(told)) } => {}
            () = self.extend_all() => {}
            () = async { asked.requested().await; tokio::time::sleep(self.limits.grace).await } => {}
        }
        let rest = self.held.all();
        if !rest.is_empty() {
            tracing::info!(
                feed = self.outlet.state().name,
                messages = rest.len(),
                "Kafka did not get these in time: they are given back to the queue"
            );
            let _ = tokio::time::timeout(GIVE_BACK, self.give_back(rest)).await;
        }
    }

    // ---- receiving

    async fn receive_all(&self, tell: UnboundedSender<Sent>, stop: Stop) {
        let mut receiving = FuturesUnordered::new();
        let mut wanted = 1;
        // A long poll tells nothing while the queue is empty, so the first one is short.
        let mut is_known = false;
        let mut asked = stop.clone();
        while !stop.is_requested() {
            while receiving.len() < wanted {
                let wait = if is_known { self.limits.wait } else { Duration::ZERO };
                receiving.push(self.receive(wait, &tell, &stop));
            }
            let outcome = tokio::select! {
                outcome = receiving.next() => outcome,
                () = asked.requested() => break,
            };
            match outcome {
                Some(Ok(messages)) => {
                    is_known = true;
                    let is_full = messages == BATCH && !self.writing.is_failing();
                    wanted = if is_full {
                        (wanted + 1).min(self.limits.receivers)
                    } else {
                        1
                    };
                }
                Some(Err(())) => {
                    is_known = false;
                    wanted = 1;
                }
                None => {}
            }
        }
        let _ = tokio::time::timeout(LAST_RECEIVE, async { while receiving.next().await.is_some() {} }).await;
    }

    /// One request, and its messages on their way. How many there were.
    async fn receive(&self, wait: Duration, tell: &UnboundedSender<Sent>, stop: &Stop) -> Result<usize, ()> {
        self.writing.wait().await;
        self.receiving.wait().await;
        let room = u32::try_from(BATCH).unwrap_or(u32::MAX);
        let places = Arc::clone(&self.places).acquire_many_owned(room).await.ok();
        if stop.is_requested() {
            return Ok(0);
        }
        match self.queue.receive(wait, self.limits.visibility).await {
            Ok(messages) => {
                self.receiving.worked();
                self.standing.works(Part::Receiving);
                let count = messages.len();
                self.send(messages, places, tell, stop).await;
                Ok(count)
            }
            Err(trouble) => {
                self.receiving.failed();
                self.standing.fails(Part::Receiving, trouble.to_string());
                Err(())
            }
        }
    }

    /// Queues messages for Kafka, in their order.
    async fn send(
        &self,
        messages: Vec<Received>,
        mut places: Option<OwnedSemaphorePermit>,
        tell: &UnboundedSender<Sent>,
        stop: &Stop,
    ) {
        let mut held = Vec::with_capacity(messages.len());
        for mut message in messages {
            let receipt = message.receipt_handle.take().unwrap_or_default();
            let place = places.as_mut().and_then(|places| places.split(1));
            held.push((self.held.add(receipt, place), message));
        }
        drop(places);
        for (id, message) in held {
            if stop.is_requested() {
                // The rest is given back.
                return;
            }
            let Made { message, unopened } = made(message, self.limits.unwrap_sns);
            let way = match unopened {
                None => Way::Record(self.outlet.send(&message).await),
                Some(why) => {
                    self.outlet.state().received();
                    Way::DeadLetter(why)
                }
            };
            // Nobody listens any more: it is given back.
            let _ = tell.send(Sent { id, message, way });
        }
    }

    // ---- settling

    async fn settle_all(&self, mut sent: UnboundedReceiver<Sent>) {
        let mut settling = FuturesUnordered::new();
        let mut returning: FuturesUnordered<LocalBoxFuture<'_, ()>> = FuturesUnordered::new();
        let mut written: Vec<Id> = Vec::new();
        let mut gathered = Instant::now();
        let mut is_open = true;
        while is_open || !settling.is_empty() || !written.is_empty() || !returning.is_empty() {
            let step = tokio::select! {
                sent = sent.recv(), if is_open => Step::Sent(sent),
                Some((id, outcome)) = settling.next(), if !settling.is_empty() => Step::Settled(id, outcome),
                () = tokio::time::sleep_until(gathered), if !written.is_empty() => Step::Gathered,
                Some(()) = returning.next(), if !returning.is_empty() => Step::Returned,
            };
            match step {
                Step::Sent(Some(sent)) => settling.push(self.settle(sent)),
                Step::Sent(None) => is_open = false,
                Step::Settled(id, Ok(())) => {
                    self.writing.worked();
                    self.standing.works(Part::Writing);
                    if written.is_empty() {
                        gathered = Instant::now() + GATHER;
                    }
                    written.push(id);
                }
                Step::Settled(id, Err(error)) => {
                    self.writing.failed();
                    self.standing
                        .fails(Part::Writing, format!("Kafka did not take a message: {error}"));
                    returning.push(Box::pin(self.give_back(vec![id])));
                }
                Step::Gathered | Step::Returned => {}
            }
            if written.len() >= BATCH || (!written.is_empty() && Instant::now() >= gathered) {
                returning.push(Box::pin(self.delete(std::mem::take(&mut written))));
            }
        }
    }

    async fn settle(&self, sent: Sent) -> (Id, Result<(), BrokerError>) {
        let outcome = match sent.way {
            Way::Record(receipt) => self.outlet.settle(&sent.message, receipt).await.map(|_| ()),
            Way::DeadLetter(why) => self.outlet.dead_letter(&sent.message, "envelope", &why).await,
        };
        (sent.id, outcome)
    }

    /// Deletes at most [`BATCH`] messages that Kafka has. It ends when they are gone or can't be deleted at all: then they come
    /// again, once nobody hides them.
    async fn delete(&self, mut ids: Vec<Id>) {
        let deleting = Backoff::default();
        while !ids.is_empty() {
            let receipts = self.held.receipts(&mut ids);
            match self.queue.delete(&receipts).await {
                Ok(refused) => {
                    self.standing.works(Part::Deleting);
                    ids = self.deleted(&ids, &refused);
                }
                Err(trouble) => self.standing.fails(Part::Deleting, trouble.to_string()),
            }
            if !ids.is_empty() {
                deleting.failed();
                deleting.wait().await;
            }
        }
    }

    /// Those that are to be deleted again.
    fn deleted(&self, ids: &[Id], refused: &[Refused]) -> Vec<Id> {
        let mut again = Vec::new();
        for (index, id) in ids.iter().enumerate() {
            match refused.iter().find(|refused| refused.index == index) {
                Some(refused) if !refused.for_good => again.push(*id),
                found => {
                    if let Some(refused) = found {
                        let (feed, code) = (&self.outlet.state().name, &refused.code);
                        tracing::warn!(
                            feed,
                            code,
                            "a message could not be deleted: it will come again, as a duplicate"
                        );
                    }
                    self.held.remove(*id);
                }
            }
        }
        again
    }

    /// Shows messages to others again, at once if SQS can be asked, else when their time is over.
    async fn give_back(&self, ids: Vec<Id>) {
        for batch in ids.chunks(BATCH) {
            let mut batch = batch.to_vec();
            let receipts = self.held.receipts(&mut batch);
            if let Err(trouble) = self.queue.hide(&receipts, Duration::ZERO).await {
                self.not_hidden(&trouble);
            }
            for id in batch {
                self.held.remove(id);
            }
        }
    }

    // ---- extending

    /// Keeps messages hidden that are held for long. Never ends.
    async fn extend_all(&self) {
        let quarter = self.limits.visibility / 4;
        loop {
            tokio::time::sleep(quarter).await;
            let due = self.held.older(quarter);
            let batches = futures_util::stream::iter(due.chunks(BATCH));
            batches
                .for_each_concurrent(EXTENDERS, |batch| self.extend(batch.to_vec()))
                .await;
        }
    }

    async fn extend(&self, mut ids: Vec<Id>) {
        let receipts = self.held.receipts(&mut ids);
        if receipts.is_empty() {
            // All deleted meanwhile.
            return;
        }
        let began = Instant::now();
        match self.queue.hide(&receipts, self.limits.visibility).await {
            Ok(refused) => {
                let was_refused = |index| refused.iter().any(|refused| refused.index == index);
                let hidden: Vec<Id> = ids
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| !was_refused(*index))
                    .map(|(_, id)| *id)
                    .collect();
                self.held.hidden(&hidden, began);
            }
            Err(trouble) => self.not_hidden(&trouble),
        }
    }

    fn not_hidden(&self, trouble: &Trouble) {
        let feed = &self.outlet.state().name;
        tracing::debug!(feed, why = %trouble, "how long messages are hidden could not be changed: they may come again");
    }
}
