//! Messages on, acknowledgements back: one loop, so that neither waits for the other.

use super::connection::Session;
use super::headers;
use crate::broker::BrokerError;
use crate::feed::outlet::{Message, Outlet, Receipt, Written};
use crate::feed::running::Stop;
use futures_util::FutureExt;
use futures_util::future::OptionFuture;
use futures_util::stream::{FuturesOrdered, StreamExt};
use lapin::Event;
use lapin::options::BasicAckOptions;
use std::time::Duration;
use tokio::time::Instant;

/// Until the way out has room again.
const FULL: Duration = Duration::from_millis(5);
/// For what is under way when the feed is stopped. What is not acknowledged then comes again.
const LAST: Duration = Duration::from_secs(5);

/// Why no more is consumed.
pub enum Ended {
    Stopped,
    Lost {
        why: String,
        /// Something was acknowledged before.
        progress: bool,
    },
}

/// How far we are. RabbitMQ counts a channel's messages from 1.
#[derive(Debug, Default)]
pub struct Tags {
    taken: u64,
    /// Kafka has this one and all before it.
    settled: u64,
    /// RabbitMQ is told so of this one and all before it.
    told: u64,
    acknowledged: u64,
}

impl Tags {
    /// What RabbitMQ is to be told next, if anything: one word for all that were settled meanwhile.
    pub fn next(&mut self) -> Option<u64> {
        if self.settled == self.told {
            return None;
        }
        self.told = self.settled;
        Some(self.told)
    }

    pub fn taken(&mut self, tag: u64) {
        self.taken = tag;
    }

    pub fn settled(&mut self, tag: u64) {
        self.settled = tag;
    }

    pub fn acknowledged(&mut self) {
        self.acknowledged = self.told;
    }

    fn lost(&self, why: String) -> Ended {
        let progress = self.acknowledged > 0;
        Ended::Lost { why, progress }
    }

    /// Taken and not acknowledged.
    pub fn open(&self) -> usize {
        usize::try_from(self.taken.saturating_sub(self.acknowledged)).unwrap_or(usize::MAX)
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
    let mut tags = Tags::default();
    // In the order in which they came; the first that is settled is the next to be acknowledged.
    let mut under_way = FuturesOrdered::new();
    // A message that the way out had no room for.
    let mut waiting: Option<(u64, Message<'static>)> = None;
    let mut telling = Box::pin(OptionFuture::from(None));
    let mut is_telling = false;
    let mut last: Option<Instant> = None;
    loop {
        if !is_telling && let Some(tag) = tags.next() {
            telling.set(OptionFuture::from(Some(acknowledge(tag))));
            is_telling = true;
        }
        state.unacknowledged(tags.open());
        if last.is_some() && under_way.is_empty() && !is_telling {
            return Ended::Stopped;
        }
        tokio::select! {
            biased;
            () = stop.requested(), if last.is_none() => {
                last = Some(Instant::now() + LAST);
                waiting = None;
                session.cancel().await;
            }
            () = tokio::time::sleep_until(last.unwrap_or_else(Instant::now)), if last.is_some() => return Ended::Stopped,
            told = &mut telling, if is_telling => {
                is_telling = false;
                match told {
                    Some(Err(error)) => return tags.lost(connection_lost(&error)),
                    _ => tags.acknowledged(),
                }
            }
            Some(first) = under_way.next(), if !under_way.is_empty() => {
                let mut next = Some(first);
                while let Some((tag, outcome)) = next {
                    if let Err(error) = outcome {
                        return tags.lost(not_written(&error));
                    }
                    tags.settled(tag);
                    next = under_way.next().now_or_never().flatten();
                }
            }
            Some(event) = session.events.next() => match event {
                Event::ConnectionBlocked(why) => state.down(&format!("RabbitMQ has blocked the connection: {why}")),
                Event::ConnectionUnblocked => state.up(),
                Event::Error(error) => return tags.lost(connection_lost(&error)),
                _ => {}
            },
            () = tokio::time::sleep(FULL), if waiting.is_some() => {}
            delivery = session.consumer.next(), if waiting.is_none() && last.is_none() => match delivery {
                Some(Ok(delivery)) => {
                    tags.taken(delivery.delivery_tag);
                    waiting = Some((delivery.delivery_tag, headers::message(delivery, &session.vhost)));
                }
                Some(Err(error)) => return tags.lost(connection_lost(&error)),
                None => {
                    let why = "RabbitMQ has cancelled the consumer: is the queue deleted, or its node gone?";
                    return tags.lost(why.to_owned());
                }
            },
        }
        if let Some((tag, message)) = waiting.take() {
            match outlet.try_send(&message) {
                Some(receipt) => under_way.push_back(settle(outlet, tag, message, receipt)),
                None => waiting = Some((tag, message)),
            }
        }
    }
}

async fn settle(
    outlet: &Outlet,
    tag: u64,
    message: Message<'static>,
    receipt: Receipt,
) -> (u64, Result<Written, BrokerError>) {
    (tag, outlet.settle(&message, receipt).await)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_acknowledges_all_that_were_settled_meanwhile() {
        let mut tags = Tags::default();
        assert_eq!(tags.next(), None);
        tags.taken(5);
        assert_eq!((tags.next(), tags.open()), (None, 5));
        tags.settled(1);
        assert_eq!((tags.next(), tags.open()), (Some(1), 5));
        tags.settled(2);
        tags.settled(4);
        tags.acknowledged();
        assert_eq!((tags.open(), tags.next(), tags.next()), (4, Some(4), None));
        tags.acknowledged();
        assert_eq!(tags.open(), 1);
    }
}
