//! Bearer tokens, with an issuer of the test.

use super::*;
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

const RSA: &[u8] = include_bytes!("rsa.der");

/// Answers who asks for its keys, and counts.
struct Issuer {
    address: SocketAddr,
    /// `None`: it fails.
    set: Arc<Mutex<Option<JwkSet>>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    fn start(keys: Vec<Jwk>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = Self {
            address: listener.local_addr().unwrap(),
            set: Arc::new(Mutex::new(Some(JwkSet { keys }))),
            asked: Arc::default(),
        };
        let (set, asked) = (Arc::clone(&issuer.set), Arc::clone(&issuer.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
                    head.push(byte[0]);
                }
                asked.fetch_add(1, Ordering::SeqCst);
                // long enough for others to ask meanwhile
                std::thread::sleep(Duration::from_millis(50));
                let set = set.lock().unwrap().clone();
                let (status, body) =
                    set.map_or((500, String::new()), |set| (200, serde_json::to_string(&set).unwrap()));
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        issuer
    }

    fn hook(&self) -> (Hook, MemoryBroker) {
        let broker = broker();
        let auth = WebhookAuth::Oauth2 {
            jwks_url: format!("http://{}/keys", self.address),
            issuer: "https://id.example".to_owned(),
            audience: "hook".to_owned(),
        };
        let settings = Webhook {
            auth,
            ..settings("none")
        };
        (Hook::start(settings, Arc::new(broker.clone())), broker)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn ec() -> EncodingKey {
    EncodingKey::from_ec_der(&rcgen::KeyPair::generate().unwrap().serialize_der())
}

fn public(key: &EncodingKey, algorithm: Algorithm, id: &str) -> Jwk {
    let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
    jwk.common.key_id = Some(id.to_owned());
    jwk
}

fn claims() -> serde_json::Value {
    json!({"iss": "https://id.example", "aud": "hook", "exp": get_current_timestamp() + 300, "sub": "eventbridge"})
}

fn token(key: &EncodingKey, algorithm: Algorithm, id: Option<&str>, claims: &serde_json::Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = id.map(str::to_owned);
    encode(&header, claims, key).unwrap()
}

fn post(hook: &Hook, token: &str) -> u16 {
    hook.ask(&Request::of(b"{}").with("authorization", &format!("Bearer {token}")))
        .status
}

#[test]
fn tokens_that_a_key_of_the_issuer_signed_are_right() {
    let (one, rsa) = (ec(), EncodingKey::from_rsa_der(RSA));
    let keys = vec![public(&one, Algorithm::ES256, "e"), public(&rsa, Algorithm::RS256, "r")];
    let issuer = Issuer::start(keys);
    let (hook, broker) = issuer.hook();
    let right = token(&one, Algorithm::ES256, Some("e"), &claims());
    assert_eq!(post(&hook, &right), 200);
    assert_eq!(post(&hook, &token(&rsa, Algorithm::RS256, Some("r"), &claims())), 200);
    // without an id it is the only key of its algorithm
    assert_eq!(post(&hook, &token(&one, Algorithm::ES256, None, &claims())), 200);
    assert_eq!(bodies(&broker, "orders").len(), 3);
    assert_eq!(issuer.asked(), 1, "keys are kept");

    let answer = hook.ask(&Request::of(b"{}").with("authorization", &format!("Basic {right}")));
    assert_eq!(answer.status, 401);
    assert!(answer.head.contains("www-authenticate: bearer"), "{}", answer.head);
    assert_eq!(hook.post(b"{}").status, 401);
    assert_eq!(bodies(&broker, "orders").len(), 3);
}

#[test]
fn tokens_that_say_something_else_or_are_signed_by_others_are_wrong() {
    let (one, rsa) = (ec(), EncodingKey::from_rsa_der(RSA));
    let public_rsa = public(&rsa, Algorithm::RS256, "r");
    let issuer = Issuer::start(vec![public(&one, Algorithm::ES256, "e"), public_rsa.clone()]);
    let (hook, broker) = issuer.hook();
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = claims();
        claims[name] = value;
        token(&one, Algorithm::ES256, Some("e"), &claims)
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        token(&one, Algorithm::ES256, Some("e"), &claims)
    };
    let now = get_current_timestamp();
    let right = token(&one, Algorithm::ES256, Some("e"), &claims());
    let (unsigned, _) = right.rsplit_once('.').unwrap();
    // what anybody knows of the issuer must not do as a secret
    let modulus = serde_json::to_value(&public_rsa).unwrap()["n"]
        .as_str()
        .unwrap()
        .to_owned();
    let forged = token(
        &EncodingKey::from_secret(modulus.as_bytes()),
        Algorithm::HS256,
        Some("r"),
        &claims(),
    );
    let wrong = [
        with("iss", json!("https://other.example")),
        with("aud", json!("another")),
        with("exp", json!(now - 3600)),
        with("nbf", json!(now + 3600)),
        without("iss"),
        without("aud"),
        without("exp"),
        token(&ec(), Algorithm::ES256, Some("e"), &claims()),
        token(&one, Algorithm::ES256, Some("r"), &claims()),
        forged,
        format!("{unsigned}."),
        format!("eyJhbGciOiJub25lIn0.{}.", right.split('.').nth(1).unwrap()),
        "not.a.token".to_owned(),
        "x".repeat(5000),
    ];
    for token in &wrong {
        assert_eq!(post(&hook, token), 401, "{token}");
    }
    assert!(bodies(&broker, "orders").is_empty());
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn a_key_that_is_meant_for_something_else_checks_no_signature() {
    let (encrypts, other) = (ec(), EncodingKey::from_rsa_der(RSA));
    let mut one = public(&encrypts, Algorithm::ES256, "e");
    one.common.public_key_use = Some(PublicKeyUse::Encryption);
    let mut two = public(&other, Algorithm::RS256, "r");
    two.common.key_algorithm = Some(KeyAlgorithm::RS512);
    let issuer = Issuer::start(vec![one, two]);
    let (hook, _) = issuer.hook();
    assert_eq!(
        post(&hook, &token(&encrypts, Algorithm::ES256, Some("e"), &claims())),
        401
    );
    assert_eq!(post(&hook, &token(&other, Algorithm::RS256, Some("r"), &claims())), 401);
}

#[test]
fn keys_nobody_knows_are_asked_for_once_a_minute_at_most_and_one_at_a_time() {
    let one = ec();
    let issuer = Issuer::start(vec![public(&one, Algorithm::ES256, "e")]);
    let (hook, _) = issuer.hook();
    let hook = Arc::new(hook);
    let threads: Vec<_> = (0..20)
        .map(|number| {
            let (hook, one) = (Arc::clone(&hook), one.clone());
            let id = if number % 2 == 0 {
                "e".to_owned()
            } else {
                format!("unknown-{number}")
            };
            std::thread::spawn(move || {
                (
                    number,
                    post(&hook, &token(&one, Algorithm::ES256, Some(&id), &claims())),
                )
            })
        })
        .collect();
    for thread in threads {
        let (number, status) = thread.join().unwrap();
        assert_eq!(status, if number % 2 == 0 { 200 } else { 401 });
    }
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn while_the_issuer_is_away_nobody_is_told_that_a_token_is_wrong() {
    let one = ec();
    let issuer = Issuer::start(Vec::new());
    *issuer.set.lock().unwrap() = None;
    let (hook, broker) = issuer.hook();
    let right = token(&one, Algorithm::ES256, Some("e"), &claims());
    let answer = hook.ask(&Request::of(b"{}").with("authorization", &format!("Bearer {right}")));
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: 5"), "{}", answer.head);
    // what can't be a token of the issuer's is wrong all the same, and nobody is asked again so soon
    assert_eq!(post(&hook, "not.a.token"), 401);
    assert_eq!(post(&hook, &right), 503);
    assert_eq!(issuer.asked(), 1);
    assert!(bodies(&broker, "orders").is_empty());
}
