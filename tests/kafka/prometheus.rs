//! A real Prometheus over a running pipeline: every panel of every dashboard shows something, every rule can be evaluated, and
//! every alert passes its own tests.

use crate::harness::client::Message;
use crate::harness::documents::documents;
use crate::harness::free_port;
use crate::harness::prometheus::{NAMESPACE, Prometheus, promtool};
use crate::harness::random::Random;
use crate::pictures::{self, Drawing};
use crate::pipeline::Pipeline;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LIMIT: Duration = Duration::from_secs(60);
const KEY: &str = "right-key";
const EVENTS: u64 = 6_000;
/// How long records come, twice: the process is killed and its disk lost in between. Longer for pictures that are to be shown.
const PERIOD: Duration = Duration::from_secs(12);
const SHOWN_PERIOD: Duration = Duration::from_secs(75);
const DAY: i64 = 24 * 60 * 60 * 1000;

/// What shows nothing but 0 while all is well and the load is light: that it is there is all that can be seen here.
const ZERO_WHILE_WELL: [&str; 12] = [
    "millstream_feed_connected",
    "millstream_feed_unacknowledged",
    "millstream_feed_dead_letters_total",
    "millstream_transactions_aborted_total",
    "millstream_producer_rebuilds_total",
    "millstream_kafka_request_timeouts_total",
    // the shipped topology asks one only where it writes by a schema's id
    "millstream_registry_requests_total",
    "millstream_last_stable_offset_lag_records",
    "millstream_lag_records",
    "millstream_restore_remaining_records",
    r#"state="restoring""#,
    r#"state="standby""#,
];
/// What is not there where the process may have all memory.
const ABSENT_WITHOUT_A_LIMIT: &str = "min(millstream_memory_limit_bytes";

#[test]
fn every_panel_shows_something_while_a_pipeline_runs() {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut pipeline = Pipeline::customer_events("panels");
    let (filled, dropping) = (pipeline.topic("feed.eventbridge"), pipeline.topic("feed.rabbitmq"));
    pipeline.topology = pipeline.topology.edit(|yaml| {
        let yaml = yaml
            .replace(
                &format!("{{topic: {dropping}}}"),
                &format!("{{topic: {dropping}, on_error: drop}}"),
            )
            .replace(
                "\n    subject: record\n",
                "\n    subject: record\n    event_time: = event.time\n",
            );
        yaml + &format!(
            "feeds:\n  webhook:\n    type: webhook\n    topic: {filled}\n    listen: \"{address}\"\n    path: /in\n    \
                 auth: {{api_key: \"${{MILLSTREAM_TEST_KEY:-{KEY}}}\"}}\n"
        )
    });
    let prometheus = Prometheus::start();
    let began = SystemTime::now();
    let period = if pictures::blessed() { SHOWN_PERIOD } else { PERIOD };

    let documents = documents(&pipeline.topology);
    let events = if pictures::blessed() { 5 * EVENTS } else { EVENTS };
    let load = pipeline.load("panels", events, 500, &mut Random::new(7));
    let (first, second) = load.messages.split_at(load.messages.len() / 2);
    let mut instance = pipeline.start("a");
    prometheus.scrape(&[("a", instance.http())]);
    instance.wait_ready();
    let flow = pipeline.flow(first, period);
    let posted = std::thread::spawn(move || post_for(address, period));
    pipeline.produce(&documents.messages);
    pipeline.produce(&documents.dead);
    flow.finish();
    posted.join().expect("events are posted");

    // the disk is lost, too: all state comes back from its changelogs
    instance.kill();
    fs::remove_dir_all(pipeline.topology.state()).expect("the state's folder");
    let mut instance = pipeline.start("a");
    prometheus.scrape(&[("a", instance.http())]);
    instance.wait_ready();
    let flow = pipeline.flow(second, period);
    let posted = std::thread::spawn(move || post_for(address, period));
    // a counter that is new shows nothing: its second count does
    for round in ["sooner", "later"] {
        pipeline.produce(&unlucky(&pipeline, first, round));
        std::thread::sleep(period / 3);
    }
    flow.finish();
    posted.join().expect("events are posted");
    pipeline.wait_done(&load, LIMIT);
    // a scrape and an evaluation more
    std::thread::sleep(Duration::from_secs(3));

    let mut findings = rules(&prometheus);
    findings.extend(panels(&prometheus, &pipeline, began));
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings.join("\n")
    );
    assert!(instance.terminate().success());
}

/// Records that are thrown away, late, or find no row.
fn unlucky(pipeline: &Pipeline, load: &[Message], round: &str) -> Vec<Message> {
    let broken = Message::new(&pipeline.topic("feed.rabbitmq"), None, b"{".as_slice());
    let mut all = vec![broken; 20];
    let old = now() - 30 * DAY;
    // of customers that have had events of today
    all.extend(load.iter().take(50).map(|message| Message {
        timestamp: Some(old),
        value: message.value.as_deref().map(|value| renamed(value, round)),
        ..message.clone()
    }));
    all
}

/// The same event with another id, in a collection that is in no table.
fn renamed(value: &[u8], round: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(value);
    let text = text.replacen("panels-", &format!("{round}-"), 1);
    text.replace("\"collectionId\":686", "\"collectionId\":999999")
        .into_bytes()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time since 1970");
    i64::try_from(since.as_millis()).expect("milliseconds")
}

/// Posts events, and some that are refused as their key is wrong.
fn post_for(address: SocketAddr, period: Duration) {
    let began = SystemTime::now();
    for number in 0.. {
        if began.elapsed().is_ok_and(|passed| passed > period) {
            return;
        }
        let body = crate::harness::load::update_user(&format!("posted-{number}"), "77", "Ann");
        for (key, status) in [(KEY, "200"), ("wrong", "401")] {
            let mut answered = post(address, key, &body);
            // A machine that is busy with other things may take too long for a moment: senders try again.
            while answered == "503" {
                std::thread::sleep(Duration::from_millis(200));
                answered = post(address, key, &body);
            }
            assert_eq!(answered, status);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The status of the answer.
fn post(address: SocketAddr, key: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the webhook listens");
    write!(
        stream,
        "POST /in HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("a request");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer[9..]).into_owned()
}

/// What is wrong with the rules on real series. What they record must be there.
fn rules(prometheus: &Prometheus) -> Vec<String> {
    let mut findings = Vec::new();
    let answer = prometheus.ask("rules", &[]).expect("the rules");
    let groups = answer["groups"].as_array().cloned().unwrap_or_default();
    let rules: Vec<&Value> = groups
        .iter()
        .filter_map(|group| group["rules"].as_array())
        .flatten()
        .collect();
    assert!(rules.len() > 20, "{answer}");
    for rule in rules {
        let name = rule["name"].as_str().unwrap_or_default();
        if rule["health"] != "ok" {
            findings.push(format!("rule {name}: {}: {}", rule["health"], rule["lastError"]));
        }
        if rule["type"] == "recording" {
            let found = prometheus.ask("query", &[("query", name)]).expect("a query");
            if found["result"].as_array().is_none_or(Vec::is_empty) {
                findings.push(format!("rule {name} records nothing"));
            }
        }
    }
    findings
}

/// What is wrong with the dashboards' queries, from when on they have something to show.
fn panels(prometheus: &Prometheus, pipeline: &Pipeline, began: SystemTime) -> Vec<String> {
    let application = pipeline.topology.application();
    let start = began
        .duration_since(UNIX_EPOCH)
        .expect("a time since 1970")
        .as_secs()
        .to_string();
    let end = (now() / 1000).to_string();
    let replaced = |text: &str| {
        text.replace("$namespace", NAMESPACE)
            .replace("$application", application)
            .replace("$instance", "a")
            .replace("$__rate_interval", "10s")
            .replace("$__range", "5m")
    };
    let (mut findings, mut asked, mut drawings) = (Vec::new(), 0, Vec::new());
    for (name, dashboard) in dashboards() {
        let mut drawing = Drawing::of(&name, &dashboard);
        findings.extend(
            variables(prometheus, &dashboard, &replaced)
                .into_iter()
                .map(|what| format!("{name}: {what}")),
        );
        let panels = dashboard["panels"].as_array().expect("panels");
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            let title = panel["title"].as_str().unwrap_or_default();
            for target in panel["targets"].as_array().expect("targets") {
                asked += 1;
                let expression = target["expr"].as_str().unwrap_or_default();
                let query = replaced(expression);
                let parameters = [
                    ("query", query.as_str()),
                    ("start", &start),
                    ("end", &end),
                    ("step", "1"),
                ];
                let answer = prometheus.ask("query_range", &parameters);
                let shown = answer.and_then(|data| {
                    drawing.add(panel, &data);
                    shows_something(expression, &values(&data))
                });
                if let Err(what) = shown {
                    findings.push(format!("{name}: `{title}`: {expression}: {what}"));
                }
            }
        }
        drawings.push(drawing);
    }
    pictures::draw(&drawings, (&start, &end), application, &pipeline.topic(""));
    assert!(asked > 60, "{asked} queries");
    findings
}

fn shows_something(expression: &str, values: &[f64]) -> Result<(), String> {
    if values.is_empty() && !expression.starts_with(ABSENT_WITHOUT_A_LIMIT) {
        return Err("no data".to_owned());
    }
    let may_be_zero = ZERO_WHILE_WELL.iter().any(|quiet| expression.contains(quiet));
    if !may_be_zero && !values.is_empty() && values.iter().all(|value| *value == 0.0) {
        return Err("nothing but 0".to_owned());
    }
    Ok(())
}

/// The variables that are asked for give what was chosen.
fn variables(prometheus: &Prometheus, dashboard: &Value, replaced: &impl Fn(&str) -> String) -> Vec<String> {
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    let mut findings = Vec::new();
    for variable in variables.iter().filter(|variable| variable["type"] == "query") {
        let query = variable["query"]["query"].as_str().unwrap_or_default();
        let inner = query
            .strip_prefix("label_values(")
            .and_then(|rest| rest.strip_suffix(')'));
        let (series, label) = inner
            .and_then(|inner| inner.rsplit_once(", "))
            .expect("a series and a label");
        let series = replaced(series);
        let found = prometheus.ask(&format!("label/{label}/values"), &[("match[]", &series)]);
        let wanted = replaced(&format!("${label}"));
        if found != Ok(serde_json::json!([wanted])) {
            findings.push(format!("`{query}` gives {found:?}, not {wanted}"));
        }
    }
    findings
}

/// All numbers of an answer.
fn values(data: &Value) -> Vec<f64> {
    let series = data["result"].as_array().into_iter().flatten();
    let points = series.filter_map(|series| series["values"].as_array()).flatten();
    points
        .filter_map(|point| point[1].as_str()?.parse::<f64>().ok())
        .filter(|value| value.is_finite())
        .collect()
}

fn dashboards() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("helm/millstream/dashboards");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the dashboards")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a dashboard");
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        (name, serde_json::from_str(&text).expect("JSON"))
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn every_alert_passes_its_own_tests() {
    if let Err(said) = promtool(&["check", "rules", "millstream.yaml"], "helm/millstream/alerts") {
        panic!("{said}");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("helm/millstream/alerts/tests");
    let entries = fs::read_dir(folder).expect("the alerts' tests");
    let names: Vec<String> = entries
        .map(|entry| format!("tests/{}", entry.expect("an entry").file_name().to_string_lossy()))
        .collect();
    let mut arguments = vec!["test", "rules"];
    arguments.extend(names.iter().map(String::as_str));
    if let Err(said) = promtool(&arguments, "helm/millstream/alerts") {
        panic!("{said}");
    }
}
