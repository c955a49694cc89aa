//! Canaries over the broker in memory, and a pipeline that is played by hand.

use super::*;
use crate::broker::memory::MemoryBroker;

fn broker() -> MemoryBroker {
    let broker = MemoryBroker::new(1);
    for topic in ["in", "out", "dead"] {
        broker.create_topic(topic, 3).unwrap();
    }
    broker
}

fn canary() -> Canary {
    Canary {
        to: "in".to_owned(),
        key: Some("customer".to_owned()),
        value: "{\"id\": \"{canary}\", \"again\": \"{canary}\"}".to_owned(),
        headers: vec![("env".to_owned(), "dev-{canary}".to_owned())],
        from: "out".to_owned(),
        dead_letters: Some("dead".to_owned()),
        timeout: Duration::from_millis(700),
    }
}

fn put(broker: &MemoryBroker, topic: &str, value: &str, headers: &[(&str, Option<&str>)]) {
    let record = Outgoing {
        topic,
        partition: None,
        key: None,
        value: Some(value.as_bytes()),
        headers: &record::headers(headers),
        timestamp: None,
    };
    let refused = broker
        .writer()
        .unwrap()
        .write(record, Box::new(|outcome| outcome.unwrap()));
    assert!(refused.is_none());
}

/// Waits until the canary was sent, and then does what a pipeline would.
fn while_it_flies(broker: &MemoryBroker, pipeline: impl FnOnce(&MemoryBroker) + Send) -> Result<Arrived, CanaryError> {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while broker.committed_records("in").is_empty() {
                std::thread::sleep(Duration::from_millis(5));
            }
            pipeline(broker);
        });
        fly(broker, &canary(), "c-1")
    })
}

#[test]
fn it_is_sent_with_its_id_everywhere_and_known_again_by_it() {
    let broker = broker();
    put(&broker, "out", "what was there before, c-1", &[]);
    let arrived = while_it_flies(&broker, |broker| {
        put(broker, "out", "another's", &[]);
        put(broker, "out", "made of c-1", &[]);
    });
    assert!(arrived.unwrap().after < canary().timeout);
    let sent = &broker.committed_records("in")[0];
    assert_eq!(sent.key.as_deref(), Some(&b"customer"[..]));
    assert_eq!(sent.value.as_deref(), Some(&br#"{"id": "c-1", "again": "c-1"}"#[..]));
    assert_eq!(sent.headers, [("env".to_owned(), Some(b"dev-c-1".to_vec()))]);
}

#[test]
fn one_that_does_not_come_out_is_lost_and_what_was_there_before_does_not_count() {
    let broker = broker();
    put(&broker, "out", "c-1", &[]);
    let lost = while_it_flies(&broker, |broker| put(broker, "out", "another's", &[])).unwrap_err();
    assert!(matches!(lost, CanaryError::Lost { .. }), "{lost}");
    assert!(lost.to_string().contains("did not come out of `out`"), "{lost}");
}

#[test]
fn one_that_failed_is_told_with_the_reason_as_soon_as_it_is_a_dead_letter() {
    let broker = broker();
    let died = while_it_flies(&broker, |broker| {
        let why = [
            ("__streams.errors.exception", Some("decode")),
            ("__streams.errors.message", Some("expected an object")),
            ("millstream.processor", Some("orders")),
        ];
        put(broker, "dead", "c-1", &why);
    });
    let told = died.unwrap_err().to_string();
    assert!(told.starts_with("it became a dead letter at dead["), "{told}");
    assert!(told.ends_with("]@0: decode in `orders`: expected an object"), "{told}");
}

#[test]
fn a_topic_that_is_not_there_is_named() {
    let absent = |change: fn(&mut Canary)| {
        let mut canary = canary();
        change(&mut canary);
        fly(&broker(), &canary, "c-1").unwrap_err().to_string()
    };
    assert_eq!(absent(|canary| canary.to = "inn".to_owned()), "there is no topic `inn`");
    assert_eq!(
        absent(|canary| canary.from = "ouut".to_owned()),
        "there is no topic `ouut`"
    );
}
