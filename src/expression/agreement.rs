//! Plan and interpreter, side by side over random expressions and documents.

use super::tests::place;
use super::*;
use crate::record::{Header, Origin};
use crate::value::{parse as parse_json, to_text};
use proptest::prelude::*;

/// The expression with nothing planned but the names in it.
fn unplanned(text: &str, names: &Names) -> Expression {
    let mut planner = Planner {
        names,
        bound: Vec::new(),
        complaints: Vec::new(),
    };
    let tree = interpreted(parse(text, &place()).unwrap(), &mut planner, true);
    let reads = Reads::default();
    Expression(Arc::new(Compiled {
        text: text.to_owned(),
        place: place(),
        plan: Plan::Interpreted(tree),
        reads,
    }))
}

fn names() -> Names {
    let variables = "v:\n  map: {a: x, b: 1.50, c: null}\n  list: [a, 1, 2.5]\nbig: 123456789012345678901234567890\n";
    let node = crate::yaml::read_text(variables, "v.yaml").unwrap();
    Names::with_variables(&node).unwrap().with_locals(["absent", "present"])
}

struct Fixed<'a>(Value<'a>);

impl<'a> Locals<'a> for Fixed<'a> {
    fn local(&self, slot: usize) -> Result<Option<Value<'a>>, ExpressionError> {
        Ok((slot == 1).then_some(self.0))
    }
}

/// Asserts that both give the same for the document; tells whether they gave something.
fn agree(text: &str, document: &str, key: Option<&[u8]>) -> bool {
    let names = names();
    let Ok(expression) = Expression::compile(text, &place(), &names) else {
        return false;
    };
    let arena = Bump::new();
    let value = parse_json(document.as_bytes(), &arena).unwrap();
    let headers = [
        Header {
            name: "h",
            value: Some(b"first"),
        },
        Header {
            name: "h",
            value: Some(b"last"),
        },
        Header {
            name: "bad",
            value: Some(b"\xff"),
        },
        Header {
            name: "none",
            value: None,
        },
    ];
    let origin = Origin {
        topic: "t",
        partition: 3,
        offset: 7,
    };
    let record = Record {
        key: key.map(Key::raw),
        value,
        headers: &headers,
        timestamp: 1716357495978,
        origin,
    };
    let scope = Scope::new(&arena, &record);
    let locals = Fixed(value.get("a").unwrap_or(Value::Null));
    let planned = expression.evaluate_with(&scope, &locals);
    let interpreted = unplanned(text, &names).evaluate_with(&scope, &locals);
    match (&planned, &interpreted) {
        (Ok(one), Ok(other)) => {
            let text_of = |value: &Option<Value<'_>>| value.map(|value| to_text(&value));
            assert_eq!(text_of(one), text_of(other), "`{text}` over {document}");
            true
        }
        (Err(_), Err(_)) => false,
        (one, other) => panic!("`{text}` over {document}: planned {one:?}, interpreted {other:?}"),
    }
}

#[test]
fn plan_and_interpreter_agree_on_the_corners() {
    let documents = [
        r#"{"a":{"b":[1,{"c":"x"}],"c":null},"b":1.10,"c":"y","list":["a",1.0,null]}"#,
        r#"{"a":[{"a":1},{"a":-0}],"b":123456789012345678901234567890,"c":18446744073709551615}"#,
        r#"{"a":"text","b":true,"c":1e5}"#,
        r#"[1,2]"#,
        "null",
        "7",
    ];
    let expressions = [
        "event",
        "event.a",
        "event.?a.b",
        "event.?a.?b[1].c",
        "event.a.b[1].?c",
        "event.?a[?0].a",
        "event[0]",
        "event[?0]",
        "event['a']",
        "event.a[1.0]",
        "event[event.c]",
        "event.b",
        "[event.b, event.b]",
        "{'x': event.b}",
        "event.?b.x",
        "event.?c.?x",
        "event.?x.y",
        "has(event.a.b)",
        "has(event.?a.b)",
        "has(event.a)",
        "has(event.b.c)",
        "key",
        "key.orValue('none')",
        "key == 'k'",
        "headers.h",
        "headers['h']",
        "headers.?bad",
        "headers.none",
        "headers",
        "headers.h.x",
        "headers.?h.x",
        "record",
        "record.offset + 1",
        "record.topic",
        "v.map.b",
        "v.list[1]",
        "absent",
        "present",
        "absent.x",
        "present.b",
        "present == event.a",
        "big",
        "big == 1",
        "1 == big",
        "big == big",
        "[big]",
        "big + 1",
        "event.b == 1.1",
        "event.c == 18446744073709551615u",
        "event.b < 2",
        "event.a == event.a",
        "event.a == [{'a': 1}, {'a': 0}]",
        "[{'a': 1}, {'a': 0}] == event.a",
        "event.?zzz == null",
        "event.?a == event.a",
        "optional.none() == absent",
        "event.a in [event.a]",
        "'a' in event",
        "'a' in v.list",
        "1 in v.list",
        "null in event",
        "'x' in event.?list",
        "event.b in v.list",
        "event == null ? 1 : 2",
        "event.b ? 1 : 2",
        "!event.b",
        "event.b || true",
        "event.b && false",
        "event.x && false",
        "event.x || true",
        "event.x || false",
        "true || event.x",
        "event.c + 'z'",
        "1 + 1.0",
        "1.5 + 1.5",
        "9223372036854775807 + 1",
        "event.list + [1]",
        "[1] + event.list",
        "event.a + event.a",
        "'a' < 'b'",
        "1 < 1.5",
        "true > false",
        "null < 1",
        "event.?a.hasValue()",
        "absent.value()",
        "present.value()",
        "absent.or(event.?c)",
        "absent.or(event.?c).x",
        "first(absent, event.?b)",
        "first(event.x, 1)",
        "first(event.?a, event.x)",
        "list(absent)",
        "list(event)",
        "id(event.?c)",
        "id(event.b)",
        "text(event.c)",
        "lookup(v.map, event.c)",
        "lookup(v.map, 'b')",
        "number(event.c)",
        "uuid5(event.a, event.c)",
        "uuid5(absent)",
        "without(event, ['c'])",
        "without(event, event.list)",
        "lower(event.c)",
        "timestamp_ms(record.timestamp)",
        "timestamp_s(event.c)",
        "date(event.c, 'DD-MM-YYYY')",
        "event.c.matches('^[xy]$')",
        "(event.b == 1.1 ? event.?a : event.c).b",
        "[absent, 1]",
        "{'x': absent, 'y': event.?c}",
        "{event.c: 1}",
        "{'a': 1, 'a': 2}",
        "{'b': 1, 'a': 2}.a",
        "[1, 2][1]",
        "-1",
        "1 - 1",
        "event.a.b[1].c + 'é'",
        "1 in 1",
    ];
    let mut gave = 0;
    for expression in expressions {
        for document in documents {
            gave += usize::from(agree(expression, document, Some(b"k")));
            gave += usize::from(agree(expression, document, None));
        }
    }
    assert!(gave > 400, "{gave} gave something");
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["a", "b", "c", "list"][..])
}

fn document() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(
        &[
            "null",
            "true",
            "false",
            "0",
            "1",
            "-1",
            "1.0",
            "1.10",
            "2.5",
            "1e2",
            "\"\"",
            "\"a\"",
            "\"b\"",
            "\"1\"",
            "18446744073709551615",
            "123456789012345678901234567890",
            "\"10-12-2007\"",
            "[]",
            "{}",
        ][..],
    )
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name(), inner), 0..5).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("\"{name}\":{value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(
        &[
            "event",
            "event.a",
            "event.?a",
            "event.b",
            "event.?b",
            "event.c",
            "event.list",
            "event.?list",
            "present",
            "absent",
            "v.map",
            "v.list",
            "big",
            "key",
            "headers.h",
            "record.offset",
            "1",
            "1.0",
            "2.5",
            "'a'",
            "'b'",
            "''",
            "true",
            "false",
            "null",
            "[]",
            "0",
        ][..],
    )
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let operator = prop::sample::select(&["==", "!=", "in", "&&", "||", "+", "<", "<=", ">", ">="][..]);
        let function = prop::sample::select(
            &[
                "id",
                "first",
                "list",
                "text",
                "number",
                "lower",
                "uuid5",
                "whole_number",
                "filled",
                "objects",
                "texts",
            ][..],
        );
        prop_oneof![
            (inner.clone(), name()).prop_map(|(of, name)| format!("({of}).{name}")),
            (inner.clone(), name()).prop_map(|(of, name)| format!("({of}).?{name}")),
            (inner.clone(), name()).prop_map(|(of, name)| format!("has(({of}).{name})")),
            two.clone().prop_map(|(of, index)| format!("({of})[{index}]")),
            two.clone().prop_map(|(of, index)| format!("({of})[?{index}]")),
            (two.clone(), operator).prop_map(|((one, other), operator)| format!("({one}) {operator} ({other})")),
            two.clone().prop_map(|(one, other)| format!("({one}).orValue({other})")),
            (inner.clone(), function).prop_map(|(of, function)| format!("{function}({of})")),
            two.clone().prop_map(|(one, other)| format!("first({one}, {other})")),
            two.clone().prop_map(|(one, other)| format!("lookup({one}, {other})")),
            two.clone().prop_map(|(one, other)| format!("[{one}, {other}]")),
            two.clone()
                .prop_map(|(one, other)| format!("{{'a': {one}, 'b': {other}}}")),
            inner.clone().prop_map(|of| format!("!({of})")),
            inner.clone().prop_map(|of| format!("({of}).hasValue()")),
            (inner.clone(), two).prop_map(|(condition, (one, other))| format!("({condition}) ? ({one}) : ({other})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn plan_and_interpreter_agree(text in expression(), document in document(), key in any::<bool>()) {
        agree(&text, &document, key.then_some(b"k"));
    }

    #[test]
    fn over_lists_planned_parts_change_nothing(inside in expression(), document in document(), text in prop::sample::select(
        &["list(event).map(x, INSIDE)", "list(event).filter(x, x == (INSIDE))", "list(event.?list).exists(x, x == (INSIDE))",
          "v.list.all(x, (INSIDE) != x)", "v.list.exists_one(x, x == 1) ? (INSIDE) : null"][..],
    )) {
        let inside = inside.replace("event.c", "x");
        agree(&text.replace("INSIDE", &inside), &document, Some(b"k"));
    }
}
