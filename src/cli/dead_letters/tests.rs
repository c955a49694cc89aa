//! What the commands print.

use super::act::{Drop, Replay};
use super::list::List;
use super::show::Show;
use crate::broker::Outgoing;
use crate::broker::memory::MemoryBroker;
use crate::cli::asking::Asking;
use crate::cli::testing::{folder, printed};
use crate::dead_letter::{Reason, write};
use crate::ops::dead_letters::What;
use crate::record::{Header, Origin, RawRecord};
use crate::topology::Topology;
use clap::Parser;

const SHOP: &str = "
application: shop
secrets: [token]
sources: {orders: {topic: orders}, numbers: {topic: numbers, codec: {key: int32, value: raw}}}
sinks: {out: {from: [orders, numbers], topic: out}}
dead_letters: {topic: dead}
";

#[derive(Parser)]
enum Command {
    List(List),
    Show(Show),
    Replay(Replay),
    Drop(Drop),
}

fn topology() -> Topology {
    let folder = folder(&[("topology.yaml", SHOP)]);
    crate::topology::load(folder.path(), &|_| None).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

/// What a command prints, asked at a terminal where there is an answer.
fn run(broker: &MemoryBroker, arguments: &[&str], answer: Option<&str>) -> String {
    let common = ["--topology", "x", "--brokers", "x"];
    let line = ["millstream"].iter().chain(arguments).chain(&common);
    let command = Command::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
    let topology = topology();
    let mut asking = Asking {
        is_terminal: answer.is_some(),
        answers: &mut answer.unwrap_or_default().as_bytes(),
    };
    printed(|terminal| match &command {
        Command::List(list) => list.with(&topology, broker, false, terminal),
        Command::Show(show) => show.with(&topology, broker, terminal),
        Command::Replay(replay) => {
            let what = replay.what();
            replay.act.with(&topology, broker, what, false, &mut asking, terminal)
        }
        Command::Drop(drop) => drop
            .act
            .with(&topology, broker, What::Drop, false, &mut asking, terminal),
    })
}

struct Failed<'f> {
    topic: &'f str,
    key: &'f [u8],
    value: &'f [u8],
    kind: &'static str,
    message: &'f str,
}

/// Its offset is its time, too.
fn fail(broker: &MemoryBroker, offset: i64, failed: &Failed<'_>) {
    let headers = [
        Header {
            name: "token",
            value: Some(b"hush"),
        },
        Header {
            name: "trace",
            value: Some(b"\xff\x00"),
        },
    ];
    let record = RawRecord {
        origin: Origin {
            topic: failed.topic,
            partition: 0,
            offset,
        },
        key: Some(failed.key),
        value: Some(failed.value),
        headers: &headers,
        timestamp: offset,
    };
    let reason = Reason {
        kind: failed.kind,
        message: failed.message.to_owned(),
        detail: Some("topology.yaml:7:3".to_owned()),
        processor: failed.topic.to_owned(),
    };
    write(&record, &reason, "dead", 1_000_000, |letter| {
        broker.produce(&letter).unwrap();
    });
}

/// Three of orders, one of numbers, in one partition.
fn broker() -> MemoryBroker {
    let broker = MemoryBroker::new(1);
    for topic in ["orders", "numbers", "dead"] {
        broker.create_topic(topic, 1).unwrap();
    }
    let broken = |message| Failed {
        topic: "orders",
        key: b"c1",
        value: b"{\"token\": \"hush",
        kind: "decode",
        message,
    };
    fail(&broker, 0, &broken("not JSON at byte 7"));
    fail(&broker, 1, &broken("not JSON at byte 15"));
    let whole = Failed {
        value: br#"{"id": 1.0, "token": "hush"}"#,
        kind: "no_route",
        message: "no sink takes\u{1b}[31m it",
        ..broken("")
    };
    fail(&broker, 2, &whole);
    let number = Failed {
        topic: "numbers",
        key: &[0, 0, 0, 5],
        value: &[0xc3, 0x28],
        kind: "encode",
        message: "no bytes for it",
    };
    fail(&broker, 3, &number);
    broker
}

#[test]
fn a_list_has_a_line_a_letter_and_nothing_that_steers_a_terminal() {
    let expected = "0:0\t1970-01-01T00:00:00Z\tdecode\torders\torders:0:0\tc1\tnot JSON at byte 7
0:1\t1970-01-01T00:00:00.001Z\tdecode\torders\torders:0:1\tc1\tnot JSON at byte 15
0:2\t1970-01-01T00:00:00.002Z\tno_route\torders\torders:0:2\tc1\tno sink takes\\u{1b}[31m it
0:3\t1970-01-01T00:00:00.003Z\tencode\tnumbers\tnumbers:0:3\t5\tno bytes for it
! 4 dead letters
Fine
";
    assert_eq!(run(&broker(), &["list"], None), expected);
}

#[test]
fn a_list_is_chosen_by_filters_and_is_json_for_programs() {
    let broker = broker();
    let arguments = [
        "list",
        "--processor",
        "orders",
        "--reason",
        "JSON",
        "--limit",
        "1",
        "--output",
        "json",
    ];
    let text = run(&broker, &arguments, None);
    let list: serde_json::Value = serde_json::from_str(text.strip_suffix("Fine\n").unwrap()).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!((&list[0]["offset"], &list[0]["kind"]), (&0.into(), &"decode".into()));
    assert_eq!(list[0]["from"]["topic"], "orders");
    assert_eq!(list[0]["detail"], "topology.yaml:7:3");
    let five = run(&broker, &["list", "--key", "5"], None);
    assert!(
        five.starts_with("0:3\t") && five.contains("! 1 dead letter\n"),
        "{five}"
    );
    let none = run(&broker, &["list", "--topic", "else"], None);
    assert_eq!(none, "! note: no dead letter matches in dead\nFine\n");
    let recent = run(&broker, &["list", "--since", "2h"], None);
    assert_eq!(recent, "! note: no dead letter matches in dead\nFine\n");
    let json = run(
        &broker,
        &["list", "--until", "1970-01-01T00:00:00Z", "--output", "json"],
        None,
    );
    assert!(json.starts_with("[]\n"), "{json}");
}

#[test]
fn groups_are_counted_by_reason() {
    let broker = broker();
    let text = run(&broker, &["list", "--group"], None);
    let first = "2\t1970-01-01T00:00:00Z\t1970-01-01T00:00:00.001Z\tdecode\torders\t0:1\tnot JSON at byte #\n";
    assert!(text.starts_with(first) && text.lines().count() == 5, "{text}");
    let json = run(&broker, &["list", "--group", "--output", "json"], None);
    let list: serde_json::Value = serde_json::from_str(json.strip_suffix("Fine\n").unwrap()).unwrap();
    assert_eq!((&list[0]["count"], &list[0]["example"]), (&2.into(), &"0:1".into()));
}

#[test]
fn a_letter_is_shown_without_its_secrets_unless_they_are_asked_for() {
    let broker = broker();
    let expected = "dead letter  0:2
is           neither replayed nor dropped
kind         no_route
failed in    orders
message      no sink takes\\u{1b}[31m it
at           topology.yaml:7:3
came from    orders:0:2
its time     1970-01-01T00:00:00.002Z
key          c1
header       token: (withheld: --raw shows it)
header       trace: 0xff00
value        28 bytes, read as `json`, without its secrets:
{
  \"id\": 1.0
}
Fine
";
    assert_eq!(run(&broker, &["show", "0:2"], None), expected);
    let raw = run(&broker, &["show", "0:2", "--raw"], None);
    assert!(raw.contains("header       token: hush\n"), "{raw}");
    assert!(
        raw.contains("raw          {\"id\": 1.0, \"token\": \"hush\"}\n"),
        "{raw}"
    );
    for output in ["text", "json"] {
        let text = run(&broker, &["show", "0:0", "--output", output], None);
        assert!(
            text.contains("it can't be read as `json`") && !text.contains("hush"),
            "{text}"
        );
        let text = run(&broker, &["show", "0:0", "--output", output, "--raw"], None);
        assert!(text.contains("hush"), "{text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_digits_for_people_and_base64_for_programs() {
    let broker = broker();
    let text = run(&broker, &["show", "0:3", "--raw"], None);
    assert!(
        text.contains("key          5\n") && text.contains("raw          0xc328\n"),
        "{text}"
    );
    let json = run(&broker, &["show", "0:3", "--raw", "--output", "json"], None);
    let document: serde_json::Value = serde_json::from_str(json.strip_suffix("Fine\n").unwrap()).unwrap();
    assert_eq!(document["raw"]["value"]["base64"], "wyg=");
    assert_eq!(document["raw"]["key"]["text"], "\0\0\0\u{5}");
    assert_eq!(document["decoded"]["as"], "raw");
    assert_eq!(document["headers"][1]["value"]["base64"], "/wA=");
    let missing = run(&broker, &["show", "0:9"], None);
    assert_eq!(
        missing,
        "! error: there is no dead letter 0:9: the partition ends at offset 4\nFailed\n"
    );
}

#[test]
fn a_replay_says_what_it_would_do_asks_does_it_and_does_it_once() {
    let broker = broker();
    let dry = run(&broker, &["replay", "--dry-run"], None);
    assert_eq!(
        dry,
        "1 would be replayed to numbers\n3 would be replayed to orders\nFine\n"
    );
    let refused = run(&broker, &["replay"], None);
    assert!(
        refused.contains("say --yes") && refused.ends_with("Failed\n"),
        "{refused}"
    );
    let declined = run(&broker, &["replay"], Some("n\n"));
    assert!(
        declined.contains("Replay 4 dead letters? [y/N]") && declined.ends_with("Failed\n"),
        "{declined}"
    );
    assert!(broker.committed_records("orders").is_empty());
    let agreed = run(&broker, &["replay", "--reason", "decode"], Some("yes\n"));
    assert!(
        agreed.contains("done: 2 dead letters were replayed\n") && agreed.ends_with("Fine\n"),
        "{agreed}"
    );
    let dropped = run(&broker, &["drop", "0:3", "--yes"], None);
    assert_eq!(dropped, "1 to be dropped\ndone: 1 dead letter was dropped\nFine\n");
    let left = run(&broker, &["list"], None);
    let note = "! 1 dead letter; 3 were replayed or dropped, which --all shows\nFine\n";
    assert!(left.starts_with("0:2\t") && left.ends_with(note), "{left}");
    let all = run(&broker, &["list", "--all"], None);
    for line in ["0:0\treplayed\t", "\n0:2\t-\t", "\n0:3\tdropped\t"] {
        assert!(all.contains(line), "{all}");
    }
    assert!(run(&broker, &["show", "0:0"], None).contains("is           replayed\n"));
    let again = run(&broker, &["replay", "0:0", "0:3", "--yes"], None);
    assert!(
        again.contains("! note: nothing is left to do: 2 that matched were replayed or dropped before\nFine\n"),
        "{again}"
    );
    assert_eq!(broker.committed_records("orders").len(), 2);
}

#[test]
fn what_was_not_whole_or_did_not_match_is_a_failure() {
    let broker = broker();
    let none = run(&broker, &["replay", "--key", "nobody", "--yes"], None);
    assert_eq!(none, "! error: no dead letter of dead matches\nFailed\n");
    broker
        .produce(&Outgoing {
            topic: "dead",
            partition: None,
            key: None,
            value: None,
            headers: &[],
            timestamp: None,
        })
        .unwrap();
    let some = run(&broker, &["replay", "--yes", "--output", "json"], None);
    assert!(
        some.contains("! error: 1 can't be replayed: without a header") && some.ends_with("Failed\n"),
        "{some}"
    );
    let document: serde_json::Value = serde_json::from_str(some.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&document["written"], &document["not_replayable"]["from_nowhere"]),
        (&4.into(), &1.into())
    );
    assert_eq!(
        (&document["done"], &document["topics"]["orders"]),
        (&true.into(), &3.into())
    );
}

#[test]
fn names_and_filters_do_not_go_together() {
    let parse = |arguments: &[&str]| {
        let common = ["--topology", "x", "--brokers", "x"];
        Command::try_parse_from(["millstream", "replay"].iter().chain(arguments).chain(&common)).is_ok()
    };
    assert!(parse(&["0:1", "1:2"]) && parse(&["--key", "a", "--limit", "3"]));
    assert!(!parse(&["0:1", "--key", "a"]) && !parse(&["0"]) && !parse(&["--since", "yesterday"]));
}
