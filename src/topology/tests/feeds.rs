//! Feeds, and what of a topology a process runs.

use super::{right, wrong};
use crate::topology::{FeedKey, Selection, Topology};

const SHOP: &str = "\
application: shop
feeds:
  queue: {type: sqs, queue_url: \"https://sqs.example/1/shop\", topic: feed.orders, key: {of: clean}, headers: {env: prod, id: = event.id}}
sources: {orders: {topic: feed.orders}, returns: {topic: feed.returns}}
tables: {customers: {topic: reference.customers}}
processors:
  clean: {type: redact, from: orders, fields: [token]}
  by-customer: {type: repartition, from: clean, key: = event.customer, topic: shop.by-customer}
  known: {type: enrich, from: by-customer, with: {customer: {table: customers, key: = event.customer}}, missing: pass}
sinks: {out: {from: known, topic: out}, back: {from: returns, topic: back}}
dead_letters: {topic: dead}
";

#[test]
fn a_feed_is_read_with_its_key_and_headers() {
    let topology = right(SHOP);
    let feed = &topology.feeds[0];
    assert_eq!((feed.name.as_str(), feed.topic.as_str()), ("queue", "feed.orders"));
    assert!(matches!(&feed.key, Some(FeedKey::Of(name, _)) if name == "clean"));
    let headers: Vec<&str> = feed.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(headers, ["env", "id"]);
    assert_eq!(feed.kind.type_name(), "sqs");
}

#[test]
fn a_feed_fills_the_topic_of_a_source() {
    assert_eq!(
        wrong(&SHOP.replace("topic: feed.orders, key", "topic: feed.order, key")),
        ["3:70 the feed fills `feed.order`, which no source reads | did you mean `feed.orders`?"]
    );
}

#[test]
fn a_feeds_key_comes_from_a_processor_that_needs_the_record_alone() {
    assert_eq!(
        wrong(&SHOP.replace("{of: clean}", "{of: cleen}")),
        ["3:93 no processor is named `cleen` | did you mean `clean`?"]
    );
    for name in ["known", "by-customer"] {
        assert_eq!(
            wrong(&SHOP.replace("{of: clean}", &format!("{{of: {name}}}"))),
            [format!(
                "3:93 `{name}` needs more than the record to give it a key: a store, a table or a topic | name a processor \
                 that comes before it, as a `map` or a `switch`"
            )]
        );
    }
}

#[test]
fn nothing_reads_from_a_feed_by_its_name() {
    assert_eq!(
        wrong(&SHOP.replace("back: {from: returns", "back: {from: queue"))
            .first()
            .map(String::as_str),
        Some("10:54 `queue` is a feed, which fills a topic and no more | name the source that reads the feed's topic")
    );
}

/// Topics read, whether the feed runs, whether the table is looked up.
fn selected(topology: &Topology, names: &[&str]) -> (Vec<&'static str>, bool, bool) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let selection = Selection::of(topology, &names).unwrap();
    let topics = ["feed.orders", "feed.returns", "shop.by-customer"];
    let read = topics.into_iter().filter(|topic| selection.reads(topic)).collect();
    (read, selection.runs_feed("queue"), selection.looks_up(0))
}

#[test]
fn a_process_runs_the_sub_topologies_and_feeds_that_are_named() {
    let topology = right(SHOP);
    assert_eq!(selected(&topology, &["queue"]), (vec![], true, false));
    for name in ["orders", "clean", "by-customer"] {
        assert_eq!(
            selected(&topology, &[name]),
            (vec!["feed.orders"], false, false),
            "{name}"
        );
    }
    assert_eq!(selected(&topology, &["out"]), (vec!["shop.by-customer"], false, true));
    assert_eq!(
        selected(&topology, &["back", "queue", "known"]),
        (vec!["feed.returns", "shop.by-customer"], true, true)
    );
    let all = Selection::all(&topology);
    assert!(all.runs_feed("queue") && all.looks_up(0) && all.reads("feed.returns"));
}

#[test]
fn a_name_that_nothing_has_is_refused_with_the_nearest() {
    let topology = right(SHOP);
    assert_eq!(
        Selection::of(&topology, &["quue".to_owned()]).unwrap_err(),
        "no feed, source, processor or sink is named `quue`; did you mean `queue`?"
    );
    assert_eq!(
        Selection::of(&topology, &["everything".to_owned()]).unwrap_err(),
        "no feed, source, processor or sink is named `everything`; there are: queue, orders, returns, clean, by-customer, known, out, \
         back"
    );
}
