use super::Test;
use crate::cli::{Outcome, Output, Terminal};

const TOPOLOGY: &str = "
application: orders
sources: {shop: {topic: feed.shop}}
processors: {kinds: {type: switch, from: shop, by: = event.kind, cases: {order: pass, cancel: pass}}}
sinks:
  large: {from: kinds, where: = event.amount > 100, topic: large}
  rest: {from: kinds, otherwise: true, topic: rest}
dead_letters: {topic: dead}
";
const CASES: &str = "
- name: a large order
  input: [{source: shop, value: {kind: order, amount: 500}}]
  output: {large: [{value: {amount: 500}}]}
- name: a small order
  input: [{source: shop, value: {kind: order, amount: 5}}]
  output: {large: [{value: {amount: 6}}]}
- name: a kind that nobody knows
  input: [{source: shop, value: {kind: note}}]
  dead_letters: [{reason: note}]
";

/// Standard output, standard error after `!`, and how it ended; the folder's name and the time taken out.
fn run(cases: &str, filter: Option<&str>, output: Output, colours: bool) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    std::fs::write(folder.path().join("topology.yaml"), TOPOLOGY).unwrap();
    std::fs::write(folder.path().join("tests/cases.yaml"), cases).unwrap();
    run_in(&folder, "", filter, output, colours)
}

fn run_in(folder: &tempfile::TempDir, file: &str, filter: Option<&str>, output: Output, colours: bool) -> String {
    let test = Test {
        path: folder.path().join(file),
        filter: filter.map(str::to_owned),
        output,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let environment = |_: &str| None;
    let (width, environment) = (100, &environment);
    let mut terminal = Terminal {
        out: &mut out,
        err: &mut err,
        width,
        colours,
        environment,
        variables: &Vec::new,
    };
    let outcome = test.run(&mut terminal).unwrap();
    let err = String::from_utf8(err).unwrap();
    let err: String = err.lines().map(|line| format!("! {line}\n")).collect();
    let text = format!("{}{err}{outcome:?}\n", String::from_utf8(out).unwrap());
    let text = text.replace(&folder.path().display().to_string(), "DIR");
    text.lines()
        .map(|line| format!("{}\n", line.split(" in 0.").next().unwrap_or(line)))
        .collect()
}

#[test]
fn a_failure_is_read_at_a_glance_and_what_no_case_reaches_is_listed() {
    let text = run(CASES, None, Output::Text, false);
    assert_eq!(
        text,
        r#"FAIL a small order
     DIR/tests/cases.yaml:5:3
  large[0]  line 7
    expected a record
    found    nothing
  rest[0]
    expected nothing
    found    {"amount":5,"kind":"order"}

no case reaches
  kinds: cancel

3 cases: 2 passed, 1 failed
Failed
"#
    );
}

#[test]
fn that_everything_is_reached_is_said() {
    let more = "
- name: an order that is not the next one
  input: [{source: shop, value: {kind: cancel, amount: 5}}]
  output: {rest: [{value: {amount: 5}}]}
";
    let cases = format!(
        "{}{more}",
        CASES.replace("output: {large: [{value: {amount: 6}}]}", "output: {rest: [{}]}")
    );
    assert_eq!(
        run(&cases, None, Output::Text, false),
        "every source, switch case and sink is reached\n4 cases: 4 passed\nFine\n"
    );
}

#[test]
fn cases_that_do_not_fit_a_variant_are_said_to_be_another_topologys() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    std::fs::write(folder.path().join("topology.yaml"), TOPOLOGY).unwrap();
    std::fs::write(folder.path().join("tests/cases.yaml"), CASES).unwrap();
    let variant = "extends: topology.yaml\nsources: {shop: ~, mill: {topic: feed.mill}}\nprocessors: {kinds: {type: redact, from: mill, fields: [x]}}\n";
    std::fs::write(folder.path().join("mill.yaml"), variant).unwrap();
    let shown = run_in(&folder, "mill.yaml", None, Output::Text, false);
    let expected = "\
! the cases in DIR/tests are for DIR/topology.yaml and do not fit mill.yaml (3 mistakes); the first: tests/cases.yaml:3:20: there is no source `shop` (there is: mill)
! run `millstream test DIR/`
Failed
";
    assert_eq!(shown, expected);
}

#[test]
fn a_filter_runs_some_cases_and_says_nothing_of_what_they_reach() {
    assert_eq!(
        run(CASES, Some("LARGE"), Output::Text, false),
        "1 case: 1 passed\nFine\n"
    );
    assert_eq!(
        run(CASES, Some("cases.yaml"), Output::Text, false).lines().last(),
        Some("Failed")
    );
    let nothing = "! no case in DIR/tests has `huge` in its name\nFailed\n";
    assert_eq!(run(CASES, Some("huge"), Output::Text, false), nothing);
}

#[test]
fn no_cases_and_wrong_cases_fail() {
    assert!(run("", None, Output::Text, false).starts_with("! there are no cases in DIR/tests: write some, as in"));
    let wrong = run("- name: x\n  input: []\n  no_outptu: true\n", None, Output::Text, false);
    assert!(
        wrong.contains("! DIR/tests/cases.yaml:3:3: unknown key `no_outptu`"),
        "{wrong}"
    );
    assert!(wrong.contains("did you mean `no_output`?"), "{wrong}");
    assert!(wrong.ends_with("Failed\n"), "{wrong}");
}

#[test]
fn programs_get_one_json_document() {
    let text = run(CASES, None, Output::Json, false);
    let (document, outcome) = text.split_once('\n').unwrap();
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    assert_eq!(outcome, "Failed\n");
    assert_eq!(
        (&document["ok"], &document["passed"], &document["failed"]),
        (&false.into(), &2.into(), &1.into())
    );
    assert_eq!(document["cases"][1]["problems"][0]["at"], "large[0]");
    assert_eq!(document["cases"][1]["line"], 5);
    assert_eq!(document["unreached"]["branches"][0]["branch"], "cancel");
}

#[test]
fn colours_are_for_terminals() {
    assert!(run(CASES, None, Output::Text, true).contains("\x1b[31mFAIL\x1b[0m"));
    assert_eq!(format!("{:?}", Outcome::Failed), "Failed");
}
