//! Against a small server of the test, which says what each test wants and counts what it is asked.

mod secured;
mod server;

use super::*;
use crate::registry::{Auth, Language};
use crate::yaml::Secret;
use serde_json::json;
use server::{Server, dead_url};
use std::time::Instant;

const ORDER: &str = r#"{"type":"record","name":"shop.Order","fields":[{"name":"id","type":"string"}]}"#;

fn order() -> Declared {
    Declared {
        language: Language::Avro,
        text: ORDER.to_owned(),
    }
}

fn known() -> String {
    json!({"schema": ORDER}).to_string()
}

fn unknown() -> (u16, String) {
    (
        404,
        json!({"error_code": 40403, "message": "Schema not found"}).to_string(),
    )
}

fn at(urls: &[&str]) -> HttpRegistry {
    let settings = Settings {
        urls: urls.iter().map(|url| (*url).to_owned()).collect(),
        timeout: Duration::from_secs(5),
        ..Settings::of("")
    };
    HttpRegistry::forgetting(&settings, Duration::from_secs(60)).unwrap()
}

#[test]
fn many_who_need_a_schema_at_once_make_one_request_and_nobody_makes_another() {
    let server = Server::start(|_| {
        std::thread::sleep(Duration::from_millis(100));
        (200, known())
    });
    let registry = at(&[&server.url]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(registry.schema(7).unwrap().text, ORDER));
        }
    });
    assert_eq!(registry.schema(7).unwrap().language, Language::Avro);
    assert_eq!(server.asked(), ["GET /schemas/ids/7?deleted=true"]);
}

#[test]
fn an_unknown_id_is_asked_for_again_after_a_while_only_and_found_if_it_was_registered() {
    let server = Server::start(|asked| if asked.count == 1 { unknown() } else { (200, known()) });
    let settings = Settings::of(&server.url);
    let registry = HttpRegistry::forgetting(&settings, Duration::from_millis(300)).unwrap();
    let began = Instant::now();
    for _ in 0..20 {
        let answer = registry.schema(7);
        if began.elapsed() < Duration::from_millis(300) {
            assert_eq!(answer, Err(RegistryError::Unknown("schema 7".to_owned())));
            assert_eq!(server.asked().len(), 1);
        }
    }
    std::thread::sleep(Duration::from_millis(310));
    assert_eq!(registry.schema(7).unwrap().text, ORDER);
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn answers_mean_away_unknown_or_refused() {
    let said = |code: u32| json!({"error_code": code, "message": "said so"}).to_string();
    let cases = [
        (404, said(40403), "the schema registry has no schema 7"),
        (404, said(40401), "the schema registry has no schema 7"),
        (404, said(404), "away: 404: said so, and not as a registry does"),
        (
            404,
            "<html>".to_owned(),
            "away: it answers 404 Not Found, and not as a registry does",
        ),
        (408, said(408), "away: 408: said so"),
        (429, String::new(), "away: it answers 429 Too Many Requests"),
        (500, said(50001), "away: 500: said so"),
        (503, "<html>".to_owned(), "away: it answers 503 Service Unavailable"),
        (
            200,
            "<html>".to_owned(),
            "away: its answer is not one of a schema registry",
        ),
        (200, "{}".to_owned(), "away: its answer is not one of a schema registry"),
        (301, String::new(), "refused it: it answers 301 Moved Permanently"),
        (401, said(40101), "refused it: 401: said so; check `auth`"),
        (403, said(40301), "refused it: 403: said so; check `auth`"),
        (409, said(409), "refused it: 409: said so"),
        (422, said(42201), "refused it: 422: said so"),
    ];
    let answers = cases.clone();
    let server = Server::start(move |asked| {
        let case: String = asked.path.chars().filter(char::is_ascii_digit).collect();
        let (status, body, _) = &answers[case.parse::<usize>().unwrap_or(0)];
        (*status, body.clone())
    });
    let registry = at(&[&server.url]);
    for (case, (status, _, wanted)) in cases.iter().enumerate() {
        let error = registry.schema(case as u32).unwrap_err().to_string();
        // a record is not at fault where we are refused
        let of_record = match status {
            301 | 401 | 403 => wanted.replace("refused it", "is away"),
            _ => wanted.replace("schema 7", &format!("schema {case}")),
        };
        assert!(error.contains(&of_record), "{status}: {error}");
        // the same of what the crate does not ask
        let error = registry.breaks(&format!("s{case}"), &order());
        let error = error.map_or_else(|error| error.to_string(), |breaks| format!("{wanted}{breaks:?}"));
        assert!(error.contains(wanted), "{status}: {error}");
    }
}

#[test]
fn an_address_that_does_not_answer_does_not_spoil_what_another_says() {
    let dead = dead_url();
    let knows = Server::start(|_| (200, known()));
    let lags = Server::start(|_| unknown());
    let refuses = Server::start(|_| (401, String::new()));

    let registry = at(&[&dead, &knows.url]);
    assert!(registry.schema(1).is_ok());
    // from now on this one is asked first
    assert!(registry.schema(2).is_ok());
    assert!(at(&[&lags.url, &knows.url]).schema(1).is_ok());
    for urls in [[&lags.url, &dead], [&dead, &lags.url], [&lags.url, &lags.url]] {
        let error = at(&urls.map(String::as_str)).schema(1).unwrap_err();
        assert_eq!(error, RegistryError::Unknown("schema 1".to_owned()));
    }
    let before = knows.asked().len();
    let error = at(&[&refuses.url, &knows.url]).latest("x").unwrap_err();
    assert!(matches!(error, RegistryError::Refused(_)), "{error}");
    assert_eq!(knows.asked().len(), before);
    let error = at(&[&dead, &dead]).schema(1).unwrap_err().to_string();
    assert!(
        error.contains("away: address 1 of 2: no connection: Connection refused"),
        "{error}"
    );
    assert!(!error.contains("127.0.0.1"), "{error}");
}

#[test]
fn what_does_not_end_is_given_up_and_what_is_too_large_is_not_read() {
    let slow = Server::start(|_| {
        std::thread::sleep(Duration::from_millis(400));
        (200, known())
    });
    let settings = Settings {
        timeout: Duration::from_millis(100),
        ..Settings::of(&slow.url)
    };
    let error = HttpRegistry::new(&settings).unwrap().schema(1).unwrap_err();
    assert_eq!(error, RegistryError::Away("no answer within 100ms".to_owned()));

    let large = Server::start(|_| (200, json!({"schema": "x".repeat(200_000)}).to_string()));
    let error = at(&[&large.url]).schema(1).unwrap_err();
    assert!(
        matches!(&error, RegistryError::Refused(why) if why.contains("larger than")),
        "{error}"
    );
}

#[test]
fn credentials_are_shown_to_the_registry_and_stand_in_no_message() {
    let basic = Auth::Basic {
        username: Secret::new("ann".to_owned()),
        password: Secret::new("hunter2".to_owned()),
    };
    let bearer = Auth::Bearer(Secret::new("t0ken".to_owned()));
    let cases = [
        (basic, "Basic YW5uOmh1bnRlcjI=", ["YW5uOmh1bnRlcjI=", "hunter2"]),
        (bearer, "Bearer t0ken", ["t0ken", "t0ken"]),
    ];
    for (auth, shown, hidden) in cases {
        // an answer that repeats what it was shown
        let server = Server::start(move |asked| {
            let message = format!("not you: {} {}", asked.authorization, hidden[1]);
            (403, json!({"error_code": 40301, "message": message}).to_string())
        });
        let settings = Settings {
            auth: Some(auth),
            ..Settings::of(&server.url)
        };
        let registry = HttpRegistry::new(&settings).unwrap();
        let errors = [registry.schema(1).unwrap_err(), registry.level("x").unwrap_err()];
        assert_eq!(server.authorizations(), [shown, shown]);
        for error in errors {
            let error = format!("{error} {settings:?}");
            assert!(error.contains("not you") && error.contains("(secret)"), "{error}");
            assert!(!hidden.iter().any(|hidden| error.contains(hidden)), "{error}");
        }
    }
}

#[test]
fn what_a_schema_needs_comes_with_it_each_once_and_after_what_it_needs_itself() {
    // a needs b and c, which both need d; d says that it needs a, which would never end
    let refers = |text: &str, to: &[&str]| {
        let references: Vec<_> = to
            .iter()
            .map(|to| json!({"name": format!("n.{to}"), "subject": to, "version": 1}))
            .collect();
        json!({"id": 9, "schema": text, "references": references}).to_string()
    };
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/schemas/ids/1?deleted=true" => (200, refers("A", &["b", "c"])),
        "/subjects/b/versions/1" => (200, refers("B", &["d"])),
        "/subjects/c/versions/1" => (200, refers("C", &["d"])),
        "/subjects/d/versions/1" => (200, refers("D", &["b"])),
        _ => unknown(),
    });
    let schema = at(&[&server.url]).schema(1).unwrap();
    let names: Vec<(&str, &str)> = schema
        .references
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    assert_eq!(
        (&*schema.text, names),
        ("A", vec![("n.d", "D"), ("n.b", "B"), ("n.c", "C")])
    );
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn subjects_are_whole_parts_of_an_address() {
    let server = Server::start(|_| {
        (
            200,
            json!({"id": 1, "version": 2, "schema": ORDER, "is_compatible": true}).to_string(),
        )
    });
    let registry = at(&[&format!("{}/apis/", server.url)]);
    let subject = "a/b?c#d%e f";
    assert_eq!(
        registry.find(subject, &order()).map(|found| (found.id, found.version)),
        Ok((1, 2))
    );
    assert_eq!(registry.latest(subject).unwrap().version, 2);
    assert_eq!(registry.register(subject, &order()), Ok(1));
    assert_eq!(registry.breaks(subject, &order()), Ok(vec![]));
    let escaped = "a%2Fb%3Fc%23d%25e%20f";
    let wanted = [
        format!("POST /apis/subjects/{escaped}?deleted=false"),
        format!("GET /apis/subjects/{escaped}/versions/latest"),
        format!("POST /apis/subjects/{escaped}/versions"),
        format!("POST /apis/compatibility/subjects/{escaped}/versions?verbose=true"),
    ];
    assert_eq!(server.asked(), wanted);
}

#[test]
fn the_newest_version_is_the_same_schema_whatever_the_order_of_its_members() {
    let other = r#"{"name": "shop.Order", "fields": [{"type": "string", "name": "id"}], "type": "record"}"#;
    let server = Server::start(move |asked| match asked.method.as_str() {
        "POST" => unknown(),
        _ => (200, json!({"id": 5, "version": 3, "schema": other}).to_string()),
    });
    let registry = at(&[&server.url]);
    assert_eq!(registry.id("orders-value", &order()), Ok(5));
    let changed = Declared {
        text: ORDER.replace("string", "bytes"),
        ..order()
    };
    let error = registry.id("orders-value", &changed).unwrap_err().to_string();
    assert_eq!(
        error,
        "the schema registry has no such schema under the subject `orders-value`"
    );
}

#[test]
fn a_subject_has_the_level_of_all_where_it_has_none_of_its_own_and_what_breaks_is_in_the_registrys_words() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/config" => (200, json!({"compatibilityLevel": "FULL_TRANSITIVE"}).to_string()),
        "/config/own" => (200, json!({"compatibilityLevel": "BACKWARD"}).to_string()),
        "/config/odd" => (200, json!({"compatibilityLevel": "SOMETIMES"}).to_string()),
        path if path.contains("/confluent/") => (
            200,
            json!({"is_compatible": false, "messages": ["one", "two"]}).to_string(),
        ),
        path if path.contains("/apicurio/") => (200, json!({"is_compatible": false, "reason": "three"}).to_string()),
        path if path.contains("/silent/") => (200, json!({"is_compatible": false}).to_string()),
        _ => unknown(),
    });
    let registry = at(&[&server.url]);
    assert_eq!(registry.level("none"), Ok(Level::Full { transitive: true }));
    assert_eq!(registry.level("own"), Ok(Level::Backward { transitive: false }));
    assert!(matches!(registry.level("odd"), Err(RegistryError::Refused(_))));
    for (subject, words) in [
        ("confluent", vec!["one", "two"]),
        ("apicurio", vec!["three"]),
        ("new", vec![]),
    ] {
        assert_eq!(registry.breaks(subject, &order()).unwrap(), words);
    }
    assert_eq!(registry.breaks("silent", &order()).unwrap().len(), 1);
}
