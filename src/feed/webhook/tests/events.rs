//! What becomes of what is posted.

use super::*;

#[test]
fn an_event_is_a_record_byte_for_byte_with_its_key_and_no_header() {
    let (hook, broker) = hook();
    let body = " {\"id\": \"e-1\",\t\"n\": 1.10e0, \"s\": \"\\u00e9\u{e9}\"}\n";
    let answer = hook.post(body.as_bytes());
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, "{\"records\": 1, \"dead_letters\": 0}\n")
    );
    let records = broker.committed_records("orders");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].value.as_deref(), Some(body.as_bytes()));
    assert_eq!(records[0].key.as_deref(), Some(&b"e-1"[..]));
    assert!(records[0].headers.is_empty(), "{:?}", records[0].headers);
    hook.stop();
}

#[test]
fn the_trace_of_a_request_is_in_the_headers_of_each_of_its_records_and_of_a_dead_letter() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (hook, broker) = hook();
    let bodies: [&[u8]; 3] = [b"{\"id\":\"a\"}", b"[{\"id\":\"b\"},{\"id\":\"c\"},7]", b"{"];
    for body in bodies {
        let request = Request::of(body).with("traceparent", parent).with("TraceState", "a=1");
        assert_eq!(hook.ask(&request).status, 200);
        let wrong = Request::of(body).with("traceparent", "00-x").with("tracestate", "a=1");
        assert_eq!(hook.ask(&wrong).status, 200);
    }
    hook.stop();
    let text = |text: &str| Some(text.as_bytes().to_vec());
    let trace = [
        ("traceparent".to_owned(), text(parent)),
        ("tracestate".to_owned(), text("a=1")),
    ];
    for (topic, count) in [("orders", 3), ("dead", 2)] {
        let records = broker.committed_records(topic);
        let traced = records.iter().filter(|record| record.headers.starts_with(&trace));
        assert_eq!((traced.count(), records.len()), (count, 2 * count), "{topic}");
        let named = records.iter().flat_map(|record| &record.headers);
        assert_eq!(named.filter(|(name, _)| name == "tracestate").count(), count, "{topic}");
    }
}

#[test]
fn each_event_of_a_list_is_a_record_byte_for_byte_in_its_order() {
    let (hook, broker) = hook();
    let answer = hook.post(b"[ {\"id\":\"a\",  \"x\": [1, {\"]\": \"}\"}]} ,\n{\"id\":\"b\", \"y\":\"\\\"[\"},{}]");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, "{\"records\": 3, \"dead_letters\": 0}\n")
    );
    assert_eq!(
        bodies(&broker, "orders"),
        [
            "{\"id\":\"a\",  \"x\": [1, {\"]\": \"}\"}]}",
            "{\"id\":\"b\", \"y\":\"\\\"[\"}",
            "{}"
        ]
    );
    assert_eq!(hook.post(b"[]").body, "{\"records\": 0, \"dead_letters\": 0}\n");
}

#[test]
fn what_is_no_event_is_kept_as_a_dead_letter_and_acknowledged() {
    let (hook, broker) = hook();
    let wrong: [&[u8]; 8] = [
        b"{\"id\": 1",
        b"no JSON",
        b"",
        b"7",
        b"[{\"id\": 1}, {]",
        b"{\"id\": 1} {\"id\": 2}",
        b"{\"id\": \"\xff\"}",
        b"[{\"id\": 1}] and more",
    ];
    for body in wrong {
        let answer = hook.post(body);
        let shown = String::from_utf8_lossy(body);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, "{\"records\": 0, \"dead_letters\": 1}\n"),
            "{shown}"
        );
    }
    assert!(bodies(&broker, "orders").is_empty());
    let letters = broker.committed_records("dead");
    let values: Vec<&[u8]> = letters
        .iter()
        .map(|letter| letter.value.as_deref().unwrap_or_default())
        .collect();
    assert_eq!(values, wrong);
    let header = |name: &str| {
        let found = letters[0].headers.iter().find(|(other, _)| other.ends_with(name));
        String::from_utf8(found.unwrap().1.clone().unwrap()).unwrap()
    };
    assert_eq!(header("exception"), "parse");
    assert_eq!(header("message"), "the document ends too early at byte 8");
}

#[test]
fn an_element_that_is_no_event_is_a_dead_letter_and_the_others_go_on() {
    let (hook, broker) = hook();
    let answer = hook.post(b"[{\"id\":1}, null, \"text\", {\"id\":2}]");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, "{\"records\": 2, \"dead_letters\": 2}\n")
    );
    assert_eq!(bodies(&broker, "orders"), ["{\"id\":1}", "{\"id\":2}"]);
    assert_eq!(bodies(&broker, "dead"), ["null", "\"text\""]);
}

#[test]
fn what_is_too_large_for_the_topic_is_a_dead_letter_and_acknowledged() {
    let (hook, broker) = hook();
    let large = format!("{{\"id\": \"{}\"}}", "x".repeat(2000));
    let answer = hook.post(large.as_bytes());
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, "{\"records\": 0, \"dead_letters\": 1}\n")
    );
    assert_eq!(bodies(&broker, "dead"), [large]);
}

#[test]
fn what_is_nested_without_end_does_no_harm() {
    let (hook, broker) = hook();
    let deep = format!("{{\"id\": {}{}}}", "[".repeat(400_000), "]".repeat(400_000));
    assert_eq!(hook.post(deep.as_bytes()).status, 200);
    assert_eq!(hook.post("[".repeat(900_000).as_bytes()).status, 200);
    assert_eq!(hook.post(b"{\"id\": \"e\"}").status, 200);
    assert_eq!(bodies(&broker, "orders").len(), 1);
    assert_eq!(bodies(&broker, "dead").len(), 2);
}

#[test]
fn a_connection_is_used_again_and_a_body_in_chunks_is_read() {
    let (hook, broker) = hook();
    let mut stream = hook.connect();
    for id in 0..3 {
        stream
            .write_all(&Request::of(format!("{{\"id\":{id}}}").as_bytes()).bytes())
            .unwrap();
        assert_eq!(answer(&mut stream).status, 200);
    }
    let chunked = Request::of(b"")
        .without("content-length")
        .with("transfer-encoding", "chunked");
    stream.write_all(&chunked.bytes()).unwrap();
    stream.write_all(b"4\r\n{\"id\r\n4\r\n\":3}\r\n0\r\n\r\n").unwrap();
    assert_eq!(answer(&mut stream).status, 200);
    assert_eq!(
        bodies(&broker, "orders"),
        ["{\"id\":0}", "{\"id\":1}", "{\"id\":2}", "{\"id\":3}"]
    );
}

#[test]
fn json_under_another_name_is_json() {
    let (hook, broker) = hook();
    for kind in [
        "application/json",
        "APPLICATION/JSON ;charset=\"UTF-8\"",
        "application/cloudevents+json",
    ] {
        let request = Request::of(b"{}")
            .with("content-type", kind)
            .with("content-encoding", "identity");
        assert_eq!(hook.ask(&request).status, 200, "{kind}");
    }
    assert_eq!(bodies(&broker, "orders").len(), 3);
}
