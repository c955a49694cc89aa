//! What is refused by its head, or by how it comes.

use super::*;

/// Asks, and looks that nothing of it was kept.
fn refused(request: &Request<'_>) -> Answer {
    let (hook, broker) = hook();
    let answer = hook.ask(request);
    assert!(
        bodies(&broker, "orders").is_empty() && bodies(&broker, "dead").is_empty(),
        "{answer:?}"
    );
    answer
}

#[test]
fn another_path_is_not_found_and_another_method_is_not_allowed() {
    let mut request = Request::of(b"{}");
    request.path = "/in/more";
    assert_eq!(refused(&request).status, 404);
    request.path = "/";
    assert_eq!(refused(&request).status, 404);
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let mut request = Request::of(b"{}");
        request.method = method;
        let answer = refused(&request);
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.head.contains("allow: post"), "{}", answer.head);
    }
}

#[test]
fn what_is_not_json_or_is_encoded_is_of_no_supported_type() {
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "",
    ] {
        assert_eq!(
            refused(&Request::of(b"{}").with("content-type", kind)).status,
            415,
            "{kind}"
        );
    }
    assert_eq!(refused(&Request::of(b"{}").without("content-type")).status, 415);
    for encoding in ["gzip", "identity, gzip", "br"] {
        let request = Request::of(b"{}").with("content-encoding", encoding);
        assert_eq!(refused(&request).status, 415, "{encoding}");
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_by_its_length_before_it_comes() {
    let request = Request::of(b"").with("content-length", "1000001");
    let answer = refused(&request);
    assert_eq!(answer.status, 413);
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    assert_eq!(
        refused(&Request::of(b"").with("content-length", "99999999999999999999")).status / 100,
        4
    );
}

#[test]
fn a_body_without_a_length_is_read_up_to_the_limit_only() {
    let (hook, broker) = {
        let broker = broker();
        let settings = Webhook {
            max_body: 100,
            ..settings("{api_key: \"${KEY}\"}")
        };
        (Hook::start(settings, Arc::new(broker.clone())), broker)
    };
    let request = Request::of(b"")
        .without("content-length")
        .with("transfer-encoding", "chunked");
    let mut stream = hook.connect();
    stream.write_all(&request.bytes()).unwrap();
    stream.write_all(b"40\r\n").unwrap();
    stream.write_all(&[b' '; 64]).unwrap();
    stream.write_all(b"\r\n40\r\n").unwrap();
    stream.write_all(&[b' '; 64]).unwrap();
    // the end never comes
    assert_eq!(answer(&mut stream).status, 413);
    assert!(bodies(&broker, "dead").is_empty());
}

#[test]
fn a_body_that_does_not_come_or_ends_too_early_is_given_up() {
    let broker = broker();
    let settings = Webhook {
        timeout: Duration::from_millis(100),
        ..settings("{api_key: \"${KEY}\"}")
    };
    let hook = Hook::start(settings, Arc::new(broker.clone()));
    let mut stream = hook.connect();
    stream
        .write_all(&Request::of(b"{").with("content-length", "10").bytes())
        .unwrap();
    let answer = answer(&mut stream);
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    let mut stream = hook.connect();
    stream
        .write_all(&Request::of(b"{").with("content-length", "10").bytes())
        .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = String::new();
    let _ = stream.read_to_string(&mut rest);
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 4"), "{rest}");
    assert!(bodies(&broker, "orders").is_empty() && bodies(&broker, "dead").is_empty());
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let answer = refused(&Request::of(b"{}").with("x-more", &"x".repeat(100_000)));
    assert_eq!(answer.status, 431);
}

#[test]
fn more_events_than_may_ever_be_under_way_are_too_many() {
    let broker = broker();
    let settings = Webhook {
        max_pending: 3,
        ..settings("{api_key: \"${KEY}\"}")
    };
    let hook = Hook::start(settings, Arc::new(broker.clone()));
    assert_eq!(hook.post(b"[{},{},{},{}]").status, 413);
    assert!(bodies(&broker, "orders").is_empty() && bodies(&broker, "dead").is_empty());
    assert_eq!(hook.post(b"[{},{},{}]").status, 200);
}
