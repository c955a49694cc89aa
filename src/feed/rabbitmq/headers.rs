//! A delivery as a message: its body as it is, and in the headers what AMQP says beside it.

use crate::expression::uuid5;
use crate::feed::outlet::{Message, MessageHeader};
use crate::feed::trace;
use crate::value::{self, Value};
use base64::Engine;
use bumpalo::Bump;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, DecimalValue};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Of lists and tables in a header; what is deeper is left out.
const DEPTH: usize = 32;
/// Headers of our own.
const MOST: usize = 7;

/// What there is of these: `rabbitmq.routing_key`, `exchange`, `vhost`, `message_id`, `correlation_id`, `timestamp`, `redelivered`, and
/// `rabbitmq.header.NAME`; and a publisher's `traceparent` and `tracestate` under these names, too.
pub fn message<'v>(delivery: Delivery, vhost: &'v str) -> Message<'v> {
    let Delivery {
        exchange,
        routing_key,
        redelivered,
        properties,
        data,
        ..
    } = delivery;
    let table = properties.headers().as_ref().map(|table| table.inner());
    let mut headers: Vec<MessageHeader<'v>> = Vec::with_capacity(MOST + table.map_or(0, BTreeMap::len));
    let mut add = |name: &'static str, value: Cow<'v, str>| {
        let value = match value {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        headers.push((Cow::Borrowed(name), Some(value)));
    };
    let message_id = match properties.message_id() {
        Some(id) if !id.as_str().trim().is_empty() => Some(id.to_string()),
        _ => id_of(routing_key.as_str(), &data),
    };
    add("rabbitmq.routing_key", String::from(routing_key).into());
    add("rabbitmq.exchange", String::from(exchange).into());
    add("rabbitmq.vhost", vhost.into());
    if let Some(id) = message_id {
        add("rabbitmq.message_id", id.into());
    }
    if let Some(id) = properties.correlation_id() {
        add("rabbitmq.correlation_id", id.to_string().into());
    }
    if let Some(seconds) = properties.timestamp() {
        add("rabbitmq.timestamp", seconds.to_string().into());
    }
    add(
        "rabbitmq.redelivered",
        if redelivered { "true" } else { "false" }.into(),
    );
    let texts = table.into_iter().flatten().filter_map(|(name, value)| match value {
        AMQPValue::LongString(text) => Some((name.as_str(), Some(text.as_bytes()))),
        _ => None,
    });
    headers.extend(trace::headers(texts));
    headers.extend(table.into_iter().flatten().map(|(name, value)| {
        let name = Cow::Owned(format!("rabbitmq.header.{name}"));
        (name, bytes(value).map(Cow::Owned))
    }));
    Message {
        body: Cow::Owned(data),
        headers,
    }
}

/// The id of a message that came without one: what the topology gives it, so that it is the same however often it comes.
fn id_of(routing_key: &str, body: &[u8]) -> Option<String> {
    let arena = Bump::new();
    let event = value::parse(body, &arena).ok()?;
    Some(uuid5([Value::String(routing_key), event].iter()).to_string())
}

/// Text as it is, other scalars as text, lists and tables as JSON.
fn bytes(value: &AMQPValue) -> Option<Vec<u8>> {
    let text = match value {
        AMQPValue::Void => return None,
        AMQPValue::LongString(text) => return Some(text.as_bytes().to_vec()),
        AMQPValue::ByteArray(bytes) => return Some(bytes.as_slice().to_vec()),
        AMQPValue::ShortString(text) => text.to_string(),
        AMQPValue::Float(number) => number.to_string(),
        AMQPValue::Double(number) => number.to_string(),
        AMQPValue::DecimalValue(number) => decimal(*number),
        other => json(other, DEPTH).to_string(),
    };
    Some(text.into_bytes())
}

fn json(value: &AMQPValue, depth: usize) -> serde_json::Value {
    use serde_json::Value as Json;
    let float = |number| serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number);
    let Some(depth) = depth.checked_sub(1) else {
        return Json::Null;
    };
    match value {
        AMQPValue::Boolean(value) => (*value).into(),
        AMQPValue::ShortShortInt(number) => (*number).into(),
        AMQPValue::ShortShortUInt(number) => (*number).into(),
        AMQPValue::ShortInt(number) => (*number).into(),
        AMQPValue::ShortUInt(number) => (*number).into(),
        AMQPValue::LongInt(number) => (*number).into(),
        AMQPValue::LongUInt(number) => (*number).into(),
        AMQPValue::LongLongInt(number) => (*number).into(),
        AMQPValue::Timestamp(seconds) => (*seconds).into(),
        AMQPValue::Float(number) => float(f64::from(*number)),
        AMQPValue::Double(number) => float(*number),
        AMQPValue::DecimalValue(number) => decimal(*number).into(),
        AMQPValue::ShortString(text) => text.to_string().into(),
        AMQPValue::LongString(text) => text.to_string().into(),
        AMQPValue::ByteArray(bytes) => base64::engine::general_purpose::STANDARD
            .encode(bytes.as_slice())
            .into(),
        AMQPValue::FieldArray(values) => values.as_slice().iter().map(|value| json(value, depth)).collect(),
        AMQPValue::FieldTable(table) => {
            let members = table.inner().iter();
            members
                .map(|(name, value)| (name.to_string(), json(value, depth)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        AMQPValue::Void => Json::Null,
    }
}

/// `12.34`
fn decimal(number: DecimalValue) -> String {
    let (digits, scale) = (number.value.to_string(), usize::from(number.scale));
    if scale == 0 {
        return digits;
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{whole}.{fraction}")
}
