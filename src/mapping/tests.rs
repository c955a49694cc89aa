use super::{KEY, Mapping, WHOLE};
use crate::expression::Names;
use crate::record::{Key, Origin, Record};
use crate::value::{SecretNames, parse, to_text};
use crate::yaml::{Mistake, read_text};
use bumpalo::Bump;
use std::path::Path;

fn names() -> Names {
    Names::with_variables(&read_text("{genders: {male: MALE}, limit: 3}", "variables").unwrap()).unwrap()
}

fn compile_in(folder: &Path, yaml: &str) -> Result<Mapping, Vec<Mistake>> {
    Mapping::compile(
        &read_text(yaml, "m.yaml").unwrap(),
        folder,
        &names(),
        &SecretNames::new(["token"]),
    )
}

fn compile(yaml: &str) -> Mapping {
    compile_in(Path::new("."), yaml).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn mistakes(yaml: &str) -> Vec<String> {
    let found = compile_in(Path::new("."), yaml).expect_err("mistakes");
    found
        .iter()
        .map(|mistake| format!("{}: {}", mistake.place, mistake.message))
        .collect()
}

/// Key and value of each output, or the error.
fn outputs(mapping: &Mapping, json: &str) -> Result<Vec<(String, String)>, String> {
    let arena = Bump::new();
    let value = parse(json.as_bytes(), &arena).unwrap();
    let origin = Origin {
        topic: "in",
        partition: 0,
        offset: 7,
    };
    let record = Record {
        key: Some(Key::raw(b"old")),
        value,
        headers: &[],
        timestamp: 5,
        origin,
    };
    let mut outputs = Vec::new();
    mapping
        .apply(arena.alloc(record), &arena, &mut |record| {
            let key = String::from_utf8(record.key.map_or(&b"-"[..], |key| key.bytes).to_vec()).unwrap();
            outputs.push((key, to_text(&record.value)));
        })
        .map_err(|error| error.to_string())?;
    Ok(outputs)
}

fn one(yaml: &str, json: &str) -> String {
    let mut outputs = outputs(&compile(yaml), json).unwrap();
    assert_eq!(outputs.len(), 1);
    outputs.remove(0).1
}

#[test]
fn constants_and_expressions_become_one_document_with_sorted_members() {
    let yaml = "output: {z: 1.50, b: = event.name, a: [x, = event.id], c: {nested: true, none: null}}";
    let made = one(yaml, r#"{"name": "n", "id": 123456789012345678901234567890}"#);
    assert_eq!(
        made,
        r#"{"a":["x",123456789012345678901234567890],"b":"n","c":{"nested":true,"none":null},"z":1.50}"#
    );
}

#[test]
fn what_is_absent_is_left_out_and_what_is_null_stays() {
    let yaml = "output: {a: = event.?gone, b: = event.?nil, c: [= event.?gone, 1], d: {e: = event.?gone}, '?f': {e: = event.?gone}}";
    assert_eq!(one(yaml, r#"{"nil": null}"#), r#"{"b":null,"c":[1],"d":{}}"#);
}

#[test]
fn a_member_that_must_be_there_and_is_not_is_an_error_that_names_expression_and_place() {
    let error = outputs(&compile("output: {a: = event.gone}"), "{}").unwrap_err();
    assert!(error.contains("m.yaml:1:15") && error.contains("event.gone"), "{error}");
}

#[test]
fn a_let_is_evaluated_once_and_only_when_it_is_read() {
    let yaml =
        "let: {unread: = event.not.there, twice: '= once + once', once: = event.a}\noutput: {t: = twice, o: = once}";
    assert_eq!(one(yaml, r#"{"a": "x"}"#), r#"{"o":"x","t":"xx"}"#);
}

#[test]
fn lets_in_a_circle_are_refused() {
    let found = mistakes("let: {a: = b, b: = a}\noutput: = a");
    assert!(found.iter().any(|m| m.contains("made of itself")), "{found:?}");
}

#[test]
fn each_makes_an_output_for_every_element_with_lets_of_its_own() {
    let yaml = "let: {name: '= user.id + event.suffix', shared: = event.suffix}\neach: {user: = event.users}\nkey: = name\noutput: {i: = index, n: = name, s: = shared}";
    let made = outputs(
        &compile(yaml),
        r#"{"suffix": "!", "users": [{"id": "a"}, {"id": "b"}]}"#,
    )
    .unwrap();
    assert_eq!(
        made,
        [
            ("a!".to_owned(), r#"{"i":0,"n":"a!","s":"!"}"#.to_owned()),
            ("b!".to_owned(), r#"{"i":1,"n":"b!","s":"!"}"#.to_owned()),
        ]
    );
}

#[test]
fn no_element_is_no_output_unless_one_is_wanted_all_the_same() {
    let json = r#"{"users": []}"#;
    assert_eq!(
        outputs(&compile("each: {u: = event.users}\noutput: {a: = u.?id}"), json).unwrap(),
        []
    );
    let yaml = "each: {u: = event.users}\nif_empty: output\noutput: {a: = u.?id, i: = index}";
    assert_eq!(one(yaml, json), r#"{"i":0}"#);
}

#[test]
fn a_condition_filters_each_output() {
    let yaml = "each: {u: = event}\nwhere: = u > limit\noutput: = u";
    let made = outputs(&compile(yaml), "[1, 5, 3, 4]").unwrap();
    assert_eq!(
        made.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(),
        ["5", "4"]
    );
}

#[test]
fn set_changes_members_and_takes_away_what_is_absent() {
    let yaml = "set: {a.b: = event.x, a.gone: = event.?nothing, new: {c: 1}}";
    assert_eq!(
        one(yaml, r#"{"x": 1, "a": {"gone": 2, "stays": 3}}"#),
        r#"{"a":{"b":1,"stays":3},"new":{"c":1},"x":1}"#
    );
    let error = outputs(&compile(yaml), r#"{"x": 1, "a": "text"}"#).unwrap_err();
    assert!(
        error.contains("a.b can't be set") && !error.contains("text\""),
        "{error}"
    );
}

#[test]
fn the_key_stays_where_the_mapping_gives_none() {
    assert_eq!(outputs(&compile("output: = event"), "1").unwrap()[0].0, "old");
    assert_eq!(
        outputs(&compile("key: = event.?k\noutput: = event"), "{}").unwrap()[0].0,
        "old"
    );
    assert_eq!(
        outputs(&compile("key: = event.k\noutput: = event.k"), r#"{"k": 12}"#).unwrap()[0].0,
        "12"
    );
}

#[test]
fn a_secret_is_read_only_where_it_is_revealed() {
    let found = mistakes("output: {code: = event.user.token}");
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("m.yaml:1:") && found[0].contains("token"),
        "{found:?}"
    );
    assert_eq!(
        one("reveals: [token]\noutput: {code: = event.token}", r#"{"token": "t"}"#),
        r#"{"code":"t"}"#
    );
    assert!(mistakes("reveals: [name]\noutput: 1")[0].contains("no secret"));
}

#[test]
fn a_mapping_says_under_which_names_it_passes_on_what_it_reveals() {
    let carried = |yaml: &str| {
        let mut found = compile(yaml).carries(&SecretNames::new(["token"]));
        found.sort_unstable();
        found.dedup();
        found
    };
    let nothing: [&str; 0] = [];
    assert_eq!(carried("output: {id: = event.id, user: = event.user}"), nothing);
    assert_eq!(
        carried("reveals: [token]\noutput: {code: = event.?token, id: = event.id}"),
        ["code"]
    );
    assert_eq!(
        carried(
            "reveals: [token]\nlet: {otp: {code: = event.token}, copy: = otp.code}\noutput: {otp: = otp, all: [= copy]}"
        ),
        ["all", "code", "copy"],
        "through lets, and what has it in it keeps its own name"
    );
    assert_eq!(carried("reveals: [token]\nset: {a.b: = event.token}"), ["b"]);
    assert_eq!(
        carried("reveals: [token]\nkey: = event.token\noutput: = event.token"),
        [KEY, WHOLE]
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let found = mistakes("let: {event: 1}\nkeey: 1\nkey: = evnt.id\noutput: {a: '= 1 +', b: = nobody}");
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(mistakes("key: = key")[0].contains("no `output`"));
    assert!(mistakes("output: 1\nset: {a: 1}")[0].contains("not both"));
    assert!(mistakes("if_empty: output\noutput: 1")[0].contains("no `each`"));
}

#[test]
fn a_used_let_is_a_default_and_may_read_what_only_the_mapping_gives() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "base.yaml",
        "let: {kind: plain, whole: {k: = kind, u: = user.id}, broken: = nobody}",
    );
    write("more.yaml", "use: [base.yaml]\nlet: {extra: = kind}");
    write("other.yaml", "let: {kind: other}");
    let yaml =
        "use: [more.yaml, base.yaml]\nlet: {kind: mine}\neach: {user: = event.users}\noutput: {w: = whole, e: = extra}";
    let made = outputs(&compile_in(folder.path(), yaml).unwrap(), r#"{"users": [{"id": 1}]}"#).unwrap();
    assert_eq!(made[0].1, r#"{"e":"mine","w":{"k":"mine","u":1}}"#);
    let found = compile_in(folder.path(), "use: [base.yaml, other.yaml]\noutput: = kind").unwrap_err();
    assert!(found[0].message.contains("two files"), "{found:?}");
    assert!(
        compile_in(folder.path(), "use: [gone.yaml, ../up.yaml]\noutput: 1")
            .unwrap_err()
            .len()
            == 2
    );
    write("a.yaml", "use: [b.yaml]");
    write("b.yaml", "use: [a.yaml]");
    assert!(
        compile_in(folder.path(), "use: [a.yaml]\noutput: 1").unwrap_err()[0]
            .message
            .contains("use each other")
    );
}
