//! The harness itself: what the other tests believe of it.

use crate::harness::broker::shared;
use crate::harness::client::{Client, Message};

#[test]
fn the_verifier_sees_what_was_committed_and_nothing_that_was_aborted() {
    let client = Client::new(shared().address());
    client.create_topic("harness.transactions", 3);
    let batch = |name: &str| -> Vec<Message> {
        (0..50)
            .map(|n| Message::new("harness.transactions", Some(&n.to_string()), format!("{name}-{n}")).header("h", "1"))
            .collect()
    };
    client.produce_in_transactions(
        "harness",
        &[
            (batch("a"), true),
            (batch("b"), false),
            (batch("c"), true),
            (batch("d"), false),
        ],
    );
    let records = client.committed("harness.transactions");
    assert_eq!(records.len(), 100);
    assert!(
        records
            .iter()
            .all(|record| ["a", "c"].contains(&record.value_text().split('-').next().unwrap_or_default()))
    );
    assert!(records.iter().all(|record| record.header("h").as_deref() == Some("1")));
    assert_eq!(client.committed_count("harness.no-such-topic"), 0);
}
