//! The whole document set in, the exact multiset out.

use crate::harness::compare::assert_same_multiset;
use crate::harness::documents::{DEAD_LETTERS, Outcome, documents, outputs};
use crate::pipeline::Pipeline;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn every_document_comes_out_once_where_it_belongs_and_the_broken_ones_are_dead_letters() {
    let pipeline = Pipeline::customer_events("documents");
    let mut documents = documents(&pipeline.topology);
    add_bad_input(&pipeline, &mut documents.dead);

    // Everything twice, as feeds do, and the bad ones in between. A dead letter has no id that could be told apart.
    let mut messages = documents.messages.clone();
    messages.extend(documents.dead.iter().cloned());
    messages.extend(documents.messages.iter().cloned());

    let mut instance = pipeline.start("a");
    instance.wait_ready();
    pipeline.produce(&messages);
    for topic in outputs() {
        let count = documents
            .outcomes
            .iter()
            .filter(|outcome| outcome.topic == topic)
            .count();
        pipeline.client.wait_committed(&pipeline.topic(&topic), count, LIMIT);
    }
    pipeline
        .client
        .wait_committed(&pipeline.topic(DEAD_LETTERS), documents.dead.len(), LIMIT);
    let status = instance.terminate();
    assert!(status.success(), "ended with {status}");

    let mut actual = Vec::new();
    for topic in outputs() {
        let records = pipeline.committed(&topic);
        actual.extend(records.iter().map(|record| Outcome::of(&topic, record)));
        for record in &records {
            let event = record.json();
            let kind = event
                .pointer("/type")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default();
            if !["PasswordReset", "OtpCode"].contains(&kind) {
                let text = record.value_text();
                let leaked = documents
                    .secrets
                    .iter()
                    .filter(|secret| text.contains(secret.as_str()))
                    .count();
                assert!(leaked == 0, "{kind} in {topic} carries a secret");
            }
        }
    }
    assert_same_multiset("outputs", documents.outcomes.clone(), actual);

    let dead = pipeline.committed(DEAD_LETTERS);
    let raw = |key: &Option<Vec<u8>>, value: &Option<Vec<u8>>| (key.clone(), value.clone());
    assert_same_multiset(
        "dead letters, byte for byte",
        documents.dead.iter().map(|message| raw(&message.key, &message.value)),
        dead.iter().map(|record| raw(&record.key, &record.value)),
    );
    for record in &dead {
        let what = record.value_text();
        for name in ["exception", "message", "topic", "partition", "offset"] {
            assert!(
                record
                    .header(&format!("__streams.errors.{name}"))
                    .is_some_and(|text| !text.is_empty()),
                "{name} of {what}"
            );
        }
        let original = documents
            .dead
            .iter()
            .find(|message| message.value == record.value)
            .expect("one of ours");
        assert_eq!(record.header("__streams.errors.topic"), Some(original.topic.clone()));
        for (name, value) in &original.headers {
            assert!(
                record.headers.contains(&(name.clone(), value.clone())),
                "the header {name} of {what}"
            );
        }
    }
    let log = instance.log();
    assert!(
        !documents.secrets.iter().any(|secret| log.contains(secret.as_str())),
        "the log carries a secret"
    );
}

#[test]
fn rows_of_the_reference_tables_are_in_the_messages() {
    let pipeline = Pipeline::customer_events("tables");
    let documents = documents(&pipeline.topology);
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    pipeline.produce(&documents.messages);
    pipeline
        .client
        .wait_committed(&pipeline.topic("integration-dev"), 1, LIMIT);
    let expected = documents
        .outcomes
        .iter()
        .filter(|outcome| outcome.topic == "integration-dev")
        .count();
    pipeline
        .client
        .wait_committed(&pipeline.topic("integration-dev"), expected, LIMIT);
    assert!(instance.terminate().success());

    let records = pipeline.committed("integration-dev");
    let created = records
        .iter()
        .map(super::harness::client::Delivered::json)
        .find(|event| {
            event.pointer("/detail/customer/id") == Some(&"12079".into())
                && event.pointer("/type") == Some(&"CustomerCreated".into())
        })
        .expect("CustomerCreated of 12079");
    assert_eq!(
        created.pointer("/detail/collection/name"),
        Some(&"Eyes".into()),
        "{created}"
    );
    assert_eq!(
        created.pointer("/detail/lineOfBusiness"),
        Some(&"OPTICAL".into()),
        "{created}"
    );
}

/// What must never get through, nor stop what comes after it.
fn add_bad_input(pipeline: &Pipeline, dead: &mut Vec<crate::harness::client::Message>) {
    use crate::harness::client::Message;
    let eventbridge = pipeline.topic("feed.eventbridge");
    let rabbitmq = pipeline.topic("feed.rabbitmq");
    let event = |id: &str, detail_type: &str, account: &str| {
        format!(
            r#"{{"id":"{id}","detail-type":"{detail_type}","account":"{account}","detail":{{"payload":{{}},"userId":"1"}}}}"#
        )
    };
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let values: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"null".to_vec(),
        b"[1, 2]".to_vec(),
        b"{\"id\": \"cut".to_vec(),
        b"{\"id\": \"\xff\xfe\"}".to_vec(),
        deep.into_bytes(),
        event("bad-1", "userservice/user/unheard-of", "277827593990").into_bytes(),
        event("bad-2", "userservice/user/update", "000000000000").into_bytes(),
    ];
    dead.extend(
        values
            .into_iter()
            .map(|value| Message::new(&eventbridge, Some("bad"), value)),
    );
    dead.push(Message::tombstone(&eventbridge, "bad-tombstone"));
    dead.push(
        Message::new(&rabbitmq, None, r#"{"users": {"id": 1}}"#)
            .header("rabbitmq.routing_key", "user.unheardof")
            .header("rabbitmq.vhost", "/"),
    );
    dead.push(Message::new(&rabbitmq, None, r#"{"users": {"id": 2}}"#).header("rabbitmq.vhost", "/"));
    dead.push(Message::new(
        &pipeline.topic("feed.subscriber"),
        None,
        r#"{"header": {"source": "OPCO"}, "data": {}}"#,
    ));
    dead.push(Message::new(
        &pipeline.topic("feed.customer"),
        None,
        r#"{"id": "bad-3", "type": "Unheard"}"#,
    ));
}
