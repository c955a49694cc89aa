use super::read_folder;
use crate::testkit::{Coverage, Outcome, Unreached, run_case};
use crate::topology::{self, Topology};
use std::path::Path;
use std::sync::Arc;

const TOPOLOGY: &str = r#"
application: orders
sources:
  shop: {topic: feed.shop}
  desk: {topic: feed.desk}
tables:
  stores: {topic: reference.stores}
processors:
  kinds:
    type: switch
    from: [shop, desk]
    by: = event.kind
    cases: {order: pass, cancel: pass, noise: drop}
  by-customer: {type: repartition, from: kinds, key: = event.customer, topic: orders.by-customer}
  once: {type: dedupe, from: by-customer, id: = event.id, window: 7d}
  store: {type: enrich, from: once, with: {store: {table: stores, key: = event.?store_id}}, missing: pass}
sinks:
  large: {from: store, where: = event.amount > 100, topic: "large-{country}", parameters: {country: {value: = event.country, enum: [nl, de]}}, headers: {kind: = event.kind}}
  rest: {from: store, otherwise: true, topic: rest}
dead_letters: {topic: dead}
"#;

fn folder(cases: &str) -> (tempfile::TempDir, Arc<Topology>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    std::fs::write(folder.path().join("tests/cases.yaml"), cases).unwrap();
    std::fs::write(folder.path().join("order.json"), ORDER).unwrap();
    std::fs::write(folder.path().join("broken.json"), r#"{"id": "#).unwrap();
    std::fs::write(
        folder.path().join("stores.jsonl"),
        "{\"key\": \"1\", \"value\": {\"name\": \"one\"}}\n\n",
    )
    .unwrap();
    let topology = topology::load_text(TOPOLOGY, folder.path(), &|_| None).unwrap();
    (folder, Arc::new(topology))
}

const ORDER: &str = r#"{"id": "o-1", "kind": "order", "customer": "c-1", "amount": 500, "country": "nl", "lines": [{"sku": "a"}, {"sku": "b"}]}"#;

/// What is wrong with each case, line by line.
fn problems(cases: &str) -> String {
    let (folder, topology) = folder(cases);
    let cases = read_folder(folder.path(), &topology).unwrap();
    let told = |outcome: Outcome| {
        let problems = outcome.problems.into_iter();
        problems
            .map(|p| {
                format!(
                    "{} {}: expected {}, found {}\n",
                    p.place.line, p.at, p.expected, p.found
                )
            })
            .collect::<String>()
    };
    cases.iter().map(|case| told(run_case(&topology, case))).collect()
}

fn mistakes(cases: &str) -> String {
    let (folder, topology) = folder(cases);
    let mistakes = read_folder(folder.path(), &topology).unwrap_err();
    mistakes.iter().map(|mistake| format!("{mistake}\n")).collect()
}

fn indoc(text: &str) -> String {
    text.trim()
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("        ").unwrap_or(line)))
        .collect()
}

#[test]
fn what_comes_out_as_expected_has_no_problems() {
    let cases = r#"
- name: a large order goes to its country, keyed by customer, once
  tables: {stores: {file: stores.jsonl}}
  input: [{source: shop, value: {file: order.json, set: {store_id: 1}}, times: 3}]
  output:
    large-nl:
      - key: c-1
        headers: {kind: order}
        value: {amount: 500, lines: [{sku: a}, {sku: b}], store: {name: one}}
        that: [= key == "c-1", '= headers["kind"] == event.kind']
    orders.by-customer: [{value: {file: order.json}}, {}, {}]
- name: what is dropped leaves nothing
  input: [{source: desk, value: {kind: noise}}]
  no_output: true
- name: what fails is a dead letter, and the next is unaffected
  input:
    - {source: shop, value: {file: broken.json}}
    - {source: shop, value: {file: order.json, set: {country: fr}}}
    - {source: shop, value: {file: order.json, set: {amount: 5}, unset: [country]}}
  output: {rest: [{equals: {id: o-1, kind: order, customer: c-1, amount: 5, lines: [{sku: a}, {sku: b}], }}]}
  dead_letters: [{reason: JSON, processor: shop, kind: decode}, {reason: fr, processor: large}]
"#;
    assert_eq!(problems(cases), "");
}

#[test]
fn a_difference_is_told_by_its_path() {
    let cases = r#"
- name: wrong
  input: [{source: shop, key: k, value: {file: order.json}}]
  output:
    large-nl:
      - key: c-2
        headers: {kind: cancel, other: x}
        value: {amount: 501, lines: [{sku: a, size: 1}], id: [], gone: {a: 1}}
        that: = event.amount < 10
"#;
    let told = indoc(
        r#"
        6 large-nl[0] key: expected "c-2", found "c-1"
        6 large-nl[0] headers.kind: expected "cancel", found "order"
        6 large-nl[0] headers.other: expected "x", found nothing
        8 large-nl[0] value.amount: expected 501, found 500
        8 large-nl[0] value.lines[0].size: expected 1, found nothing
        8 large-nl[0] value.lines[1]: expected nothing, found {"sku":"b"}
        8 large-nl[0] value.id: expected [], found "o-1"
        8 large-nl[0] value.gone: expected {"a":1}, found nothing
        9 large-nl[0] that: expected event.amount < 10, found it does not hold: event.amount is 500
    "#,
    );
    assert_eq!(problems(cases), told);
}

#[test]
fn too_many_too_few_and_elsewhere_are_problems() {
    let cases = r#"
- name: too many
  input: [{source: shop, value: {file: order.json}}, {source: shop, value: {file: order.json, set: {id: o-2, amount: 1}}}]
  output: {large-de: [{key: c-1}]}
- name: too few
  input: [{source: shop, value: {file: broken.json}}]
  output: {rest: [{key: c-1}, {key: c-2}]}
  dead_letters: [{kind: decode}, {reason: another}]
- name: not nothing
  input: [{source: shop, value: {file: broken.json}}]
  no_output: true
"#;
    let told = problems(cases);
    assert!(
        told.contains("4 large-de[0]: expected a record, found nothing\n"),
        "{told}"
    );
    assert!(
        told.contains(r#"large-nl[0]: expected nothing, found "c-1": {"amount":500,"#),
        "{told}"
    );
    assert!(
        told.contains(r#"rest[0]: expected nothing, found "c-1": {"amount":1,"#),
        "{told}"
    );
    assert!(
        told.contains("7 rest[0]: expected a record, found nothing\n7 rest[1]"),
        "{told}"
    );
    assert!(
        told.contains("8 dead letters[1]: expected a dead letter, found nothing\n"),
        "{told}"
    );
    assert!(
        told.contains("9 dead letters[0]: expected nothing, found decode in shop: not JSON"),
        "{told}"
    );
}

#[test]
fn an_equal_document_has_nothing_else_and_numbers_are_compared_as_written() {
    let cases = r#"
- name: equal
  input: [{source: shop, text: '{"id": 1, "kind": "order", "customer": "c", "amount": 1.50, "deep": {"a": 1, "b": 2}}'}]
  output: {rest: [{equals: {id: 1, kind: order, customer: c, amount: 1.5, deep: {a: 1}}}]}
"#;
    assert_eq!(
        problems(cases),
        "4 rest[0] value.amount: expected 1.5, found 1.50\n4 rest[0] value.deep.b: expected nothing, found 2\n"
    );
}

#[test]
fn another_order_is_told_as_such() {
    let cases = r#"
- name: order
  input: [{source: shop, value: {file: order.json, set: {amount: 1}}}, {source: desk, value: {file: order.json, set: {id: o-2, amount: 2}}}]
  output: {rest: [{value: {id: o-2}}, {value: {id: o-1}}]}
"#;
    assert_eq!(
        problems(cases),
        "4 rest: expected these records in this order, found the same records in another: what is expected in turn came \
         as number 1, 0\n"
    );
}

#[test]
fn a_word_that_must_never_leave_is_found_wherever_it_stands() {
    let cases = r#"
- name: leaks
  input: [{source: shop, value: {file: order.json, set: {note: hush-1, customer: hush-2}}}, {source: shop, value: {kind: hush-3}}]
  output: {large-nl: [{}]}
  dead_letters: [{reason: hush}]
  never: [hush-]
"#;
    let told = problems(cases);
    for place in ["large-nl[0]", "orders.by-customer[0]", "dead letters[0] reason"] {
        assert!(told.contains(&format!("6 {place}: expected never `hush-`")), "{told}");
    }
}

#[test]
fn every_mistake_of_a_case_has_its_place_and_help() {
    let cases = r#"
- name: wrong
  tables: {store: []}
  input:
    - {source: shp, value: 1}
    - {source: shop}
    - {source: shop, value: {file: ../secret}}
    - {source: shop, value: {file: gone.json}}
    - {source: shop, value: {file: broken.json, set: {a: 1}}}
    - {source: shop, value: {file: order.json, set: {lines.x: 1}, unset: [nothing.here]}}
    - {source: shop, value: = 1 + 1, timestamp: tomorrow}
  outptu: {}
- name: no word on what comes out
  input: []
- name: both
  input: []
  no_output: true
  output: {large-fr: [{that: event.id}]}
  dead_letters: [{processor: kindz}]
"#;
    let told = mistakes(cases);
    for line in [
        "3:12: there is no table `store` (did you mean `stores`?)",
        "5:16: there is no source `shp` (did you mean `shop`?)",
        "6:7: an input has either `value` or `text`",
        "7:36: `../secret` is not inside the topology's folder",
        "8:36: the file `gone.json` can't be read",
        "9:29: the file is not JSON",
        "10:54: `lines.x` can't be set: `x` is not a number, and this is a list",
        "10:75: `nothing.here` can't be unset: there is no `nothing`",
        "11:29: an expression can't stand here",
        "11:49: `tomorrow` is not a time",
        "12:3: unknown key `outptu` (did you mean `output`?",
        "13:3: this case does not say what comes out",
        "17:3: `no_output` is `true` or not there",
        "18:12: there is no topic that this topology writes to, `large-fr` (did you mean `large-nl`?)",
        "18:30: a condition is needed here",
        "19:30: there is no processor, source or sink `kindz` (did you mean `kinds`?)",
    ] {
        assert!(told.contains(&format!("tests/cases.yaml:{line}")), "{line}\n{told}");
    }
}

#[test]
fn what_no_case_reaches_is_known() {
    let cases = r#"
- name: one
  input: [{source: shop, value: {file: order.json}}]
  output: {large-nl: [{}]}
"#;
    let (folder, topology) = folder(cases);
    let cases = read_folder(folder.path(), &topology).unwrap();
    let mut coverage = Coverage::default();
    cases
        .iter()
        .for_each(|case| coverage.add(case, &run_case(&topology, case)));
    let kinds = |branch: &str| ("kinds".to_owned(), branch.to_owned());
    let unreached = Unreached {
        sources: vec!["desk".to_owned()],
        branches: vec![kinds("cancel"), kinds("noise"), kinds("otherwise")],
        sinks: vec!["rest".to_owned()],
    };
    assert_eq!(coverage.unreached(&topology), unreached);
}

#[test]
fn a_topology_without_cases_has_none() {
    let (_folder, topology) = folder("");
    assert!(read_folder(Path::new("nowhere"), &topology).unwrap().is_empty());
}
