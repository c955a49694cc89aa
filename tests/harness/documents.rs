//! The samples of the documents as records of the feed topics, and what must become of each, written down by hand.

use super::client::{Delivered, Message};
use super::millstream::TestTopology;
use std::fs;
use std::path::{Path, PathBuf};

pub const FEEDS: [&str; 4] = ["feed.eventbridge", "feed.rabbitmq", "feed.customer", "feed.subscriber"];
pub const TABLES: [&str; 2] = ["reference.collections", "reference.stores"];
pub const ENVIRONMENTS: [&str; 5] = ["dev", "qa", "qa2", "stg", "prod"];
pub const DEAD_LETTERS: &str = "customer-events.dead-letters";

/// Every topic that the shipped topology writes to, but dead letters.
pub fn outputs() -> Vec<String> {
    ["integration", "activity", "subscriber"]
        .iter()
        .flat_map(|kind| {
            ENVIRONMENTS
                .iter()
                .map(move |environment| format!("{kind}-{environment}"))
        })
        .collect()
}

/// What must come out of one sample.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    pub topic: String,
    pub key: String,
    pub message: String,
    /// Of a CustomerUpdated.
    pub change: Option<String>,
    /// None where it is derived from the message's bytes.
    pub id: Option<String>,
}

impl Outcome {
    /// `topic` without the test's prefix.
    pub fn of(topic: &str, record: &Delivered) -> Self {
        let event = record.json();
        let text = |pointer: &str| {
            event
                .pointer(pointer)
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned)
        };
        let message = text("/type").unwrap_or_else(|| "(no type)".to_owned());
        Self {
            topic: topic.to_owned(),
            key: record.key_text().unwrap_or_else(|| "(no key)".to_owned()),
            change: text("/detail/change").filter(|_| message == "CustomerUpdated"),
            id: text("/id").filter(|_| !topic.starts_with("subscriber")),
            message,
        }
    }
}

/// The environment of every EventBridge and RabbitMQ sample.
const DEV: &str = "dev";

/// Where the key is the event's own id: no customer is known.
const UNKNOWN: &str = "";

/// Sample, key, message, change; to `integration-dev` by the message, else to `activity-dev`.
#[rustfmt::skip]
const EVENTBRIDGE: [(&str, &str, &str, &str); 21] = [
    ("CreateActivation",          "12085", "CustomerUpdated", "activation-requested"),
    ("CreateAddresses",           UNKNOWN, "CustomerActivity", ""),
    ("CreateConsent",             UNKNOWN, "ConsentDefinitionChanged", ""),
    ("CreateCredential",          UNKNOWN, "CustomerActivity", ""),
    ("CreateNotes.mended",        "12079", "CustomerUpdated", "notes"),
    ("CreateSecurityQuestion",    UNKNOWN, "CustomerActivity", ""),
    ("CreateUser",                "12079", "CustomerCreated", ""),
    ("CreateUserNotification",    UNKNOWN, "CustomerActivity", ""),
    ("DeleteAddress",             "12087", "CustomerUpdated", "addresses"),
    ("DeleteConsent",             UNKNOWN, "ConsentDefinitionChanged", ""),
    ("DeleteCustomProperty",      UNKNOWN, "CustomerActivity", ""),
    ("DeleteNotes",               UNKNOWN, "CustomerActivity", ""),
    ("DeleteUser",                "12079", "CustomerDeleted", ""),
    ("DeleteUserConsent",         UNKNOWN, "CustomerActivity", ""),
    ("GetAllSecurityQuestions",   UNKNOWN, "CustomerActivity", ""),
    ("UpdateActivation",          "12086", "CustomerUpdated", "activated"),
    ("UpdateConsents",            UNKNOWN, "ConsentDefinitionChanged", ""),
    ("UpdateCustomProperty",      UNKNOWN, "CustomerActivity", ""),
    ("UpdateSecurityQuestions",   UNKNOWN, "CustomerActivity", ""),
    ("UpdateUser",                "12079", "CustomerUpdated", "profile"),
    ("UpdateUserPassword",        "12079", "CustomerUpdated", "password"),
];

/// Sample, routing key, key, message, change.
#[rustfmt::skip]
const RABBITMQ: [(&str, &str, &str, &str, &str); 11] = [
    ("DeleteUser",            "user.userdeleted",         "1", "CustomerDeleted", ""),
    ("ResendActivation",      "user.resendactivation",    "1", "CustomerActivity", ""),
    ("ResetPassword",         "user.resetpassword",       "1", "PasswordReset", ""),
    ("SendNotification",      "user.sendnotification",    "1", "CustomerActivity", ""),
    ("UpdateUser",            "user.userupdated",         "1", "CustomerUpdated", "profile"),
    ("UserCreated",           "user.usercreated",         "1", "CustomerCreated", ""),
    ("UserMFALogin",          "user.userloginMFA",        "1", "OtpCode", ""),
    ("UserMerge",             "user.usermerged",          "2", "CustomerMerged", ""),
    ("ValidateActivation",    "user.activationsuccess",   "1", "CustomerUpdated", "activated"),
    ("ValidateNotification",  "user.notificationsuccess", "1", "CustomerActivity", ""),
    ("ValidateResetPassword", "user.resetsuccess",        "1", "CustomerUpdated", "password"),
];

/// Sample (which is the message's name), key, change; all to `integration-prod`.
#[rustfmt::skip]
const NATIVE: [(&str, &str, &str); 5] = [
    ("CustomerCreated",       "12090", ""),
    ("CustomerUpdated",       "12079", "profile"),
    ("CustomerWalletUpdated", "12079", ""),
    ("OtpCode",               "12079", ""),
    ("PasswordReset",         "12079", ""),
];

/// Sample, key, message; to `subscriber-dev`.
#[rustfmt::skip]
const SUBSCRIBER: [(&str, &str, &str); 4] = [
    ("Command",    "test@gmail.com", "SubscriberCommand"),
    ("Department", "123456",         "SubscriberCommand"),
    ("ErrorEvent", "test@gmail.com", "SubscriberEvent"),
    ("Event",      "123456",         "SubscriberEvent"),
];

const INTEGRATION: [&str; 5] = [
    "CustomerCreated",
    "CustomerUpdated",
    "CustomerWalletUpdated",
    "PasswordReset",
    "OtpCode",
];

/// Members whose values leave in no message but PasswordReset and OtpCode.
pub const SECRETS: [&str; 7] = [
    "bearerToken",
    "lastactivationparam",
    "resetParam",
    "activationParam",
    "notificationParam",
    "loginOTP",
    "loginToken",
];

/// All samples: the records of the feeds, what must come out, and what must become a dead letter.
pub struct Documents {
    pub messages: Vec<Message>,
    pub outcomes: Vec<Outcome>,
    pub dead: Vec<Message>,
    /// Values of secret members, none of which may be seen.
    pub secrets: Vec<String>,
}

pub fn documents(topology: &TestTopology) -> Documents {
    let mut all = Documents {
        messages: Vec::new(),
        outcomes: Vec::new(),
        dead: Vec::new(),
        secrets: Vec::new(),
    };
    let feed = |feed: &str, value: Vec<u8>| Message::new(&topology.topic(feed), None, value);
    let outcome = |topic: String, key: &str, message: &str, change: &str, id: Option<String>| Outcome {
        topic,
        key: if key == UNKNOWN {
            id.clone().unwrap_or_default()
        } else {
            key.to_owned()
        },
        message: message.to_owned(),
        change: (!change.is_empty()).then(|| change.to_owned()),
        id,
    };
    let to = |message: &str, environment: &str| {
        let kind = if INTEGRATION.contains(&message) {
            "integration"
        } else {
            "activity"
        };
        format!("{kind}-{environment}")
    };

    for (name, key, message, change) in EVENTBRIDGE {
        let value = sample("eventbridge", name);
        let id = id_of(&value);
        all.add(
            feed("feed.eventbridge", value),
            outcome(to(message, DEV), key, message, change, Some(id)),
        );
    }
    for (name, routing_key, key, message, change) in RABBITMQ {
        let id = format!("rabbitmq-{name}");
        let record = feed("feed.rabbitmq", sample("rabbitmq", name))
            .header("rabbitmq.routing_key", routing_key)
            .header("rabbitmq.exchange", "ecomm")
            .header("rabbitmq.vhost", "/")
            .header("rabbitmq.message_id", id.as_str())
            .header("rabbitmq.timestamp", "1716357372");
        all.add(record, outcome(to(message, DEV), key, message, change, Some(id)));
    }
    for (name, key, change) in NATIVE {
        let value = sample("native", name);
        let id = id_of(&value);
        all.add(
            feed("feed.customer", value),
            outcome(to(name, "prod"), key, name, change, Some(id)),
        );
    }
    for (name, key, message) in SUBSCRIBER {
        all.add(
            feed("feed.subscriber", sample("subscriber", name)),
            outcome("subscriber-dev".to_owned(), key, message, "", None),
        );
    }
    // a closing brace is missing in the document
    all.dead
        .push(feed("feed.eventbridge", sample("eventbridge", "CreateNotes")).header("trace", "a\u{e9}"));
    all
}

impl Documents {
    fn add(&mut self, message: Message, outcome: Outcome) {
        let value = message.value.as_deref().unwrap_or_default();
        let document =
            serde_json::from_slice(value).unwrap_or_else(|error| panic!("a sample for {}: {error}", outcome.message));
        collect_secrets(&document, &mut self.secrets);
        self.messages.push(message);
        self.outcomes.push(outcome);
    }
}

/// Routing key, body and what must come of it, but for its id, of every message that the Customers microservice publishes.
pub fn published() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    let all = RABBITMQ.iter();
    all.map(|(name, routing_key, key, message, change)| {
        let kind = if INTEGRATION.contains(message) {
            "integration"
        } else {
            "activity"
        };
        let outcome = Outcome {
            topic: format!("{kind}-{DEV}"),
            key: (*key).to_owned(),
            message: (*message).to_owned(),
            change: (!change.is_empty()).then(|| (*change).to_owned()),
            id: None,
        };
        (*routing_key, sample("rabbitmq", name), outcome)
    })
    .collect()
}

/// The rows of the reference tables.
pub fn table_rows(topology: &TestTopology) -> Vec<Message> {
    let mut rows = Vec::new();
    for table in TABLES {
        let file = samples()
            .join("tables")
            .join(format!("{}.jsonl", table.trim_start_matches("reference.")));
        for line in fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
            .lines()
        {
            let row: serde_json::Value = serde_json::from_str(line).expect("a row");
            let key = row
                .pointer("/key")
                .and_then(serde_json::Value::as_str)
                .expect("a row's key");
            let value = row.pointer("/value").expect("a row's value").to_string();
            rows.push(Message::new(&topology.topic(table), Some(key), value));
        }
    }
    rows
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("topology/customer-events/samples")
}

fn sample(feed: &str, name: &str) -> Vec<u8> {
    let file = samples().join(feed).join(format!("{name}.json"));
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn id_of(value: &[u8]) -> String {
    let document: serde_json::Value = serde_json::from_slice(value).expect("a sample");
    document
        .pointer("/id")
        .and_then(serde_json::Value::as_str)
        .expect("a sample's id")
        .to_owned()
}

fn collect_secrets(document: &serde_json::Value, found: &mut Vec<String>) {
    match document {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                match member {
                    serde_json::Value::String(text) if SECRETS.contains(&name.as_str()) => found.push(text.clone()),
                    other => collect_secrets(other, found),
                }
            }
        }
        serde_json::Value::Array(elements) => elements.iter().for_each(|element| collect_secrets(element, found)),
        _ => {}
    }
}

#[test]
fn every_sample_of_the_topology_is_in_the_tables_here() {
    let count = |feed: &str| fs::read_dir(samples().join(feed)).expect("samples").count();
    assert_eq!(count("eventbridge"), EVENTBRIDGE.len() + 1, "the broken one is extra");
    assert_eq!(count("rabbitmq"), RABBITMQ.len());
    assert_eq!(count("native"), NATIVE.len());
    assert_eq!(count("subscriber"), SUBSCRIBER.len());
}
