//! `type: rabbitmq`: a queue of a RabbitMQ broker.

use super::Secret;
use crate::yaml::{Fields, one_or_many, text};

/// Where the queue is, and how it is read.
#[derive(Debug)]
pub struct Rabbitmq {
    /// `amqp://` or `amqps://`, tried in turn.
    pub urls: Vec<Secret>,
}

pub(super) fn read(fields: &mut Fields<'_>) -> Option<Rabbitmq> {
    let urls = fields.required("url", one_or_many(text))?;
    Some(Rabbitmq {
        urls: urls.into_iter().map(Secret::new).collect(),
    })
}
