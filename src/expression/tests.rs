use super::*;
use crate::record::Origin;
use crate::value::{parse as parse_json, to_text};

pub(super) fn place() -> Place {
    Place {
        file: "map.yaml".into(),
        line: 4,
        column: 9,
    }
}

fn record(value: Value<'_>) -> Record<'_> {
    Record {
        key: None,
        value,
        headers: &[],
        timestamp: 0,
        origin: Origin {
            topic: "t",
            partition: 0,
            offset: 0,
        },
    }
}

/// The result over a document as JSON; `-` where it is absent; the reason where it fails.
pub(super) fn result(text: &str, document: &str) -> String {
    let arena = Bump::new();
    let value = parse_json(document.as_bytes(), &arena).unwrap();
    let record = record(value);
    let expression = Expression::compile(text, &place(), &Names::default()).unwrap();
    match expression.evaluate(&Scope::new(&arena, &record)) {
        Ok(Some(value)) => to_text(&value),
        Ok(None) => "-".to_owned(),
        Err(error) => error.reason,
    }
}

/// Message, help and column of the mistakes.
fn mistakes(text: &str) -> Vec<String> {
    let mistakes = Expression::compile_all(text, &place(), &Names::default()).unwrap_err();
    mistakes
        .iter()
        .map(|m| {
            format!(
                "{}: {} ({})",
                m.place.column - 8,
                m.message,
                m.help.as_deref().unwrap_or("")
            )
        })
        .collect()
}

#[test]
fn numbers_pass_through_as_they_are_written_even_through_the_interpreter() {
    let document = r#"{"items":[{"n":1.10},{"n":1e2},{"n":-0},{"n":123456789012345678901234567890},{"n":0.1}]}"#;
    assert_eq!(
        result("event.items.map(i, i.n)", document),
        "[1.10,1e2,-0,123456789012345678901234567890,0.1]"
    );
    assert_eq!(
        result(
            "event.items.filter(i, i.n > 5 && i.n < 500.5)",
            r#"{"items":[{"n":1e2}]}"#
        ),
        r#"[{"n":1e2}]"#
    );
    assert!(result("event.items[3].n + 1", document).starts_with("a number has more digits"));
    assert!(
        result(
            "event.items.map(i, i.n - 1)",
            r#"{"items":[{"n":123456789012345678901234567890}]}"#
        )
        .contains("can't be applied")
    );
}

#[test]
fn macros_run_over_the_document() {
    let document = r#"{"users":[{"id":1,"tags":["a"]},{"id":2}],"o":{"y":1,"x":2}}"#;
    for (text, expected) in [
        ("event.users.map(u, id(u.id))", r#"["1","2"]"#),
        ("event.users.filter(u, has(u.tags))", r#"[{"id":1,"tags":["a"]}]"#),
        ("event.users.exists(u, 'a' in u.?tags)", "true"),
        ("event.users.all(u, u.id > 0)", "true"),
        ("event.users.exists_one(u, u.id == 2)", "true"),
        ("event.users.map(u, u.?tags)", r#"[["a"]]"#),
        ("event.o.map(k, k)", r#"["y","x"]"#),
        (
            "event.users.map(u, {'id': u.id, 'n': size(event.users)})",
            r#"[{"id":1,"n":2},{"id":2,"n":2}]"#,
        ),
        ("event.users.filter(u, u.id == 2)[0].id", "2"),
        ("event.users.map(u, u.id).map(i, i * 2)", "[2,4]"),
        ("size(event.users) + size('abc')", "5"),
        ("event.users[0].tags == ['a'] && ['a'] == event.users[0].tags", "true"),
        ("string(event.users[0].id) + '!'", "\"1!\""),
        ("type(event.o) == map && type(1) != string", "true"),
    ] {
        assert_eq!(result(text, document), expected, "{text}");
    }
}

#[test]
fn failures_name_the_place_and_types_but_no_value() {
    let document = r#"{"secret":"s3cr3t","user":{"name":"bob"},"n":5,"l":[1]}"#;
    for (text, reason) in [
        ("event.user.nane", "`event.user` has no member `nane`"),
        ("event.secret.x", "`event.secret` is a string, so it has no member `x`"),
        ("event.l[3]", "`event.l` has 1 elements, so none at 3"),
        ("event.l.x", "`event.l` is a list, so it has no member `x`"),
        ("event.secret + 1", "`+` can't be applied to string and number"),
        ("event.secret < 1", "`<` can't be applied to string and number"),
        ("event.secret && true", "`&&` needs a boolean, and met string"),
        ("event.secret ? 1 : 2", "`?:` needs a boolean, and met string"),
        ("event.l.map(x, x.y)", "`.` can't be applied to number and string"),
        (
            "event.l.map(x, event.user[event.secret])",
            "`event.user` has no member of the name in brackets",
        ),
        (
            "event.l.map(x, {'a': 1}[event.secret])",
            "`(…)` has no member of the name in brackets",
        ),
        ("event.n.map(x, x)", "it needs a value of another type"),
        ("int(event.secret)", "`int` can't do this"),
        ("event.l.map(x, x / 0)", "division by zero"),
        ("bytes(event.secret)", "bytes can't be a value of JSON"),
        ("event.l.map(x, lower(x))", "`lower` needs a string, and met number"),
    ] {
        let met = result(text, document);
        assert!(!met.contains("s3cr3t") && !met.contains("bob"), "{text}: {met}");
        if reason != "it needs a value of another type" {
            assert_eq!(met, reason, "{text}");
        }
    }
}

#[test]
fn an_error_shows_expression_and_place() {
    let arena = Bump::new();
    let origin = Origin {
        topic: "t",
        partition: 0,
        offset: 0,
    };
    let record = Record {
        key: None,
        value: Value::Null,
        headers: &[],
        timestamp: 0,
        origin,
    };
    let expression = Expression::compile("event.a", &place(), &Names::default()).unwrap();
    let error = expression.evaluate(&Scope::new(&arena, &record)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "map.yaml:4:9: `event.a`: `event` is null, so it has no member `a`"
    );
}

#[test]
fn mistakes_are_found_before_anything_runs() {
    for (text, expected) in [
        ("evnt.a", "1: `evnt` is not known here (did you mean `event`?)"),
        (
            "event.a + lenght(event.b)",
            "11: the function `lenght` is not known (there are id, first, list, lookup, timestamp_ms, timestamp_s, date, lower, text, uuid5, without, number, whole_number, filled, required, object, objects, texts, convert, rfc3339, url_with_query, and those of CEL)",
        ),
        (
            "lowr(event.a)",
            "1: the function `lowr` is not known (did you mean `lower`?)",
        ),
        (
            "event.a.startWith('x')",
            "9: the function `startWith` is not known (did you mean `startsWith`?)",
        ),
        (
            "lookup(event.a)",
            "1: `lookup` takes 2 arguments, and this has 1 (see the list of functions in the README)",
        ),
        ("event.id.id()", "10: `id` is not called on a value (write id(x, ...))"),
        (
            "event.?a ? 1 : 2",
            "8: `?:` needs a value, and this may be absent (say what it is where it is absent: (...).orValue(x))",
        ),
        (
            "'x' + event.?a",
            "14: `+` needs a value, and this may be absent (say what it is where it is absent: (...).orValue(x))",
        ),
        (
            "event.?a.startsWith('x')",
            "8: `startsWith` needs a value, and this may be absent (say what it is where it is absent: (...).orValue(x))",
        ),
        (
            "event.?list.map(x, x)",
            "8: `a macro over a list` needs a value, and this may be absent (say what it is where it is absent: (...).orValue(x))",
        ),
        (
            "date(event.x, 'DD.MM.YYYY')",
            "1: `date` does not know the format `DD.MM.YYYY` (write DD-MM-YYYY, MM-DD-YYYY or YYYY-MM-DD)",
        ),
        (
            "event.x.matches('(')",
            "9: this is not a regular expression (see https://docs.rs/regex for its syntax)",
        ),
        (
            "event.a =",
            "9: mismatched input '=' expecting <EOF> (expressions are written in CEL, see https://cel.dev)",
        ),
        (
            "é == 1",
            "1: unexpected character (expressions are written in CEL, see https://cel.dev)",
        ),
        (
            "",
            "1: mismatched input '<EOF>' expecting expression (expressions are written in CEL, see https://cel.dev)",
        ),
        (
            "Foo{a: 1}",
            "1: `Foo` is no type that can be made (write an object: {'name': value})",
        ),
        (
            "[1].map(x)",
            "5: `map` is not called with 1 arguments (see CEL's definition of it)",
        ),
    ] {
        assert_eq!(mistakes(text).first().map(String::as_str), Some(expected), "{text}");
    }
    assert_eq!(mistakes("evnt.a + ky + event.?z").len(), 3);
}

#[test]
fn variables_are_checked_down_to_their_members() {
    let node = crate::yaml::read_text("genders: {male: MALE}\nmessages: [A, B]\n", "t.yaml").unwrap();
    let names = Names::with_variables(&node).unwrap();
    let compiled = |text: &str| Expression::compile(text, &place(), &names);
    assert_eq!(
        compiled("genders.male").unwrap().constant(),
        Some(Value::String("MALE"))
    );
    let mistake = compiled("'x' + genders.mael").unwrap_err();
    assert_eq!(
        (mistake.place.column, mistake.message.as_str()),
        (9 + 14, "`genders` has no member `mael`")
    );
    assert_eq!(
        compiled("gender.male").unwrap_err().help.as_deref(),
        Some("did you mean `genders`?")
    );
    assert!(compiled("event.type in messages").unwrap().is_planned());
    let wrong = crate::yaml::read_text("event: 1\na-b: 2\nid: 3\nin: 4\nx: = 5\nok: 6\n", "t.yaml").unwrap();
    assert_eq!(Names::with_variables(&wrong).unwrap_err().len(), 5);
}

#[test]
fn deep_expressions_are_refused_rather_than_overflow() {
    let refused = |text: &str| {
        Expression::compile(text, &place(), &Names::default())
            .unwrap_err()
            .message
    };
    for text in [
        "(".repeat(5000),
        format!("{}1{}", "(".repeat(5000), ")".repeat(5000)),
        format!("{}true", "!".repeat(5000)),
        format!("event{}", ".a".repeat(5000)),
        format!("1{}", " + 1".repeat(5000)),
    ] {
        assert_eq!(refused(&text), "this expression is longer than 4096 bytes");
        let _ = Expression::compile(&text[..4096], &place(), &Names::default());
    }
    for text in [
        format!("event{}", ".a".repeat(2000)),
        format!("1{}", " + 1".repeat(1000)),
        "[".repeat(2000) + &"]".repeat(2000),
    ] {
        assert!(
            refused(&text).contains("nested") || refused(&text).contains("recursion"),
            "{}",
            refused(&text)
        );
    }
}

#[test]
fn conditions_and_texts_say_what_they_need() {
    let arena = Bump::new();
    let value = parse_json(br#"{"t":true,"n":1.50,"s":"x","l":[]}"#, &arena).unwrap();
    let record = record(value);
    let scope = Scope::new(&arena, &record);
    let compiled = |text: &str| Expression::compile(text, &place(), &Names::default()).unwrap();
    assert_eq!(compiled("event.t").evaluate_bool(&scope), Ok(true));
    assert_eq!(compiled("event.?x").evaluate_bool(&scope), Ok(false));
    assert_eq!(
        compiled("event.n").evaluate_bool(&scope).unwrap_err().reason,
        "a condition must be a boolean, and this is number"
    );
    assert_eq!(compiled("event.n").evaluate_text(&scope), Ok(Some("1.50")));
    assert_eq!(compiled("event.t").evaluate_text(&scope), Ok(Some("true")));
    assert_eq!(compiled("event.?x").evaluate_text(&scope), Ok(None));
    assert_eq!(
        compiled("event.l").evaluate_text(&scope).unwrap_err().reason,
        "a text is needed here, and this is list"
    );
}

#[test]
fn what_is_read_is_known() {
    let compiled = Expression::compile(
        "event.detail.?users.orValue([]).map(u, u.token + u['a-b']) == [event.x[0].y, lookup(event.m, 'z')] && has(event.resetParam)",
        &place(),
        &Names::default(),
    ).unwrap();
    let paths: Vec<&str> = compiled.paths().collect();
    assert_eq!(
        paths,
        [
            "event.detail.users",
            "event.detail.users[].a-b",
            "event.detail.users[].token",
            "event.m",
            "event.resetParam",
            "event.x[].y"
        ]
    );
    let secret = compiled.secrets_read(&SecretNames::new(["TOKEN", "z", "resetParam"]));
    let columns: Vec<(u32, &str)> = secret
        .iter()
        .map(|m| (m.place.column - 8, m.message.as_str()))
        .collect();
    assert_eq!(
        columns,
        [
            (42, "`token` is a secret, and this reads it"),
            (95, "`z` is a secret, and this reads it")
        ]
    );
}

#[test]
fn leaves_of_yaml_are_constants_or_expressions() {
    let node = crate::yaml::read_text(
        "a: = event.x\nb: '= 1 +'\nc: [1, {z: 1.10, y: null}]\nd: \"= evnt\"\n",
        "m.yaml",
    )
    .unwrap();
    let of = |name: &str| Expression::of_node(node.get(name).unwrap(), &Names::default());
    assert_eq!(of("a").unwrap().text(), "event.x");
    assert_eq!(of("a").unwrap().place().to_string(), "m.yaml:1:6");
    assert_eq!(of("b").unwrap_err()[0].place.to_string(), "m.yaml:2:10");
    assert_eq!(
        to_text(&of("c").unwrap().constant().unwrap()),
        r#"[1,{"y":null,"z":1.10}]"#
    );
    assert_eq!(of("d").unwrap_err()[0].place.to_string(), "m.yaml:4:7");
}

#[test]
fn an_expression_may_be_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Expression>();
    shared::<Names>();
}
