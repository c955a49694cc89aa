//! The command over the broker in memory: what it writes, prints and refuses.

use super::*;
use crate::broker::memory::MemoryBroker;
use crate::cli::testing::printed;
use clap::Parser;
use std::future::pending;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    send: Send,
}

fn command(arguments: &[&str]) -> Send {
    let all = ["send", "orders", "--brokers", "nowhere"];
    let line = Line::try_parse_from(all.iter().chain(arguments));
    line.unwrap_or_else(|error| panic!("{error}")).send
}

fn broker() -> MemoryBroker {
    let broker = MemoryBroker::new(1);
    broker.create_topic("orders", 1).unwrap();
    broker
}

/// What the command prints, with no times in it.
fn run(broker: &MemoryBroker, arguments: &[&str], input: &'static [u8]) -> String {
    let command = command(arguments);
    let text = printed(|terminal| command.with(broker, Box::new(input), pending::<()>, terminal));
    let timeless = text.lines().map(|line| match line.split_once(" written in ") {
        Some((before, _)) => format!("{before} written\n"),
        None => format!("{line}\n"),
    });
    timeless.collect()
}

fn records(broker: &MemoryBroker) -> Vec<String> {
    let records = broker.committed_records("orders").into_iter();
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let shown = records.map(|record| {
        let headers: Vec<String> = record
            .headers
            .iter()
            .map(|(name, value)| format!(" {name}={}", value.as_deref().map(text).unwrap_or_default()))
            .collect();
        format!(
            "{}: {}{}",
            record.key.as_deref().map_or("-".to_owned(), text),
            record.value.as_deref().map(text).unwrap_or_default(),
            headers.concat()
        )
    });
    shown.collect()
}

#[test]
fn each_line_is_a_record_byte_for_byte_in_order_and_empty_ones_are_left_out() {
    let broker = broker();
    let input = b"{\"id\": 1.0}\r\n\n   \n {\"id\":\t2}\nnull\n[3]";
    assert_eq!(run(&broker, &[], input), "4 records written\nFine\n");
    assert_eq!(
        records(&broker),
        ["-: {\\\"id\\\": 1.0}", "-:  {\\\"id\\\":\\t2}", "-: null", "-: [3]"]
    );
}

#[test]
fn key_and_headers_are_expressions_over_the_line() {
    let broker = broker();
    let arguments = [
        "--key",
        "event.id",
        "--header",
        "env=dev",
        "--header",
        "twice== event.n * 2",
        "--header",
        "no== event.?no",
    ];
    assert_eq!(
        run(&broker, &arguments, b"{\"id\": \"a\", \"n\": 21}\n"),
        "1 record written\nFine\n"
    );
    assert_eq!(
        records(&broker),
        ["a: {\\\"id\\\": \\\"a\\\", \\\"n\\\": 21} env=dev twice=42"]
    );
}

#[test]
fn the_key_may_be_written_as_in_a_topology_and_may_be_a_header() {
    let broker = broker();
    let arguments = ["--key", "= headers.env", "--header", "env=dev"];
    assert_eq!(run(&broker, &arguments, b"1\n"), "1 record written\nFine\n");
    assert_eq!(records(&broker), ["dev: 1 env=dev"]);
}

#[test]
fn the_first_line_that_is_no_json_ends_it_and_is_named() {
    let broker = broker();
    let text = run(&broker, &[], b"1\n\nsecret\n4\n");
    assert!(
        text.starts_with("1 record written\n! error: line 3 was not written: it is not JSON:"),
        "{text}"
    );
    assert!(text.contains("--raw") && !text.contains("secret"), "{text}");
    assert!(
        text.ends_with("! note: lines after 3 were not read\nFailed\n"),
        "{text}"
    );
    assert_eq!(records(&broker), ["-: 1"]);
}

#[test]
fn any_line_is_a_record_where_it_is_raw() {
    let broker = broker();
    let arguments = ["--raw", "--key", "event == null ? 'none' : 'some'"];
    assert_eq!(
        run(&broker, &arguments, b"a b\n{}\n\xff\n \n"),
        "4 records written\nFine\n"
    );
    assert_eq!(records(&broker), ["none: a b", "none: {}", "none: \\xff", "none:  "]);
}

#[test]
fn a_line_that_an_expression_fails_on_is_named() {
    let broker = broker();
    let text = run(&broker, &["--key", "event.id"], b"{\"id\": 1}\n{}\n");
    assert!(
        text.contains("! error: line 2 was not written: --key:1:1: `event.id`"),
        "{text}"
    );
    assert_eq!(records(&broker).len(), 1);
}

#[test]
fn a_record_that_kafka_does_not_take_is_named() {
    let broker = MemoryBroker::new(1);
    let topic = crate::broker::TopicState {
        name: "orders".to_owned(),
        partitions: 1,
        settings: vec![("max.message.bytes".to_owned(), "100".to_owned())],
    };
    broker.create_topic_with(&topic).unwrap();
    let input: Vec<u8> = [b"\"".as_slice(), &[b'x'; 200], b"\"\n2\n"].concat();
    let text = run(&broker, &[], input.leak());
    assert!(text.contains("! error: line 1 was not written: "), "{text}");
    assert!(text.ends_with("Failed\n"), "{text}");
}

#[test]
fn what_can_not_work_is_told_before_anything_is_read() {
    let broker = broker();
    let text = run(&broker, &["--key", "evnt.id"], b"1\n");
    assert!(
        text.starts_with("! error: --key:1:1: ") && text.contains("event"),
        "{text}"
    );
    let text = run(&MemoryBroker::new(1), &[], b"1\n");
    assert_eq!(text, "! error: there is no topic `orders`: create it first\nFailed\n");
    assert!(Line::try_parse_from(["send", "orders", "--brokers", "x", "--header", "env"]).is_err());
}

#[test]
fn an_interruption_ends_it_and_says_how_many_were_written() {
    /// Gives one line, and then waits for ever, as a terminal does.
    struct Waiting(&'static [u8]);

    impl io::Read for Waiting {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                std::thread::park();
            }
            io::Read::read(&mut self.0, buffer)
        }
    }

    let broker = broker();
    let command = command(&["--output", "json"]);
    let input = Box::new(BufReader::with_capacity(2, Waiting(b"1\n")));
    let soon = || tokio::time::sleep(Duration::from_millis(100));
    let text = printed(|terminal| command.with(&broker, input, soon, terminal));
    let (document, rest) = text.split_once('\n').unwrap();
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    assert_eq!(
        (&document["written"], &document["interrupted"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(rest, "! note: lines after 1 were not read\nFailed\n");
}

#[test]
fn a_header_that_is_none_is_told_both_ways_to_write_one() {
    let refused = header("env").unwrap_err();
    assert!(
        refused.contains("NAME=VALUE") && refused.contains("NAME== EXPRESSION"),
        "{refused}"
    );
}
