//! The functions that we add, call by call.

use super::NAMESPACE;
use super::tests::result;

#[test]
fn an_id_is_a_text_and_zero_is_none() {
    for (x, id) in [
        ("12079", "\"12079\""),
        ("\"12079\"", "\"12079\""),
        ("0", "-"),
        ("\"0\"", "-"),
        ("\"\"", "-"),
        ("\" \"", "-"),
        ("null", "-"),
        ("-0", "-"),
        ("123456789012345678901234567890", "\"123456789012345678901234567890\""),
        ("true", "`id` needs a string or a whole number, and met boolean"),
        ("[1]", "`id` needs a string or a whole number, and met list"),
        ("1.5", "`id` needs a whole number, and met a fraction or an exponent"),
    ] {
        assert_eq!(result("id(event.x)", &format!("{{\"x\":{x}}}")), id, "{x}");
    }
    assert_eq!(result("id(event.?x)", "{}"), "-");
}

#[test]
fn first_takes_what_is_present_and_not_null() {
    assert_eq!(result("first(event.?a, event.?b, 'c')", r#"{"a":null,"b":0}"#), "0");
    assert_eq!(result("first(event.?a, event.?b)", "{}"), "-");
    assert_eq!(result("first(event.a, event.b)", r#"{"a":1}"#), "1");
    assert_eq!(result("first([event.a].map(x, x)[0], event.b)", r#"{"a":1}"#), "1");
    assert_eq!(
        result("first(event.b, event.a)", r#"{"a":1}"#),
        "`event` has no member `b`"
    );
    assert_eq!(result("first(event.?a).?x", r#"{"a":{"x":1}}"#), "1");
}

#[test]
fn anything_is_a_list_of_something() {
    assert_eq!(result("list(event.?x)", r#"{"x":[1]}"#), "[1]");
    assert_eq!(result("list(event.?x)", r#"{"x":{"a":1}}"#), r#"[{"a":1}]"#);
    assert_eq!(result("list(event.?x)", r#"{"x":null}"#), "[]");
    assert_eq!(result("list(event.?x)", "{}"), "[]");
}

#[test]
fn what_is_filled_has_something_in_it() {
    for empty in ["null", r#""""#, r#"" \t\n""#, "[]", "{}"] {
        assert_eq!(result("filled(event)", empty), "-", "{empty}");
    }
    for filled in [r#"" a ""#, "0", "false", "[null]", r#"{"a":null}"#] {
        assert_eq!(result("filled(event)", filled), filled);
    }
}

#[test]
fn texts_are_a_list_of_texts_and_objects_one_of_objects() {
    for (call, x, gives) in [
        ("texts", r#"["a",""]"#, r#"["a",""]"#),
        ("texts", r#"["a",1.0,true]"#, r#"["a","1.0","true"]"#),
        ("texts", "7", r#"["7"]"#),
        ("texts", "[]", "[]"),
        ("texts", "null", "-"),
        (
            "texts",
            "{}",
            "`texts` needs a scalar or a list of scalars, and met object",
        ),
        (
            "texts",
            "[null]",
            "`texts` needs a scalar or a list of scalars, and met null",
        ),
        (
            "texts",
            "[[]]",
            "`texts` needs a scalar or a list of scalars, and met list",
        ),
        ("objects", r#"{"a":1}"#, r#"[{"a":1}]"#),
        ("objects", "[{}]", "[{}]"),
        ("objects", "[]", "[]"),
        ("objects", "null", "-"),
    ] {
        assert_eq!(result(&format!("{call}(event)"), x), gives, "{call} {x}");
    }
    assert_eq!(result("texts(event.?x)", "{}"), "-");
    assert_eq!(result("objects(event.?x)", "{}"), "-");
}

#[test]
fn a_word_that_lookup_misses_is_named_and_cut() {
    let text = "lookup({'male': 'MALE', '1': true}, event.?g)";
    assert_eq!(result(text, r#"{"g":"male"}"#), "\"MALE\"");
    assert_eq!(result(text, r#"{"g":1}"#), "true");
    assert_eq!(result(text, r#"{"g":null}"#), "-");
    assert_eq!(result(text, "{}"), "-");
    assert_eq!(result(text, r#"{"g":"fe\nmale"}"#), "`lookup` knows no `fe\\nmale`");
    assert_eq!(
        result(text, &format!(r#"{{"g":"{}"}}"#, "x".repeat(65))),
        format!("`lookup` knows no `{}…`", "x".repeat(64))
    );
    assert_eq!(
        result(text, r#"{"g":{}}"#),
        "`lookup` needs a scalar to look up, and met object"
    );
    assert_eq!(
        result("lookup(event, 'a')", "[]"),
        "`lookup` needs an object to look in, and met list"
    );
}

#[test]
fn epoch_times_are_written_in_utc_with_milliseconds() {
    for (call, x, time) in [
        ("timestamp_ms", "1716357495978", "\"2024-05-22T05:58:15.978Z\""),
        ("timestamp_ms", "\"1716357495978\"", "\"2024-05-22T05:58:15.978Z\""),
        ("timestamp_ms", "0", "\"1970-01-01T00:00:00.000Z\""),
        ("timestamp_ms", "-1", "\"1969-12-31T23:59:59.999Z\""),
        ("timestamp_s", "1716357495", "\"2024-05-22T05:58:15.000Z\""),
        ("timestamp_s", "1716357495.978", "\"2024-05-22T05:58:15.978Z\""),
        ("timestamp_ms", "253402300799999", "\"9999-12-31T23:59:59.999Z\""),
        ("timestamp_ms", "-62135596800000", "\"0001-01-01T00:00:00.000Z\""),
        (
            "timestamp_ms",
            "253402300800000",
            "`timestamp_ms` met a time outside of the years 1 to 9999",
        ),
        (
            "timestamp_ms",
            "-62135596800001",
            "`timestamp_ms` met a time outside of the years 1 to 9999",
        ),
        (
            "timestamp_s",
            "9223372036854775807",
            "`timestamp_s` met a time outside of the years 1 to 9999",
        ),
        (
            "timestamp_ms",
            "1e300",
            "`timestamp_ms` met a time outside of the years 1 to 9999",
        ),
        (
            "timestamp_ms",
            "\"soon\"",
            "`timestamp_ms` needs a number or a text that is one, and met string",
        ),
        (
            "timestamp_ms",
            "{}",
            "`timestamp_ms` needs a number or a text that is one, and met object",
        ),
        (
            "timestamp_ms",
            "123456789012345678901234567890",
            "`timestamp_ms` met a number beyond what can be computed with",
        ),
        ("timestamp_ms", "null", "-"),
    ] {
        assert_eq!(result(&format!("{call}(event)"), x), time, "{call} {x}");
    }
}

#[test]
fn dates_are_turned_round_and_checked_against_the_calendar() {
    for (text, format, date) in [
        ("10-12-2007", "DD-MM-YYYY", "\"2007-12-10\""),
        ("10-12-2007", "MM-DD-YYYY", "\"2007-10-12\""),
        ("2007-12-10", "YYYY-MM-DD", "\"2007-12-10\""),
        ("29-02-2024", "DD-MM-YYYY", "\"2024-02-29\""),
        (
            "29-02-2023",
            "DD-MM-YYYY",
            "`date` met a date that the calendar does not have",
        ),
        (
            "00-01-2023",
            "DD-MM-YYYY",
            "`date` met a date that the calendar does not have",
        ),
        (
            "01-01-0000",
            "DD-MM-YYYY",
            "`date` met a date that the calendar does not have",
        ),
        (
            "2007-12-10",
            "DD-MM-YYYY",
            "`date` met a text that is no date in its format",
        ),
        (
            "1-1-2007",
            "DD-MM-YYYY",
            "`date` met a text that is no date in its format",
        ),
        (
            "10/12/2007",
            "DD-MM-YYYY",
            "`date` met a text that is no date in its format",
        ),
        (
            "+1-12-2007",
            "DD-MM-YYYY",
            "`date` met a text that is no date in its format",
        ),
        (
            "éé-12-200",
            "DD-MM-YYYY",
            "`date` met a text that is no date in its format",
        ),
        ("", "DD-MM-YYYY", "-"),
        (" ", "DD-MM-YYYY", "-"),
    ] {
        assert_eq!(
            result(&format!("date(event, '{format}')"), &format!("\"{text}\"")),
            date,
            "{text} {format}"
        );
    }
    assert_eq!(
        result("date(event, 'DD-MM-YYYY')", "7"),
        "`date` needs a string, and met number"
    );
}

#[test]
fn texts_and_numbers_turn_into_each_other_digit_by_digit() {
    assert_eq!(result("text(event)", "1.10"), "\"1.10\"");
    assert_eq!(result("text(event)", "false"), "\"false\"");
    assert_eq!(result("text(event)", "{}"), "`text` needs a scalar, and met object");
    assert_eq!(result("number(event)", "\"1.10\""), "1.10");
    assert_eq!(
        result("number(event)", "\" 1\""),
        "`number` needs a text that is a number, and met another text"
    );
    assert_eq!(result("whole_number(event)", "\"86400000\""), "86400000");
    assert_eq!(result("whole_number(event)", "0"), "0");
    for number in ["-5", "1.5", "1e400", "\"1e400\"", "1.0"] {
        assert_eq!(
            result("whole_number(event)", number),
            "`whole_number` needs a whole number from 0 on or a text that is one, and met another number"
        );
    }
    assert_eq!(
        result("whole_number(event)", "\"soon\""),
        "`whole_number` needs a whole number from 0 on or a text that is one, and met string"
    );
    assert_eq!(result("lower(event)", "\"ÀbC\""), "\"àbc\"");
    assert_eq!(result("lower(event)", "1"), "`lower` needs a string, and met number");
}

#[test]
fn a_uuid5_is_that_of_the_texts_joined() {
    assert_eq!(NAMESPACE, uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_DNS, b"millstream"));
    let expected = uuid::Uuid::new_v5(&NAMESPACE, b"user.userupdated\n{\"a\":1,\"b\":[1.0,\"x\"]}");
    assert_eq!(
        result("uuid5('user.userupdated', event)", r#"{"b":[1.0,"x"],"a":1}"#),
        format!("\"{expected}\"")
    );
    assert_eq!(result("uuid5('x', event.?a)", "{}"), "-");
}

#[test]
fn without_takes_names_away_at_any_depth() {
    let document = r#"{"a":1,"B":2,"c":[{"b":3,"d":4}]}"#;
    assert_eq!(
        result("without(event, ['b', 'x'])", document),
        r#"{"a":1,"c":[{"d":4}]}"#
    );
    assert_eq!(result("without(event, 'b')", document), r#"{"a":1,"c":[{"d":4}]}"#);
    assert_eq!(
        result("without(event, event.a)", document),
        "`without` needs a list of names, and met number"
    );
}
