use super::*;
use std::collections::BTreeSet;

fn read(text: &str) -> Node {
    read_text(text, "t.yaml").unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

/// Every mistake as `line:column message | help`.
fn wrong(text: &str) -> Vec<String> {
    lines(&read_text(text, "t.yaml").expect_err("must be refused"))
}

fn lines(mistakes: &[Mistake]) -> Vec<String> {
    let line = |m: &Mistake| {
        format!(
            "{}:{} {} | {}",
            m.place.line,
            m.place.column,
            m.message,
            m.help.as_deref().unwrap_or("-")
        )
    };
    mistakes.iter().map(line).collect()
}

fn with_environment(text: &str, unset: &mut Unset<'_>) -> (Node, Vec<String>) {
    let mut node = read(text);
    let mut mistakes = Mistakes::new();
    let environment = |name: &str| match name {
        "PASSWORD" => Some("hunter2".to_owned()),
        "FORMULA" => Some("= key".to_owned()),
        "WORKERS" => Some("4".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    substitute(&mut node, &environment, unset, &mut mistakes);
    (node, lines(&mistakes.into_sorted()))
}

#[test]
fn every_kind_is_read_with_its_place() {
    let node = read("a: [1, -2.50e3, x]\nb:\n  c: 'true'\n  d: false\n  e:\n");
    assert_eq!(
        format!("{node:?}"),
        r#"{"a": [1@1:5, -2.50e3@1:8, "x"@1:17]@1:4, "b": {"c": "true"@3:6, "d": false@4:6, "e": null@5:4}@3:3}@1:1"#
    );
    assert_eq!(node.entries()[1].0.place.to_string(), "t.yaml:2:1");
}

#[test]
fn an_empty_document_is_nothing() {
    for text in ["", "\n# only a comment\n", "---\n"] {
        assert_eq!(read(text).kind, Kind::Null, "{text:?}");
    }
}

#[test]
fn duplicate_keys_are_refused_at_the_second() {
    assert_eq!(
        wrong("a: 1\nb: 2\na: 3\n"),
        ["3:1 the key `a` is here twice | the first is in line 1: remove one"]
    );
}

#[test]
fn anchors_aliases_tags_and_merge_keys_are_refused_all_at_once() {
    let found = wrong("a: &x 1\nb: *x\nc: !!str 5\nd: {<<: {e: 1}}\n");
    let starts = [
        "1:4 an anchor",
        "2:4 an alias",
        "3:4 a tag (`tag:yaml.org,2002:!str`)",
        "4:5 a merge key",
    ];
    assert_eq!(found.len(), starts.len(), "{found:?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found} should start with {start}");
    }
}

#[test]
fn a_second_document_is_refused() {
    assert_eq!(
        wrong("a: 1\n---\nb: 2\n"),
        ["2:1 a second document starts here | a file holds one document: remove the `---`"]
    );
}

#[test]
fn nesting_beyond_the_limit_is_refused_whatever_the_style() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(2_000),
        "- ".repeat(100_000),
        "? ".repeat(50_000),
    ] {
        let found = wrong(&text);
        assert!(!found.is_empty());
    }
    assert!(read_text(&format!("{}{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST)), "t.yaml").is_ok());
    let deeper = format!("{}{}", "[".repeat(DEEPEST + 1), "]".repeat(DEEPEST + 1));
    assert_eq!(wrong(&deeper), ["1:65 nested more than 64 deep | make it flatter"]);
}

#[test]
fn what_only_yaml_calls_a_number_is_refused() {
    for text in ["0x1F", "010", "+1", ".5", "1.", "0o7", ".inf", "-.INF", ".nan", "-01"] {
        let found = wrong(&format!("a: {text}"));
        assert_eq!(found.len(), 1, "{text}");
        assert!(
            found[0].starts_with(&format!("1:4 `{text}` could be a number or a text")),
            "{found:?}"
        );
    }
    for text in [
        "2024-05-22",
        "1.2.3",
        "yes",
        "0x",
        "7d",
        "12-",
        "+",
        ".",
        "-",
        "inf",
        "NaN",
    ] {
        if text == "-" {
            continue; // a list
        }
        assert_eq!(
            read(&format!("a: {text}")).get("a").map(|n| n.kind.clone()),
            Some(Kind::String(text.to_owned()))
        );
    }
}

#[test]
fn an_equals_sign_without_its_space_is_refused_unless_quoted() {
    let help = "write `= event.id`, with a space and an expression; put it in quotes if it is a text";
    assert_eq!(
        wrong("a: =event.id\nb: =\n"),
        ["1:4", "2:4"].map(|place| format!("{place} this is neither an expression nor a text | {help}"))
    );
    assert_eq!(read("a: '=event.id'\n=: 1\n").get("a").and_then(Node::expression), None);
    assert_eq!(
        read("a: = event.id").get("a").and_then(Node::expression),
        Some("event.id")
    );
}

#[test]
fn text_that_is_not_yaml_says_where_and_what_to_try() {
    let found = wrong("a: 1\nkey: = x ? y : z\n");
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("2:") && found[0].contains("put an expression that has `: `"),
        "{found:?}"
    );
    let found = wrong("a: {b: ${NAME}}\n");
    assert!(found[0].contains("\"${NAME}\""), "{found:?}");
}

#[test]
fn a_file_that_is_missing_or_not_utf_8_is_a_mistake_with_a_place() {
    let folder = tempfile::tempdir().unwrap();
    let found = read_file(&folder.path().join("no.yaml"), "no.yaml").unwrap_err();
    assert!(
        found[0]
            .to_string()
            .starts_with("no.yaml:1:1: the file can't be read: "),
        "{found:?}"
    );
    std::fs::write(folder.path().join("bad.yaml"), b"a: 1\nb: \xff\n").unwrap();
    let found = read_file(&folder.path().join("bad.yaml"), "bad.yaml").unwrap_err();
    assert_eq!(lines(&found), ["2:4 the file is not UTF-8 here | save it as UTF-8"]);
    let found = read_file(folder.path(), "folder").unwrap_err();
    assert!(found[0].message.contains("folder"), "{found:?}");
}

#[test]
fn variables_are_replaced_in_texts_only_and_never_shown() {
    let (node, found) = with_environment(
        "a: 'x-${PASSWORD}'\nb: \"${NO:-y}\"\nc: '$${PASSWORD}'\nd: ${EMPTY}\ne: ${EMPTY:-z}\n",
        &mut Unset::Refuse,
    );
    assert!(found.is_empty(), "{found:?}");
    let texts: Vec<_> = node.entries().iter().map(|(_, n)| n.kind.clone()).collect();
    assert_eq!(
        texts,
        ["x-hunter2", "y", "${PASSWORD}", "", "z"].map(|t| Kind::String(t.to_owned()))
    );
    assert!(!format!("{node:?}").contains("hunter2"));
    assert_eq!(node.get("a").unwrap().shown(), "a value from the environment");
    assert_eq!(node.get("c").unwrap().from, Origin::File);
}

#[test]
fn a_variable_never_becomes_an_expression_or_goes_into_one() {
    let (node, found) = with_environment("a: ${FORMULA}\n", &mut Unset::Refuse);
    assert!(found.is_empty());
    assert_eq!(node.get("a").unwrap().expression(), None);
    let (_, found) = with_environment("a: = \"${PASSWORD}\"\n", &mut Unset::Refuse);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("1:4 the variable `${PASSWORD}` stands inside an expression | "),
        "{found:?}"
    );
}

#[test]
fn a_variable_that_is_not_set_is_refused_or_noted() {
    let text = "a: ${MISSING}\nb: ${9X}\nc: ${OPEN\n";
    let (_, found) = with_environment(text, &mut Unset::Refuse);
    assert_eq!(
        found,
        [
            "1:4 the environment variable `MISSING` is not set | set it, or give a default: `${MISSING:-default}`",
            "2:4 `${9X}` is not the name of a variable | write `${NAME}` or `${NAME:-default}`, or `$${` for the characters themselves",
            "3:4 `${` has no `}` | write `${NAME}`, or `$${` for the characters themselves",
        ]
    );
    let mut names = BTreeSet::new();
    let (node, found) = with_environment("a: ${MISSING}\n", &mut Unset::Note(&mut names));
    assert!(found.is_empty());
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["MISSING"]);
    assert_eq!(node.get("a").unwrap().from, Origin::Unset);
}

#[test]
fn a_number_may_come_from_a_variable() {
    let (node, _) = with_environment("a: ${WORKERS}\nb: ${MISSING}\n", &mut Unset::Note(&mut BTreeSet::new()));
    let mut mistakes = Mistakes::new();
    assert_eq!(integer(1..=64)(node.get("a").unwrap(), &mut mistakes), Some(4));
    assert_eq!(integer(1..=64)(node.get("b").unwrap(), &mut mistakes), Some(1));
    assert!(mistakes.is_empty());
}

#[test]
fn fields_report_what_is_missing_wrong_and_unknown_with_a_suggestion() {
    let node = read("topc: a\nwindow: 7 days\ncount: 9\nfrom: [a, 5]\non_error: dead-letter\nflag: 1\n");
    let mut mistakes = Mistakes::new();
    let mut fields = Fields::of("a source", &node.place, &node, &mut mistakes).unwrap();
    assert_eq!(fields.required("topic", text), None);
    assert_eq!(fields.required("window", duration), None);
    assert_eq!(fields.optional("count", integer(1..=8)), None);
    assert_eq!(fields.required("from", one_or_many(text)), None);
    assert_eq!(
        fields.optional("on_error", word(&[("dead_letter", 1), ("drop", 2)])),
        None
    );
    assert_eq!(fields.optional("flag", boolean), None);
    assert_eq!(fields.optional("other", text), None);
    fields.finish();
    let takes = "a source takes: topic, window, count, from, on_error, flag, other";
    assert_eq!(
        lines(&mistakes.into_sorted()),
        [
            "1:1 a source has no `topic` | add `topic:`".to_owned(),
            format!("1:1 unknown key `topc` | did you mean `topic`? {takes}"),
            "2:9 `7 days` is not a duration | write a number and its unit, as in 100ms, 5s, 10m, 2h or 7d".to_owned(),
            "3:8 `9` is not a whole number from 1 to 8 | write a whole number from 1 to 8".to_owned(),
            "4:11 a text is needed here, and this is a number | put it in quotes: \"5\"".to_owned(),
            "5:11 `dead-letter` is not known here | did you mean `dead_letter`? it can be: dead_letter, drop"
                .to_owned(),
            "6:7 `true` or `false` is needed here, and this is a number | write one of them, without quotes".to_owned(),
        ]
    );
}

#[test]
fn sizes_have_a_unit() {
    let read = |text: &str| {
        let node = read_text(&format!("size: {text}"), "a.yaml").unwrap();
        let mut mistakes = Mistakes::new();
        let read = size(node.get("size").unwrap(), &mut mistakes);
        assert_eq!(read.is_none(), !mistakes.is_empty(), "{text}");
        read
    };
    assert_eq!(
        (read("64MB"), read("2 GB"), read("10kB")),
        (Some(64_000_000), Some(2_000_000_000), Some(10_000))
    );
    for text in ["64", "64M", "-1MB", "99999999999GB", "many", "[1MB]", "1.5MB"] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn durations_are_read_and_shown_in_their_largest_unit() {
    for (text, milliseconds) in [
        ("100ms", 100),
        ("5s", 5_000),
        ("10m", 600_000),
        ("2h", 7_200_000),
        ("7d", 604_800_000),
    ] {
        let read = parse_duration(text).unwrap();
        assert_eq!(read.as_millis(), milliseconds);
        assert_eq!(show_duration(read), text);
    }
    for text in [
        "",
        "5",
        "s",
        "5 s",
        "-5s",
        "5S",
        "1.5s",
        "99999999999999999999d",
        "５s",
        "5µs",
    ] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}

#[test]
fn a_mistake_is_shown_with_its_line_and_a_mark() {
    let mistakes =
        [Mistake::new(&read("a: 1\nbcd: e\n").entries()[1].0.place, "unknown key `bcd`").help("did you mean `b`?")];
    let shown = render(&mistakes, "dir/", &|_| Some("a: 1\nbcd: e\n".to_owned()));
    assert_eq!(
        shown,
        "dir/t.yaml:2:1: unknown key `bcd`\n  2 | bcd: e\n    | ^^^\n  help: did you mean `b`?\n\n"
    );
    let long = format!("{}x", " ".repeat(500));
    let far = Mistake::new(
        &Place {
            file: "f".into(),
            line: 1,
            column: 501,
        },
        "here",
    );
    let shown = render(&[far], "", &|_| Some(long.clone()));
    assert!(shown.lines().all(|line| line.chars().count() < 120), "{shown}");
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused_but_never_panics(text in "([a-z0-9 :\\[\\]{}\"'&*!|>#%@,\\-\n\t$=~?\u{e9}]|\\PC){0,200}") {
        match read_text(&text, "t.yaml") {
            Ok(mut node) => substitute(&mut node, &|_| None, &mut Unset::Refuse, &mut Mistakes::new()),
            Err(mistakes) => {
                proptest::prop_assert!(!mistakes.is_empty());
                render(&mistakes, "", &|_| Some(text.clone()));
            }
        }
    }
}
