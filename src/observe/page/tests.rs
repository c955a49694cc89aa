//! Tests of the page's HTTP side, by requests over TCP.

use super::stream::VIEWERS;
use super::*;
use crate::observe::logs::tests::subscriber_for_tests;
use crate::observe::metrics::tests::recorded;
use crate::observe::{Health, HttpServer, Levels};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

struct Shown;

impl View for Shown {
    fn topology(&self) -> Value {
        json!({"application": "shop"})
    }

    fn live(&self) -> Value {
        json!({"ready": true})
    }

    fn failures(&self) -> Value {
        json!({"keep": []})
    }

    fn samples(&self, node: &str) -> Result<Value, NoSamples> {
        match node {
            "source:a b" => Ok(json!({"node": node})),
            "off" => Err(NoSamples::Off),
            _ => Err(NoSamples::Unknown),
        }
    }
}

fn start(credentials: Option<&str>) -> HttpServer {
    start_with(credentials, None)
}

fn start_with(credentials: Option<&str>, levels: Option<Levels>) -> HttpServer {
    let page = Page {
        view: Box::new(Shown),
        credentials: credentials.map(|text| Credentials::new(text).expect("credentials")),
    };
    let address = "127.0.0.1:0".parse().expect("an address");
    HttpServer::start_with(address, recorded(|| ()), Health::new(), levels, Some(page)).expect("started")
}

fn open(server: &HttpServer, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    stream
}

fn ask(server: &HttpServer, path: &str, headers: &str) -> String {
    let mut answer = String::new();
    open(server, path, headers).read_to_string(&mut answer).expect("read");
    answer
}

/// Reads a stream until it has this in it.
fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let (mut answer, mut buffer) = (String::new(), [0; 1024]);
    while !answer.contains(wanted) {
        let count = stream.read(&mut buffer).expect("more");
        assert!(count > 0, "it ended: {answer}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    answer
}

#[test]
fn a_browser_gets_the_page_and_others_the_index() {
    let server = start(None);
    let page = ask(&server, "/", "Accept: text/html\r\n");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("/page.js"), "{page}");
    assert!(page.contains("content-security-policy: default-src 'none';"), "{page}");
    assert!(ask(&server, "/", "").contains("/metrics"));
    assert!(ask(&server, "/page.css", "").contains("text/css"));
    assert!(ask(&server, "/page.js", "").contains("text/javascript"));
    assert!(ask(&server, "/api/topology", "").ends_with(r#"{"application":"shop"}"#));
    assert!(ask(&server, "/api/failures", "").ends_with(r#"{"keep":[]}"#));
}

#[test]
fn the_page_is_small_and_asks_no_other_host_for_anything() {
    let size = HTML.len() + CSS.len() + JS.len();
    assert!(size < 60_000, "{size} bytes");
    for text in [HTML, CSS, JS] {
        let addresses = text.matches("://").count();
        let of_svg = text.matches("http://www.w3.org/2000/svg").count();
        assert_eq!(addresses, of_svg, "an address of elsewhere");
    }
}

#[test]
fn a_stream_gives_an_event_a_second() {
    let server = start(None);
    let mut stream = open(&server, "/api/live", "");
    let first = read_until(&mut stream, "data: {\"ready\":true}\n\n");
    assert!(first.contains("content-type: text/event-stream"), "{first}");
    let begun = Instant::now();
    read_until(&mut stream, "data: {\"ready\":true}\n\n");
    assert!(begun.elapsed() > Duration::from_millis(500));
}

#[test]
fn streams_end_when_the_server_stops() {
    let server = start(None);
    let mut stream = open(&server, "/api/live", "");
    read_until(&mut stream, "data:");
    let begun = Instant::now();
    server.stop();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("it ended");
    assert!(rest.ends_with("0\r\n\r\n"), "it ended well: {rest:?}");
    assert!(begun.elapsed() < Duration::from_millis(900), "nobody waited for it");
}

#[test]
fn viewers_are_bounded_and_one_who_leaves_makes_room() {
    let server = start(None);
    let mut viewers: Vec<TcpStream> = (0..VIEWERS).map(|_| open(&server, "/api/live", "")).collect();
    viewers.iter_mut().for_each(|viewer| {
        read_until(viewer, "data:");
    });
    let refused = ask(&server, "/api/live", "");
    assert!(
        refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after"),
        "{refused}"
    );
    assert!(
        ask(&server, "/livez", "").starts_with("HTTP/1.1 200"),
        "others are served"
    );
    viewers.pop();
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let mut again = open(&server, "/api/live", "");
        if read_until(&mut again, "\r\n").starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(Instant::now() < deadline, "no room was made");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_password_is_asked_for_the_page_and_its_data_and_for_nothing_else() {
    let server = start(Some("ann:secret"));
    for path in [
        "/",
        "/page.js",
        "/page.css",
        "/api/topology",
        "/api/live",
        "/api/failures",
        "/api/samples/off",
    ] {
        let refused = ask(
            &server,
            path,
            "Accept: text/html\r\nAuthorization: Basic YW5uOndyb25n\r\n",
        );
        assert!(refused.starts_with("HTTP/1.1 401"), "{path}: {refused}");
        assert!(refused.contains("www-authenticate: Basic "), "{path}: {refused}");
        assert!(!refused.contains("secret"), "{path}: {refused}");
    }
    let right = "Authorization: Basic YW5uOnNlY3JldA==\r\n";
    assert!(ask(&server, "/api/topology", right).starts_with("HTTP/1.1 200"));
    for path in ["/metrics", "/livez", "/readyz"] {
        assert!(!ask(&server, path, "").starts_with("HTTP/1.1 401"), "{path}");
    }
}

#[test]
fn the_password_is_asked_of_those_who_change_what_is_logged_too() {
    let (_subscriber, levels) = subscriber_for_tests();
    let server = start_with(Some("ann:secret"), Some(levels.clone()));
    let before = levels.get();
    let put = |headers: &str| {
        let mut stream = TcpStream::connect(server.address()).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        let head = "PUT /logs/level HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n";
        stream
            .write_all(format!("{head}{headers}\r\ntrace").as_bytes())
            .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("read");
        answer
    };
    for wrong in ["", "Authorization: Basic YW5uOndyb25n\r\n"] {
        let refused = put(wrong);
        assert!(
            refused.starts_with("HTTP/1.1 401") && refused.contains("www-authenticate: Basic "),
            "{refused}"
        );
        assert!(
            ask(&server, "/logs/level", wrong).starts_with("HTTP/1.1 401"),
            "nor what is logged is told"
        );
    }
    assert_eq!(levels.get(), before);
    let right = "Authorization: Basic YW5uOnNlY3JldA==\r\n";
    assert!(put(right).starts_with("HTTP/1.1 200"));
    assert_eq!(levels.get(), "trace");
    assert!(ask(&server, "/logs/level", right).ends_with("trace\n"));
}

#[test]
fn records_are_shown_where_they_may_be_and_what_to_do_is_said_where_not() {
    let server = start(None);
    assert!(ask(&server, "/api/samples/source:a%20b", "").ends_with(r#"{"node":"source:a b"}"#));
    let off = ask(&server, "/api/samples/off", "");
    assert!(
        off.starts_with("HTTP/1.1 403") && off.contains("--page-samples"),
        "{off}"
    );
    let unknown = ask(&server, "/api/samples/sink:nobody", "");
    assert!(
        unknown.starts_with("HTTP/1.1 404") && unknown.contains("/api/topology"),
        "{unknown}"
    );
}
