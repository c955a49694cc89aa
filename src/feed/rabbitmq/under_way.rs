//! What was taken of a queue and not acknowledged yet.

use crate::feed::outlet::Message;
use std::collections::VecDeque;

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

    pub fn acknowledged(&mut self) {
        self.acknowledged = self.told;
    }

    /// Something was acknowledged.
    pub fn progress(&self) -> bool {
        self.acknowledged > 0
    }

    /// Taken and not acknowledged.
    pub fn open(&self) -> usize {
        usize::try_from(self.taken.saturating_sub(self.acknowledged)).unwrap_or(usize::MAX)
    }
}

/// Messages in the order of the queue, each with a number; the first that are settled are the next to be acknowledged.
#[derive(Default)]
pub struct UnderWay<'m> {
    pub tags: Tags,
    messages: VecDeque<Taken<'m>>,
    /// How many were here before the first.
    gone: u64,
}

struct Taken<'m> {
    tag: u64,
    /// `None`: Kafka has it.
    message: Option<Message<'m>>,
}

impl<'m> UnderWay<'m> {
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The message's number.
    pub fn take(&mut self, tag: u64, message: Message<'m>) -> u64 {
        let number = self.gone + self.messages.len() as u64;
        let message = Some(message);
        self.messages.push_back(Taken { tag, message });
        self.tags.taken = tag;
        number
    }

    /// The newest was not sent and never will be.
    pub fn leave_newest(&mut self) {
        self.messages.pop_back();
    }

    /// `None`: it is settled, or left.
    pub fn message(&mut self, number: u64) -> Option<&Message<'m>> {
        self.get(number)?.message.as_ref()
    }

    pub fn settled(&mut self, number: u64) {
        if let Some(taken) = self.get(number) {
            taken.message = None;
        }
        while let Some(first) = self.messages.front()
            && first.message.is_none()
        {
            self.gone += 1;
            self.tags.settled = first.tag;
            self.messages.pop_front();
        }
    }

    fn get(&mut self, number: u64) -> Option<&mut Taken<'m>> {
        let index = usize::try_from(number.checked_sub(self.gone)?).ok()?;
        self.messages.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(tags: impl IntoIterator<Item = u64>) -> UnderWay<'static> {
        let mut under_way = UnderWay::default();
        for tag in tags {
            under_way.take(tag, Message::default());
        }
        under_way
    }

    #[test]
    fn one_word_acknowledges_all_that_were_settled_meanwhile() {
        let mut way = taken(1..=5);
        assert_eq!((way.tags.next(), way.tags.open()), (None, 5));
        way.settled(0);
        assert_eq!((way.tags.next(), way.tags.open()), (Some(1), 5));
        for number in 1..4 {
            way.settled(number);
        }
        way.tags.acknowledged();
        assert_eq!((way.tags.open(), way.tags.next(), way.tags.next()), (4, Some(4), None));
        way.tags.acknowledged();
        assert_eq!(way.tags.open(), 1);
    }

    #[test]
    fn nothing_is_acknowledged_before_what_came_earlier() {
        let mut way = taken(1..=3);
        way.settled(2);
        way.settled(1);
        assert_eq!(way.tags.next(), None);
        assert!(way.message(0).is_some() && way.message(1).is_none());
        way.settled(0);
        assert_eq!(way.tags.next(), Some(3));
        assert!(way.is_empty());
        assert_eq!(way.take(4, Message::default()), 3);
        way.settled(3);
        assert_eq!(way.tags.next(), Some(4));
    }

    #[test]
    fn what_was_never_sent_is_not_acknowledged() {
        let mut way = taken(1..=2);
        way.leave_newest();
        way.settled(1);
        way.settled(0);
        assert_eq!(way.tags.next(), Some(1));
        assert!(way.is_empty());
    }
}
