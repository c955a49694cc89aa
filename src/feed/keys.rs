//! What a record of a feed is made of besides its body: key and headers, by the topology's expressions.

use crate::expression::Scope;
use crate::processor::{Context, Failure, Processor};
use crate::record::{Header, Key, Origin, Record};
use crate::state::Remembered;
use crate::topology::{Feed, FeedKey, Topology};
use crate::value::{self, Value};
use bumpalo::Bump;
use std::sync::Arc;

/// Makes keys and headers for one feed.
pub struct Keys {
    topology: Arc<Topology>,
    /// Its position among the topology's feeds.
    feed: usize,
    /// The processor that gives a record its key, where there is one.
    of: Option<Box<dyn Processor>>,
    arena: Bump,
}

impl Keys {
    pub fn new(topology: Arc<Topology>, feed: usize) -> Self {
        let of = topology.feeds.get(feed).and_then(|feed| match &feed.key {
            Some(FeedKey::Of(name, _)) => topology.processors.iter().find(|node| node.name == *name),
            _ => None,
        });
        let of = of.map(|node| node.definition.build());
        Self {
            topology,
            feed,
            of,
            arena: Bump::new(),
        }
    }

    /// Hands key and headers of a message to `use_them`. A key that can't be found is none: what is wrong with the message is for
    /// the topology to say, which reads it next.
    pub fn of<T>(
        &mut self,
        body: &[u8],
        headers: &[Header<'_>],
        timestamp: i64,
        use_them: impl FnOnce(Option<&[u8]>, &[Header<'_>]) -> T,
    ) -> T {
        self.arena.reset();
        match self.maker() {
            Some(maker) => {
                let value = value::parse(body, maker.arena).unwrap_or(Value::Null);
                maker.make(value, headers, timestamp, use_them)
            }
            None => use_them(None, headers),
        }
    }

    /// As [`Keys::of`], of a body that must be a JSON object.
    ///
    /// # Errors
    /// Why it is none.
    pub fn of_object<T>(
        &mut self,
        body: &[u8],
        headers: &[Header<'_>],
        timestamp: i64,
        use_them: impl FnOnce(Option<&[u8]>, &[Header<'_>]) -> T,
    ) -> Result<T, String> {
        self.arena.reset();
        match self.maker() {
            Some(maker) => {
                let value = object(body, maker.arena)?;
                Ok(maker.make(value, headers, timestamp, use_them))
            }
            None => object(body, &self.arena).map(|_| use_them(None, headers)),
        }
    }

    /// `None`: records get no key and no headers.
    fn maker(&mut self) -> Option<Maker<'_>> {
        let feed = self.topology.feeds.get(self.feed)?;
        let is_plain = feed.key.is_none() && feed.headers.is_empty();
        (!is_plain).then_some(Maker {
            feed,
            of: &mut self.of,
            arena: &self.arena,
        })
    }
}

fn object<'a>(body: &'a [u8], arena: &'a Bump) -> Result<Value<'a>, String> {
    match value::parse(body, arena) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("an event is a JSON object, and this is none".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

struct Maker<'k> {
    feed: &'k Feed,
    of: &'k mut Option<Box<dyn Processor>>,
    arena: &'k Bump,
}

impl<'k> Maker<'k> {
    fn make<T>(
        self,
        value: Value<'k>,
        headers: &[Header<'_>],
        timestamp: i64,
        use_them: impl FnOnce(Option<&[u8]>, &[Header<'_>]) -> T,
    ) -> T {
        let Self { feed, of, arena } = self;
        let record = Record {
            key: None,
            value,
            headers,
            timestamp,
            origin: Origin {
                topic: &feed.topic,
                partition: -1,
                offset: -1,
            },
        };
        let mut all = bumpalo::collections::Vec::from_iter_in(headers.iter().copied(), arena);
        let scope = Scope::new(arena, &record);
        for (name, expression) in &feed.headers {
            if let Ok(Some(text)) = expression.evaluate_text(&scope) {
                all.retain(|header| header.name != name);
                all.push(Header {
                    name,
                    value: Some(text.as_bytes()),
                });
            }
        }
        let record = Record {
            headers: all.into_bump_slice(),
            ..record
        };
        let key = match (&feed.key, of) {
            (Some(FeedKey::Expression(expression)), _) => {
                let key = expression.evaluate_key(&Scope::new(arena, &record));
                key.ok().flatten().map(|key| key.bytes)
            }
            (Some(FeedKey::Of(..)), Some(processor)) => {
                let mut first = First { arena, key: None };
                // What fails has no key, and fails again where somebody sees to it.
                let _ = processor.process(&record, &mut first);
                first.key
            }
            _ => None,
        };
        use_them(key, record.headers)
    }
}

/// Takes the key of the first record that a processor gives. The processor has no stores and no tables: that was checked.
struct First<'a> {
    arena: &'a Bump,
    key: Option<&'a [u8]>,
}

impl<'a> Context<'a> for First<'a> {
    fn arena(&self) -> &'a Bump {
        self.arena
    }

    fn forward(&mut self, record: Record<'a>) {
        if self.key.is_none() {
            self.key = record.key.map(|key| key.bytes);
        }
    }

    fn row(&mut self, _: &str, _: Key<'a>) -> Result<Option<Value<'a>>, Failure> {
        Ok(None)
    }

    fn keep(&mut self, _: Key<'a>, _: Option<Value<'a>>) -> Result<(), Failure> {
        Ok(())
    }

    fn remember(&mut self, _: usize, _: u128, _: i64) -> Remembered {
        Remembered::New
    }

    fn get(&mut self, _: usize, _: &[u8]) -> Option<&'a [u8]> {
        None
    }

    fn put(&mut self, _: usize, _: &[u8], _: Option<&[u8]>) {}

    fn count(&mut self, _: &'static str) {}

    fn branch(&mut self, _: usize) {}
}
