//! Whatever comes in: never a panic, every record accounted for, the next one unaffected, no secret out.

use super::{folder, loaded, samples};
use millstream::broker::memory::Dumped;
use millstream::testkit::{Driver, Message};
use millstream::topology::Topology;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, OnceLock};

const SOURCES: [(&str, &str); 4] = [
    ("eventbridge", "eventbridge"),
    ("rabbitmq", "rabbitmq"),
    ("customer", "native"),
    ("subscriber", "subscriber"),
];
const ROUTING_KEYS: [&str; 5] = [
    "user.usercreated",
    "user.resetpassword",
    "user.userloginMFA",
    "user.usermerged",
    "user.other",
];
const SECRETS: [&str; 7] = [
    "bearerToken",
    "lastactivationparam",
    "resetParam",
    "activationParam",
    "notificationParam",
    "loginOTP",
    "loginToken",
];
const HUSH: &str = "hush-hush";

fn topology() -> Arc<Topology> {
    static TOPOLOGY: OnceLock<Arc<Topology>> = OnceLock::new();
    Arc::clone(TOPOLOGY.get_or_init(|| loaded("topology.yaml")))
}

/// Source and document of every sample that is JSON.
fn documents() -> &'static [(&'static str, Value)] {
    static DOCUMENTS: OnceLock<Vec<(&'static str, Value)>> = OnceLock::new();
    DOCUMENTS.get_or_init(|| {
        let mut all = Vec::new();
        for (source, feed) in SOURCES {
            for sample in samples(feed) {
                let bytes = fs::read(folder().join("samples").join(feed).join(sample)).expect("a sample");
                all.extend(serde_json::from_slice(&bytes).ok().map(|document| (source, document)));
            }
        }
        all
    })
}

#[derive(Clone, Debug)]
struct Input {
    source: &'static str,
    message: Message,
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[0-9]{1,40}".prop_filter_map("a number", |digits| serde_json::from_str(&digits).ok()),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(&["", "0", "female", "CSR", "10-12-2007", "2024-05-22T05:58:15Z"][..])
            .prop_map(Value::from),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "[a-z]{0,4}",
        prop::sample::select(&["id", "users", "email", "detail", "customer", "createdDate"][..])
            .prop_map(str::to_owned),
    ];
    scalar().prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The pointers of everything in a document.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, member)| pointers(member, &format!("{at}/{}", escaped(name)), found)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(index, element)| pointers(element, &format!("{at}/{index}"), found)),
        _ => {}
    }
}

/// Members that hold a secret: under its name, or as the value beside it.
fn secret() -> impl Strategy<Value = Vec<(String, Value)>> {
    let name = (prop::sample::select(&SECRETS[..]), any::<bool>())
        .prop_map(|(name, upper)| if upper { name.to_uppercase() } else { name.to_owned() });
    let beside = prop::sample::select(&[("key", "value"), ("name", "value"), ("Name", "Value")][..]);
    let hush = || json!({"deep": [HUSH, 1]});
    (name, prop::option::of(beside)).prop_map(move |(name, beside)| match beside {
        None => vec![(name, hush())],
        Some((key, value)) => vec![(key.to_owned(), name.into()), (value.to_owned(), hush())],
    })
}

/// A sample with some of its parts replaced, and then secrets put into some of its objects.
fn changed_sample() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let place = any::<prop::sample::Index>;
    let trees = prop::collection::vec((place(), tree()), 0..3);
    let secrets = prop::collection::vec((place(), secret()), 0..3);
    (place(), trees, secrets).prop_map(|(which, trees, secrets)| {
        let (source, mut document) = which.get(documents()).clone();
        let target = |document: &mut Value, place: prop::sample::Index, change: &mut dyn FnMut(&mut Value)| {
            let mut all = Vec::new();
            pointers(document, "", &mut all);
            document.pointer_mut(place.get::<String>(&all)).map(change);
        };
        for (place, tree) in trees {
            target(&mut document, place, &mut |target| *target = tree.clone());
        }
        for (place, members) in secrets {
            target(&mut document, place, &mut |target| {
                if let Value::Object(object) = target {
                    object.extend(members.clone());
                }
            });
        }
        (source, serde_json::to_vec(&document).expect("JSON"))
    })
}

fn value() -> impl Strategy<Value = (&'static str, Option<Vec<u8>>)> {
    let source = || prop::sample::select(&["eventbridge", "rabbitmq", "customer", "subscriber"][..]);
    prop_oneof![
        1 => source().prop_map(|source| (source, None)),
        2 => (source(), prop::collection::vec(any::<u8>(), 0..64)).prop_map(|(source, bytes)| (source, Some(bytes))),
        2 => (source(), tree()).prop_map(|(source, tree)| (source, serde_json::to_vec(&tree).ok())),
        2 => (changed_sample(), any::<prop::sample::Index>())
            .prop_map(|((source, bytes), end)| (source, Some(bytes[..end.index(bytes.len() + 1).min(bytes.len())].to_vec()))),
        8 => changed_sample().prop_map(|(source, bytes)| (source, Some(bytes))),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let headers = (
        prop::option::weighted(0.95, prop::sample::select(&ROUTING_KEYS[..])),
        prop::option::weighted(0.95, prop::sample::select(&["/", "dev", "/qa2", "/moon"][..])),
        prop::option::of("[0-9]{0,14}"),
        prop::option::of(prop::collection::vec(any::<u8>(), 0..6)),
        prop::option::weighted(0.1, prop::sample::select(&["prod", "moon"][..])),
    );
    let key = prop::option::of(prop::collection::vec(any::<u8>(), 0..6));
    let timestamp = prop::option::of(0_i64..4_000_000_000_000);
    (value(), headers, key, timestamp).prop_map(|((source, value), (routing, vhost, time, id, env), key, timestamp)| {
        let named = [
            ("rabbitmq.routing_key", routing.map(|text| text.as_bytes().to_vec())),
            ("rabbitmq.vhost", vhost.map(|text| text.as_bytes().to_vec())),
            ("rabbitmq.timestamp", time.map(String::into_bytes)),
            ("rabbitmq.message_id", id),
            ("env", env.map(|text| text.as_bytes().to_vec())),
        ];
        let headers = named
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        Input {
            source,
            message: Message {
                key,
                value,
                headers,
                timestamp,
            },
        }
    })
}

fn header<'d>(letter: &'d Dumped, name: &str) -> &'d str {
    let found = letter.headers.iter().rev().find(|(n, _)| n == name);
    found
        .and_then(|(_, value)| std::str::from_utf8(value.as_deref()?).ok())
        .unwrap_or_default()
}

/// A sample that is sent after the others, to see that it is unaffected.
fn last() -> Input {
    let value = fs::read(folder().join("samples/eventbridge/DeleteUser.json")).expect("a sample");
    let text = String::from_utf8(value).expect("a text");
    let value = text
        .replace("1e3fe950-64e5-10fa-61c1-c3a9d69fd5ff", "the-last")
        .into_bytes();
    let message = Message {
        value: Some(value),
        ..Message::default()
    };
    Input {
        source: "eventbridge",
        message,
    }
}

fn try_all(inputs: &[Input]) -> Result<(), TestCaseError> {
    let mut driver = Driver::new(&topology()).expect("a driver");
    let of_feeds = |driver: &Driver| {
        let letters = driver.dead_letters().into_iter();
        letters
            .filter(|letter| header(letter, "__streams.errors.topic").starts_with("feed."))
            .count()
    };
    let (mut normalized, mut dead) = (0, 0);
    for input in inputs.iter().chain([&last()]) {
        driver.input(input.source, &input.message).expect("a source");
        driver.run_until_idle().expect("an end");
        let now = (driver.records("customers.normalized").len(), of_feeds(&driver));
        // a record succeeds whole or is a dead letter whole
        prop_assert!(
            (now.0 > normalized && now.1 == dead) || (now.0 == normalized && now.1 == dead + 1),
            "{input:?}: {normalized} to {} normalized, {dead} to {} dead",
            now.0,
            now.1
        );
        (normalized, dead) = now;
    }
    let out: usize = driver.outputs().iter().map(|(_, records)| records.len()).sum();
    let letters = driver.dead_letters();
    let counted = |what: &str| -> u64 {
        let counts = driver.counts().counted.iter();
        counts
            .filter(|((_, name), _)| *name == what)
            .map(|(_, count)| count)
            .sum()
    };
    let later = letters.len() - dead;
    prop_assert_eq!(
        out + later + usize::try_from(counted("duplicate")).expect("few"),
        normalized
    );
    prop_assert_eq!(counted("filtered"), 0);

    let last = driver.records("activity-dev").pop();
    let last = last
        .and_then(|record| String::from_utf8(record.value?).ok())
        .unwrap_or_default();
    prop_assert!(last.contains("the-last"), "the last event is {}", last);
    for letter in &letters {
        prop_assert!(!header(letter, "__streams.errors.message").is_empty());
        for (name, value) in letter.headers.iter().filter(|(name, _)| name.starts_with("__streams")) {
            let text = String::from_utf8_lossy(value.as_deref().unwrap_or_default());
            prop_assert!(!text.contains(HUSH), "{name}: {text}");
        }
    }
    let records = driver.outputs().into_iter().flat_map(|(_, records)| records);
    for record in records.chain(driver.records("customers.normalized")) {
        let text = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned();
        prop_assert!(!text.contains(HUSH), "{}: {text}", record.topic);
    }
    Ok(())
}

#[test]
fn every_secret_of_the_topology_is_tried() {
    let tried: BTreeSet<String> = SECRETS.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(tried, topology().secrets.iter().map(str::to_owned).collect());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_is_accounted_for_and_no_secret_goes_out(inputs in prop::collection::vec(input(), 1..12)) {
        try_all(&inputs)?;
    }
}
