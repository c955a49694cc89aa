//! Tests of the HTTP server, by requests over TCP.

use super::*;
use crate::observe::health::Health;
use crate::observe::health::Report;
use crate::observe::logs;
use crate::observe::metrics::tests::recorded;
use crate::observe::names;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

fn start(health: &Health) -> HttpServer {
    let exposition = recorded(|| names::records_consumed("rabbitmq").increment(7));
    HttpServer::start(
        "127.0.0.1:0".parse().expect("an address"),
        exposition,
        health.clone(),
        None,
    )
    .expect("started")
}

fn ask(server: &HttpServer, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.address()).expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read");
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status");
    (status, answer.split_once("\r\n\r\n").expect("a body").1.to_owned())
}

#[test]
fn metrics_are_served_as_text_for_prometheus() {
    let server = start(&Health::new());
    let (status, body) = ask(&server, "/metrics", "");
    assert_eq!(status, 200);
    assert!(
        body.contains("millstream_records_consumed_total{source=\"rabbitmq\"} 7\n"),
        "{body}"
    );
    assert!(body.contains("process_resident_memory_bytes "), "{body}");
}

#[test]
fn health_is_told_by_the_status_and_in_words() {
    let health = Health::new();
    let server = start(&health);
    let worker = health.worker("worker-0");
    assert_eq!(ask(&server, "/livez", ""), (200, "ok\n".to_owned()));
    let starting = "the brokers do not answer\nworker-0 is starting\n".to_owned();
    assert_eq!(ask(&server, "/readyz", ""), (503, starting));
    health.brokers_reachable(true);
    worker.beat();
    assert_eq!(ask(&server, "/readyz", "").0, 200);
    drop(worker);
    assert_eq!(ask(&server, "/livez", ""), (503, "worker-0 has died\n".to_owned()));
    assert_eq!(ask(&server, "/readyz", "").0, 503);
}

#[test]
fn details_are_json_for_those_who_ask() {
    let health = Health::new();
    health.table("collections").loaded();
    let server = start(&health);
    for (path, headers) in [
        ("/readyz?verbose", ""),
        ("/readyz", "Accept: application/json\r\n"),
        ("/readyz?a=b&verbose=true", ""),
    ] {
        let (status, body) = ask(&server, path, headers);
        assert_eq!(status, 503);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["ready"], json!(false));
        assert_eq!(body["live"], json!(true));
        assert_eq!(body["reasons"], json!(["the brokers do not answer"]));
        assert_eq!(body["tables"], json!([{"name": "collections", "loaded": true}]));
    }
}

#[test]
fn the_index_names_what_is_here_and_other_paths_are_not_found() {
    let server = start(&Health::new());
    assert!(ask(&server, "/", "").1.contains("/metrics"));
    assert!(
        ask(&server, "/", "Accept: text/html\r\n")
            .1
            .starts_with("<!doctype html>")
    );
    assert_eq!(ask(&server, "/secret", "").0, 404);
}

#[test]
fn it_stops_soon_even_when_a_client_keeps_its_connection() {
    let server = start(&Health::new());
    let address = server.address();
    let idle = TcpStream::connect(address).expect("connected");
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < LAST_ANSWERS + Duration::from_millis(500));
    assert!(TcpStream::connect(address).is_err());
    drop(idle);
}

#[test]
fn a_port_in_use_is_refused_with_what_to_do() {
    let server = start(&Health::new());
    let refused = HttpServer::start(server.address(), recorded(|| ()), Health::new(), None);
    assert!(refused.err().expect("refused").to_string().contains("port 0"));
}

/// Sends bytes, and reads what comes until the server closes or says nothing for a while.
fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a time");
    // Not closed on our side: a server may drop its answer to whoever is gone by half.
    let line = bytes.windows(2).position(|pair| pair == b"\r\n").unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(line);
    // the server may have closed by then
    let _ = stream.write_all(&[line, b"\r\nConnection: close", rest].concat());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn wrong_methods_are_405_and_levels_are_nobodys_unless_they_are_given() {
    let server = start(&Health::new());
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        for path in ["/", "/metrics", "/livez", "/readyz", "/startupz"] {
            let answer = send(
                server.address(),
                format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(),
            );
            assert!(answer.starts_with("HTTP/1.1 405 "), "{method} {path}: {answer}");
        }
    }
    let answer = send(
        server.address(),
        b"PUT /logs/level HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\ntrace",
    );
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[test]
fn levels_are_changed_by_those_who_may() {
    let (_subscriber, levels) = logs::tests::subscriber_for_tests();
    let address = "127.0.0.1:0".parse().expect("an address");
    let server = HttpServer::start(address, recorded(|| ()), Health::new(), Some(levels.clone())).expect("started");
    let put = |body: &str| {
        let head = format!(
            "PUT /logs/level HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        send(server.address(), (head + body).as_bytes())
    };
    assert!(put("info,millstream::engine=debug").starts_with("HTTP/1.1 200 "));
    assert!(levels.get().contains("millstream::engine=debug"), "{}", levels.get());
    assert_eq!(ask(&server, "/logs/level", ""), (200, levels.get() + "\n"));
    assert!(put("millstream=lots").starts_with("HTTP/1.1 400 "));
    assert!(put(&"x".repeat(1_100)).starts_with("HTTP/1.1 413 "));
    assert!(levels.get().contains("millstream::engine=debug"));
}

struct Starting;

impl Probe for Starting {
    fn report(&self) -> Report {
        Report {
            not_started: vec!["worker 0 restores 3 tasks".to_owned()],
            ..Report::default()
        }
    }
}

#[test]
fn whether_it_has_started_is_told_beside_whether_it_is_ready() {
    let address = "127.0.0.1:0".parse().expect("an address");
    let server = HttpServer::start(address, recorded(|| ()), Starting, None).expect("started");
    assert_eq!(
        ask(&server, "/startupz", ""),
        (503, "worker 0 restores 3 tasks\n".to_owned())
    );
    assert_eq!(ask(&server, "/readyz", "").0, 200);
    assert_eq!(ask(&start(&Health::new()), "/startupz", "").0, 200);
}

/// What a stranger may send. Every request is new, so that nothing that were kept of one could be shared.
fn bad_request(number: usize) -> Vec<u8> {
    let head = match number % 10 {
        0 => format!("GET /{number} HTTP/1.1\r\nHost: x\r\n\r\n"),
        1 => format!("GET /metrics HTTP/1.1\r\nX-{number}: {}\r\n\r\n", "x".repeat(40_000)),
        2 => format!(
            "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n{}",
            "x".repeat(50_000)
        ),
        3 => format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", "/x".repeat(20_000)),
        4 => format!("\u{0}{number}\r\n\r\n"),
        5 => {
            (0..200).fold("GET / HTTP/1.1\r\n".to_owned(), |head, at| {
                head + &format!("H{at}-{number}: x\r\n")
            }) + "\r\n"
        }
        6 => "GET / HTTP/9.9\r\n\r\n".to_owned(),
        7 => format!("PUT /logs/level HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ{number}\r\n"),
        8 => format!("GET /metrics?{number}={number} HTTP/1.1\r\nAccept: {number}\r\nContent-Length: -1\r\n\r\n"),
        _ => format!("M{number} / HTTP/1.1\r\nHost: x\r\n\r\n"),
    };
    head.into_bytes()
}

#[test]
fn thousands_of_bad_requests_are_4xx_and_leave_nothing_behind() {
    let server = start(&Health::new());
    let address = server.address();
    let before = series(&ask(&server, "/metrics", "").1);
    let threads = (0..4).map(|thread| {
        std::thread::spawn(move || {
            for number in (thread..4_000).step_by(4) {
                let answer = send(address, &bad_request(number));
                assert!(!answer.starts_with("HTTP/1.1 5"), "{number}: {answer}");
                let refused =
                    answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 200");
                assert!(refused, "{number}: {answer}");
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().expect("no other answer");
    }
    let (status, body) = ask(&server, "/metrics", "");
    assert_eq!((status, series(&body)), (200, before));
}

/// Names and labels, without what they count.
fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let named = lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned()));
    named.collect()
}

#[test]
fn who_opens_connections_and_says_nothing_has_a_limit_and_the_rest_goes_on() {
    let server = start(&Health::new());
    let mut idle: Vec<TcpStream> = (0..CONNECTIONS + 20)
        .map(|_| TcpStream::connect(server.address()).expect("connected"))
        .collect();
    let closed = |stream: &mut TcpStream| {
        stream
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("a time");
        matches!(stream.read(&mut [0]), Ok(0)) || stream.write_all(b"x").is_err()
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while idle
        .iter_mut()
        .rev()
        .take(20)
        .filter_map(|stream| closed(stream).then_some(()))
        .count()
        < 20
    {
        assert!(Instant::now() < deadline, "more connections than there may be");
    }
    drop(idle);
    let deadline = Instant::now() + Duration::from_secs(5);
    while !send(server.address(), b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 ") {
        assert!(Instant::now() < deadline, "there is room again");
    }
}
