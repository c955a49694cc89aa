//! What is sent, by the schemas: the same as JSON, as framed JSON and as Avro; and what the AsyncAPI document says of it is what the
//! given one says.

use super::{folder, loaded};
use millstream::asyncapi::{Examples, document};
use millstream::testkit::case::read_folder;
use millstream::testkit::outputs;
use millstream::topology::{Topology, load};
use millstream::yaml;
use serde_json::{Value, json};
use std::sync::Arc;

fn loaded_with(codec: &str) -> Arc<Topology> {
    let environment = |name: &str| (name == "MESSAGE_CODEC").then(|| codec.to_owned());
    match load(&folder(), &environment) {
        Ok(topology) => Arc::new(topology),
        Err(mistakes) => panic!("{}", yaml::render(&mistakes, "", &|_| None)),
    }
}

/// Avro has no absent members: those come as null.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(members.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(elements) => elements.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

#[test]
fn every_case_says_the_same_as_json_as_framed_json_and_as_avro() {
    let plain = loaded("topology.yaml");
    let mut compared = 0;
    for codec in ["json_schema", "avro"] {
        let other = loaded_with(codec);
        let cases = read_folder(&folder(), &plain).expect("the cases are right");
        for case in &cases {
            let said = |topology: &Arc<Topology>| {
                let outputs = outputs(topology, case).into_iter();
                let document = |text: &str| without_nulls(serde_json::from_str(text).expect("JSON"));
                outputs
                    .map(|(topic, text)| (topic, document(&text)))
                    .collect::<Vec<_>>()
            };
            let (expected, found) = (said(&plain), said(&other));
            assert_eq!(expected, found, "{codec}: {}", case.name);
            compared += found.len();
        }
    }
    assert!(compared > 300, "{compared} outputs compared");
}

fn api() -> Value {
    let topology = loaded("topology.yaml");
    let cases = read_folder(&folder(), &topology).expect("the cases are right");
    document(&topology, &Examples::of_cases(&topology, &cases))
}

#[test]
fn the_asyncapi_document_agrees_with_the_given_one_point_by_point() {
    const MESSAGES: [(&str, &str); 5] = [
        (
            "CustomerCreated",
            "The application will send customer created events through this channel.",
        ),
        (
            "CustomerUpdated",
            "The application will send customer updated events through this channel.",
        ),
        (
            "CustomerWalletUpdated",
            "The application will send customer wallet updated events through this channel.",
        ),
        ("PasswordReset", "A password reset link sent to a customer"),
        ("OtpCode", "Link to enable MFA"),
    ];
    let api = api();
    assert_eq!(
        api["info"],
        json!({"title": "Customer Event Definition", "version": "0.1.0"})
    );
    let channel = &api["channels"]["integration"];
    assert_eq!(channel["address"], "integration-{env}");
    assert_eq!(
        channel["description"],
        "The application will send new operation notification messages through this channel."
    );
    assert_eq!(
        channel["parameters"]["env"],
        json!({
            "enum": ["dev", "qa", "qa2", "stg", "prod"],
            "description": "The environment from which the event originated from e.g. dev, prod"
        })
    );
    let send = &api["operations"]["send"];
    assert_eq!(send["action"], "send");
    assert_eq!(send["channel"], json!({"$ref": "#/channels/integration"}));
    let sent: Vec<Value> = MESSAGES
        .iter()
        .map(|(name, _)| json!({"$ref": format!("#/channels/integration/messages/{name}")}))
        .collect();
    assert_eq!(send["messages"], Value::Array(sent));
    for (name, summary) in MESSAGES {
        let message = &api["components"]["messages"][name];
        assert_eq!(message["name"], name);
        assert_eq!(message["summary"], summary);
        assert_eq!(
            message["correlationId"],
            json!({"location": "$message.payload#/detail/correlationid", "description": "Default Correlation ID"})
        );
        let payload = &api["components"]["schemas"][name];
        assert_eq!(payload["type"], "object");
        let detail = payload["properties"]["detail"]["$ref"].as_str().expect("a reference");
        let detail = api.pointer(&detail[1..]).expect("what it refers to");
        assert!(detail["properties"]["customer"].is_object() && detail["properties"]["correlationid"].is_object());
        let examples = message["examples"].as_array().expect("examples");
        assert!(!examples.is_empty() && examples.iter().all(|example| example["payload"]["type"] == name));
    }
    for (name, values) in [
        ("UserType", vec!["COLLEAGUE", "CUSTOMER", "SYSTEM"]),
        ("Environment", vec!["dev", "qa", "qa2", "stg", "prod"]),
        ("Gender", vec!["MALE", "FEMALE", "RATHER_NOT_SAY", "NON_BINARY"]),
        ("LineOfBusiness", vec!["AUDIOLOGY", "OPTICAL"]),
    ] {
        assert_eq!(api["components"]["schemas"][name]["enum"], json!(values), "{name}");
    }
}

#[test]
fn every_reference_of_the_asyncapi_document_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(elements) => elements.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let api = api();
    let mut found = Vec::new();
    references(&api, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        assert!(api.pointer(&reference[1..]).is_some(), "{reference}");
    }
}

/// What comes in as a native event is described by what is validated.
#[test]
fn what_is_received_is_described_too() {
    let api = api();
    assert_eq!(api["channels"]["customer"]["address"], "feed.customer");
    assert_eq!(api["operations"]["receive-customer"]["action"], "receive");
    let message = &api["components"]["messages"]["customer"];
    assert_eq!(message["payload"], json!({"$ref": "#/components/schemas/customer"}));
    assert_eq!(
        api["components"]["schemas"]["customer"]["title"],
        "A native customer event"
    );
}
