//! Tests of samples: what is kept, for whom, and what never is.

use super::*;
use crate::record::{Header, Key, Origin};
use crate::topology;
use crate::value::parse;
use bumpalo::Bump;

const TOPOLOGY: &str = r#"
application: shop
secrets: [token, loginOTP]
sources: {in: {topic: in}}
processors:
  made:
    type: map
    from: in
    mapping: {reveals: [loginOTP], output: {id: = event.id, otp: {code: = event.loginOTP}}}
  again: {type: map, from: made, mapping: {output: {id: = event.id, sent: = event.otp.code}}}
sinks: {out: {from: again, topic: out}}
dead_letters: {topic: dead}
"#;

fn samples() -> Samples {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(topology::FILE), TOPOLOGY).unwrap();
    let loaded = topology::load(folder.path(), &|_| None).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    Samples::of(&loaded)
}

const ORIGIN: Origin<'static> = Origin {
    topic: "in",
    partition: 2,
    offset: 7,
};

fn pass(samples: &Samples, part: Part, key: &[u8], json: &str, headers: &[Header<'_>]) {
    let arena = Bump::new();
    samples.passed(
        part,
        &Record {
            key: Some(Key::raw(key)),
            value: parse(json.as_bytes(), &arena).unwrap(),
            headers,
            timestamp: 5,
            origin: ORIGIN,
        },
    );
}

/// What is shown of one record with this value.
fn shown(json: &str) -> Sample {
    let samples = samples();
    samples.look_at(Part::Source(0));
    pass(&samples, Part::Source(0), b"k", json, &[]);
    samples.look_at(Part::Source(0)).pop().expect("a sample")
}

/// So much later somebody asked, and a sample was taken.
fn wait(samples: &Samples, time: Duration) {
    for looked in &mut *samples.looked_at.lock().unwrap() {
        looked.asked = looked.asked.checked_sub(time).unwrap();
        looked.last = looked.last.and_then(|last| last.checked_sub(time));
    }
}

#[test]
fn nothing_is_kept_that_nobody_looks_at_and_it_ends_when_nobody_looks_any_more() {
    let samples = samples();
    assert!(samples.wanted().is_none());
    assert!(samples.look_at(Part::Source(0)).is_empty());
    assert!(samples.wanted().is_some());
    pass(&samples, Part::Sink(0), b"k", "1", &[]);
    assert!(samples.look_at(Part::Sink(0)).is_empty(), "another part was looked at");
    pass(&samples, Part::Source(0), b"k", r#"{"id": 12345678901234567890}"#, &[]);
    let found = samples.look_at(Part::Source(0));
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].topic.as_str(), found[0].partition, found[0].offset),
        ("in", 2, 7)
    );
    assert_eq!(
        (found[0].timestamp, found[0].value.text.as_str()),
        (5, r#"{"id":12345678901234567890}"#)
    );
    wait(&samples, ATTENTION);
    pass(&samples, Part::Source(0), b"k", "2", &[]);
    assert!(samples.wanted().is_none(), "nobody asked for a while");
    assert!(
        samples.looked_at.lock().unwrap().is_empty(),
        "and what was kept is gone"
    );
}

#[test]
fn a_few_are_kept_the_newest_first_and_one_now_and_then_is_taken() {
    let samples = samples();
    samples.look_at(Part::Source(0));
    for number in 0..20 {
        pass(&samples, Part::Source(0), b"k", &number.to_string(), &[]);
        pass(&samples, Part::Source(0), b"k", "\"too soon\"", &[]);
        wait(&samples, PAUSE);
        samples.look_at(Part::Source(0));
    }
    let texts: Vec<String> = samples
        .look_at(Part::Source(0))
        .into_iter()
        .map(|sample| sample.value.text)
        .collect();
    assert_eq!(texts, ["19", "18", "17", "16", "15"]);
}

#[test]
fn what_is_kept_is_bounded() {
    let samples = samples();
    for part in 0..1_000 {
        samples.look_at(Part::Processor(part));
    }
    assert_eq!(samples.looked_at.lock().unwrap().len(), LOOKED_AT);
    let found = shown(&format!("{{\"a\": \"{}\"}}", "ä".repeat(100_000)));
    assert!(
        found.value.text.len() <= 4096 && found.value.text.len() > 4000,
        "{}",
        found.value.text.len()
    );
    assert_eq!(found.value.note.as_deref(), Some("cut: it has 200008 bytes"));

    samples.look_at(Part::Source(0));
    let header = Header {
        name: "content-type",
        value: Some(&[b'x'; 10_000]),
    };
    pass(&samples, Part::Source(0), &[b'k'; 10_000], "1", &[header; 100]);
    let found = &samples.look_at(Part::Source(0))[0];
    assert_eq!((found.key.as_ref().unwrap().text.len(), found.headers.len()), (256, 32));
    assert!(found.headers.iter().all(|(_, value)| value.text.len() == 256));
}

#[test]
fn a_secret_is_shown_nowhere_in_whatever_it_is_wrapped() {
    for value in [
        r#"{"id": 1, "token": "hunter2"}"#,
        r#"{"a": [{"b": {"TOKEN": {"deep": ["hunter2"]}}}]}"#,
        r#"{"key": "token", "value": "hunter2"}"#,
        r#"{"body": "{\"token\":\"hunter2\"}"}"#,
        r#"{"body": "{\"a\":\"{\\\"Token\\\":\\\"hunter2\\\"}\"}"}"#,
        r#"{"link": "https://example.org/reset?token=hunter2"}"#,
        r#"["token: hunter2"]"#,
        // as the mapping of `made` calls it, and as `again` does
        r#"{"id": 1, "otp": {"code": "hunter2"}}"#,
        r#"{"id": 1, "sent": "hunter2"}"#,
    ] {
        let found = shown(value);
        assert!(!format!("{found:?}").contains("hunter2"), "{value}: {found:?}");
        assert!(found.value.text.starts_with(['{', '[']), "{found:?}");
    }
    let harmless = r#"{"id":"a","type":"TokenCreated","url":"https://example.org/?a=b"}"#;
    assert_eq!(shown(harmless).value.text, harmless, "a word alone is no secret");
}

#[test]
fn of_headers_only_those_are_shown_that_are_known_to_be_harmless() {
    let samples = samples();
    samples.look_at(Part::Source(0));
    let header = |name, value| Header { name, value };
    let headers = [
        header("Content-Type", Some(&b"application/json"[..])),
        header("ce_id", Some(b"17")),
        header("authorization", Some(b"hunter2")),
        header("ce_token", Some(b"x?token=hunter2")),
        header("traceparent", Some(b"\xff\xfe")),
        header("empty", None),
    ];
    pass(
        &samples,
        Part::Source(0),
        br#"{"token":"hunter2","id":1}"#,
        "1",
        &headers,
    );
    let found = &samples.look_at(Part::Source(0))[0];
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    let texts: Vec<(&str, &str, Option<&str>)> = found
        .headers
        .iter()
        .map(|(name, text)| (name.as_str(), text.text.as_str(), text.note.as_deref()))
        .collect();
    assert_eq!(
        texts,
        [
            ("Content-Type", "application/json", None),
            ("ce_id", "17", None),
            ("authorization", "", Some("not shown: 7 bytes")),
            ("ce_token", "", Some("not shown: 15 bytes")),
            ("traceparent", "", Some("not shown: 2 bytes")),
            ("empty", "", None),
        ]
    );
}

#[test]
fn of_a_record_that_cant_be_read_there_is_why_and_nothing_of_it() {
    let samples = samples();
    samples.look_at(Part::Source(0));
    let record = RawRecord {
        origin: ORIGIN,
        key: Some(b"\xff\xfe"),
        value: Some(b"{hunter2"),
        headers: &[],
        timestamp: -1,
    };
    samples.unreadable(Part::Source(0), &record, "not JSON at byte 1");
    let found = &samples.look_at(Part::Source(0))[0];
    assert_eq!(
        found.value.note.as_deref(),
        Some("not shown: 8 bytes that can't be read: not JSON at byte 1")
    );
    assert_eq!(
        found.key.as_ref().unwrap().note.as_deref(),
        Some("not shown: 2 bytes that are no text")
    );
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
}

#[test]
fn no_worker_waits_for_whoever_looks() {
    let samples = samples();
    samples.look_at(Part::Source(0));
    let looking = samples.looked_at.lock().unwrap();
    pass(&samples, Part::Source(0), b"k", "1", &[]);
    drop(looking);
    assert!(samples.look_at(Part::Source(0)).is_empty());
}

#[test]
fn what_the_shipped_topology_reveals_is_hidden_under_its_new_names_and_little_else_is() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("topology/customer-events");
    let loaded = topology::load(&path, &|_| None).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let hidden = Samples::of(&loaded).redaction.hidden;
    let new: Vec<&str> = hidden.iter().filter(|name| !loaded.secrets.contains(name)).collect();
    assert_eq!(new, ["code", "link", "parameter", "token"]);
}
