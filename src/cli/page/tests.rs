//! Tests of the page's data, over an engine that runs on a broker in memory.

use super::*;
use crate::broker::Outgoing;
use crate::broker::memory::MemoryBroker;
use crate::engine::{Backends, Engine, Schemas, Topics, WorkerSettings};
use crate::observe::{Report, Traces};
use crate::state::MemoryStores;
use crate::topology;
use std::path::Path;
use std::time::{Duration, Instant};

const SHOP: &str = "application: shop
sources:
  orders: {topic: orders, description: What is ordered}
tables:
  prices: {topic: prices}
processors:
  known: {type: filter, from: orders, where: = event.total > 1}
  by-id: {type: repartition, from: known, key: = event.id, topic: orders.by-id}
  once: {type: dedupe, from: by-id, id: = event.id, window: 1h}
  priced: {type: enrich, from: once, with: {price: {table: prices, key: = event.id}}}
sinks:
  out: {from: priced, topic: out}
dead_letters: {topic: dead}
";

struct Fine;

impl Probe for Fine {
    fn report(&self) -> Report {
        Report {
            not_ready: vec!["it is a test".to_owned()],
            ..Report::default()
        }
    }
}

fn view(topology: &Arc<Topology>, written: Written, status: Arc<Status>, feeds: Vec<Arc<FeedState>>) -> RunView {
    RunView {
        topology: topology.clone(),
        selection: Selection::all(topology),
        written,
        instance: "a".to_owned(),
        status,
        feeds,
        lag: Arc::default(),
        health: Box::new(Fine),
        started: UNIX_EPOCH,
        samples: true,
    }
}

fn shop() -> (Arc<Topology>, Written) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(topology::FILE), SHOP).unwrap();
    let loaded = topology::load(folder.path(), &|_| None).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    (Arc::new(loaded), topology::written(folder.path()).unwrap())
}

fn engine(broker: &MemoryBroker, topology: &Arc<Topology>) -> Engine {
    Engine::start(
        Arc::clone(topology),
        Backends {
            broker: Box::new(broker.clone()),
            stores: Box::new(MemoryStores),
            schemas: Schemas::of(None).unwrap(),
            traces: Traces::off(),
        },
        Topics::Prepare,
        Selection::all(topology),
        2,
        &WorkerSettings::new("a", 0, Duration::from_millis(5)),
    )
    .unwrap()
}

fn node<'v>(shown: &'v Value, id: &str) -> &'v Value {
    let nodes = shown["nodes"].as_array().unwrap();
    nodes
        .iter()
        .find(|node| node["id"] == id)
        .unwrap_or_else(|| panic!("no {id} in {shown:#}"))
}

#[test]
fn every_part_is_a_node_and_every_way_an_edge() {
    let (topology, written) = shop();
    let broker = MemoryBroker::waiting(1);
    let engine = engine(&broker, &topology);
    let shown = view(&topology, written, engine.status().clone(), Vec::new()).topology();
    engine.stop();
    assert_eq!(shown["application"], "shop");
    assert_eq!(
        shown["subtopologies"],
        json!([{"name": "orders", "runs": true}, {"name": "by-id", "runs": true}])
    );
    assert_eq!(shown["nodes"].as_array().unwrap().len(), 7);
    let orders = node(&shown, "source:orders");
    assert_eq!(
        (&orders["description"], &orders["sub"]),
        (&json!("What is ordered"), &json!(0))
    );
    assert_eq!(orders["place"], "topology.yaml:3");
    let once = node(&shown, "processor:once");
    assert_eq!(once["sub"], 1);
    assert_eq!(
        once["config"],
        "type: dedupe\nfrom: by-id\nid: = event.id\nwindow: 1h\n"
    );
    assert_eq!(
        once["stores"],
        json!([{"name": "once", "kind": "ids for 1h", "changelog": "shop-once-changelog"}])
    );
    let edges = [
        ("source:orders", "processor:known", "flow", json!(null)),
        ("processor:known", "processor:by-id", "flow", json!(null)),
        ("processor:by-id", "processor:once", "topic", json!("orders.by-id")),
        ("processor:once", "processor:priced", "flow", json!(null)),
        ("processor:priced", "sink:out", "flow", json!(null)),
        ("table:prices", "processor:priced", "lookup", json!(null)),
    ];
    let edges = edges.map(|(from, to, kind, topic)| json!({"from": from, "to": to, "kind": kind, "topic": topic}));
    assert_eq!(shown["edges"], json!(edges));
}

#[test]
fn a_node_has_its_totals_and_what_failed_in_it() {
    let (topology, written) = shop();
    let broker = MemoryBroker::waiting(1);
    for topic in ["orders", "prices", "out", "dead"] {
        broker.create_topic(topic, 1).unwrap();
    }
    let send = |value: &str| {
        let record = Outgoing {
            topic: "orders",
            partition: Some(0),
            key: None,
            value: Some(value.as_bytes()),
            headers: &[],
            timestamp: Some(1),
        };
        broker.produce(&record).unwrap();
    };
    for value in [
        r#"{"id": "a", "total": 2}"#,
        r#"{"id": "a", "total": 2}"#,
        r#"{"id": "b", "total": 3}"#,
        r#"{"id": "c", "total": 1}"#,
        r#"{"id": "d", "total": "hunter2"}"#,
        "hunter2",
    ] {
        send(value);
    }
    let engine = engine(&broker, &topology);
    let view = view(&topology, written, engine.status().clone(), Vec::new());
    let deadline = Instant::now() + Duration::from_secs(20);
    let shown = loop {
        let shown = view.live();
        if shown["nodes"]["sink:out"]["in"] == 2
            && shown["dead"] == 2
            && shown["nodes"]["processor:once"]["stores"]["once"] == 2
        {
            break shown;
        }
        assert!(Instant::now() < deadline, "{shown:#}");
        std::thread::sleep(Duration::from_millis(10));
    };
    let failures = view.failures();
    engine.stop();
    engine.join().unwrap();
    let nodes = &shown["nodes"];
    assert_eq!(nodes["source:orders"], json!({"in": 6, "out": 6, "dead": 1}));
    assert_eq!(
        nodes["processor:known"],
        json!({"in": 5, "out": 3, "dropped": 1, "dead": 1, "counted": {"filtered": 1}})
    );
    assert_eq!(
        nodes["processor:once"],
        json!({"in": 3, "out": 2, "stores": {"once": 2}, "dropped": 1, "counted": {"duplicate": 1}})
    );
    assert_eq!(nodes["table:prices"], json!({"rows": 0}));
    assert_eq!(
        (&shown["ready"], &shown["reasons"]),
        (&json!(false), &json!(["it is a test"]))
    );
    assert_eq!(shown["tasks"]["running"], 2);

    assert_eq!(failures["source:orders"][0]["kind"], "decode");
    assert_eq!(failures["source:orders"][0]["offset"], 5);
    assert_eq!(failures["processor:known"][0]["kind"], "expression");
    for shown in [shown, failures] {
        assert!(!shown.to_string().contains("hunter2"), "nothing of a record: {shown}");
    }
}

#[test]
fn records_are_shown_of_a_node_that_somebody_looks_at_if_they_may_be() {
    let (topology, written) = shop();
    let broker = MemoryBroker::waiting(1);
    for topic in ["orders", "prices", "out", "dead"] {
        broker.create_topic(topic, 1).unwrap();
    }
    let engine = engine(&broker, &topology);
    let mut view = view(&topology, written, engine.status().clone(), Vec::new());
    let nodes = ["source:orders", "processor:known", "processor:once", "sink:out"];
    for node in nodes {
        assert_eq!(view.samples(node).unwrap(), json!({"node": node, "records": []}));
    }
    for node in ["table:prices", "source:out", "sink", ""] {
        assert_eq!(view.samples(node), Err(NoSamples::Unknown), "{node}");
    }
    let produce = |value: &str| {
        let record = Outgoing {
            topic: "orders",
            partition: Some(0),
            key: Some(b"k"),
            value: Some(value.as_bytes()),
            headers: &[],
            timestamp: Some(1),
        };
        broker.produce(&record).unwrap();
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut number = 0;
    let found = loop {
        produce(&format!(r#"{{"id": "{number}", "total": 2}}"#));
        produce(r#"{"id": "cheap", "total": 1}"#);
        number += 1;
        std::thread::sleep(Duration::from_millis(20));
        let found = nodes.map(|node| view.samples(node).unwrap()["records"].clone());
        if found.iter().all(|records| records[1].is_object()) {
            break found;
        }
        assert!(Instant::now() < deadline, "{found:?}");
    };
    let value = |index: usize| found[index][0]["value"]["text"].as_str().unwrap().to_owned();
    assert!(
        value(1).ends_with(r#","total":2}"#),
        "what came through the filter: {}",
        value(1)
    );
    assert!(
        value(3).contains(r#""price""#) || value(3).contains("total"),
        "{}",
        value(3)
    );
    assert_eq!(
        (&found[0][0]["topic"], &found[0][0]["key"]["text"]),
        (&json!("orders"), &json!("k"))
    );
    assert_eq!(found[2][0]["topic"], "orders.by-id", "of where its task reads");
    view.samples = false;
    assert_eq!(view.samples("sink:out"), Err(NoSamples::Off));
    assert_eq!(view.topology()["samples"], false);
    engine.stop();
}

#[test]
fn a_feed_says_why_it_takes_nothing_and_its_secrets_are_not_shown() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("topology/customer-events/feeds.yaml");
    let environment = |name: &str| match name {
        "RABBITMQ_URL" => Some("amqp://ann:hunter2@localhost:5672".to_owned()),
        "EVENTBRIDGE_KEY" => Some("hunter2".to_owned()),
        _ => None,
    };
    let topology = Arc::new(topology::load(&path, &environment).unwrap_or_else(|mistakes| panic!("{mistakes:?}")));
    let engine = engine(&MemoryBroker::waiting(1), &topology);
    let feed = Arc::new(FeedState::new("ecomm"));
    feed.down("nobody is there");
    feed.unacknowledged(3);
    let view = view(
        &topology,
        topology::written(&path).unwrap(),
        engine.status().clone(),
        vec![feed],
    );
    let live = view.live();
    assert_eq!(
        live["nodes"]["feed:ecomm"],
        json!({"in": 0, "out": 0, "unacknowledged": 3, "down": "nobody is there"})
    );
    let shown = view.topology();
    engine.stop();
    assert!(
        node(&shown, "feed:ecomm")["config"]
            .as_str()
            .unwrap()
            .contains("url: \"${RABBITMQ_URL}\"")
    );
    assert!(
        shown["edges"]
            .as_array()
            .unwrap()
            .iter()
            .any(|edge| edge["from"] == "feed:ecomm" && edge["to"] == "source:rabbitmq")
    );
    assert!(!format!("{shown}{live}").contains("hunter2"));
}
