//! Tests of the HTTP server, by requests over TCP.

use super::*;
use crate::observe::health::Health;
use crate::observe::metrics::tests::recorded;
use crate::observe::names;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

fn start(health: &Health) -> HttpServer {
    let exposition = recorded(|| names::records_consumed("rabbitmq").increment(7));
    HttpServer::start("127.0.0.1:0".parse().expect("an address"), exposition, health.clone()).expect("started")
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
    let refused = HttpServer::start(server.address(), recorded(|| ()), Health::new());
    assert!(refused.err().expect("refused").to_string().contains("port 0"));
}
