//! Feeds, as they are read: what fills a source's topic from outside of Kafka. A file for what each type takes.

mod rabbitmq;
mod sqs;
mod webhook;

pub use rabbitmq::{QueueType, Rabbitmq};
pub use sqs::Sqs;
pub use webhook::{Webhook, WebhookAuth, WebhookTls};

use super::Topology;
use super::expressions::{expression, expression_or_text, without_secrets};
use super::names::topic;
use super::parts::Parts;
use crate::expression::Expression;
use crate::yaml::{Fields, Key, Mistakes, Node, Place, map_of, shortened, suggest, text, word};

/// A feed: messages in from elsewhere, records out to a topic, acknowledged only after Kafka has them.
pub struct Feed {
    pub name: String,
    /// A source's.
    pub topic: String,
    /// `None`: its records have no key, and go to any partition.
    pub key: Option<FeedKey>,
    /// Added to what the type gives.
    pub headers: Vec<(String, Expression)>,
    pub kind: FeedKind,
    pub place: Place,
    pub(super) topic_place: Place,
}

/// Where a record's key comes from.
pub enum FeedKey {
    /// Of the message: `event` is its body, where that is JSON, `headers` are its record's.
    Expression(Expression),
    /// What this processor would give the record as its key. It has no store, no table and no topic of its own.
    Of(String, Place),
}

/// What a feed takes from.
#[allow(clippy::large_enum_variant, reason = "a topology has a few")]
pub enum FeedKind {
    Rabbitmq(Rabbitmq),
    Webhook(Webhook),
    Sqs(Sqs),
}

impl FeedKind {
    /// The type's name in YAML.
    pub fn type_name(&self) -> &'static str {
        match self {
            FeedKind::Rabbitmq(_) => "rabbitmq",
            FeedKind::Webhook(_) => "webhook",
            FeedKind::Sqs(_) => "sqs",
        }
    }
}

type Reader = fn(&mut Fields<'_>) -> Option<FeedKind>;

const TYPES: [(&str, Reader); 3] = [
    ("rabbitmq", |fields| rabbitmq::read(fields).map(FeedKind::Rabbitmq)),
    ("webhook", |fields| webhook::read(fields).map(FeedKind::Webhook)),
    ("sqs", |fields| sqs::read(fields).map(FeedKind::Sqs)),
];

/// The names of the types.
pub fn types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|(name, _)| *name)
}

pub(super) fn read(key: &Key, node: &Node, parts: &Parts<'_>, mistakes: &mut Mistakes) -> Option<Feed> {
    let what = format!("feed `{}`", shortened(&key.text, 60));
    let mut fields = Fields::of(what, &key.place, node, mistakes)?;
    let reader = fields.required("type", word(&TYPES));
    let topic = fields.required("topic", topic);
    let new_key = fields.optional("key", |node, mistakes| feed_key(node, parts, mistakes));
    let headers: Vec<_> = fields
        .optional("headers", map_of(expression_or_text(parts.names)))
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| (key.text.clone(), value))
        .collect();
    let expressions = headers.iter().map(|(_, value)| value);
    for expression in expressions.chain(match &new_key {
        Some(FeedKey::Expression(expression)) => Some(expression),
        _ => None,
    }) {
        without_secrets(expression, parts.secrets, fields.mistakes);
    }
    // which keys a feed takes is known only with its type
    let kind = reader?(&mut fields);
    fields.finish();
    let (topic, topic_place) = topic?;
    Some(Feed {
        name: key.text.clone(),
        topic,
        key: new_key,
        headers,
        kind: kind?,
        place: key.place.clone(),
        topic_place,
    })
}

/// An expression, or `{of: PROCESSOR}`.
fn feed_key(node: &Node, parts: &Parts<'_>, mistakes: &mut Mistakes) -> Option<FeedKey> {
    if node.expression().is_some() {
        return expression(parts.names)(node, mistakes).map(FeedKey::Expression);
    }
    let mut fields = Fields::of("a feed's key", &node.place, node, mistakes)?;
    let of = fields.required("of", |node, mistakes| {
        text(node, mistakes).map(|name| FeedKey::Of(name, node.place.clone()))
    });
    fields.finish();
    of
}

/// A feed fills a topic that a source reads, and takes its key from a processor that needs nothing but the record.
pub(super) fn check(topology: &Topology, mistakes: &mut Mistakes) {
    webhook::check(&topology.feeds, mistakes);
    for feed in &topology.feeds {
        let read = || topology.sources.iter().map(|source| source.topic.as_str());
        if !read().any(|topic| topic == feed.topic) {
            let message = format!("the feed fills `{}`, which no source reads", feed.topic);
            let help = match suggest(&feed.topic, read()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name the topic of a source, or add a source that reads this one".to_owned(),
            };
            mistakes.add(&feed.topic_place, message, help);
        }
        let Some(FeedKey::Of(name, place)) = &feed.key else {
            continue;
        };
        let Some(node) = topology.processors.iter().find(|node| node.name == *name) else {
            let known = topology.processors.iter().map(|node| node.name.as_str());
            let help = suggest(name, known).map_or_else(
                || "name the processor that gives the record its key".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            mistakes.add(place, format!("no processor is named `{}`", shortened(name, 60)), help);
            continue;
        };
        let definition = &node.definition;
        if !definition.stores().is_empty()
            || !definition.tables().is_empty()
            || definition.through().is_some()
            || definition.keeps().is_some()
        {
            mistakes.add(
                place,
                format!("`{name}` needs more than the record to give it a key: a store, a table or a topic"),
                "name a processor that comes before it, as a `map` or a `switch`",
            );
        }
    }
}
