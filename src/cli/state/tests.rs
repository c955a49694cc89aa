//! The commands over a state folder that was written as a run writes it.

use super::*;
use crate::cli::testing::{folder, printed};
use crate::state::{OsDisk, StateFolder, StoreId, Stores, TaskStore};
use clap::Parser;
use std::path::Path;
use std::sync::Arc;

const SHOP: &str = "
application: shop
sources: {orders: {topic: orders}}
processors:
  by-customer: {type: repartition, from: orders, key: = event.customer, topic: by-customer, codec: {key: int32}}
  new: {type: dedupe, from: by-customer, id: [= event.?shop, = event.id], window: 16h}
  totals: {type: aggregate, from: new, values: {orders: count}}
sinks: {out: {from: totals, topic: out}}
dead_letters: {topic: dead}
";
/// 1970-01-01T10:30:00Z: of the segment that ends at eleven.
const TIME: i64 = 37_800_000;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    command: StateCommand,
}

/// Two partitions: order 1 of `eu` and the totals of customer 7, order 2 of no shop and the totals of -1.
fn write(root: &Path, instance: &str) -> Arc<StateFolder> {
    let opened = StateFolder::open(root, "shop", instance, 8 << 20, Arc::new(OsDisk)).unwrap();
    let topology = folder(&[("topology.yaml", SHOP)]);
    let topology = topology::load(topology.path(), &|_| None).unwrap();
    for store in state::stores(&topology) {
        for (partition, id, customer) in [(0, [Some("eu"), Some("1")], 7_i32), (1, [None, Some("2")], -1)] {
            let at = StoreId {
                store: store.spec.name.clone(),
                topic: store.topic.clone(),
                partition,
            };
            let mut open = Stores::open(&*opened, &at, &store.spec).unwrap();
            match &mut open {
                TaskStore::Ids(ids) => {
                    let id = topology.processors[1].definition.id(&id).unwrap();
                    ids.remember(id, TIME, TIME).unwrap();
                }
                TaskStore::Values(values) => {
                    values.put(&customer.to_be_bytes(), Some(br#"{"orders":12345678901234567890}"#))
                }
            }
            open.commit(Some(1)).unwrap();
        }
    }
    opened
}

fn run(root: &Path, arguments: &[&str]) -> String {
    let topology = folder(&[("topology.yaml", SHOP)]);
    let fixed = [
        "--topology",
        topology.path().to_str().unwrap(),
        "--state-dir",
        root.to_str().unwrap(),
    ];
    let (command, rest) = arguments.split_first().unwrap();
    let all = ["state", *command].into_iter().chain(fixed).chain(rest.iter().copied());
    let cli = Cli::try_parse_from(all).unwrap_or_else(|error| panic!("{error}"));
    printed(|terminal| cli.command.run(terminal)).replace(root.to_str().unwrap(), "STATE")
}

#[test]
fn an_id_is_looked_up_as_events_have_it() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a");
    let get = |key: &[&str]| run(root.path(), &[&["get", "new"], key].concat());
    assert_eq!(
        get(&["eu", "1"]),
        "remembered in partition 0, of a time before 1970-01-01T11:00:00Z\nFine\n"
    );
    assert_eq!(
        get(&["~", "2"]),
        "remembered in partition 1, of a time before 1970-01-01T11:00:00Z\nFine\n"
    );
    assert_eq!(get(&["~", "1"]), "! not in the store `new` in STATE/shop/a\nFailed\n");
    assert_eq!(
        get(&["", "2"]),
        "! not in the store `new` in STATE/shop/a\nFailed\n",
        "empty is not absent"
    );
    assert!(get(&["1"]).contains("has 2 parts, and here are 1"));
    assert!(get(&["eu", "1", "--partition", "1"]).contains("not in"));
    assert!(get(&["eu", "1", "--partition", "5"]).contains("this instance has partition 0, 1"));
}

#[test]
fn a_value_is_looked_up_by_the_codec_of_its_topic_or_the_one_asked_for() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a");
    let get = |key: &[&str]| run(root.path(), &[&["get", "totals"], key].concat());
    assert_eq!(get(&["7"]), "{\"orders\":12345678901234567890}\nFine\n");
    assert_eq!(get(&["-1"]), "{\"orders\":12345678901234567890}\nFine\n");
    assert_eq!(get(&["8"]), "! not in the store `totals` in STATE/shop/a\nFailed\n");
    assert!(get(&["x"]).contains("no key of codec `int32`"));
    assert_eq!(get(&["\0\0\0\u{7}", "--key-codec", "raw"]), get(&["7"]));
    assert!(get(&["1", "2"]).contains("one key an entry"));
    let json = get(&["7", "--output", "json"]);
    let expected =
        r#"[{"store":"totals","topic":"by-customer","partition":0,"key":"7","value":{"orders":12345678901234567890}}]"#;
    assert_eq!(json, format!("{expected}\nFine\n"));
    assert_eq!(get(&["8", "--output", "json"]), "[]\nFailed\n");
}

#[test]
fn a_dump_has_every_entry_once() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a");
    let lines = |arguments: &[&str]| {
        let text = run(root.path(), &[&["dump"], arguments].concat());
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(lines.pop().as_deref(), Some("Fine"));
        lines.sort();
        lines
    };
    let all = lines(&[]);
    assert_eq!(all.len(), 4);
    assert!(
        all[0].starts_with("new\t0\t0x") && all[0].ends_with("\t1970-01-01T11:00:00Z"),
        "{all:#?}"
    );
    let totals = [
        "totals\t0\t7\t{\"orders\":12345678901234567890}",
        "totals\t1\t-1\t{\"orders\":12345678901234567890}",
    ];
    assert_eq!(lines(&["totals"]), totals);
    assert_eq!(all[2..], totals);
    assert_eq!(lines(&["totals", "--partition", "1"]), totals[1..]);
    assert_eq!(
        lines(&["totals", "--key-codec", "string", "--partition", "1"])[0]
            .split('\t')
            .nth(2),
        Some("0xffffffff")
    );
    let text = run(root.path(), &["dump", "--output", "json"]);
    let document: serde_json::Value = serde_json::from_str(text.trim_end_matches("Fine\n")).unwrap();
    assert_eq!(document.as_array().unwrap().len(), 4);
    assert_eq!(document[0]["before"], "1970-01-01T11:00:00Z");
}

#[test]
fn what_is_not_there_or_in_use_is_refused_with_what_helps() {
    let root = tempfile::tempdir().unwrap();
    let dump = |arguments: &[&str]| run(root.path(), &[&["dump"], arguments].concat());
    assert!(dump(&[]).contains("there is no state of shop in STATE: say by --state-dir"));
    let running = write(root.path(), "a");
    assert!(dump(&[]).contains("stop it first, or work with a copy of the folder"));
    drop(running);
    assert!(dump(&["sums"]).contains("there is no store `sums` in the topology, only new, totals"));
    assert!(dump(&["--instance", "b"]).contains("no state of the instance `b` of shop in STATE, only of a"));
    write(root.path(), "b");
    assert!(dump(&[]).contains("name one by --instance: a, b"));
    assert!(dump(&["--instance", "b"]).ends_with("Fine\n"));
}

#[test]
fn a_damaged_store_is_said_to_be_and_left_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a");
    let store = root.path().join("shop/a/by-customer-0/new");
    for entry in std::fs::read_dir(&store).unwrap() {
        std::fs::write(entry.unwrap().path(), "nonsense").unwrap();
    }
    let text = run(root.path(), &["dump", "new"]);
    assert!(text.contains("is damaged") && text.ends_with("Failed\n"), "{text}");
    assert!(store.is_dir());
}
