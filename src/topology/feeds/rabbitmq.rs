//! `type: rabbitmq`: a queue of a RabbitMQ broker.

use crate::yaml::Secret;
use crate::yaml::{Fields, Mistakes, Node, Origin, boolean, integer, one_or_many, text, word};
use lapin::uri::AMQPUri;
use std::path::PathBuf;

/// AMQP has a byte for the length of a name.
const NAME_BYTES: usize = 255;
const PREFETCH: u16 = 2_000;

/// Where the queue is, and how it is read.
#[derive(Debug)]
pub struct Rabbitmq {
    /// `amqp://` or `amqps://`, tried in turn.
    pub urls: Vec<Secret>,
    pub exchange: String,
    /// The routing keys that the queue gets, with `*` and `#`.
    pub bindings: Vec<String>,
    /// `None`: see [`Rabbitmq::queue`].
    pub queue: Option<String>,
    pub queue_type: QueueType,
    /// Make exchange, queue and bindings; else they must be there.
    pub declare: bool,
    /// So many messages at most are taken and not acknowledged.
    pub prefetch: u16,
    /// RabbitMQ gives the queue's messages to one consumer at a time, so that their order holds over instances.
    pub single_active_consumer: bool,
    /// A file with certificates (PEM) to trust beside the system's.
    pub ca: Option<PathBuf>,
}

/// How RabbitMQ keeps the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueType {
    /// On several nodes: what was published survives the loss of one.
    Quorum,
    /// On one.
    Classic,
}

impl QueueType {
    /// As RabbitMQ calls it.
    pub fn name(self) -> &'static str {
        match self {
            QueueType::Quorum => "quorum",
            QueueType::Classic => "classic",
        }
    }
}

impl Rabbitmq {
    /// The queue's name: what is set, or one that is the same after every start, and no other application's.
    pub fn queue(&self, application: &str, feed: &str) -> String {
        self.queue.clone().unwrap_or_else(|| format!("{application}.{feed}"))
    }
}

pub(super) fn read(fields: &mut Fields<'_>) -> Option<Rabbitmq> {
    let urls = fields.required("url", one_or_many(url));
    let exchange = fields.optional("exchange", name);
    let bindings = fields.optional("bindings", one_or_many(name));
    let queue = fields.optional("queue", name);
    let types = [("quorum", QueueType::Quorum), ("classic", QueueType::Classic)];
    let queue_type = fields.optional("queue_type", word(&types));
    let declare = fields.optional("declare", boolean);
    let prefetch = fields.optional("prefetch", integer(1..=i64::from(u16::MAX)));
    let single_active_consumer = fields.optional("single_active_consumer", boolean);
    let ca = fields.optional("ca", text);
    Some(Rabbitmq {
        urls: urls?,
        exchange: exchange.unwrap_or_else(|| "ecomm".to_owned()),
        bindings: bindings.unwrap_or_else(|| vec!["user.#".to_owned()]),
        queue,
        queue_type: queue_type.unwrap_or(QueueType::Quorum),
        declare: declare.unwrap_or(true),
        prefetch: prefetch
            .and_then(|prefetch| u16::try_from(prefetch).ok())
            .unwrap_or(PREFETCH),
        single_active_consumer: single_active_consumer.unwrap_or(true),
        ca: ca.map(PathBuf::from),
    })
}

/// A URL that can be connected to. What is wrong is said without a word of it: there is a password in it.
fn url(node: &Node, mistakes: &mut Mistakes) -> Option<Secret> {
    let url = text(node, mistakes)?;
    if node.from == Origin::Unset {
        return Some(Secret::new(url));
    }
    let wrong = match url.parse::<AMQPUri>() {
        // The parser takes such a host for none, and would go to localhost.
        _ if url.contains("@[") || url.contains("//[") => {
            Some(("an address of IPv6 can't stand in this URL", "write the host's name"))
        }
        Err(_) => Some((
            "this is not the URL of a RabbitMQ",
            "write amqp://USER:PASSWORD@HOST:PORT/VIRTUAL_HOST, or amqps://; what is no letter or digit in a name or password is \
             written as %2F, %40",
        )),
        Ok(uri) if uri.vhost.is_empty() => Some((
            "this URL ends with `/`, which stands for a virtual host without a name",
            "for the virtual host `/` leave that out, or end it with `/%2F`",
        )),
        Ok(_) => None,
    };
    if let Some((message, help)) = wrong {
        mistakes.add(&node.place, message, help);
        return None;
    }
    Some(Secret::new(url))
}

/// A name of AMQP.
fn name(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let name = text(node, mistakes)?;
    if name.len() > NAME_BYTES {
        let message = format!("this name has {} bytes", name.len());
        mistakes.add(&node.place, message, format!("RabbitMQ takes {NAME_BYTES} at most"));
        return None;
    }
    Some(name)
}
