//! Customer events by the thousand: updates of a user, as EventBridge gives them, with the duplicates and the broken ones
//! that real feeds have, and what must come out of them.

use super::client::{Delivered, Message};
use super::random::Random;

/// What makes one output the right one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    pub key: String,
    pub id: String,
    pub message: String,
    /// The customer's running number, which travels as the first name.
    pub number: String,
}

impl Outcome {
    pub fn of(record: &Delivered) -> Self {
        let event = record.json();
        let text = |pointer: &str| {
            event
                .pointer(pointer)
                .and_then(serde_json::Value::as_str)
                .unwrap_or("(absent)")
                .to_owned()
        };
        Self {
            key: record.key_text().unwrap_or_else(|| "(null)".to_owned()),
            id: text("/id"),
            message: text("/type"),
            number: text("/detail/customer/firstName"),
        }
    }
}

#[derive(Default)]
pub struct Load {
    pub messages: Vec<Message>,
    pub outcomes: Vec<Outcome>,
    /// Values that must be dead letters, byte for byte.
    pub dead: Vec<Vec<u8>>,
}

pub struct Shape<'a> {
    pub topic: &'a str,
    /// Makes the event ids of this load different from those of others.
    pub name: &'a str,
    pub events: u64,
    pub customers: u64,
    /// One event in so many is sent again, byte for byte, a while later. 0: none.
    pub duplicate_one_in: u64,
    /// One in so many is no JSON. 0: none.
    pub broken_one_in: u64,
}

impl Load {
    /// Keyed by customer. Each customer's events are numbered in the order in which they are in the topic.
    pub fn generate(shape: &Shape<'_>, random: &mut Random) -> Self {
        let mut load = Self::default();
        let mut numbers = vec![0u64; usize::try_from(shape.customers).unwrap_or(usize::MAX)];
        let mut again: Vec<(u64, Message)> = Vec::new();
        for event in 0..shape.events {
            let due: Vec<Message> = again
                .extract_if(.., |(at, _)| *at <= event)
                .map(|(_, message)| message)
                .collect();
            load.messages.extend(due);

            let customer = random.below(shape.customers);
            let key = (10_000 + customer).to_string();
            if shape.broken_one_in > 0 && random.one_in(shape.broken_one_in) {
                let value = format!("{{\"id\": \"{}-broken-{event}\", \"detail\": {{", shape.name).into_bytes();
                load.messages.push(Message::new(shape.topic, Some(&key), value.clone()));
                load.dead.push(value);
                continue;
            }
            let number = &mut numbers[customer as usize];
            *number += 1;
            let id = format!("{}-{event}", shape.name);
            let first_name = format!("n{number}");
            let message = Message::new(shape.topic, Some(&key), update_user(&id, &key, &first_name));
            if shape.duplicate_one_in > 0 && random.one_in(shape.duplicate_one_in) {
                again.push((event + 1 + random.below(500), message.clone()));
            }
            load.messages.push(message);
            load.outcomes.push(Outcome {
                key,
                id,
                message: "CustomerUpdated".to_owned(),
                number: first_name,
            });
        }
        load.messages.extend(again.into_iter().map(|(_, message)| message));
        load
    }
}

/// Panics unless every customer's numbers rise from record to record. `records` are in the order of their offsets.
pub fn assert_ordered_by_customer(records: &[Delivered]) {
    let mut last: std::collections::HashMap<String, (i32, u64)> = std::collections::HashMap::new();
    for record in records {
        let outcome = Outcome::of(record);
        let number: u64 = outcome
            .number
            .trim_start_matches('n')
            .parse()
            .expect("a running number");
        if let Some((partition, before)) = last.insert(outcome.key.clone(), (record.partition, number)) {
            assert!(
                partition == record.partition,
                "customer {} is in partitions {partition} and {}",
                outcome.key,
                record.partition
            );
            assert!(
                number > before,
                "customer {}: {number} came after {before}, at offset {}",
                outcome.key,
                record.offset
            );
        }
    }
}

/// An update of a user, about 1.2 KB, after the sample of the documents.
pub fn update_user(id: &str, customer: &str, first_name: &str) -> String {
    format!(
        concat!(
            r#"{{"version":"0","id":"{id}","detail-type":"userservice/user/update","source":"userservice","account":"277827593990","#,
            r#""time":"2024-05-22T05:56:12Z","region":"us-east-1","resources":[],"detail":{{"timestamp":1716357372969,"payload":{{"#,
            r#""responseCode":"USER_0","responseMessage":"Success","users":[{{"guest":false,"id":{customer},"collectionId":686,"#,
            r#""status":"ACTIVE","type":1,"dateOfBirth":"10-12-2007","gender":"female","firstName":"{first_name}","lastName":"Hall","#,
            r#""phoneNumber":"1665010949","referenceAttribute2":0,"email":"email_{customer}@example.com","preferences":"sms","#,
            r#""createdDate":1716357358000,"updatedDate":1716357358000,"identities":[{{"id":11396,"identity":"1665010949","type":1,"#,
            r#""identityType":"DEFAULT","status":"ACTIVE"}}],"customProperties":{{}},"addresses":[{{"id":2856,"type":"shipping","#,
            r#""firstName":"Brock","middleName":"k","lastName":"Hall","phone":"2739092659","street1":"822 NorthNash Ave.","#,
            r#""city":"Guayama","country":"Tunisia","state":"Nebraska","zipCode":"05249","validated":false,"#,
            r#""createdDate":1716357358000,"updatedDate":1716357358000,"properties":{{}},"default":false}}],"#,
            r#""availableResend":0,"maximumOTPAttempt":0}}]}},"collectionId":"686","eventType":"userservice/user/update","userId":"1","#,
            r#""actOnBehalfOfUser":0,"roles":["ROLE_SUPER_ADMIN"],"channel":"CSR"}}}}"#
        ),
        id = id,
        customer = customer,
        first_name = first_name,
    )
}

#[test]
fn a_load_has_as_many_duplicates_and_broken_events_as_asked_for() {
    let shape = Shape {
        topic: "t",
        name: "a",
        events: 10_000,
        customers: 100,
        duplicate_one_in: 10,
        broken_one_in: 50,
    };
    let load = Load::generate(&shape, &mut Random::new(1));
    assert_eq!(load.outcomes.len() + load.dead.len(), 10_000);
    let duplicates = load.messages.len() - 10_000;
    assert!((800..1200).contains(&duplicates), "{duplicates} duplicates");
    assert!((100..300).contains(&load.dead.len()), "{} broken", load.dead.len());
}

#[test]
fn an_update_is_json_of_about_1200_bytes() {
    let text = update_user("e-1", "12079", "n1");
    serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
    assert!((1150..1300).contains(&text.len()), "{} bytes", text.len());
}
