//! Tests of `switch`.

use crate::processor::testing::{FakeContext, definition, mistakes, processor, record, try_definition};
use crate::processor::{Failure, count, kind};
use bumpalo::Bump;
use std::path::Path;

const KINDS: &str = "{type: switch, by: = event.?kind, cases: {a/b: {map: {output: {was: = event.kind}}}, keep: pass, lose: drop, odd: dead_letter, '7': pass, 'true': pass}}";

fn switched<'a>(yaml: &str, value: &str, context: &mut FakeContext<'a>, arena: &'a Bump) -> Result<(), Failure> {
    processor(yaml).process(record(value, arena), context)
}

#[test]
fn each_case_does_what_it_says_and_is_reported() {
    let arena = Bump::new();
    let mut context = FakeContext::new(&arena);
    for kind in [r#""a/b""#, r#""keep""#, r#""lose""#, "7", "true"] {
        switched(KINDS, &format!(r#"{{"kind":{kind}}}"#), &mut context, &arena).expect("a known case");
    }
    let expected = [
        r#"{"was":"a/b"}"#,
        r#"{"kind":"keep"}"#,
        r#"{"kind":7}"#,
        r#"{"kind":true}"#,
    ];
    assert_eq!(context.values(), expected);
    assert_eq!(context.counted(count::DROPPED), 1);
    assert_eq!(context.branches, [0, 1, 2, 4, 5]);
    assert_eq!(
        definition(KINDS).branches(),
        ["a/b", "keep", "lose", "odd", "7", "true", "otherwise"]
    );
}

#[test]
fn a_case_can_send_to_the_dead_letters() {
    let arena = Bump::new();
    let failure = switched(KINDS, r#"{"kind":"odd"}"#, &mut FakeContext::new(&arena), &arena).expect_err("rejected");
    assert_eq!(failure.kind, kind::REJECTED);
}

#[test]
fn an_unknown_case_is_named_and_shortened() {
    let arena = Bump::new();
    let mut context = FakeContext::new(&arena);
    let failure = switched(KINDS, r#"{"kind":"userservice/foo"}"#, &mut context, &arena).expect_err("unknown");
    assert_eq!(failure.kind, kind::UNKNOWN_CASE);
    assert_eq!(
        failure.message,
        "unknown case \"userservice/foo\" of switch under-test; known: 6 cases"
    );
    assert_eq!(context.branches, [6]);
    let long = format!(r#"{{"kind":"{}"}}"#, "x".repeat(5000));
    let failure = switched(KINDS, &long, &mut context, &arena).expect_err("unknown");
    assert!(failure.message.len() < 200, "{failure}");
}

#[test]
fn what_may_be_a_secret_is_not_named() {
    let arena = Bump::new();
    let yaml = "{type: switch, by: '= event.loginToken', cases: {a: pass}}";
    let definition = try_definition(yaml, Path::new("."), &["logintoken"]).expect("right");
    let value = record(r#"{"loginToken":"hunter2"}"#, &arena);
    let failure = definition
        .build()
        .process(value, &mut FakeContext::new(&arena))
        .expect_err("unknown");
    assert!(
        !failure.message.contains("hunter2") && failure.message.ends_with("known: 1 case"),
        "{failure}"
    );
}

#[test]
fn what_has_no_case_goes_the_other_way() {
    let arena = Bump::new();
    let mut context = FakeContext::new(&arena);
    let failure = switched(KINDS, "{}", &mut context, &arena).expect_err("absent");
    assert_eq!(failure.kind, kind::UNKNOWN_CASE);
    let failure = switched(KINDS, r#"{"kind":[]}"#, &mut context, &arena).expect_err("a list");
    assert_eq!(failure.kind, kind::WRONG_TYPE);
    let other = |way: &str| format!("{{type: switch, by: = event.?kind, cases: {{a: drop}}, otherwise: {way}}}");
    for value in ["{}", r#"{"kind":"b"}"#, r#"{"kind":null}"#] {
        switched(&other("pass"), value, &mut context, &arena).expect("passed");
        switched(&other("drop"), value, &mut context, &arena).expect("dropped");
    }
    assert_eq!((context.forwarded.len(), context.counted(count::DROPPED)), (3, 3));
}

#[test]
fn a_file_named_by_many_cases_is_read_once_and_its_mistakes_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("m.yaml"), "output: {a: = event.kind}\n").expect("written");
    let yaml = "{type: switch, by: = event.kind, cases: {a: {map: m.yaml}, b: {map: m.yaml}}}";
    let definition = try_definition(yaml, folder.path(), &[]).expect("right");
    let arena = Bump::new();
    let mut context = FakeContext::new(&arena);
    for kind in ["a", "b"] {
        let value = record(&format!(r#"{{"kind":"{kind}"}}"#), &arena);
        definition.build().process(value, &mut context).expect("mapped");
    }
    assert_eq!(context.values(), [r#"{"a":"a"}"#, r#"{"a":"b"}"#]);
    std::fs::write(folder.path().join("m.yaml"), "output: {a: = event.}\n").expect("written");
    let found = try_definition(yaml, folder.path(), &[]).err().expect("mistakes");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(&*found[0].place.file, "m.yaml");
}

#[test]
fn what_is_wrong_is_refused() {
    assert!(mistakes("{type: switch, by: = key, cases: {}}")[0].contains("no case"));
    assert!(mistakes("{type: switch, by: = key, cases: {a: pas}}")[0].contains("did you mean `pass`"));
    assert!(
        mistakes("{type: switch, by: = key, cases: {a: {mapp: x.yaml}}}")
            .iter()
            .any(|found| found.contains("`map`"))
    );
    assert_eq!(
        mistakes("{type: switch, by: kind, cases: {a: {map: x.yaml}, b: {map: y.yaml}}}").len(),
        3
    );
}
