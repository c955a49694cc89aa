//! Spans to a collector that listens in this process, to one that is away, and to one that never answers.

use super::collector::Collector;
use super::*;
use crate::observe::metrics::tests::recorded;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A port that nobody is given by chance.
const NOBODY: &str = "http://127.0.0.1:9";

/// Of records from offset 0 on.
fn spans(count: usize) -> Vec<Span> {
    let place = Arc::new(Place::new("orders", "shop", "intake"));
    let parent = Parent::read(PARENT.as_bytes()).unwrap();
    let span = |offset| Span::begin(&place, 3, i64::try_from(offset).unwrap(), parent, Some(b"a=1,b=2"));
    (0..count).map(span).collect()
}

fn start(collector: &str) -> Exporter {
    start_with(&Settings::to(collector))
}

fn start_with(settings: &Settings) -> Exporter {
    Exporter::start(settings, "shop", "shop-0").unwrap()
}

fn text(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn a_span_says_what_the_conventions_of_messaging_have_names_for() {
    let collector = Collector::start();
    let exporter = start(&collector.endpoint());
    let mut all = spans(2);
    all[0].end();
    all[1].failed("decode", "decode in intake".to_owned());
    exporter.traces().hand_over(&mut all, 0);
    exporter.stop();
    let arrived = collector.spans();
    assert_eq!(arrived.len(), 2);
    let (well, failed) = (&arrived[0], &arrived[1]);
    assert_eq!((well.name.as_str(), well.kind), ("process orders", 5));
    assert_eq!(well.trace, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(well.parent, "00f067aa0ba902b7");
    let own = Parent::read(PARENT.as_bytes()).unwrap().child("shop", "orders", 3, 0);
    assert_eq!(format!("00-{}-{}-01", well.trace, well.id).as_bytes(), own.write());
    assert_eq!(well.state, "a=1,b=2");
    assert!(well.start > 0 && well.end >= well.start);
    assert_eq!(
        well.attributes.clone().into_iter().collect::<Vec<_>>(),
        text(&[
            ("messaging.consumer.group.name", "shop"),
            ("messaging.destination.name", "orders"),
            ("messaging.destination.partition.id", "3"),
            ("messaging.kafka.offset", "0"),
            ("messaging.operation.name", "process"),
            ("messaging.operation.type", "process"),
            ("messaging.system", "kafka"),
            ("millstream.sub_topology", "intake"),
            ("millstream.task", "orders-3"),
        ])
    );
    assert_eq!(well.status, (0, String::new()));
    assert_eq!(failed.status, (2, "decode in intake".to_owned()));
    assert_eq!(failed.attributes["error.type"], "decode");
    for (key, value) in [
        ("service.name", "shop"),
        ("service.instance.id", "shop-0"),
        ("service.version", env!("CARGO_PKG_VERSION")),
    ] {
        assert_eq!(well.resource[key], value, "{key}");
    }
}

#[test]
fn spans_go_without_a_stop_and_many_in_several_requests() {
    let collector = Collector::start();
    let mut exporter = None;
    let shown = recorded(|| {
        exporter = Some(start(&collector.endpoint()));
        exporter.as_ref().unwrap().traces().hand_over(&mut spans(5_000), 0);
        let arrived = collector.wait(5_000);
        let mut offsets: Vec<i64> = arrived
            .iter()
            .map(|span| span.attributes["messaging.kafka.offset"].parse().unwrap())
            .collect();
        offsets.dedup();
        assert_eq!(offsets, (0..5_000).collect::<Vec<i64>>());
    });
    drop(exporter);
    assert!(collector.heads().len() >= 5);
    let text = shown.render();
    assert!(text.contains("millstream_spans_exported_total 5000\n"), "{text}");
    assert!(
        text.contains("millstream_spans_dropped_total{reason=\"collector\"} 0\n"),
        "{text}"
    );
}

/// What is dropped, while somebody hands over and stops.
fn dropped(collector: &str, does: impl FnOnce(&Traces)) -> String {
    dropped_with(&Settings::to(collector), does)
}

fn dropped_with(settings: &Settings, does: impl FnOnce(&Traces)) -> String {
    let shown = recorded(|| {
        let exporter = start_with(settings);
        does(&exporter.traces());
        exporter.stop();
    });
    let text = shown.render();
    let lines = text.lines().filter(|line| line.starts_with("millstream_spans_"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_a_collector_that_is_away_or_refuses_does_not_take_is_counted() {
    let away = dropped(NOBODY, |traces| traces.hand_over(&mut spans(7), 0));
    assert!(
        away.contains("{reason=\"collector\"} 7") && away.contains("exported_total 0"),
        "{away}"
    );

    let collector = Collector::start();
    collector.answer(401);
    let refused = dropped(&collector.endpoint(), |traces| traces.hand_over(&mut spans(7), 0));
    assert!(refused.contains("{reason=\"collector\"} 7"), "{refused}");

    collector.answer(200);
    let taken = dropped(&collector.endpoint(), |traces| traces.hand_over(&mut spans(7), 0));
    assert!(taken.contains("exported_total 7"), "{taken}");
}

#[test]
fn nobody_waits_for_a_collector_that_never_answers_and_what_there_is_no_room_for_is_counted() {
    // Its connections are taken, and nothing is read from them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut took = Duration::ZERO;
    let settings = Settings {
        flush: Duration::from_millis(50),
        ..Settings::to(&format!("http://{}", silent.local_addr().unwrap()))
    };
    let lost = dropped_with(&settings, |traces| {
        let mut all = spans(3 * ROOM);
        let began = Instant::now();
        traces.hand_over(&mut all, 11);
        took = began.elapsed();
        assert!(all.is_empty());
    });
    assert!(took < Duration::from_secs(2), "{took:?}");
    let full = lost
        .lines()
        .find_map(|line| line.strip_prefix("millstream_spans_dropped_total{reason=\"queue_full\"} "));
    let full: usize = full.unwrap().parse().unwrap();
    // What is in the queue, and the few that are under way.
    assert!((ROOM + 11..=2 * ROOM + 11).contains(&full), "{full}");
}

#[test]
fn without_an_exporter_nothing_is_kept() {
    let traces = Traces::off();
    let mut all = spans(3);
    traces.hand_over(&mut all, 0);
    assert!(all.is_empty() && !traces.is_on());
}
