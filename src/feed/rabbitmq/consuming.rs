//! Messages on, acknowledgements back: one loop, so that neither waits for the other.
//!
//! Under load all goes in batches: as many messages as there are, one word from the producer for many records, one word to RabbitMQ for all
//! of them. To wake a thread costs as much as a message.

use super::connection::Session;
use super::headers;
use super::under_way::UnderWay;
use crate::broker::{BrokerError, Done, Reaction};
use crate::feed::outlet::Outlet;
use crate::feed::returns::{Outcome, Returns};
use crate::feed::stop::Stop;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, OptionFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};
use lapin::Event;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// Until the way out has room again.
const FULL: Duration = Duration::from_millis(5);
/// For what is under way when the feed is stopped. What is not acknowledged then comes again.
const LAST: Duration = Duration::from_secs(5);
/// Kafka has taken nothing for so long: the feed is down, as nobody can tell when it will go on.
const SILENCE: Duration = Duration::from_secs(5);
/// Messages that are taken before anything else is looked at.
const BURST: usize = 256;
/// Who got so many at once gets more if it waits a moment, instead of being woken for each.
const MANY: usize = 4;
const MOMENT: Duration = Duration::from_millis(1);

/// Why no more is consumed.
pub enum Ended {
    Stopped,
    Lost {
        why: String,
        /// Something was acknowledged before.
        progress: bool,
    },
}

/// From the queue to the way out.
struct Flow<'f> {
    outlet: &'f Outlet,
    vhost: &'f str,
    under_way: UnderWay<'f>,
    returns: Arc<Returns<u64>>,
    /// Dead letters on their way.
    letters: FuturesUnordered<LocalBoxFuture<'f, (u64, Outcome)>>,
    /// The newest message, which the way out had no room for.
    waiting: Option<(u64, Done)>,
}

impl<'f> Flow<'f> {
    /// Takes what there is, up to so much. How many; a reason why there will be no more.
    fn take_all(
        &mut self,
        first: Option<lapin::Result<Delivery>>,
        mut more: impl FnMut() -> Option<Option<lapin::Result<Delivery>>>,
    ) -> Result<usize, String> {
        let mut next = Some(first);
        let mut count = 0;
        while let Some(delivery) = next.take() {
            match delivery {
                Some(Ok(delivery)) => self.take(delivery),
                Some(Err(error)) => return Err(connection_lost(&error)),
                None => {
                    return Err(
                        "RabbitMQ has cancelled the consumer: is the queue deleted, or its node gone?".to_owned(),
                    );
                }
            }
            count += 1;
            if count < BURST && self.waiting.is_none() {
                next = more();
            }
        }
        Ok(count)
    }

    fn take(&mut self, delivery: Delivery) {
        let tag = delivery.delivery_tag;
        let number = self.under_way.take(tag, headers::message(delivery, self.vhost));
        let done = self.returns.done(number);
        self.send(number, done);
    }

    fn send(&mut self, number: u64, done: Done) {
        if let Some(message) = self.under_way.message(number) {
            self.waiting = self.outlet.try_send_to(message, done).map(|done| (number, done));
        }
    }

    fn send_waiting(&mut self) {
        if let Some((number, done)) = self.waiting.take() {
            self.send(number, done);
        }
    }

    /// What became of records.
    fn settle_all(&mut self, returned: &mut Vec<(u64, Outcome)>) -> Result<(), BrokerError> {
        let mut written = 0;
        for (number, outcome) in returned.drain(..) {
            let Some(message) = self.under_way.message(number) else {
                continue;
            };
            match outcome {
                Ok(()) => {
                    written += 1;
                    self.under_way.settled(number);
                }
                Err(refused) if refused.reaction == Reaction::DeadLetter => {
                    let (message, outlet) = (message.clone(), self.outlet);
                    let letter = async move { (number, outlet.too_large(&message, &refused).await) };
                    self.letters.push(Box::pin(letter));
                }
                Err(error) => return Err(error),
            }
        }
        self.outlet.state().written(written);
        Ok(())
    }
}

/// Until the feed is stopped, or something breaks.
pub async fn consume(session: &mut Session, outlet: &Outlet, stop: &mut Stop) -> Ended {
    let state = outlet.state();
    let channel = session.channel.clone();
    let acknowledge = |tag| {
        let channel = channel.clone();
        async move { channel.basic_ack(tag, BasicAckOptions { multiple: true }).await }
    };
    let vhost = session.vhost.clone();
    let mut flow = Flow {
        outlet,
        vhost: &vhost,
        under_way: UnderWay::default(),
        returns: Returns::new(),
        letters: FuturesUnordered::new(),
        waiting: None,
    };
    let returns = Arc::clone(&flow.returns);
    let mut returned = Vec::new();
    let mut telling = Box::pin(OptionFuture::from(None));
    let mut is_telling = false;
    let mut rest = pin!(sleep(Duration::ZERO));
    let mut rests = false;
    let mut last: Option<Instant> = None;
    // When Kafka took something, or nothing was on its way to it.
    let mut heard = Instant::now();
    let mut is_silent = false;
    let why = loop {
        flow.send_waiting();
        if flow.under_way.is_empty() {
            heard = Instant::now();
        }
        if !is_telling && let Some(tag) = flow.under_way.tags.next() {
            telling.set(OptionFuture::from(Some(acknowledge(tag))));
            is_telling = true;
        }
        state.unacknowledged(flow.under_way.tags.open());
        if last.is_some() && flow.under_way.is_empty() && !is_telling {
            return Ended::Stopped;
        }
        tokio::select! {
            biased;
            () = stop.requested(), if last.is_none() => {
                last = Some(Instant::now() + LAST);
                if flow.waiting.take().is_some() {
                    flow.under_way.leave_newest();
                }
                session.cancel().await;
            }
            () = sleep_until(last.unwrap_or_else(Instant::now)), if last.is_some() => return Ended::Stopped,
            told = &mut telling, if is_telling => {
                is_telling = false;
                match told {
                    Some(Err(error)) => break connection_lost(&error),
                    _ => flow.under_way.tags.acknowledged(),
                }
            }
            () = returns.next(&mut returned) => {
                if let Err(error) = flow.settle_all(&mut returned) {
                    break not_written(&error);
                }
                heard = Instant::now();
                if std::mem::take(&mut is_silent) {
                    state.up();
                }
            }
            () = sleep_until(heard + SILENCE), if !is_silent && !flow.under_way.is_empty() => {
                is_silent = true;
                state.down("it waits for Kafka to take what was sent");
            }
            Some((number, kept)) = flow.letters.next(), if !flow.letters.is_empty() => match kept {
                Ok(()) => flow.under_way.settled(number),
                Err(error) => break not_written(&error),
            },
            Some(event) = session.events.next() => match event {
                // It takes nothing from who publishes; who consumes goes on.
                Event::ConnectionBlocked(why) => {
                    tracing::info!(feed = state.name, %why, "RabbitMQ lacks memory or disk: it takes no messages, and gives what it has");
                }
                Event::Error(error) => break connection_lost(&error),
                _ => {}
            },
            () = sleep(FULL), if flow.waiting.is_some() => {}
            () = &mut rest, if rests => rests = false,
            delivery = session.consumer.next(), if !rests && flow.waiting.is_none() && last.is_none() => {
                let consumer = &mut session.consumer;
                match flow.take_all(delivery, || consumer.next().now_or_never()) {
                    Err(why) => break why,
                    Ok(count) => {
                        rests = (MANY..BURST).contains(&count);
                        if rests {
                            rest.as_mut().reset(Instant::now() + MOMENT);
                        }
                    }
                }
            }
        }
    };
    let progress = flow.under_way.tags.progress();
    Ended::Lost { why, progress }
}

fn connection_lost(error: &lapin::Error) -> String {
    format!("the connection is lost: {error}")
}

fn not_written(error: &BrokerError) -> String {
    format!(
        "Kafka did not take a message, which is asked for again: {}",
        error.message
    )
}
