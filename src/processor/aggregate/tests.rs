//! Aggregates over records, one after the other, on a store that keeps what they put.

use super::*;
use crate::processor::testing::{FakeContext, definition, mistakes, processor, record, try_definition};
use crate::record::Key;
use bumpalo::Bump;
use std::path::Path;

/// What comes out of records of one key, and what is kept of it.
fn run(yaml: &str, values: &[&str]) -> Result<(Vec<String>, Option<String>), Failure> {
    let arena = Bump::new();
    let mut context = FakeContext::new(&arena);
    let mut aggregate = processor(yaml);
    for value in values {
        aggregate.process(record(value, &arena), &mut context)?;
    }
    let kept = context.stored.get(&(0, b"k".to_vec()));
    let kept = kept.map(|kept| String::from_utf8_lossy(kept).into_owned());
    Ok((context.values(), kept))
}

fn fails(yaml: &str, values: &[&str]) -> Failure {
    let failure = run(yaml, values).expect_err("no failure");
    assert!(!failure.message.contains("hunter2"), "{failure}");
    failure
}

const ORDERS: &str = "
type: aggregate
values:
  orders: count
  total: {sum: = event.?amount}
  largest: {max: = event.?amount}
  smallest: {min: = event.?amount}
  last: {latest: = event.?status}
";

#[test]
fn every_record_gives_the_new_document() {
    let (out, kept) = run(
        ORDERS,
        &[
            r#"{"amount":10,"status":"new"}"#,
            r#"{"amount":2.50}"#,
            r#"{"amount":null,"status":null}"#,
            r#"{"amount":12}"#,
        ],
    )
    .unwrap();
    assert_eq!(
        out,
        [
            r#"{"largest":10,"last":"new","orders":1,"smallest":10,"total":10}"#,
            r#"{"largest":10,"last":"new","orders":2,"smallest":2.50,"total":12.50}"#,
            r#"{"largest":10,"last":null,"orders":3,"smallest":2.50,"total":12.50}"#,
            r#"{"largest":12,"last":null,"orders":4,"smallest":2.50,"total":24.50}"#,
        ]
    );
    assert_eq!(kept.as_ref(), out.last());
}

#[test]
fn a_member_without_a_value_is_left_out_and_a_record_without_any_changes_nothing() {
    let yaml = "{type: aggregate, values: {low: {min: = event.?a}, high: {max: = event.?b}}}";
    let (out, kept) = run(yaml, &["{}", r#"{"a":1}"#, r#"{"a":null}"#]).unwrap();
    assert_eq!(
        (out, kept.as_deref()),
        (vec![r#"{"low":1}"#.to_owned()], Some(r#"{"low":1}"#))
    );
}

#[test]
fn a_bare_value_comes_out_with_every_record_that_has_one() {
    let (out, kept) = run(
        "{type: aggregate, value: {min: = event}}",
        &["7", "9", "null", "3", "3"],
    )
    .unwrap();
    assert_eq!((out.join(" "), kept.as_deref()), ("7 7 3 3".to_owned(), Some("3")));
    let (out, _) = run(
        "{type: aggregate, value: {sum: = event}}",
        &["2147483647", "2147483647"],
    )
    .unwrap();
    assert_eq!(out, ["2147483647", "4294967294"]);
    let (out, _) = run("{type: aggregate, value: count}", &["{}", "null"]).unwrap();
    assert_eq!(out, ["1", "2"]);
}

#[test]
fn extremes_are_of_numbers_by_worth_or_of_texts() {
    let (out, _) = run(
        "{type: aggregate, value: {max: = event}}",
        &["9", "10", "1e1", "9.99", "123456789012345678901"],
    )
    .unwrap();
    assert_eq!(out, ["9", "10", "10", "10", "123456789012345678901"]);
    let (out, _) = run(
        "{type: aggregate, value: {min: = event}}",
        &[r#""b""#, r#""a""#, r#""c""#],
    )
    .unwrap();
    assert_eq!(out, [r#""b""#, r#""a""#, r#""a""#]);
}

#[test]
fn a_fold_makes_the_next_document_of_the_last_and_the_record() {
    let yaml = "{type: aggregate, fold: '= {\"n\": state.n + 1, \"names\": state.names + [event.name]}', initial: {n: 0, names: []}}";
    let (out, kept) = run(yaml, &[r#"{"name":"a"}"#, r#"{"name":"b"}"#]).unwrap();
    assert_eq!(out, [r#"{"n":1,"names":["a"]}"#, r#"{"n":2,"names":["a","b"]}"#]);
    assert_eq!(kept.as_ref(), out.last());
    let (out, _) = run(
        "{type: aggregate, fold: '= state == null ? event.x : state + event.x'}",
        &[r#"{"x":1}"#, r#"{"x":2}"#],
    )
    .unwrap();
    assert_eq!(out, ["1", "3"]);
}

#[test]
fn a_fold_to_nothing_forgets_the_key() {
    let yaml = "{type: aggregate, fold: '= event.?open.orValue(true) ? event.x : optional.none()'}";
    let (out, kept) = run(yaml, &[r#"{"x":1}"#, r#"{"x":2,"open":false}"#]).unwrap();
    assert_eq!((out, kept), (vec!["1".to_owned()], None));
}

#[test]
fn keys_do_not_mix() {
    let arena = Bump::new();
    let mut context = FakeContext::new(&arena);
    let mut aggregate = processor("{type: aggregate, value: count}");
    for key in [&b"a"[..], b"\x00\xff", b"a"] {
        let keyed = Record {
            key: Some(Key::raw(key)),
            ..*record("{}", &arena)
        };
        aggregate.process(arena.alloc(keyed), &mut context).expect("counted");
    }
    assert_eq!(context.values(), ["1", "1", "2"]);
    assert_eq!(context.forwarded[1].key, Some(Key::raw(b"\x00\xff")));
}

#[test]
fn failures_name_the_expression_its_place_and_types() {
    let failure = fails(ORDERS, &[r#"{"amount":"hunter2"}"#]);
    assert_eq!(failure.kind, kind::WRONG_TYPE);
    assert_eq!(
        failure.message,
        "topology.yaml:5:18: `event.?amount`: a number is needed here, and this is string"
    );
    let failure = fails(
        "{type: aggregate, value: {max: = event.a}}",
        &[r#"{"a":1}"#, r#"{"a":"hunter2"}"#],
    );
    assert!(
        failure
            .message
            .contains("a number, as it was so far, is needed here, and this is string"),
        "{failure}"
    );
    let failure = fails("{type: aggregate, value: {min: = event}}", &["[1]"]);
    assert!(
        failure
            .message
            .contains("a number or a text is needed here, and this is list"),
        "{failure}"
    );
    let failure = fails(
        "{type: aggregate, value: {sum: = event}}",
        &["9223372036854775807", "1"],
    );
    assert_eq!(failure.kind, kind::OVERFLOW);
    assert!(failure.message.contains("beyond 64 bits"), "{failure}");
    assert_eq!(
        fails("{type: aggregate, value: {latest: = event.a}}", &["{}"]).kind,
        kind::EXPRESSION
    );
    assert_eq!(
        fails("{type: aggregate, fold: = state + event}", &["1"]).kind,
        kind::EXPRESSION
    );
}

#[test]
fn a_record_without_a_key_or_with_one_that_no_store_takes_is_a_failure() {
    let arena = Bump::new();
    let mut context = FakeContext::new(&arena);
    let mut aggregate = processor("{type: aggregate, value: count}");
    let long = vec![b'k'; LONGEST_KEY + 1];
    for (key, expected) in [(None, kind::MISSING_KEY), (Some(Key::raw(&long[..])), kind::WRONG_TYPE)] {
        let key = key.map(|key| Key::raw(arena.alloc_slice_copy(key.bytes)));
        let keyed = Record {
            key,
            ..*record("{}", &arena)
        };
        let failure = aggregate.process(arena.alloc(keyed), &mut context).expect_err("a key");
        assert_eq!(failure.kind, expected);
    }
    assert!(context.stored.is_empty());
}

#[test]
fn state_of_another_making_is_a_failure_that_says_what_to_do() {
    for (yaml, kept) in [
        (ORDERS, "7"),
        (ORDERS, r#"{"orders":"many"}"#),
        (ORDERS, r#"{"orders":1,"total":[]}"#),
        (ORDERS, "{"),
        ("{type: aggregate, value: {min: = event.amount}}", "{}"),
    ] {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        context.stored.insert((0, b"k".to_vec()), kept.into());
        let failure = processor(yaml)
            .process(record(r#"{"amount":1}"#, &arena), &mut context)
            .expect_err(kept);
        assert_eq!(failure.kind, kind::STATE, "{kept}");
        assert!(kept == "{" || failure.message.contains("millstream reset"), "{failure}");
    }
}

#[test]
fn what_does_not_change_is_not_written_again() {
    let arena = Bump::new();
    let mut context = FakeContext::new(&arena);
    let mut aggregate = processor("{type: aggregate, value: {min: = event}}");
    for value in ["2", "3", "1", "1"] {
        aggregate.process(record(value, &arena), &mut context).unwrap();
    }
    assert_eq!(context.values(), ["2", "2", "1", "1"]);
    assert_eq!(context.puts, 2);
}

#[test]
fn secrets_stay_out_of_the_state() {
    let arena = Bump::new();
    let mut context = FakeContext::new(&arena);
    let definition = try_definition("{type: aggregate, value: {latest: = event}}", Path::new("."), &["pin"]).unwrap();
    definition
        .build()
        .process(record(r#"{"a":1,"pin":"hunter2"}"#, &arena), &mut context)
        .unwrap();
    assert_eq!(context.stored[&(0, b"k".to_vec())], br#"{"a":1}"#);
    let refused = |yaml: &str| {
        let mistakes = try_definition(yaml, Path::new("."), &["pin"]).err().unwrap();
        mistakes[0].to_string()
    };
    assert!(refused("{type: aggregate, value: {max: = event.pin}}").contains("`pin` is a secret"));
    assert!(refused("{type: aggregate, fold: '= {\"x\": event.pin}'}").contains("`pin` is a secret"));
    assert!(refused("{type: aggregate, values: {pin: count}}").contains("`pin` is a secret's name"));
}

#[test]
fn its_store_has_its_name() {
    let stores = definition("{type: aggregate, value: count}").stores();
    let kind = StoreKind::Values;
    assert_eq!(
        stores,
        [StoreSpec {
            name: "under-test".into(),
            kind
        }]
    );
}

#[test]
fn what_is_wrong_is_refused() {
    let one = |yaml: &str| {
        let found = mistakes(yaml);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.into_iter().next().unwrap()
    };
    assert!(one("{type: aggregate}").contains("does not say what is aggregated"));
    assert!(one("{type: aggregate, value: count, values: {a: count}}").contains("there is `values` already"));
    assert!(one("{type: aggregate, value: count, initial: 0}").contains("only a `fold` begins with `initial`"));
    assert!(one("{type: aggregate, values: {}}").contains("nothing to aggregate"));
    assert!(one("{type: aggregate, value: cuont}").contains("write `count`, or one of {sum"));
    assert!(one("{type: aggregate, value: {avg: = event.a}}").contains("`avg` is not known here"));
    assert!(one("{type: aggregate, value: {sum: = event.a, max: = event.a}}").contains("one way to aggregate"));
    assert!(one("{type: aggregate, value: {sum: event.a}}").contains("an expression is needed"));
    assert!(one("{type: aggregate, fold: = state + event, initial: = 1}").contains("an expression can't stand here"));
    assert!(one("{type: aggregate, value: {sum: = state}}").contains("state"));
}
