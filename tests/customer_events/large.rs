//! What is nearly as large as a topic takes: it goes through or becomes a dead letter that fits, and holds nobody up.

use super::{folder, loaded};
use millstream::broker::memory::Dumped;
use millstream::testkit::{Driver, Message};
use std::fs;

fn update_user(first_name: &str) -> Message {
    let path = folder().join("samples/eventbridge/UpdateUser.json");
    let sample = fs::read_to_string(path).expect("a sample");
    let value = sample.replacen("\"Brock\"", &format!("\"{first_name}\""), 1);
    assert_ne!(value, sample, "the sample's first name");
    Message {
        value: Some(value.into_bytes()),
        ..Message::default()
    }
}

/// The dead letter of one message (whose output may grow by a row of 20 kB), which is followed by one that must come out.
fn dead_letter_of(source: &str, message: &Message) -> Dumped {
    let mut driver = Driver::new(&loaded("topology.yaml")).expect("a driver");
    let row = format!(r#"{{"id":"686","name":"{}"}}"#, "x".repeat(20_000));
    driver
        .table_row("collections", b"686", Some(row.as_bytes()))
        .expect("a table");
    driver.input(source, message).expect("a source");
    driver.input("eventbridge", &update_user("After")).expect("a source");
    driver.run_until_idle().expect("an end");
    let out = driver.records("integration-dev");
    let after =
        |record: &Dumped| String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).contains("After");
    assert_eq!(
        out.iter().filter(|record| after(record)).count(),
        1,
        "the next one is not held up"
    );
    let mut dead = driver.dead_letters();
    assert_eq!(dead.len(), 1);
    dead.remove(0)
}

fn header(record: &Dumped, name: &str) -> String {
    let found = record.headers.iter().find(|(header, _)| header == name);
    let (_, value) = found.unwrap_or_else(|| panic!("no header {name}"));
    String::from_utf8_lossy(value.as_deref().unwrap_or_default()).into_owned()
}

#[test]
fn a_string_of_nearly_a_mebibyte_goes_through() {
    let mut driver = Driver::new(&loaded("topology.yaml")).expect("a driver");
    let name = "x".repeat(990_000);
    driver.input("eventbridge", &update_user(&name)).expect("a source");
    driver.run_until_idle().expect("an end");
    assert!(driver.dead_letters().is_empty());
    let out = driver.records("integration-dev");
    let value = out
        .first()
        .and_then(|record| record.value.as_deref())
        .expect("an output");
    assert!(String::from_utf8_lossy(value).contains(&name));
}

#[test]
fn an_output_that_is_too_large_is_a_dead_letter_that_says_so() {
    let name = "x".repeat(990_000);
    let dead = dead_letter_of("eventbridge", &update_user(&name));
    assert_eq!(header(&dead, "__streams.errors.exception"), "too_large");
    assert!(header(&dead, "__streams.errors.message").contains("is larger than the 1000000"));
    // It fails in the second stage, and what that read is kept whole.
    let kept = String::from_utf8_lossy(dead.value.as_deref().unwrap_or_default());
    assert!(kept.contains(&name));
}

#[test]
fn a_key_or_a_header_as_large_as_a_record_is_a_dead_letter_that_fits() {
    let routed = |bytes: Vec<u8>| Message {
        headers: vec![("rabbitmq.routing_key".into(), bytes)],
        value: Some(b"{}".to_vec()),
        ..Message::default()
    };
    let large = vec![b'x'; 999_700];
    let key = Message {
        key: Some(large.clone()),
        ..routed(b"user.unknown".to_vec())
    };
    assert_eq!(
        header(&dead_letter_of("rabbitmq", &key), "__streams.errors.exception"),
        "unknown_case"
    );
    assert_eq!(
        header(&dead_letter_of("rabbitmq", &routed(large)), "millstream.truncated"),
        "1 headers left out"
    );
}
