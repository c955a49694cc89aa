use super::*;
use bumpalo::Bump;
use proptest::prelude::*;

fn written(text: &str) -> String {
    let arena = Bump::new();
    to_text(&parse(text.as_bytes(), &arena).unwrap())
}

fn refused(bytes: &[u8]) -> (String, usize) {
    let arena = Bump::new();
    let error = parse(bytes, &arena).unwrap_err();
    (error.message, error.offset)
}

#[test]
fn keys_come_out_sorted_and_the_last_of_repeated_ones_wins() {
    assert_eq!(
        written(r#" { "b" : 1 , "a" : [ 1 , { } , [ ] ] , "é": null, "b" : true } "#),
        r#"{"a":[1,{},[]],"b":true,"é":null}"#
    );
    assert_eq!(written(r#"{"a":1,"a":2}"#), r#"{"a":2}"#);
}

#[test]
fn of_repeated_names_only_the_last_is_read() {
    let arena = Bump::new();
    let value = parse(br#"{"a":1,"b":{"x":1,"y":2,"x":3},"a":2,"c":0,"a":3}"#, &arena).unwrap();
    let names: Vec<&str> = value.as_object().unwrap().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["b", "c", "a"]);
    assert_eq!(to_text(&value), r#"{"a":3,"b":{"x":3,"y":2},"c":0}"#);
    let many: Vec<String> = (0..500).map(|n| format!("\"k{}\":{n}", n % 400)).collect();
    let many = format!("{{{}}}", many.join(","));
    let value = parse(many.as_bytes(), &arena).unwrap();
    assert_eq!(value.as_object().unwrap().len(), 400);
    assert_eq!(value.get("k99").unwrap().as_i64(), Some(499));
}

#[test]
fn objects_with_very_many_members_are_sorted_too() {
    let members: Vec<String> = (0..1000).rev().map(|n| format!("\"k{:03}\":{n}", n % 500)).collect();
    let text = written(&format!("{{{}}}", members.join(",")));
    assert!(
        text.starts_with(r#"{"k000":0,"k001":1,"#) && text.ends_with(r#""k499":499}"#),
        "{text}"
    );
}

#[test]
fn numbers_come_out_as_they_came() {
    for number in [
        "0",
        "-0",
        "1.0",
        "1.10",
        "1e5",
        "1E+05",
        "123456789012345678901234567890",
        "0.1234567890123456789012345",
        "-1e-999",
    ] {
        assert_eq!(written(number), number);
    }
}

#[test]
fn strings_are_unescaped_and_escaped_alike() {
    assert_eq!(
        written(r#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00\u0000\u001f\u007f""#),
        "\"\\\"\\\\/\\b\\f\\n\\r\\tAé😀\\u0000\\u001f\u{7f}\""
    );
    assert_eq!(written(r#"{"a\tb":1}"#), r#"{"a\tb":1}"#);
}

#[test]
fn plain_strings_and_numbers_borrow_the_document() {
    let arena = Bump::new();
    let bytes = br#"["text",12.50]"#;
    let value = parse(bytes, &arena).unwrap();
    let inside = |text: &str| bytes.as_ptr_range().contains(&text.as_ptr());
    match value {
        Value::Array([Value::String(text), Value::Number(number)]) => assert!(inside(text) && inside(number)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn members_with_a_secret_name_are_left_out_at_any_depth() {
    let arena = Bump::new();
    for (value, left) in [
        (
            r#"{"a":{"TOKEN":1,"b":[{"token":2,"c":3}]},"Token":{"d":4},"z":5}"#,
            r#"{"a":{"b":[{"c":3}]},"z":5}"#,
        ),
        (
            r#"{"a":[{"key":"token","value":1},{"value":[2],"name":"TOKEN","b":3},{"key":"k","value":4}]}"#,
            r#"{"a":[{"key":"token"},{"b":3,"name":"TOKEN"},{"key":"k","value":4}]}"#,
        ),
    ] {
        let value = parse(value.as_bytes(), &arena).unwrap();
        let mut out = Vec::new();
        write(&value, &SecretNames::new(["token"]), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), left);
    }
}

#[test]
fn what_is_not_json_is_refused_at_the_byte_where_it_goes_wrong() {
    for (bytes, message, offset) in [
        (&b""[..], "the document is empty", 0),
        (b" \n", "the document is empty", 2),
        (b"{\"a\":1", "the document ends too early", 6),
        (b"[1,2", "the document ends too early", 4),
        (b"\"abc", "the document ends too early", 4),
        (b"\"ab\\", "the document ends inside a string", 3),
        (b"{\"a\" 1}", "expected `:` after a member's name", 5),
        (b"{a:1}", "expected a member's name in quotes", 1),
        (b"{\"a\":1,}", "expected a member's name in quotes", 7),
        (b"[1,]", "expected a value", 3),
        (b"[1 2]", "expected `,` or `]`", 3),
        (b"{} x", "something follows the end of the document", 3),
        (b"01", "a number with a leading zero", 1),
        (b"-", "the document ends too early", 1),
        (b"1.x", "expected a digit", 2),
        (b"+1", "expected a value", 0),
        (b"NaN", "expected a value", 0),
        (b"tru", "expected a value", 0),
        (
            b"\"a\nb\"",
            "a control character in a string, which must be escaped,",
            2,
        ),
        (b"\"\\x\"", "an escape that JSON does not have", 1),
        (b"\"\\u12g4\"", "`\\u` without four hexadecimal digits", 1),
        (b"\"\\ud800\"", "half of a surrogate pair in a string", 1),
        (b"\"\\ud800\\u0041\"", "half of a surrogate pair in a string", 1),
        (b"\"\\udc00\"", "half of a surrogate pair in a string", 1),
        (b"[\"\xff\"]", "the document is not UTF-8", 2),
        (b"\xef\xbb\xbf{}", "expected a value", 0),
        (b"\0", "expected a value", 0),
    ] {
        assert_eq!(
            refused(bytes),
            (message.to_owned(), offset),
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn nesting_is_taken_to_the_limit_and_refused_beyond() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(written(&nested(DEPTH_LIMIT)), nested(DEPTH_LIMIT));
    assert_eq!(
        refused(nested(DEPTH_LIMIT + 1).as_bytes()),
        ("lists and objects are nested deeper than 128".to_owned(), DEPTH_LIMIT)
    );
    assert_eq!(refused("[".repeat(1_000_000).as_bytes()).1, DEPTH_LIMIT);
    assert_eq!(refused("{\"a\":".repeat(1_000_000).as_bytes()).1, DEPTH_LIMIT * 5);
}

#[test]
fn strings_and_numbers_of_a_mebibyte_pass() {
    for filling in ["x", "é", "\\n", "\\u0041"] {
        let text = format!("\"{}\"", filling.repeat((1 << 20) / filling.len()));
        let arena = Bump::new();
        let value = parse(text.as_bytes(), &arena).unwrap();
        assert_eq!(
            value.to_serde(),
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        );
        assert_eq!(written(&to_text(&value)), to_text(&value));
    }
    let digits = "7".repeat(1 << 20);
    assert_eq!(written(&digits), digits);
}

#[test]
fn a_failed_document_leaves_nothing_behind_for_the_next() {
    let arena = Bump::new();
    assert!(parse(br#"{"a":1,"b":[1,2,{"c":"#, &arena).is_err());
    assert_eq!(to_text(&parse(br#"{"d":[1]}"#, &arena).unwrap()), r#"{"d":[1]}"#);
}

#[test]
fn a_path_is_looked_up_through_objects_only() {
    let arena = Bump::new();
    let value = parse(br#"{"a":{"b":[1],"b":{"c":7}}}"#, &arena).unwrap();
    assert_eq!(value.at(&["a", "b", "c"]).unwrap().as_i64(), Some(7));
    assert_eq!(value.at::<&str>(&[]), Some(value));
    assert_eq!(value.at(&["a", "x", "c"]), None);
    assert_eq!(value.at(&["a", "b", "c", "d"]), None);
}

#[test]
fn without_leaves_names_out_and_shares_what_did_not_change() {
    let arena = Bump::new();
    let value = parse(
        br#"{"a":{"x":1},"b":[{"s":1},{"c":2},{"S":3,"t":{"s":4}}],"s":{"u":1},"z":0}"#,
        &arena,
    )
    .unwrap();
    let names = SecretNames::new(["s"]);
    assert_eq!(
        to_text(&value.without(&names, &arena)),
        r#"{"a":{"x":1},"b":[{},{"c":2},{"t":{}}],"z":0}"#
    );
    let named = parse(br#"[{"key":"s","value":1,"z":0},{"key":"t","value":1}]"#, &arena).unwrap();
    assert_eq!(
        to_text(&named.without(&names, &arena)),
        r#"[{"key":"s","z":0},{"key":"t","value":1}]"#
    );
    let same = |one: Option<Value<'_>>, other: Option<Value<'_>>| match (one, other) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => std::ptr::eq(one, other),
        _ => false,
    };
    assert!(same(
        Some(value),
        Some(value.without(&SecretNames::new(["none"]), &arena))
    ));
    assert!(same(value.get("a"), value.without(&names, &arena).get("a")));
}

#[test]
fn a_member_is_put_at_a_path_without_touching_the_original() {
    let arena = Bump::new();
    let value = parse(br#"{"b":{"c":1},"d":2}"#, &arena).unwrap();
    let put = |path: &[&'static str]| value.with(path, Value::Bool(true), &arena).map(|value| to_text(&value));
    assert_eq!(put(&["b", "c"]).unwrap(), r#"{"b":{"c":true},"d":2}"#);
    assert_eq!(
        put(&["a", "x", "y"]).unwrap(),
        r#"{"a":{"x":{"y":true}},"b":{"c":1},"d":2}"#
    );
    assert_eq!(put(&["e"]).unwrap(), r#"{"b":{"c":1},"d":2,"e":true}"#);
    assert_eq!(put(&[]).unwrap(), "true");
    assert_eq!(put(&["d", "x"]), Err("number"));
    assert_eq!(to_text(&value), r#"{"b":{"c":1},"d":2}"#);
    let inserted = value.with(&["c"], Value::Null, &arena).unwrap();
    assert!(inserted.as_object().unwrap().is_sorted_by(|one, other| one.0 < other.0));
}

#[test]
fn a_copy_in_another_arena_is_equal() {
    let (arena, other) = (Bump::new(), Bump::new());
    let value = parse(br#"{"a":[1,"x",null,true,{"b":{}}]}"#, &arena).unwrap();
    let copy = value.copied_into(&other);
    assert_eq!(value, copy);
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<u64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        ".*".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(serde_json::Value::from),
            prop::collection::vec((".{0,6}", inner), 0..8)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Sorted at every depth, as `write` has it.
fn sorted(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(elements) => elements.iter().map(sorted).collect(),
        serde_json::Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(name, value)| (name.clone(), sorted(value)))
                .collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            serde_json::Value::Object(members.into_iter().collect())
        }
        other => other.clone(),
    }
}

/// Text that is nearly JSON: a good document with some bytes changed, cut or doubled.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let change = (
        any::<prop::sample::Index>(),
        prop_oneof![
            any::<u8>(),
            prop::sample::select(&b"{}[]\",:\\u0123456789.-+eE \ntfn"[..])
        ],
        0..3u8,
    );
    (json(), prop::collection::vec(change, 1..4)).prop_map(|(value, changes)| {
        let mut bytes = value.to_string().into_bytes();
        for (index, byte, what) in changes {
            let position = index.index(bytes.len() + 1);
            match what {
                0 => bytes.insert(position, byte),
                1 if position < bytes.len() => bytes[position] = byte,
                _ => bytes.truncate(position),
            }
        }
        bytes
    })
}

fn agrees_with_serde(bytes: &[u8]) {
    let arena = Bump::new();
    let ours = parse(bytes, &arena);
    match (&ours, serde_json::from_slice::<serde_json::Value>(bytes)) {
        // it writes exponents its own way, so what it reads of our text is compared
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&to_text(ours)).unwrap(),
                theirs
            );
        }
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{:?}: ours {ours:?}, theirs {theirs:?}", String::from_utf8_lossy(bytes)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_read_as_serde_reads_it(value in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        agrees_with_serde(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_taken_or_refused_as_serde_does(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        agrees_with_serde(&bytes);
    }

    #[test]
    fn broken_json_is_taken_or_refused_as_serde_does(bytes in nearly_json()) {
        agrees_with_serde(&bytes);
    }

    #[test]
    fn what_is_written_is_canonical_and_reads_as_the_same(value in json()) {
        let text = value.to_string();
        let arena = Bump::new();
        let once = to_text(&parse(text.as_bytes(), &arena).unwrap());
        prop_assert_eq!(&once, &sorted(&value).to_string());
        prop_assert_eq!(&to_text(&parse(once.as_bytes(), &arena).unwrap()), &once);
    }

    #[test]
    fn an_exact_double_reads_back_as_its_text(value in any::<f64>()) {
        let text = format!("{value:e}");
        if value.is_finite() {
            prop_assert!(matches!(exact(&text), Some(Exact::Double(read)) if read == value), "{}", text);
        }
    }
}
