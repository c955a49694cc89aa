//! The client of the schema registry against a real one: Apicurio's, which speaks Confluent's API.

use crate::harness::registry::{SchemaRegistry, shared};
use crate::harness::{free_port, wait_until};
use millstream::registry::{Declared, HttpRegistry, Language, Level, Registry, RegistryError, Settings, Subjects};
use serde_json::json;
use std::time::{Duration, Instant};

const ORDER: &str = r#"{"type":"record","name":"shop.Order","fields":[{"name":"id","type":"string"}]}"#;
/// With a field that has no default: it can't read the one before.
const TOTAL: &str =
    r#"{"type":"record","name":"shop.Order","fields":[{"name":"id","type":"string"},{"name":"total","type":"int"}]}"#;

fn avro(text: &str) -> Declared {
    Declared {
        language: Language::Avro,
        text: text.to_owned(),
    }
}

fn client(registry: &SchemaRegistry) -> HttpRegistry {
    HttpRegistry::new(&Settings::of(&registry.url())).expect("a client")
}

#[test]
fn a_schema_is_registered_once_and_found_by_its_id_and_as_itself() {
    let client = client(shared());
    let subject = "registered-value";
    let unknown = client.id(subject, &avro(ORDER)).unwrap_err();
    assert_eq!(
        unknown,
        RegistryError::Unknown(format!("such schema under the subject `{subject}`"))
    );
    assert_eq!(
        client.latest(subject).unwrap_err(),
        RegistryError::Unknown(format!("subject `{subject}`"))
    );

    let id = client.register(subject, &avro(ORDER)).expect("it is registered");
    assert_eq!(client.register(subject, &avro(ORDER)), Ok(id));
    assert_eq!(client.id(subject, &avro(ORDER)), Ok(id));
    assert_eq!(shared().versions(subject).len(), 1);
    let version = client.latest(subject).expect("a version");
    assert_eq!((version.id, version.version, &*version.schema.text), (id, 1, ORDER));
    let schema = client.schema(id).expect("it is there");
    assert_eq!((schema.language, &*schema.text), (Language::Avro, ORDER));

    // the same, written otherwise
    let spaced = avro(&ORDER.replace(':', " : "));
    assert_eq!(client.id(subject, &spaced), Ok(id));
    let wrong = client.schema(999_999).unwrap_err();
    assert_eq!(wrong, RegistryError::Unknown("schema 999999".to_owned()));
}

#[test]
fn schemas_that_refer_to_others_bring_them_along() {
    let registry = shared();
    registry.register("referred-order", "AVRO", ORDER, json!([]));
    let line = r#"{"type":"record","name":"shop.Line","fields":[{"name":"order","type":"shop.Order"}]}"#;
    let to = |name: &str, subject: &str| json!([{"name": name, "subject": subject, "version": 1}]);
    registry.register("referred-line", "AVRO", line, to("shop.Order", "referred-order"));
    let basket = r#"{"type":"record","name":"shop.Basket","fields":[{"name":"lines","type":{"type":"array","items":"shop.Line"}}]}"#;
    let id = registry.register("referring-value", "AVRO", basket, to("shop.Line", "referred-line"));

    let schema = client(registry).schema(id).expect("it is there");
    let names: Vec<&str> = schema.references.iter().map(|(name, _)| &**name).collect();
    assert_eq!((&*schema.text, names), (basket, vec!["shop.Order", "shop.Line"]));

    let json = r#"{"type":"object","properties":{"id":{"type":"string"}}}"#;
    let id = registry.register("json-value", "JSON", json, json!([]));
    assert_eq!(
        client(registry).schema(id).expect("it is there").language,
        Language::Json
    );
}

#[test]
fn what_is_not_compatible_is_refused_in_the_registrys_words() {
    let (registry, subject) = (shared(), "incompatible-value");
    let client = client(registry);
    let words = client.breaks(subject, &avro(TOTAL));
    assert_eq!(words, Ok(vec![]), "nothing is there that could break");
    client.register(subject, &avro(ORDER)).expect("it is registered");
    assert_eq!(client.level(subject), Ok(Level::None));
    assert_eq!(client.breaks(subject, &avro(TOTAL)), Ok(vec![]));

    registry.set_level(subject, "BACKWARD");
    assert_eq!(client.level(subject), Ok(Level::Backward { transitive: false }));
    let words = client.breaks(subject, &avro(TOTAL)).expect("an answer");
    assert!(words.iter().any(|words| words.contains("total")), "{words:?}");
    let error = client.register(subject, &avro(TOTAL)).unwrap_err();
    assert!(
        matches!(&error, RegistryError::Refused(why) if why.contains("total")),
        "{error}"
    );
    assert_eq!(registry.versions(subject).len(), 1);
    let error = client.register(subject, &avro("nonsense{")).unwrap_err();
    assert!(matches!(error, RegistryError::Refused(_)), "{error}");
}

#[test]
fn a_registry_that_is_away_says_nothing_of_ids_and_what_is_known_stays_known() {
    let registry = SchemaRegistry::start(free_port());
    let settings = Settings {
        timeout: Duration::from_secs(2),
        ..Settings::of(&registry.url())
    };
    let client = HttpRegistry::new(&settings).expect("a client");
    let id = client.register("away-value", &avro(ORDER)).expect("it is registered");
    client.schema(id).expect("it is there");

    registry.pause();
    let began = Instant::now();
    let error = client.schema(id + 1).unwrap_err();
    assert_eq!(error, RegistryError::Away("no answer within 2s".to_owned()));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    registry.resume();

    registry.kill();
    let error = client.schema(id + 1).unwrap_err();
    assert!(matches!(error, RegistryError::Away(_)), "{error}");
    assert!(client.schema(id).is_ok(), "what is known needs nobody");
    // another of its addresses answers for it
    let both = Settings {
        urls: vec![registry.url(), shared().url()],
        ..settings
    };
    let both = HttpRegistry::new(&both).expect("a client");
    both.register("away-value", &avro(ORDER)).expect("the other answers");

    registry.relaunch();
    wait_until(
        "the registry to know nothing",
        Duration::from_secs(10),
        || match client.schema(id + 1) {
            Err(RegistryError::Unknown(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        },
    );
    assert!(client.register("away-value", &avro(ORDER)).is_ok());
}
