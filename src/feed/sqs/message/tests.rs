//! Messages of SQS, and what SNS puts around them.

use super::*;
use aws_sdk_sqs::primitives::Blob;

fn received(body: &str) -> Received {
    let attribute = |kind: &str| MessageAttributeValue::builder().data_type(kind);
    Received::builder()
        .message_id("m-1")
        .receipt_handle("r-1")
        .body(body)
        .attributes(System::ApproximateReceiveCount, "2")
        .attributes(System::SentTimestamp, "1716357372969")
        .message_attributes("tenant", attribute("String").string_value("café").build().unwrap())
        .message_attributes("size", attribute("Number").string_value("1.50").build().unwrap())
        .message_attributes(
            "raw",
            attribute("Binary").binary_value(Blob::new([0, 255])).build().unwrap(),
        )
        .build()
}

fn shown(made: &Made) -> Vec<String> {
    let line = |(name, value): &(Cow<'static, str>, Option<Cow<'static, [u8]>>)| {
        format!("{name}={}", value.as_ref().unwrap().escape_ascii())
    };
    made.message.headers.iter().map(line).collect()
}

#[test]
fn a_message_keeps_its_body_byte_for_byte_and_its_attributes() {
    let body = " {\"a\": 1.0,\n\t\"é\": \"\\u00e9\" } ";
    let made = made(received(body), false);
    assert_eq!(made.message.body, body.as_bytes());
    assert_eq!(
        shown(&made),
        [
            "sqs.message_id=m-1",
            "sqs.receive_count=2",
            "sqs.sent_timestamp=1716357372969",
            "sqs.attribute.raw=\\x00\\xff",
            "sqs.attribute.size=1.50",
            "sqs.attribute.tenant=caf\\xc3\\xa9",
        ]
    );
    assert_eq!(made.unopened, None);
}

#[test]
fn a_fifo_queues_group_is_a_header() {
    let mut message = received("x");
    message
        .attributes
        .as_mut()
        .unwrap()
        .insert(System::MessageGroupId, "customer-7".to_owned());
    assert!(shown(&made(message, false)).contains(&"sqs.message_group_id=customer-7".to_owned()));
}

#[test]
fn a_message_of_which_sqs_says_nothing_has_no_headers() {
    let made = made(Received::builder().build(), false);
    assert!(made.message.body.is_empty() && made.message.headers.is_empty());
}

#[test]
fn an_envelope_of_sns_is_opened_and_its_attributes_are_as_with_raw_delivery() {
    let envelope = r#"{"Type": "Notification", "MessageId": "s-1", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": "{\"id\": 1.0}",
        "Timestamp": "2024-05-22T05:55:57.695Z", "Signature": "x",
        "MessageAttributes": {"kind": {"Type": "String", "Value": "update"}, "raw": {"Type": "Binary", "Value": "AP8="}}}"#;
    let mut message = received(envelope);
    message.message_attributes = None;
    let made = made(message, true);
    assert_eq!(made.unopened, None);
    assert_eq!(made.message.body, b"{\"id\": 1.0}".as_slice());
    assert_eq!(
        shown(&made)[2..],
        [
            "sqs.sent_timestamp=1716357372969",
            "sns.message_id=s-1",
            "sns.topic_arn=arn:aws:sns:eu-west-1:1:t",
            "sqs.attribute.kind=update",
            "sqs.attribute.raw=\\x00\\xff",
        ]
    );
}

#[test]
fn a_senders_trace_is_where_every_client_of_kafka_looks_for_it_too() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let attribute = MessageAttributeValue::builder()
        .data_type("String")
        .string_value(parent);
    let mut message = received("x");
    message.message_attributes = Some([("traceparent".to_owned(), attribute.build().unwrap())].into());
    let (own, as_it_came) = (
        format!("traceparent={parent}"),
        format!("sqs.attribute.traceparent={parent}"),
    );
    assert_eq!(shown(&made(message, false))[3..], [own.clone(), as_it_came.clone()]);

    let envelope = format!(
        r#"{{"Type": "Notification", "Message": "x", "MessageAttributes": {{"traceparent": {{"Type": "String", "Value": "{parent}"}}}}}}"#
    );
    let mut message = received(&envelope);
    message.message_attributes = None;
    assert_eq!(shown(&made(message, true))[3..], [own, as_it_came]);
}

#[test]
fn what_is_no_envelope_stays_as_it_came_and_the_reason_shows_nothing_of_it() {
    for (body, reason) in [
        ("secret", "line 1, column 1"),
        (r#"{"id": "secret"}"#, "no envelope"),
        (
            r#"{"Type": "SubscriptionConfirmation", "Message": "secret", "Token": "secret"}"#,
            "`Type`",
        ),
        (r#"{"Type": "Notification"}"#, "no `Message`"),
        (r#"{"Type": "Notification", "Message": {"secret": 1}}"#, "no envelope"),
    ] {
        let made = made(received(body), true);
        let why = made.unopened.unwrap();
        assert!(why.contains(reason) && !why.contains("secret"), "{body}: {why}");
        assert_eq!(made.message.body, body.as_bytes());
    }
}
