//! Keys and passwords.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn with_auth(auth: &str) -> (Hook, MemoryBroker) {
    let broker = broker();
    (Hook::start(settings(auth), Arc::new(broker.clone())), broker)
}

#[test]
fn without_the_key_or_with_another_nothing_is_read() {
    let (hook, broker) = hook();
    let body: &[u8] = b"{}";
    for wrong in ["", "new-kez", "new-ke", "new-key2", "NEW-KEY", OLD] {
        let answer = hook.ask(&Request::of(body).with("x-api-key", wrong));
        assert_eq!(answer.status, 401, "{wrong}");
        assert_eq!(answer.body, "the credentials are missing or wrong\n");
        assert!(answer.head.contains("www-authenticate: apikey"), "{}", answer.head);
        assert!(answer.head.contains("connection: close"), "{}", answer.head);
    }
    assert_eq!(hook.ask(&Request::of(body).without("x-api-key")).status, 401);
    let mut twice = Request::of(body);
    twice.headers.push(("x-api-key".to_owned(), "another".to_owned()));
    assert_eq!(hook.ask(&twice).status, 401);
    // asked before all else of the request, and before its body has come
    let request = Request::of(b"")
        .with("x-api-key", "wrong")
        .with("content-length", "999999999");
    assert_eq!(hook.ask(&request.with("content-type", "text/plain")).status, 401);
    assert!(bodies(&broker, "orders").is_empty() && bodies(&broker, "dead").is_empty());
    assert_eq!(hook.post(body).status, 200);
}

#[test]
fn while_keys_are_changed_both_are_right() {
    let (hook, broker) = with_auth("{api_key: [\"${KEY}\", \"${OLD}\"], header: X-Shop}");
    for (key, status) in [(KEY, 200), (OLD, 200), ("other", 401)] {
        let request = Request::of(b"{}").without("x-api-key").with("x-shop", key);
        assert_eq!(hook.ask(&request).status, status, "{key}");
    }
    assert_eq!(hook.post(b"{}").status, 401);
    assert_eq!(bodies(&broker, "orders").len(), 2);
}

#[test]
fn a_user_has_one_password_or_while_it_is_changed_two() {
    let (hook, broker) = with_auth("{basic: {user: bus, password: [\"${KEY}\", \"${OLD}\"]}}");
    let ask = |given: &str| hook.ask(&Request::of(b"{}").with("authorization", given)).status;
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    assert_eq!(ask(&basic("bus:new-key")), 200);
    assert_eq!(ask(&basic("bus:old-key")), 200);
    assert_eq!(ask(&basic("bus:new-key").replace("Basic", "bAsIc")), 200);
    for wrong in [
        "bus:new-kez",
        "bus:",
        "bus",
        ":new-key",
        "bu:new-key",
        "bus:new-key:",
        "",
        "other:old-key",
    ] {
        assert_eq!(ask(&basic(wrong)), 401, "{wrong}");
    }
    for wrong in [
        "Basic",
        "Basic ",
        "Basic %%%",
        "Bearer YnVzOm5ldy1rZXk=",
        "BasicYnVzOm5ldy1rZXk=",
    ] {
        assert_eq!(ask(wrong), 401, "{wrong}");
    }
    let answer = hook.ask(&Request::of(b"{}"));
    assert!(
        answer.head.contains("www-authenticate: basic realm="),
        "{}",
        answer.head
    );
    assert_eq!(bodies(&broker, "orders").len(), 3);
}

#[test]
fn without_auth_everybody_may_post() {
    let (hook, _) = with_auth("none");
    assert_eq!(hook.ask(&Request::of(b"{}").without("x-api-key")).status, 200);
}
