//! `millstream send`: lines of a file to a topic of a real broker.

use crate::harness::broker::shared;
use crate::harness::client::{Client, Delivered};
use crate::harness::millstream::run_command;
use std::process::{Command, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

fn sent(topic: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let brokers = shared().address();
    let all = [&["send", topic, "--brokers", &brokers], arguments].concat();
    let (status, out, err) = run_command(&all);
    (status.code(), out, err)
}

#[test]
fn a_file_of_lines_is_a_topic_in_the_same_order_with_keys_and_headers() {
    const COUNT: usize = 50_000;
    let client = Client::new(shared().address());
    client.create_topic("send.file", 3);
    let lines: Vec<String> = (0..COUNT)
        .map(|number| format!("{{ \"id\": \"c{}\",\t\"number\": {number}.0 }}", number % 100))
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.jsonl");
    std::fs::write(&file, lines.join("\n")).expect("the file");
    let file = file.display().to_string();
    let arguments = ["--key", "event.id", "--header", "env=dev", "--output", "json", &file];
    let (code, out, err) = sent("send.file", &arguments);
    assert_eq!(code, Some(0), "{out}{err}");
    let summary: serde_json::Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!((&summary["written"], &summary["failures"]), (&COUNT.into(), &0.into()));

    let records = client.committed("send.file");
    let mut values: Vec<String> = records.iter().map(Delivered::value_text).collect();
    let number = |value: &String| -> usize {
        let digits = value.rsplit(": ").next().expect("a number");
        digits.trim_end_matches(".0 }").parse().expect("a number")
    };
    for partition in 0..3 {
        let of_one = records.iter().filter(|record| record.partition == partition);
        let numbers: Vec<usize> = of_one.map(|record| number(&record.value_text())).collect();
        assert!(numbers.is_sorted(), "partition {partition} is in the file's order");
    }
    values.sort_by_key(number);
    assert_eq!(values, lines, "byte for byte, each once");
    for record in &records {
        let key = record.key_text().expect("a key");
        assert!(record.value_text().contains(&format!("\"{key}\"")));
        assert_eq!(record.header("env").as_deref(), Some("dev"));
    }
}

#[test]
fn a_topic_that_is_not_there_and_a_line_that_is_no_json_are_told() {
    let client = Client::new(shared().address());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.jsonl");
    std::fs::write(&file, "{}\nno JSON\n{}\n").expect("the file");
    let file = file.display().to_string();
    let (code, _, err) = sent("send.missing", &[&file]);
    assert_eq!(code, Some(1));
    assert!(err.contains("there is no topic `send.missing`"), "{err}");
    client.create_topic("send.broken", 1);
    let (code, out, err) = sent("send.broken", &[&file]);
    assert_eq!(code, Some(1));
    assert!(out.starts_with("1 record written"), "{out}");
    assert!(err.contains("line 2 was not written: it is not JSON"), "{err}");
    assert_eq!(client.committed_count("send.broken"), 1);
}

#[test]
fn an_interrupt_ends_sending_and_says_how_much_was_written() {
    let client = Client::new(shared().address());
    client.create_topic("send.interrupted", 1);
    let mut child = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(["send", "send.interrupted", "--brokers", &shared().address()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("millstream runs");
    let mut input = child.stdin.take().expect("its input");
    std::io::Write::write_all(&mut input, b"1\n2\n").expect("two lines");
    client.wait_committed("send.interrupted", 2, LIMIT);
    crate::harness::children::signal(&child, libc::SIGINT);
    let output = child.wait_with_output().expect("its end");
    drop(input);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    assert!(out.starts_with("2 records written"), "{out}");
    assert!(err.contains("lines after 2 were not read"), "{err}");
}
