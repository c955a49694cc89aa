//! Kafka behind TLS and passwords: who may come in comes in, and who may not is told why and asks again.

use crate::harness::client::Message;
use crate::harness::millstream::{Instance, TestTopology};
use crate::harness::secured::{PASSWORD, SecuredKafka, USER};
use crate::harness::wait_until;
use crate::pipeline::Pipeline;
use std::sync::OnceLock;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const RECORDS: usize = 100;

fn kafka() -> &'static SecuredKafka {
    static SHARED: OnceLock<SecuredKafka> = OnceLock::new();
    SHARED.get_or_init(SecuredKafka::start)
}

/// A topology that copies, with these properties of librdkafka.
fn copying(name: &str, properties: &[(&str, &str)]) -> Pipeline {
    copying_in(name, properties, &[("KAFKA_PASSWORD", PASSWORD)])
}

/// Its instances have these variables in their environment.
fn copying_in(name: &str, properties: &[(&str, &str)], variables: &[(&str, &str)]) -> Pipeline {
    let properties: String = properties
        .iter()
        .map(|(name, value)| format!("  {name}: \"{value}\"\n"))
        .collect();
    let yaml = format!(
        "application: copy\nkafka:\n{properties}sources: {{in: {{topic: in}}}}\nsinks: {{out: {{from: in, topic: out}}}}\n\
         dead_letters: {{topic: dead}}\n"
    );
    let topology = TestTopology::of(name, &yaml);
    let variables = variables.iter();
    let topology = variables.fold(topology, |topology, (name, value)| topology.variable(name, value));
    let pipeline = Pipeline::on(topology, &kafka().open_address());
    pipeline.create(&["in", "out"], 2, &[]);
    pipeline
}

fn file(name: &str) -> String {
    kafka().file(name).display().to_string()
}

fn copies(name: &str, address: &str, properties: &[(&str, &str)]) {
    is_let_in(&copying(name, properties), address);
}

fn is_let_in(pipeline: &Pipeline, address: &str) {
    let mut instance = Instance::start(&pipeline.topology, address, "a");
    let topic = pipeline.topic("in");
    let message = |number: usize| Message::new(&topic, None, format!("{{\"n\":{number}}}").into_bytes());
    pipeline.produce(&(0..RECORDS).map(message).collect::<Vec<_>>());
    pipeline.client.wait_committed(&pipeline.topic("out"), RECORDS, LIMIT);
    instance.wait_ready();
    assert!(instance.terminate().success());
}

#[test]
fn a_client_with_a_certificate_is_let_in() {
    let (ca, certificate, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
    let properties = [
        ("security.protocol", "ssl"),
        ("ssl.ca.location", ca.as_str()),
        ("ssl.certificate.location", &certificate),
        ("ssl.key.location", &key),
    ];
    copies("mutual", &kafka().mutual_address(), &properties);
}

#[test]
fn a_client_with_a_password_is_let_in_by_scram_and_by_plain() {
    let ca = file("ca.pem");
    for mechanism in ["SCRAM-SHA-512", "PLAIN"] {
        let properties = [
            ("security.protocol", "sasl_ssl"),
            ("ssl.ca.location", ca.as_str()),
            ("sasl.mechanisms", mechanism),
            ("sasl.username", USER),
            ("sasl.password", "${KAFKA_PASSWORD}"),
        ];
        copies(
            &format!("sasl-{}", mechanism.to_lowercase()),
            &kafka().sasl_address(),
            &properties,
        );
    }
}

/// As the chart says it: what is not the topology's own matter is in the environment, passwords from Secrets.
#[test]
fn a_client_is_let_in_by_what_its_environment_says() {
    let ca = file("ca.pem");
    let variables = [
        ("MILLSTREAM_KAFKA_SECURITY_PROTOCOL", "sasl_ssl"),
        ("MILLSTREAM_KAFKA_SSL_CA_LOCATION", ca.as_str()),
        ("MILLSTREAM_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
        ("MILLSTREAM_KAFKA_SASL_USERNAME", USER),
        ("MILLSTREAM_KAFKA_SASL_PASSWORD", PASSWORD),
    ];
    is_let_in(&copying_in("environment", &[], &variables), &kafka().sasl_address());
}

/// It stays up, is not ready, says why, and shows no password.
fn is_kept_out(name: &str, address: &str, properties: &[(&str, &str)], why: &[&str]) {
    let pipeline = copying(name, properties);
    let mut instance = Instance::start(&pipeline.topology, address, "a");
    wait_until("the reason to be told", LIMIT, || {
        let told = instance.log();
        let missing: Vec<_> = why.iter().filter(|why| !told.contains(**why)).collect();
        missing
            .is_empty()
            .then_some(())
            .ok_or(format!("{missing:?} not in\n{told}"))
    });
    assert!(matches!(instance.get("/readyz"), Ok((503, _))));
    assert!(matches!(instance.get("/livez"), Ok((200, _))));
    assert!(!instance.log().contains("not-the-password"), "{}", instance.log());
    assert!(instance.terminate().success(), "it ends although nobody lets it in");
}

#[test]
fn a_wrong_password_is_told_and_tried_again() {
    let ca = file("ca.pem");
    let properties = [
        ("security.protocol", "sasl_ssl"),
        ("ssl.ca.location", ca.as_str()),
        ("sasl.mechanisms", "SCRAM-SHA-512"),
        ("sasl.username", USER),
        ("sasl.password", "not-the-password"),
    ];
    is_kept_out(
        "wrong-password",
        &kafka().sasl_address(),
        &properties,
        &["uthentication failed"],
    );
}

#[test]
fn a_certificate_that_nobody_trusts_is_told_and_tried_again() {
    let (ca, certificate, key) = (file("ca.pem"), file("stranger.pem"), file("stranger.key"));
    let properties = [
        ("security.protocol", "ssl"),
        ("ssl.ca.location", ca.as_str()),
        ("ssl.certificate.location", &certificate),
        ("ssl.key.location", &key),
    ];
    is_kept_out("stranger", &kafka().mutual_address(), &properties, &["SSL"]);
}

#[test]
fn a_broker_that_we_do_not_trust_is_told_and_tried_again() {
    let ca = file("stranger.pem");
    let properties = [
        ("security.protocol", "sasl_ssl"),
        ("ssl.ca.location", ca.as_str()),
        ("sasl.mechanisms", "PLAIN"),
        ("sasl.username", USER),
        ("sasl.password", "${KAFKA_PASSWORD}"),
    ];
    is_kept_out(
        "untrusted",
        &kafka().sasl_address(),
        &properties,
        &["certificate verify failed"],
    );
}
