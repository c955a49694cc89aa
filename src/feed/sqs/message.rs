//! A message of SQS as a record: body, headers, time; and what is in an envelope of SNS.

use crate::feed::{Message, trace};
use aws_sdk_sqs::types::{Message as Received, MessageAttributeValue, MessageSystemAttributeName as System};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Headers are named after what sent them.
const ATTRIBUTE: &str = "sqs.attribute.";

/// A message, and why its envelope could not be opened where it should have been: then it is as it came.
#[derive(Debug)]
pub struct Made {
    pub message: Message<'static>,
    pub unopened: Option<String>,
}

type Headers = Vec<(Cow<'static, str>, Option<Cow<'static, [u8]>>)>;

/// What becomes of a message that was received.
pub fn made(received: Received, unwrap_sns: bool) -> Made {
    let system = received.attributes.unwrap_or_default();
    let mut headers = Headers::new();
    add(&mut headers, "sqs.message_id", received.message_id);
    let count = system.get(&System::ApproximateReceiveCount);
    add(&mut headers, "sqs.receive_count", count.cloned());
    let sent = system.get(&System::SentTimestamp);
    add(&mut headers, "sqs.sent_timestamp", sent.cloned());
    add(
        &mut headers,
        "sqs.message_group_id",
        system.get(&System::MessageGroupId).cloned(),
    );
    // Sorted: the same message has the same headers whenever it comes.
    let attributes: BTreeMap<_, _> = received.message_attributes.into_iter().flatten().collect();
    let texts = attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.string_value().map(str::as_bytes)));
    headers.extend(trace::headers(texts));
    for (name, value) in attributes {
        headers.push((format!("{ATTRIBUTE}{name}").into(), bytes(value).map(Cow::Owned)));
    }
    let body = received.body.unwrap_or_default();
    let mut unopened = None;
    let mut content = None;
    if unwrap_sns {
        match opened(&body, &mut headers) {
            Ok(inside) => content = Some(inside),
            Err(why) => unopened = Some(why),
        }
    }
    Made {
        message: Message {
            body: content.unwrap_or(body).into_bytes().into(),
            headers,
        },
        unopened,
    }
}

fn add(headers: &mut Headers, name: &'static str, value: Option<String>) {
    if let Some(value) = value {
        headers.push((name.into(), Some(value.into_bytes().into())));
    }
}

/// Texts and numbers as they are written, bytes as they are.
fn bytes(value: MessageAttributeValue) -> Option<Vec<u8>> {
    let text = value.string_value.map(String::into_bytes);
    text.or_else(|| value.binary_value.map(aws_sdk_sqs::primitives::Blob::into_inner))
}

/// What SNS puts around a message that it sends to a queue without *raw message delivery*.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    r#type: String,
    message: Option<String>,
    message_id: Option<String>,
    topic_arn: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    message_attributes: BTreeMap<String, Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    r#type: String,
    value: String,
}

/// The text in an envelope. Its attributes become the headers that they would be with raw delivery.
///
/// # Errors
/// Why it is no envelope of a notification, in words that show nothing of it.
fn opened(body: &str, headers: &mut Headers) -> Result<String, String> {
    let envelope: Envelope = serde_json::from_str(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("the body is no envelope of SNS: what is wrong is at line {line}, column {column}")
    })?;
    if envelope.r#type != "Notification" {
        // As when somebody must confirm a subscription, which is for a person.
        return Err("the envelope of SNS is not of a notification: see its `Type`".to_owned());
    }
    let message = envelope
        .message
        .ok_or_else(|| "the envelope of SNS has no `Message`".to_owned())?;
    add(headers, "sns.message_id", envelope.message_id);
    add(headers, "sns.topic_arn", envelope.topic_arn);
    add(headers, "sns.subject", envelope.subject);
    let texts = envelope.message_attributes.iter();
    headers.extend(trace::headers(
        texts.map(|(name, attribute)| (name.as_str(), Some(attribute.value.as_bytes()))),
    ));
    for (name, Attribute { r#type, value }) in envelope.message_attributes {
        let decoded = (r#type == "Binary").then(|| STANDARD.decode(&value).ok()).flatten();
        let value = decoded.unwrap_or_else(|| value.into_bytes());
        headers.push((format!("{ATTRIBUTE}{name}").into(), Some(value.into())));
    }
    Ok(message)
}

#[cfg(test)]
mod tests;
